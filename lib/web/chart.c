#include "web/chart.h"

/* The drawing's own units: a bar a day, this high and wide. */
#define HEIGHT 1000
#define STEP   100
#define BAR    64

static int64_t
total(const struct chart_day *day)
{
	return day->carried + day->waiting + day->failed;
}

static int64_t
highest(const struct chart_day *days, int count)
{
	int64_t most = 0;
	int i;

	for (i = 0; i < count; i++)
		if (total(&days[i]) > most)
			most = total(&days[i]);
	return most;
}

/* The next of 2, 4, 6, 8, 10, 20 .. roubles: the top of the scale, whose half is round too. */
static int64_t
round_up(int64_t kopecks)
{
	static const int64_t steps[] = { 2, 4, 6, 8, 10 };
	int64_t power = 100;
	int i = 0;

	while (power * steps[i] < kopecks)
		if (++i == 5) {
			power *= 10;
			i = 0;
		}
	return power * steps[i];
}

static void
write_scale(struct html *page, const struct locale *locale, int64_t top)
{
	char text[LOCALE_TEXT];
	int i;

	html_markup(page, "<div class=\"scale\" aria-hidden=\"true\">");
	for (i = 2; i >= 0; i--) {
		html_markup(page, "<span>");
		html_text(page, locale_amount(locale, text, top * i / 2));
		html_markup(page, "</span>");
	}
	html_markup(page, "</div>");
}

/* One part of a bar, standing on what is below it; returns how high the bar now is. */
static int64_t
write_part(
    struct html *page, const char *kind, int number, int64_t kopecks, int64_t below, int64_t top)
{
	int64_t height = kopecks * HEIGHT / top;

	/* Little is still something. */
	if (kopecks > 0 && height < 8)
		height = 8;
	if (height > 0)
		html_format(page,
		    "<rect class=\"%s\" x=\"%d\" y=\"%lld\" width=\"%d\" height=\"%lld\"/>", kind,
		    number * STEP + (STEP - BAR) / 2, (long long)(HEIGHT - below - height), BAR,
		    (long long)height);
	return below + height;
}

static void
write_bar(struct html *page, const struct locale *locale, int64_t day, int number,
    const struct chart_day *seen, int64_t top)
{
	char text[LOCALE_TEXT];
	int64_t below;

	html_markup(page, "<g><title>");
	html_text(page, locale_day(locale, text, day));
	html_markup(page, ": ");
	html_text(page, locale_roubles(locale, text, total(seen)));
	html_markup(page, ", ");
	html_text(page, locale_count(locale, text, seen->payments));
	html_markup(page, " ");
	html_text(page, locale->payments[locale->plural(seen->payments)]);
	html_markup(page, "</title>");
	/* The pointer finds the day above a low bar too. */
	html_format(page, "<rect class=\"day\" x=\"%d\" y=\"0\" width=\"%d\" height=\"%d\"/>",
	    number * STEP, STEP, HEIGHT);
	below = write_part(page, "carried", number, seen->carried, 0, top);
	below = write_part(page, "waiting", number, seen->waiting, below, top);
	write_part(page, "failed", number, seen->failed, below, top);
	html_markup(page, "</g>");
}

static void
write_bars(struct html *page, const struct locale *locale, int64_t first_day,
    const struct chart_day *days, int count, int64_t most)
{
	char text[LOCALE_TEXT];
	int64_t top = round_up(most);
	int i;

	html_format(page,
	    "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\""
	    " aria-labelledby=\"chart-title chart-about\"><title id=\"chart-title\">",
	    count * STEP, HEIGHT);
	html_text(page, locale->chart);
	html_markup(page, "</title><desc id=\"chart-about\">");
	html_fill(page, locale->chart_about, locale_amount(locale, text, most));
	html_markup(page, "</desc>");
	for (i = 0; i <= 2; i++)
		html_format(page, "<line x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", count * STEP,
		    i * HEIGHT / 2, i * HEIGHT / 2);
	for (i = 0; i < count; i++)
		write_bar(page, locale, first_day + i, i, &days[i], top);
	html_markup(page, "</svg>");
}

/* Each week's day, ending with the last. */
static void
write_days(struct html *page, const struct locale *locale, int64_t first_day, int count)
{
	char text[LOCALE_TEXT];
	int i;

	html_markup(page, "<div class=\"days\" aria-hidden=\"true\">");
	for (i = 0; i < count; i++) {
		html_markup(page, "<span>");
		if ((count - 1 - i) % 7 == 0) {
			html_markup(page, "<b>");
			html_text(page, locale_day(locale, text, first_day + i));
			html_markup(page, "</b>");
		}
		html_markup(page, "</span>");
	}
	html_markup(page, "</div>");
}

static void
write_legend(struct html *page, const struct locale *locale)
{
	const char *const kinds[][2] = { { "carried", locale->carried },
		{ "waiting", locale->waiting }, { "failed", locale->failed } };
	int i;

	html_markup(page, "<ul class=\"legend\">");
	for (i = 0; i < 3; i++) {
		html_format(page, "<li class=\"%s\">", kinds[i][0]);
		html_text(page, kinds[i][1]);
		html_markup(page, "</li>");
	}
	html_markup(page, "</ul>");
}

bool
chart_write(struct html *page, const struct locale *locale, int64_t first_day,
    const struct chart_day *days, int count)
{
	int64_t most = highest(days, count);

	html_markup(page, "<div class=\"head\"><h2>");
	html_text(page, locale->chart);
	html_markup(page, "</h2>");
	if (most == 0) {
		html_markup(page, "</div><p class=\"none\">");
		html_text(page, locale->chart_empty);
		html_markup(page, "</p>");
		return false;
	}
	write_legend(page, locale);
	html_markup(page, "</div><div class=\"plot\">");
	write_scale(page, locale, round_up(most));
	write_bars(page, locale, first_day, days, count, most);
	write_days(page, locale, first_day, count);
	html_markup(page, "</div>");
	return true;
}
