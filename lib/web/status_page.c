/*
 * The status page: facts in, HTML out.  The template says how the page is built, the locale what it
 * says; here is computed what it shows, as one JSON object.  Every value is escaped where the
 * template writes it, so none is escaped here.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "web/chart.h"
#include "web/html.h"
#include "web/status_page.h"

/* In the texts: "The newest 10 of 14", "the last 30 days". */
_Static_assert(STATUS_ROWS == 10 && STATUS_DAYS == 30, "the texts of both languages say so");

/* lib/web/status.html, with lib/web/status.css in it */
extern const char status_template[];

/* A room for one text, until the end of the block. */
#define TEXT ((char[LOCALE_TEXT]){ 0 })

/*
 * How each state of a payment is coloured, and the text for several payments in it.  To a reader,
 * what is in hand waits.
 */
static const char *const tones[PAYMENT_STATUSES] = { [PAYMENT_PENDING] = "waiting",
	[PAYMENT_PROCESSING] = "waiting",
	[PAYMENT_SUCCESS] = "carried",
	[PAYMENT_FAILED] = "failed",
	[PAYMENT_SKIPPED] = "skipped" };

/* What was skipped is no payment to deliver, and is not in the sums. */
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

/*
 * The head: is all well?
 */

static json_t *
alarm_text(const struct locale *locale, enum alarm_kind kind, int64_t value)
{
	const char *text = locale_part(locale, "alarms", alarm_name(kind));
	char per_cent[LOCALE_TEXT + 8];

	/* What the value of an alarm is depends on its kind: a span but for these. */
	if (kind == ALARM_TOKEN && value <= 0)
		return json_string(locale_text(locale, "token_expired"));
	if (kind == ALARM_BACKLOG_GROWTH || kind == ALARM_LOG_SIZE || kind == ALARM_REJECTED)
		return locale_fill(text, locale_count(locale, TEXT, value));
	if (kind == ALARM_UNAUTHORIZED) {
		snprintf(
		    per_cent, sizeof(per_cent), "%s\xC2\xA0%%", locale_count(locale, TEXT, value));
		return locale_fill(text, per_cent);
	}
	return locale_fill(text, locale_span(locale, TEXT, value));
}

/* What a person must know first; an empty array when there is nothing. */
static json_t *
alarms_of(const struct locale *locale, const struct status_facts *facts)
{
	const struct overview *seen = facts->seen;
	json_t *alarms = json_array();
	char says[512];
	int kind;

	if (seen == NULL) {
		json_array_append_new(alarms,
		    json_pack("{s:o}", "says",
			locale_fill(locale_text(locale, "unreadable"), facts->sick)));
		return alarms;
	}
	/*
	 * The token, the bill, the permissions and the address are cured by different people, so
	 * the page tells which it is.
	 */
	if (seen->crm.open) {
		snprintf(says, sizeof(says), "%s: %s",
		    locale_part(locale, "crm_refuses", limiter_cause(seen->crm.status)),
		    locale_text(locale, "crm_until"));
		json_array_append_new(
		    alarms, json_pack("{s:s, s:s}", "tone", "failed", "says", says));
	}
	for (kind = 0; kind < ALARM_KINDS; kind++)
		if (seen->alarms[kind].on)
			json_array_append_new(alarms,
			    json_pack("{s:o}", "says",
				alarm_text(
				    locale, (enum alarm_kind)kind, seen->alarms[kind].value)));
	return alarms;
}

/* The pill beside the title. */
static json_t *
health_of(const struct locale *locale, const struct status_facts *facts, bool alarms)
{
	/*
	 * A failed payment and a conflict raise no alarm, but wait for a person: all is not well.
	 */
	bool well = facts->seen != NULL && !alarms &&
	    facts->seen->stats.payments[PAYMENT_FAILED] == 0 && facts->seen->stats.conflicts == 0;
	const char *tone = facts->seen == NULL ? "failed" : well ? "carried" : "waiting";
	const char *says = facts->seen == NULL ? "sick" : well ? "all_well" : "look";

	return json_pack("{s:s, s:s}", "tone", tone, "says", locale_text(locale, says));
}

/*
 * Today, 7 and 30 days.
 */

/* "1 не доставлен", "2 не доставлены" */
static json_t *
part_of(const struct locale *locale, enum payment_status status, int64_t count)
{
	const char *says = locale->plural(count) == 0
	    ? locale_part(locale, "status", payment_status_name(status))
	    : locale_text(locale, tones[status]);

	return json_pack("{s:s, s:b, s:s, s:s}", "tone", tones[status], "zero", count == 0, "count",
	    locale_count(locale, TEXT, count), "says", says);
}

/* The last `count` days. */
static json_t *
period_of(
    const struct locale *locale, const struct status_facts *facts, const char *name, int count)
{
	struct ledger_day sum = { 0 };
	struct chart_day all;
	int i, status;

	for (i = STATUS_DAYS - count; i < STATUS_DAYS; i++)
		for (status = 0; status < PAYMENT_STATUSES; status++) {
			sum.payments[status] += facts->days[i].payments[status];
			sum.kopecks[status] += facts->days[i].kopecks[status];
		}
	all = day_of(&sum);
	return json_pack("{s:s, s:s, s:s, s:[o, o, o]}", "name",
	    locale_part(locale, "periods", name), "sum",
	    locale_roubles(locale, TEXT, chart_sum(&all)), "payments",
	    locale_payments(locale, TEXT, all.payments), "parts",
	    part_of(locale, PAYMENT_SUCCESS, sum.payments[PAYMENT_SUCCESS]),
	    part_of(locale, PAYMENT_PENDING,
		sum.payments[PAYMENT_PENDING] + sum.payments[PAYMENT_PROCESSING]),
	    part_of(locale, PAYMENT_FAILED, sum.payments[PAYMENT_FAILED]));
}

/*
 * Right now.
 */

static json_t *
backlog_of(const struct locale *locale, const struct overview *seen)
{
	int64_t oldest_ms = seen->stats.oldest_unfinished_ms;
	json_t *more = oldest_ms == 0
	    ? json_string(locale_text(locale, "nothing_waits"))
	    : locale_fill(locale_text(locale, "oldest"),
		  locale_span(locale, TEXT, clock_age_ms(seen->now_ms, oldest_ms) / 1000));

	return json_pack("{s:s, s:s, s:o}", "term", locale_text(locale, "backlog"), "says",
	    locale_count(locale, TEXT, seen->backlog), "more", more);
}

static json_t *
crm_of(const struct locale *locale, const struct overview *seen, int64_t rate)
{
	const struct limiter_state *crm = &seen->crm;
	char used[LOCALE_TEXT];
	json_t *says, *more;

	if (crm->open) {
		says = locale_fill(
		    locale_text(locale, "crm_open"), locale_count(locale, TEXT, crm->status));
		more = locale_fill(locale_text(locale, "crm_since"),
		    locale_time(locale, TEXT, crm->since_ms / 1000, seen->now_ms / 1000));
	} else {
		snprintf(used, sizeof(used), "%d/%d", (int)crm->used, (int)rate);
		says = json_string(locale_text(locale, "crm_well"));
		more = locale_fill(locale_text(locale, "limiter"), used);
	}
	return json_pack("{s:s, s:b, s:o, s:o}", "term", locale_text(locale, "crm"), "bad",
	    crm->open, "says", says, "more", more);
}

static json_t *
token_of(const struct locale *locale, const struct overview *seen)
{
	int64_t left = seen->token_expires - seen->now_ms / 1000;

	if (seen->token_expires == 0)
		return json_string(locale_text(locale, "unknown"));
	if (left <= 0)
		return json_string(locale_text(locale, "token_expired"));
	return locale_fill(locale_text(locale, "token_left"), locale_span(locale, TEXT, left));
}

static json_t *
now_of(const struct locale *locale, const struct status_facts *facts)
{
	const struct overview *seen = facts->seen;
	int64_t now = seen->now_ms / 1000;

	return json_pack("[o, o, {s:s, s:s}, {s:s, s:s}, {s:s, s:o}]", backlog_of(locale, seen),
	    crm_of(locale, seen, facts->rate), "term", locale_text(locale, "last_payment"), "says",
	    locale_time(locale, TEXT, seen->last_arrival_ms / 1000, now), "term",
	    locale_text(locale, "last_success"), "says",
	    locale_time(locale, TEXT, seen->stats.last_success_ms / 1000, now), "term",
	    locale_text(locale, "token"), "says", token_of(locale, seen));
}

/*
 * The tables of payments.
 */

/* Each table has the time, the payment and its amount, and then these two columns. */
static const struct table {
	const char *id; /* In the page's address; NULL: none. */
	const char *title;
	const char *none; /* When there are no rows; NULL: then the table is left out. */
	const char *columns[2];
	bool by_state;    /* The first of them is the payment's state, else the reason. */
	bool with_button; /* The second is the button that retries it, else the lead. */
} failed_table = { "failed", "failures", "no_failures", { "reason", "action" }, false, true },
  conflicts_table = { "conflicts", "conflicts", NULL, { "reason", "lead" }, false, false },
  newest_table = { NULL, "newest", "no_payments", { "state", "lead" }, true, false };

/*
 * Of a row's members only these are taken: what the ledger may add to it some day is not shown by
 * itself.
 */
static json_t *
row_of(const struct table *table, const struct locale *locale, int64_t now, const json_t *row)
{
	const char *payment_id = json_string_value(json_object_get(row, "payment_id"));
	const char *status = json_string_value(json_object_get(row, "status"));
	int64_t lead_id = json_integer_value(json_object_get(row, "lead_id"));
	json_t *shown = json_pack("{s:s*, s:s, s:s}", "payment_id", payment_id, "when",
	    locale_time(locale, TEXT, json_integer_value(json_object_get(row, "at")), now),
	    "amount",
	    locale_roubles(locale, TEXT, json_integer_value(json_object_get(row, "kopecks"))));

	if (table->by_state)
		json_object_set_new(shown, "state",
		    json_pack("{s:s, s:s}", "tone", tones[payment_status_parse(status)], "says",
			locale_part(locale, "status", status)));
	else
		json_object_set(shown, "reason", json_object_get(row, "reason"));
	if (table->with_button)
		json_object_set_new(shown, "button",
		    json_pack("{s:O*, s:o}", "token", json_object_get(row, "token"), "retry_of",
			locale_fill(locale_text(locale, "retry_of"), payment_id)));
	else if (lead_id != 0)
		json_object_set_new(shown, "lead", json_integer(lead_id));
	return shown;
}

/* note (NULL: none) stands below the table and is taken over. */
static void
add_table(json_t *tables, const struct table *table, const struct locale *locale, int64_t now,
    const json_t *rows, json_t *note)
{
	json_t *shown = json_array(), *view;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		json_array_append_new(shown, row_of(table, locale, now, row));
	view = json_pack("{s:s*, s:s, s:o*}", "id", table->id, "title",
	    locale_text(locale, table->title), "note", note);
	if (json_array_size(shown) > 0)
		json_object_set_new(view, "table",
		    json_pack("{s:[s, s], s:O}", "columns", locale_text(locale, table->columns[0]),
			locale_text(locale, table->columns[1]), "rows", shown));
	else if (table->none != NULL)
		json_object_set_new(view, "none", json_string(locale_text(locale, table->none)));
	if (json_array_size(shown) > 0 || table->none != NULL)
		json_array_append(tables, view);
	json_decref(view);
	json_decref(shown);
}

static json_t *
tables_of(const struct locale *locale, const struct status_facts *facts)
{
	const struct ledger_stats *stats = &facts->seen->stats;
	int64_t now = facts->seen->now_ms / 1000, failed = stats->payments[PAYMENT_FAILED];
	json_t *tables = json_array(), *note = NULL;

	/*
	 * The page says so when it does not show all of them, or its reader would take ten for all.
	 */
	if (failed > (int64_t)json_array_size(facts->failed))
		note = locale_fill(
		    locale_text(locale, "failures_shown"), locale_count(locale, TEXT, failed));
	add_table(tables, &failed_table, locale, now, facts->failed, note);
	add_table(tables, &conflicts_table, locale, now, facts->conflicts,
	    locale_fill(locale_text(locale, "conflicts_about"),
		locale_count(locale, TEXT, stats->conflicts)));
	add_table(tables, &newest_table, locale, now, facts->newest, NULL);
	return tables;
}

char *
status_page(const struct locale *locale, const struct status_facts *facts)
{
	const char *scheme = strstr(facts->account, "://");
	json_t *view = json_pack("{s:s, s:O, s:o, s:o}", "code", locale->code, "text",
	    locale->texts, "account", json_string_nocheck(facts->account), "host",
	    json_string_nocheck(scheme != NULL ? scheme + 3 : facts->account));
	json_t *alarms = alarms_of(locale, facts);
	bool alarmed = json_array_size(alarms) > 0;
	char *page;

	json_object_set_new(view, "health", health_of(locale, facts, alarmed));
	if (alarmed)
		json_object_set_new(view, "alarms", json_pack("{s:O}", "list", alarms));
	json_decref(alarms);

	/* Of a ledger that cannot be read nothing else is known. */
	if (facts->seen != NULL) {
		int64_t now = facts->seen->now_ms / 1000;
		struct chart_day days[STATUS_DAYS];
		int i;

		for (i = 0; i < STATUS_DAYS; i++)
			days[i] = day_of(&facts->days[i]);
		json_object_set_new(view, "updated",
		    locale_fill(
			locale_text(locale, "updated"), locale_time(locale, TEXT, now, now)));
		json_object_set_new(view, "seen",
		    json_pack("{s:[o, o, o], s:o*, s:o, s:o}", "periods",
			period_of(locale, facts, "today", 1), period_of(locale, facts, "week", 7),
			period_of(locale, facts, "month", STATUS_DAYS), "chart",
			chart_view(locale, facts->today - STATUS_DAYS + 1, days, STATUS_DAYS),
			"now", now_of(locale, facts), "tables", tables_of(locale, facts)));
	}
	page = html_render(status_template, view);
	json_decref(view);
	return page;
}
