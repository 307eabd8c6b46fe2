#include <stdlib.h>
#include <string.h>

#include "web/chart.h"
#include "web/html.h"
#include "web/status_page.h"
#include "web/status_tables.h"

/* In words: "The newest 10 of 14", "the last 30 days". */
_Static_assert(STATUS_ROWS == 10 && STATUS_DAYS == 30, "the words of both languages say so");

/* lib/web/status.css */
extern const char status_style[];

/*
 * Sums.
 */

/* What is waiting and what is in hand are one to who looks; what was skipped is no payment to carry. */
static struct chart_day
day_of(const struct ledger_day *day)
{
	return (struct chart_day){ .payments = day->payments[PAYMENT_SUCCESS] +
		    day->payments[PAYMENT_FAILED] + day->payments[PAYMENT_PENDING] +
		    day->payments[PAYMENT_PROCESSING],
		.carried = day->kopecks[PAYMENT_SUCCESS],
		.waiting = day->kopecks[PAYMENT_PENDING] + day->kopecks[PAYMENT_PROCESSING],
		.failed = day->kopecks[PAYMENT_FAILED] };
}

/* The sum of the last `count` days. */
static struct ledger_day
sum_of(const struct status_facts *facts, int count)
{
	struct ledger_day sum = { 0 };
	int i, status;

	for (i = STATUS_DAYS - count; i < STATUS_DAYS; i++)
		for (status = 0; status < PAYMENT_STATUSES; status++) {
			sum.payments[status] += facts->days[i].payments[status];
			sum.kopecks[status] += facts->days[i].kopecks[status];
		}
	return sum;
}

/*
 * Small parts.
 */

/* "12 платежей" */
static void
payments(struct html *page, const struct locale *locale, int64_t count)
{
	char text[LOCALE_TEXT];

	html_text(page, locale_count(locale, text, count));
	html_markup(page, "\xC2\xA0");
	html_text(page, locale->payments[locale->plural(count)]);
}

/*
 * The head: is all well?
 */

static void
write_alarm(
    struct html *page, const struct locale *locale, enum alarm_kind kind, const struct alarm *alarm)
{
	char text[LOCALE_TEXT], per_cent[LOCALE_TEXT];
	const char *value = locale_span(locale, text, alarm->value);

	if (kind == ALARM_TOKEN && alarm->value <= 0) {
		html_element(page, "<li>", locale->token_expired, "</li>");
		return;
	}
	if (kind == ALARM_BACKLOG_GROWTH)
		value = locale_count(locale, text, alarm->value);
	if (kind == ALARM_UNAUTHORIZED) {
		snprintf(per_cent, sizeof(per_cent), "%s\xC2\xA0%%",
		    locale_count(locale, text, alarm->value));
		value = per_cent;
	}
	html_markup(page, "<li>");
	html_fill(page, locale->alarms[kind], value);
	html_markup(page, "</li>");
}

static bool
has_alarms(const struct overview *seen)
{
	int kind;

	for (kind = 0; kind < ALARM_KINDS; kind++)
		if (seen->alarms[kind].on)
			return true;
	return seen->crm.open;
}

/* Why amoCRM takes no requests at all. */
static const char *
refusal_of(const struct locale *locale, int64_t status)
{
	return locale->crm_refuses[status >= 401 && status <= 403 ? status - 401 : 3];
}

static void
write_alarms(struct html *page, const struct locale *locale, const struct overview *seen)
{
	int kind;

	if (!has_alarms(seen))
		return;
	html_markup(page, "<ul class=\"alarms\" role=\"alert\">");
	if (seen->crm.open) {
		html_element(
		    page, "<li class=\"failed\">", refusal_of(locale, seen->crm.status), ": ");
		html_element(page, "", locale->crm_until, "</li>");
	}
	for (kind = 0; kind < ALARM_KINDS; kind++)
		if (seen->alarms[kind].on)
			write_alarm(page, locale, (enum alarm_kind)kind, &seen->alarms[kind]);
	html_markup(page, "</ul>");
}

static const char *
host_of(const char *url)
{
	const char *scheme = strstr(url, "://");

	return scheme != NULL ? scheme + 3 : url;
}

static void
write_head(struct html *page, const struct locale *locale, const struct status_facts *facts)
{
	bool sick = facts->seen == NULL,
	     well = !sick && !has_alarms(facts->seen) &&
	    facts->seen->stats.payments[PAYMENT_FAILED] == 0 && facts->seen->stats.conflicts == 0;
	char text[LOCALE_TEXT];

	html_format(page,
	    "<!DOCTYPE html><html lang=\"%s\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
	    "<meta name=\"color-scheme\" content=\"light dark\"><title>",
	    locale->code);
	html_text(page, locale->title);
	html_markup(page, "</title><style>");
	html_markup(page, status_style);
	html_markup(page, "</style></head><body><header><div><h1>");
	html_text(page, locale->title);
	html_markup(page, "</h1><p class=\"quiet\">");
	html_text(page, host_of(facts->account));
	if (!sick) {
		html_markup(page, " · ");
		html_fill(page, locale->updated,
		    locale_time(
			locale, text, facts->seen->now_ms / 1000, facts->seen->now_ms / 1000));
	}
	html_format(page, "</p></div><p class=\"pill %s\">",
	    sick       ? "failed"
		: well ? "carried"
		       : "waiting");
	html_text(page, sick ? locale->sick : well ? locale->all_well : locale->look);
	html_markup(page, "</p></header><main>");
}

/*
 * Today, 7 and 30 days.
 */

/* "1 не доставлен", "2 не доставлены" */
static void
write_part(struct html *page, const struct locale *locale, const char *kind, int64_t count,
    const char *one, const char *many)
{
	char text[LOCALE_TEXT];

	html_format(page, "<li class=\"%s%s\"><b>", kind, count == 0 ? " zero" : "");
	html_text(page, locale_count(locale, text, count));
	html_markup(page, "</b> ");
	html_element(page, "", locale->plural(count) == 0 ? one : many, "</li>");
}

static void
write_period(
    struct html *page, const struct locale *locale, const char *name, const struct ledger_day *sum)
{
	struct chart_day all = day_of(sum);
	char text[LOCALE_TEXT];

	html_element(page, "<section class=\"card period\"><h2>", name, "</h2><p class=\"sum\">");
	html_text(page, locale_roubles(locale, text, all.carried + all.waiting + all.failed));
	html_markup(page, "</p><p class=\"quiet\">");
	payments(page, locale, all.payments);
	html_markup(page, "</p><ul class=\"legend\">");
	write_part(page, locale, "carried", sum->payments[PAYMENT_SUCCESS],
	    locale->status[PAYMENT_SUCCESS], locale->carried);
	write_part(page, locale, "waiting",
	    sum->payments[PAYMENT_PENDING] + sum->payments[PAYMENT_PROCESSING],
	    locale->status[PAYMENT_PENDING], locale->waiting);
	write_part(page, locale, "failed", sum->payments[PAYMENT_FAILED],
	    locale->status[PAYMENT_FAILED], locale->failed);
	html_markup(page, "</ul></section>");
}

static void
write_periods(struct html *page, const struct locale *locale, const struct status_facts *facts)
{
	static const int lengths[] = { 1, 7, STATUS_DAYS };
	int i;

	html_markup(page, "<div class=\"periods\">");
	for (i = 0; i < 3; i++) {
		struct ledger_day sum = sum_of(facts, lengths[i]);

		write_period(page, locale, locale->periods[i], &sum);
	}
	html_markup(page, "</div>");
}

static void
write_day_row(
    struct html *page, const struct locale *locale, int64_t day, const struct chart_day *seen)
{
	char text[LOCALE_TEXT];

	html_element(page, "<tr><th scope=\"row\">", locale_day(locale, text, day),
	    "</th><td class=\"number\">");
	html_text(page, locale_count(locale, text, seen->payments));
	html_markup(page, "</td><td class=\"number\">");
	html_text(page, locale_roubles(locale, text, seen->carried + seen->waiting + seen->failed));
	html_markup(page, "</td></tr>");
}

static void
write_chart(struct html *page, const struct locale *locale, const struct status_facts *facts)
{
	struct chart_day days[STATUS_DAYS];
	int64_t first = facts->today - STATUS_DAYS + 1;
	int i;

	for (i = 0; i < STATUS_DAYS; i++)
		days[i] = day_of(&facts->days[i]);
	html_markup(page, "<section class=\"card\">");
	if (!chart_write(page, locale, first, days, STATUS_DAYS)) {
		html_markup(page, "</section>");
		return;
	}
	html_element(page, "<details><summary>", locale->table_by_day,
	    "</summary><table class=\"plain\"><thead><tr>");
	html_element(page, "<th scope=\"col\">", locale->day, "</th>");
	html_element(page, "<th scope=\"col\" class=\"number\">", locale->count, "</th>");
	html_element(page, "<th scope=\"col\" class=\"number\">", locale->amount,
	    "</th></tr></thead><tbody>");
	for (i = STATUS_DAYS - 1; i >= 0; i--)
		write_day_row(page, locale, first + i, &days[i]);
	html_markup(page, "</tbody></table></details></section>");
}

/*
 * Right now.
 */

static void
write_backlog(struct html *page, const struct locale *locale, const struct overview *seen)
{
	char text[LOCALE_TEXT];
	int64_t oldest_ms = seen->stats.oldest_unfinished_ms;

	html_element(page, "<div><dt>", locale->backlog, "</dt><dd>");
	html_text(page, locale_count(locale, text, seen->backlog));
	html_markup(page, "<small>");
	if (oldest_ms != 0)
		html_fill(page, locale->oldest,
		    locale_span(locale, text, (seen->now_ms - oldest_ms) / 1000));
	else
		html_text(page, locale->nothing_waits);
	html_markup(page, "</small></dd></div>");
}

static void
write_crm(struct html *page, const struct locale *locale, const struct overview *seen, int64_t rate)
{
	const struct limiter_state *crm = &seen->crm;
	char text[LOCALE_TEXT], used[LOCALE_TEXT];

	html_element(page, "<div><dt>", locale->crm, "</dt><dd>");
	if (crm->open) {
		html_markup(page, "<span class=\"bad\">");
		html_fill(page, locale->crm_open, locale_count(locale, text, crm->status));
		html_markup(page, "</span><small>");
		html_fill(page, locale->crm_since,
		    locale_time(locale, text, crm->since_ms / 1000, seen->now_ms / 1000));
	} else {
		html_text(page, locale->crm_well);
		html_markup(page, "<small>");
		snprintf(used, sizeof(used), "%d/%d", (int)crm->used, (int)rate);
		html_fill(page, locale->limiter, used);
	}
	html_markup(page, "</small></dd></div>");
}

static void
write_token(struct html *page, const struct locale *locale, const struct overview *seen)
{
	int64_t now = seen->now_ms / 1000;
	char text[LOCALE_TEXT];

	html_element(page, "<div><dt>", locale->token, "</dt><dd>");
	if (seen->token_expires == 0)
		html_text(page, locale->unknown);
	else if (seen->token_expires <= now)
		html_text(page, locale->token_expired);
	else
		html_fill(
		    page, locale->token_left, locale_span(locale, text, seen->token_expires - now));
	html_markup(page, "</dd></div>");
}

static void
write_now(struct html *page, const struct locale *locale, const struct status_facts *facts)
{
	const struct overview *seen = facts->seen;
	int64_t now = seen->now_ms / 1000;
	char text[LOCALE_TEXT];

	html_element(page, "<section class=\"card\"><h2>", locale->now, "</h2><dl>");
	write_backlog(page, locale, seen);
	write_crm(page, locale, seen, facts->rate);
	html_element(page, "<div><dt>", locale->last_payment, "</dt><dd>");
	html_element(
	    page, "", locale_time(locale, text, seen->last_arrival_ms / 1000, now), "</dd></div>");
	html_element(page, "<div><dt>", locale->last_success, "</dt><dd>");
	html_element(page, "", locale_time(locale, text, seen->stats.last_success_ms / 1000, now),
	    "</dd></div>");
	write_token(page, locale, seen);
	html_markup(page, "</dl></section>");
}

char *
status_page(const struct locale *locale, const struct status_facts *facts)
{
	struct html page;

	html_begin(&page);
	write_head(&page, locale, facts);
	if (facts->seen == NULL) {
		html_markup(&page, "<ul class=\"alarms\" role=\"alert\"><li>");
		html_fill(&page, locale->unreadable, facts->sick);
		html_markup(&page, "</li></ul>");
	} else {
		write_alarms(&page, locale, facts->seen);
		write_periods(&page, locale, facts);
		write_chart(&page, locale, facts);
		write_now(&page, locale, facts);
		status_failures(&page, locale, facts);
		status_conflicts(&page, locale, facts);
		status_newest(&page, locale, facts);
	}
	html_markup(&page, "</main></body></html>\n");
	return html_end(&page);
}
