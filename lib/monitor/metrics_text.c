/*
 * The metrics page, written as text by a few helpers: each metric has its HELP and TYPE lines and
 * then its samples.
 *
 * Names and labels are a promise to dashboards and never change; they come from the tables of
 * metrics_kinds.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/money.h"
#include "monitor/metrics_text.h"

#define NAME "payment_sync_"

/*
 * Every label's value is a word of our own tables, so nothing needs escaping.
 */

static void
head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP " NAME "%s %s\n# TYPE " NAME "%s %s\n", name, help, name, type);
}

/* A metric of one sample. */
static void
gauge(FILE *out, const char *name, const char *help, int64_t value)
{
	head(out, name, "gauge", help);
	fprintf(out, NAME "%s %" PRId64 "\n", name, value);
}

static void
gauge_seconds(FILE *out, const char *name, const char *help, int64_t ms)
{
	head(out, name, "gauge", help);
	fprintf(out, NAME "%s %" PRId64 ".%03" PRId64 "\n", name, ms / 1000, ms % 1000);
}

/* One sample a word of the table. */
static void
counters(FILE *out, const char *name, const char *help, const char *label,
    const char *const words[], const int64_t *values, int count)
{
	int i;

	head(out, name, "counter", help);
	for (i = 0; i < count; i++)
		fprintf(out, NAME "%s{%s=\"%s\"} %" PRId64 "\n", name, label, words[i], values[i]);
}

/*
 * Samples of one histogram; `call` is its label's value, NULL for none.  Each class counts all
 * smaller ones, too.
 */
static void
histogram(FILE *out, const char *name, const char *call, const struct histogram *seen)
{
	char label[64] = "", alone[64] = "";
	int64_t count = 0;
	int i;

	if (call != NULL) {
		snprintf(label, sizeof(label), "call=\"%s\",", call);
		snprintf(alone, sizeof(alone), "{call=\"%s\"}", call);
	}
	for (i = 0; i < METRICS_BOUNDS; i++) {
		count += seen->classes[i];
		fprintf(out, NAME "%s_bucket{%sle=\"%" PRId64 ".%03" PRId64 "\"} %" PRId64 "\n",
		    name, label, metrics_bounds_ms[i] / 1000, metrics_bounds_ms[i] % 1000, count);
	}
	count += seen->classes[METRICS_BOUNDS];
	fprintf(out, NAME "%s_bucket{%sle=\"+Inf\"} %" PRId64 "\n", name, label, count);
	fprintf(out, NAME "%s_sum%s %" PRId64 ".%03" PRId64 "\n", name, alone, seen->sum_ms / 1000,
	    seen->sum_ms % 1000);
	fprintf(out, NAME "%s_count%s %" PRId64 "\n", name, alone, count);
}

static void
write_calls(FILE *out, const struct metrics_values *values)
{
	int call, reply;

	head(out, "amocrm_replies_total", "counter",
	    "Calls of amoCRM's API by the HTTP status of the reply.");
	for (call = 0; call < METRICS_CALLS; call++)
		for (reply = 0; reply < METRICS_REPLIES; reply++)
			fprintf(out,
			    NAME "amocrm_replies_total{call=\"%s\",reply=\"%s\"} %" PRId64 "\n",
			    metrics_calls[call], metrics_replies[reply],
			    values->replies[call][reply]);
	head(out, "amocrm_call_seconds", "histogram", "How long calls of amoCRM's API took.");
	for (call = 0; call < METRICS_CALLS; call++)
		histogram(out, "amocrm_call_seconds", metrics_calls[call], &values->calls[call]);
}

static void
write_values(FILE *out, const struct metrics_values *values)
{
	counters(out, "requests_total", "Webhooks by the answer they got.", "answer",
	    metrics_answers, values->requests, METRICS_ANSWERS);
	head(out, "receive_seconds", "histogram",
	    "From a webhook's arrival until its answer was ready.");
	histogram(out, "receive_seconds", NULL, &values->receive);
	counters(out, "deliveries_total",
	    "Attempts to carry a payment into amoCRM by how they ended.", "outcome",
	    metrics_deliveries, values->deliveries, METRICS_DELIVERIES);
	head(out, "deliver_seconds", "histogram", "How long attempts to carry a payment took.");
	histogram(out, "deliver_seconds", NULL, &values->deliver);
	head(out, "log_lost_total", "counter", "Lines of the log that were lost: nobody read it.");
	fprintf(out, NAME "log_lost_total %" PRId64 "\n", values->log_lost);
	write_calls(out, values);
}

static void
write_payments(FILE *out, const struct ledger_stats *stats)
{
	char amount[MONEY_TEXT];
	int status;

	head(out, "payments", "gauge", "Payments in the ledger by status.");
	for (status = 0; status < PAYMENT_STATUSES; status++)
		fprintf(out, NAME "payments{status=\"%s\"} %" PRId64 "\n",
		    payment_status_name((enum payment_status)status), stats->payments[status]);
	head(out, "payments_roubles", "gauge", "The sum of the payments in the ledger by status.");
	for (status = 0; status < PAYMENT_STATUSES; status++)
		fprintf(out, NAME "payments_roubles{status=\"%s\"} %s\n",
		    payment_status_name((enum payment_status)status),
		    money_format(amount, stats->kopecks[status]));
}

static void
write_crm(FILE *out, const struct limiter_state *crm, int64_t rate)
{
	int64_t hold_ms = crm->ready_ms != 0 ? crm->ready_ms - clock_mono_ms() : 0;

	gauge(out, "limiter_used", "Requests to amoCRM that were let through in the last second.",
	    crm->used);
	gauge(out, "limiter_limit", "Requests to amoCRM that are let through in any second.", rate);
	gauge_seconds(out, "limiter_hold_seconds", "Until when amoCRM is not called, from now.",
	    hold_ms > 0 ? hold_ms : 0);
	gauge(out, "breaker_open",
	    "Whether amoCRM refuses everybody, or AMO_BASE_URL leads to no account (404, 3xx): "
	    "then "
	    "the HTTP status, else 0.",
	    crm->open ? crm->status : 0);
}

static void
write_alarms(FILE *out, const struct alarm alarms[static ALARM_KINDS])
{
	int kind;

	head(out, "alarm", "gauge", "Whether an alarm is on.");
	for (kind = 0; kind < ALARM_KINDS; kind++)
		fprintf(out, NAME "alarm{alarm=\"%s\"} %d\n", alarm_name((enum alarm_kind)kind),
		    alarms[kind].on);
}

static void
write_overview(FILE *out, const struct overview *seen, int64_t rate)
{
	int64_t oldest_ms = seen->stats.oldest_unfinished_ms;
	int64_t waited_ms = oldest_ms != 0 ? clock_age_ms(seen->now_ms, oldest_ms) : 0;

	write_payments(out, &seen->stats);
	gauge(out, "conflicts",
	    "Webhooks kept aside, as they contradict a known payment, that nobody has settled.",
	    seen->stats.conflicts);
	gauge(out, "rejected",
	    "Webhooks kept aside, as they are no payments, that nobody has settled.",
	    seen->stats.rejected);
	gauge(out, "backlog", "Payments that wait to be carried.", seen->backlog);
	gauge_seconds(out, "backlog_oldest_seconds",
	    "How long the oldest of them has been waiting.", waited_ms);
	gauge(out, "ledger_log_bytes",
	    "The size of the ledger's write-ahead log, which a forgotten reader lets grow.",
	    seen->log_bytes);
	gauge(out, "last_payment_timestamp_seconds", "When a payment arrived last; 0 = never.",
	    seen->last_arrival_ms / 1000);
	gauge(out, "last_success_timestamp_seconds", "When a payment was carried last; 0 = never.",
	    seen->stats.last_success_ms / 1000);
	/*
	 * Without a date there is nothing to compare with: a 0 would say that it expired in 1970.
	 */
	if (seen->token_expires != 0)
		gauge(out, "token_expiry_timestamp_seconds", "When amoCRM's token expires.",
		    seen->token_expires);
	write_crm(out, &seen->crm, rate);
	write_alarms(out, seen->alarms);
}

char *
metrics_text(const struct metrics_values *values, const struct overview *overview, int64_t rate)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = memory_stream(&text, &size);

	head(out, "build_info", "gauge", "The version that answers.");
	fprintf(out, NAME "build_info{version=\"%s\"} 1\n", VERSION);
	gauge(out, "ledger_up", "Whether the ledger can be read.", overview != NULL);
	if (values != NULL)
		write_values(out, values);
	if (overview != NULL)
		write_overview(out, overview, rate);
	memory_stream_end(out);
	return text;
}
