/*
 * Where each bar of the chart stands and what is written beside it.  Everything is computed in
 * integers, in units of the drawing, which the template states too: the browser stretches them.
 */
#include <stddef.h>

#include "web/chart.h"

/* A day is STEP wide, its bar 64 in the middle of it, and the highest HEIGHT. */
#define HEIGHT 1000
#define STEP   100
#define INSET  18

/* A room for one text, until the end of the block. */
#define TEXT ((char[LOCALE_TEXT]){ 0 })

int64_t
chart_sum(const struct chart_day *day)
{
	return day->carried + day->waiting + day->failed;
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

/* The parts of a day's bar, each standing on the one before. */
static json_t *
bars_of(const struct chart_day *day, int left, int64_t top)
{
	const struct {
		const char *tone;
		int64_t kopecks;
	} parts[] = { { "carried", day->carried }, { "waiting", day->waiting },
		{ "failed", day->failed } };
	json_t *bars = json_array();
	int64_t below = 0;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int64_t height = parts[i].kopecks * HEIGHT / top;

		/* Little is still something. */
		if (parts[i].kopecks > 0 && height < 8)
			height = 8;
		below += height;
		if (height > 0)
			json_array_append_new(bars,
			    json_pack("{s:s, s:i, s:I, s:I}", "tone", parts[i].tone, "x",
				left + INSET, "y", (json_int_t)(HEIGHT - below), "height",
				(json_int_t)height));
	}
	return bars;
}

json_t *
chart_view(const struct locale *locale, int64_t first_day, const struct chart_day *days, int count)
{
	json_t *all, *latest_first;
	int64_t most = 0, top;
	int i;

	for (i = 0; i < count; i++)
		if (chart_sum(&days[i]) > most)
			most = chart_sum(&days[i]);
	/* Nothing to draw, and nothing to divide by. */
	if (most == 0)
		return NULL;
	top = round_up(most);

	all = json_array();
	latest_first = json_array();
	for (i = 0; i < count; i++) {
		json_t *day = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:b}", "day",
		    locale_day(locale, TEXT, first_day + i), "sum",
		    locale_roubles(locale, TEXT, chart_sum(&days[i])), "count",
		    locale_count(locale, TEXT, days[i].payments), "payments",
		    locale_payments(locale, TEXT, days[i].payments), "left", i * STEP, "bars",
		    bars_of(&days[i], i * STEP, top),
		    /*
		     * More dates than one a week would run into each other; the last day has one.
		     */
		    "week", (count - 1 - i) % 7 == 0);

		json_array_append(all, day);
		json_array_insert_new(latest_first, 0, day);
	}
	return json_pack("{s:i, s:o, s:[s, s, s], s:o, s:o}", "width", count * STEP, "about",
	    locale_fill(locale_text(locale, "chart_about"), locale_amount(locale, TEXT, most)),
	    "scale", locale_amount(locale, TEXT, top), locale_amount(locale, TEXT, top / 2),
	    locale_amount(locale, TEXT, 0), "days", all, "latest_first", latest_first);
}
