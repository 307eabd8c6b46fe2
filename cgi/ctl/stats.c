/*
 * paymentctl stats: how things stand: payments by status, the backlog, the breaker, the alarms.  It
 * reads what the service keeps, and creates nothing: a file made by root would not be the service's
 * to open.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/text.h"
#include "commands.h"
#include "host/limiter.h"
#include "host/metrics.h"
#include "monitor/overview.h"
#include "print.h"
#include "row.h"

struct state {
	int64_t now_ms;
	struct ledger_stats stats;
	int64_t duplicates, conflicts;
	bool crm_known;
	struct limiter_state crm;
	json_t *alarms; /* Of {name, text}.  Owned. */
};

static enum outcome
read_state(const struct ctl *ctl, struct state *all, struct fault *why)
{
	struct overview_sources from = { .settings = ctl->settings, .ledger = ctl->ledger };
	struct metrics *metrics = NULL;
	struct overview overview;
	struct limiter *limiter = NULL;
	struct fault unread;
	enum outcome out;
	char *path;

	*all = (struct state){ .now_ms = clock_wall_ms() };
	if ((out = ledger_stats(ctl->ledger, &all->stats, why)) != DONE ||
	    (out = ledger_repeats(ctl->ledger, &all->duplicates, &all->conflicts, why)) != DONE)
		return out;
	/* Metrics that are not there, or not ours to read, leave out the alarms that need them. */
	if (metrics_open_to_read(ctl->settings->payments_run_dir, &metrics, &unread) == DONE)
		from.metrics = metrics;
	if ((out = overview_take(&from, all->now_ms, &overview, why)) == DONE)
		all->alarms = overview_alarms(&overview);
	metrics_close(metrics);
	/* A limiter that is not there, or cannot be opened, does not hide the payments. */
	path = text_format("%s/limiter", ctl->settings->payments_run_dir);
	if (limiter_open_to_look(path, &limiter, &unread) == DONE) {
		limiter_look(limiter, &all->crm);
		all->crm_known = true;
	}
	limiter_close(limiter);
	free(path);
	return out;
}

static int64_t
unfinished(const struct ledger_stats *stats)
{
	return stats->payments[PAYMENT_PENDING] + stats->payments[PAYMENT_PROCESSING];
}

static int64_t
waiting_s(const struct state *all)
{
	int64_t since_ms = all->stats.oldest_unfinished_ms;

	return since_ms == 0 ? 0 : clock_age_ms(all->now_ms, since_ms) / 1000;
}

static json_t *
utc_or_null(int64_t ms)
{
	char text[CLOCK_TEXT];

	return ms == 0 ? json_null() : json_string(clock_utc(text, ms / 1000));
}

static json_t *
breaker_json(const struct state *all)
{
	if (!all->crm_known)
		return json_null();
	if (!all->crm.open)
		return json_pack("{s:s}", "state", "closed");
	return json_pack("{s:s, s:i, s:s, s:o}", "state", "open", "status", all->crm.status,
	    "cause", limiter_cause(all->crm.status), "since", utc_or_null(all->crm.since_ms));
}

static json_t *
stats_json(const struct state *all)
{
	const struct ledger_stats *stats = &all->stats;
	json_t *payments = json_object(), *json;
	int status;

	for (status = 0; status < PAYMENT_STATUSES; status++)
		json_object_set_new(payments, payment_status_name(status),
		    json_pack("{s:I, s:I}", "count", (json_int_t)stats->payments[status], "kopecks",
			(json_int_t)stats->kopecks[status]));
	json = json_pack("{s:o, s:I, s:o, s:I, s:o, s:I, s:I, s:o, s:O}", "payments", payments,
	    "unfinished", (json_int_t)unfinished(stats), "oldest_unfinished",
	    utc_or_null(stats->oldest_unfinished_ms), "oldest_unfinished_seconds",
	    (json_int_t)waiting_s(all), "last_success", utc_or_null(stats->last_success_ms),
	    "duplicates", (json_int_t)all->duplicates, "conflicts", (json_int_t)all->conflicts,
	    "crm_breaker", breaker_json(all), "alarms", all->alarms);
	json_object_set_new(json, "unsettled_conflicts", json_integer(stats->conflicts));
	json_object_set_new(json, "rejected", json_integer(stats->rejected));
	json_object_set_new(json, "rejected_lost", json_integer(stats->rejected_lost));
	return json;
}

static void
print_counts(const struct ledger_stats *stats)
{
	static const struct print_column columns[] = {
		{ "STATUS", "status", print_as_text, print_look_given },
		{ ">PAYMENTS", "payments", print_as_number, print_look_given },
		{ ">AMOUNT", "kopecks", print_as_money, print_look_given },
	};
	json_t *rows = json_array();
	int status;

	for (status = 0; status < PAYMENT_STATUSES; status++) {
		const char *name = payment_status_name(status);
		int64_t count = stats->payments[status];

		json_array_append_new(rows,
		    json_pack("{s:s, s:I, s:I, s:i}", "status", name, "payments", (json_int_t)count,
			"kopecks", (json_int_t)stats->kopecks[status], "look",
			count > 0 ? (int)print_look_of(name) : PRINT_DIM));
	}
	print_rows(columns, PRINT_COLUMNS(columns), rows);
	json_decref(rows);
}

static void
print_state(const struct state *all)
{
	static const struct print_column columns[] = {
		{ NULL, "name", print_as_text, NULL },
		{ NULL, "value", print_as_text, print_look_given },
	};
	json_t *rows = json_array();
	char time[CLOCK_TEXT];

	if (unfinished(&all->stats) == 0)
		print_fact(rows, "unfinished", PRINT_GOOD, "none");
	else
		print_fact(rows, "unfinished", PRINT_ODD,
		    "%" PRId64 ", the oldest since %s: %" PRId64 " s", unfinished(&all->stats),
		    print_time(time, all->stats.oldest_unfinished_ms), waiting_s(all));
	print_fact(
	    rows, "last success", PRINT_PLAIN, "%s", print_time(time, all->stats.last_success_ms));
	print_fact(rows, "duplicates", PRINT_PLAIN, "%" PRId64, all->duplicates);
	if (all->stats.conflicts > 0)
		print_fact(rows, "conflicts", PRINT_BAD,
		    "%" PRId64 ", of these to be settled: %" PRId64, all->conflicts,
		    all->stats.conflicts);
	else
		print_fact(rows, "conflicts", PRINT_PLAIN, "%" PRId64, all->conflicts);
	print_fact(rows, "rejected", all->stats.rejected > 0 ? PRINT_BAD : PRINT_PLAIN, "%" PRId64,
	    all->stats.rejected);
	if (all->stats.rejected_lost > 0)
		print_fact(rows, "", PRINT_BAD, "%" PRId64 " more were dropped for want of room",
		    all->stats.rejected_lost);
	if (!all->crm_known)
		print_fact(rows, "amoCRM", PRINT_DIM,
		    "not known here: nothing called it since this host was started");
	else if (all->crm.open)
		print_fact(rows, "amoCRM", PRINT_BAD, "%s %d since %s",
		    limiter_is_address(all->crm.status) ? LIMITER_NO_ACCOUNT ": HTTP"
							: "refuses everybody with",
		    all->crm.status, print_time(time, all->crm.since_ms));
	else
		print_fact(rows, "amoCRM", PRINT_GOOD, "may be called");
	print_rows(columns, PRINT_COLUMNS(columns), rows);
	json_decref(rows);
}

int
ctl_stats(const struct ctl *ctl)
{
	struct state all;
	struct fault why;
	const json_t *alarm;
	bool trouble;
	size_t i;

	if (read_state(ctl, &all, &why) != DONE)
		return print_fault(&why);
	if (ctl->json) {
		print_json(stats_json(&all));
	} else {
		print_counts(&all.stats);
		print_line(PRINT_PLAIN, "%s", "");
		print_state(&all);
		json_array_foreach(all.alarms, i, alarm)
			print_line(
			    PRINT_BAD, "%s: %s", row_text(alarm, "name"), row_text(alarm, "text"));
	}
	trouble = json_array_size(all.alarms) > 0 || all.stats.payments[PAYMENT_FAILED] > 0 ||
	    all.stats.conflicts > 0 || all.stats.rejected > 0;
	json_decref(all.alarms);
	return trouble ? CTL_FINDINGS : EX_OK;
}
