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
payments(struct html *page, const struct words *words, int64_t count)
{
	char text[WORDS_TEXT];

	html_text(page, words_count(words, text, count));
	html_markup(page, "\xC2\xA0");
	html_text(page, words->payments[words->plural(count)]);
}

/*
 * The head: is all well?
 */

static void
write_alarm(
    struct html *page, const struct words *words, enum alarm_kind kind, const struct alarm *alarm)
{
	char text[WORDS_TEXT], per_cent[WORDS_TEXT];
	const char *value = words_span(words, text, alarm->value);

	if (kind == ALARM_TOKEN && alarm->value <= 0) {
		html_element(page, "<li>", words->token_expired, "</li>");
		return;
	}
	if (kind == ALARM_BACKLOG_GROWTH)
		value = words_count(words, text, alarm->value);
	if (kind == ALARM_UNAUTHORIZED) {
		snprintf(per_cent, sizeof(per_cent), "%s\xC2\xA0%%",
		    words_count(words, text, alarm->value));
		value = per_cent;
	}
	html_markup(page, "<li>");
	html_fill(page, words->alarms[kind], value);
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
refusal_of(const struct words *words, int64_t status)
{
	return words->crm_refuses[status >= 401 && status <= 403 ? status - 401 : 3];
}

static void
write_alarms(struct html *page, const struct words *words, const struct overview *seen)
{
	int kind;

	if (!has_alarms(seen))
		return;
	html_markup(page, "<ul class=\"alarms\" role=\"alert\">");
	if (seen->crm.open) {
		html_element(
		    page, "<li class=\"failed\">", refusal_of(words, seen->crm.status), ": ");
		html_element(page, "", words->crm_until, "</li>");
	}
	for (kind = 0; kind < ALARM_KINDS; kind++)
		if (seen->alarms[kind].on)
			write_alarm(page, words, (enum alarm_kind)kind, &seen->alarms[kind]);
	html_markup(page, "</ul>");
}

static const char *
host_of(const char *url)
{
	const char *scheme = strstr(url, "://");

	return scheme != NULL ? scheme + 3 : url;
}

static void
write_head(struct html *page, const struct words *words, const struct status_facts *facts)
{
	bool sick = facts->seen == NULL,
	     well = !sick && !has_alarms(facts->seen) &&
	    facts->seen->stats.payments[PAYMENT_FAILED] == 0 && facts->seen->stats.conflicts == 0;
	char text[WORDS_TEXT];

	html_format(page,
	    "<!DOCTYPE html><html lang=\"%s\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
	    "<meta name=\"color-scheme\" content=\"light dark\"><title>",
	    words->code);
	html_text(page, words->title);
	html_markup(page, "</title><style>");
	html_markup(page, status_style);
	html_markup(page, "</style></head><body><header><div><h1>");
	html_text(page, words->title);
	html_markup(page, "</h1><p class=\"quiet\">");
	html_text(page, host_of(facts->account));
	if (!sick) {
		html_markup(page, " · ");
		html_fill(page, words->updated,
		    words_time(
			words, text, facts->seen->now_ms / 1000, facts->seen->now_ms / 1000));
	}
	html_format(page, "</p></div><p class=\"pill %s\">",
	    sick       ? "failed"
		: well ? "carried"
		       : "waiting");
	html_text(page, sick ? words->sick : well ? words->all_well : words->look);
	html_markup(page, "</p></header><main>");
}

/*
 * Today, 7 and 30 days.
 */

/* "1 не доставлен", "2 не доставлены" */
static void
write_part(struct html *page, const struct words *words, const char *kind, int64_t count,
    const char *one, const char *many)
{
	char text[WORDS_TEXT];

	html_format(page, "<li class=\"%s%s\"><b>", kind, count == 0 ? " zero" : "");
	html_text(page, words_count(words, text, count));
	html_markup(page, "</b> ");
	html_element(page, "", words->plural(count) == 0 ? one : many, "</li>");
}

static void
write_period(
    struct html *page, const struct words *words, const char *name, const struct ledger_day *sum)
{
	struct chart_day all = day_of(sum);
	char text[WORDS_TEXT];

	html_element(page, "<section class=\"card period\"><h2>", name, "</h2><p class=\"sum\">");
	html_text(page, words_roubles(words, text, all.carried + all.waiting + all.failed));
	html_markup(page, "</p><p class=\"quiet\">");
	payments(page, words, all.payments);
	html_markup(page, "</p><ul class=\"legend\">");
	write_part(page, words, "carried", sum->payments[PAYMENT_SUCCESS],
	    words->status[PAYMENT_SUCCESS], words->carried);
	write_part(page, words, "waiting",
	    sum->payments[PAYMENT_PENDING] + sum->payments[PAYMENT_PROCESSING],
	    words->status[PAYMENT_PENDING], words->waiting);
	write_part(page, words, "failed", sum->payments[PAYMENT_FAILED],
	    words->status[PAYMENT_FAILED], words->failed);
	html_markup(page, "</ul></section>");
}

static void
write_periods(struct html *page, const struct words *words, const struct status_facts *facts)
{
	static const int lengths[] = { 1, 7, STATUS_DAYS };
	int i;

	html_markup(page, "<div class=\"periods\">");
	for (i = 0; i < 3; i++) {
		struct ledger_day sum = sum_of(facts, lengths[i]);

		write_period(page, words, words->periods[i], &sum);
	}
	html_markup(page, "</div>");
}

static void
write_day_row(
    struct html *page, const struct words *words, int64_t day, const struct chart_day *seen)
{
	char text[WORDS_TEXT];

	html_element(page, "<tr><th scope=\"row\">", words_day(words, text, day),
	    "</th><td class=\"number\">");
	html_text(page, words_count(words, text, seen->payments));
	html_markup(page, "</td><td class=\"number\">");
	html_text(page, words_roubles(words, text, seen->carried + seen->waiting + seen->failed));
	html_markup(page, "</td></tr>");
}

static void
write_chart(struct html *page, const struct words *words, const struct status_facts *facts)
{
	struct chart_day days[STATUS_DAYS];
	int64_t first = facts->today - STATUS_DAYS + 1;
	int i;

	for (i = 0; i < STATUS_DAYS; i++)
		days[i] = day_of(&facts->days[i]);
	html_markup(page, "<section class=\"card\">");
	if (!chart_write(page, words, first, days, STATUS_DAYS)) {
		html_markup(page, "</section>");
		return;
	}
	html_element(page, "<details><summary>", words->table_by_day,
	    "</summary><table class=\"plain\"><thead><tr>");
	html_element(page, "<th scope=\"col\">", words->day, "</th>");
	html_element(page, "<th scope=\"col\" class=\"number\">", words->count, "</th>");
	html_element(page, "<th scope=\"col\" class=\"number\">", words->amount,
	    "</th></tr></thead><tbody>");
	for (i = STATUS_DAYS - 1; i >= 0; i--)
		write_day_row(page, words, first + i, &days[i]);
	html_markup(page, "</tbody></table></details></section>");
}

/*
 * Right now.
 */

static void
write_backlog(struct html *page, const struct words *words, const struct overview *seen)
{
	char text[WORDS_TEXT];
	int64_t oldest_ms = seen->stats.oldest_unfinished_ms;

	html_element(page, "<div><dt>", words->backlog, "</dt><dd>");
	html_text(page, words_count(words, text, seen->backlog));
	html_markup(page, "<small>");
	if (oldest_ms != 0)
		html_fill(page, words->oldest,
		    words_span(words, text, (seen->now_ms - oldest_ms) / 1000));
	else
		html_text(page, words->nothing_waits);
	html_markup(page, "</small></dd></div>");
}

static void
write_crm(struct html *page, const struct words *words, const struct overview *seen, int64_t rate)
{
	const struct limiter_state *crm = &seen->crm;
	char text[WORDS_TEXT], used[WORDS_TEXT];

	html_element(page, "<div><dt>", words->crm, "</dt><dd>");
	if (crm->open) {
		html_markup(page, "<span class=\"bad\">");
		html_fill(page, words->crm_open, words_count(words, text, crm->status));
		html_markup(page, "</span><small>");
		html_fill(page, words->crm_since,
		    words_time(words, text, crm->since_ms / 1000, seen->now_ms / 1000));
	} else {
		html_text(page, words->crm_well);
		html_markup(page, "<small>");
		snprintf(used, sizeof(used), "%d/%d", (int)crm->used, (int)rate);
		html_fill(page, words->limiter, used);
	}
	html_markup(page, "</small></dd></div>");
}

static void
write_token(struct html *page, const struct words *words, const struct overview *seen)
{
	int64_t now = seen->now_ms / 1000;
	char text[WORDS_TEXT];

	html_element(page, "<div><dt>", words->token, "</dt><dd>");
	if (seen->token_expires == 0)
		html_text(page, words->unknown);
	else if (seen->token_expires <= now)
		html_text(page, words->token_expired);
	else
		html_fill(
		    page, words->token_left, words_span(words, text, seen->token_expires - now));
	html_markup(page, "</dd></div>");
}

static void
write_now(struct html *page, const struct words *words, const struct status_facts *facts)
{
	const struct overview *seen = facts->seen;
	int64_t now = seen->now_ms / 1000;
	char text[WORDS_TEXT];

	html_element(page, "<section class=\"card\"><h2>", words->now, "</h2><dl>");
	write_backlog(page, words, seen);
	write_crm(page, words, seen, facts->rate);
	html_element(page, "<div><dt>", words->last_payment, "</dt><dd>");
	html_element(
	    page, "", words_time(words, text, seen->last_arrival_ms / 1000, now), "</dd></div>");
	html_element(page, "<div><dt>", words->last_success, "</dt><dd>");
	html_element(page, "", words_time(words, text, seen->stats.last_success_ms / 1000, now),
	    "</dd></div>");
	write_token(page, words, seen);
	html_markup(page, "</dl></section>");
}

char *
status_page(const struct words *words, const struct status_facts *facts)
{
	struct html page;

	html_begin(&page);
	write_head(&page, words, facts);
	if (facts->seen == NULL) {
		html_markup(&page, "<ul class=\"alarms\" role=\"alert\"><li>");
		html_fill(&page, words->unreadable, facts->sick);
		html_markup(&page, "</li></ul>");
	} else {
		write_alarms(&page, words, facts->seen);
		write_periods(&page, words, facts);
		write_chart(&page, words, facts);
		write_now(&page, words, facts);
		status_failures(&page, words, facts);
		status_conflicts(&page, words, facts);
		status_newest(&page, words, facts);
	}
	html_markup(&page, "</main></body></html>\n");
	return html_end(&page);
}
