/*
 * paymentctl: what the ledger shows.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/text.h"
#include "commands.h"
#include "host/limiter.h"
#include "host/metrics.h"
#include "monitor/overview.h"
#include "print.h"

/*
 * stats
 */

struct state {
	int64_t now_ms;
	struct ledger_stats stats;
	int64_t duplicates, conflicts;
	bool crm_known;
	struct limiter_state crm;
	json_t *alarms; /* Of {name, text}.  Owned. */
};

/* One that is not there, or cannot be opened, does not hide the payments. */
static void
look_at_breaker(const struct settings *settings, struct state *all)
{
	char *path = text_format("%s/limiter", settings->payments_run_dir);
	struct limiter *limiter = NULL;
	struct fault why;

	if (limiter_open_to_look(path, &limiter, &why) == DONE) {
		limiter_look(limiter, &all->crm);
		all->crm_known = true;
	}
	limiter_close(limiter);
	free(path);
}

/* A file of numbers that is not there, or not ours to read, leaves out the alarms that need it. */
static enum outcome
look_for_alarms(const struct ctl *ctl, struct state *all, struct fault *why)
{
	struct metrics *metrics = NULL;
	struct overview_sources from = { .settings = ctl->settings, .ledger = ctl->ledger };
	struct overview overview;
	enum outcome out;

	if (metrics_open_to_read(ctl->settings->payments_run_dir, &metrics, why) == DONE)
		from.metrics = metrics;
	if ((out = overview_take(&from, all->now_ms, &overview, why)) == DONE)
		all->alarms = overview_alarms(&overview);
	metrics_close(metrics);
	return out;
}

static enum outcome
look_around(const struct ctl *ctl, struct state *all, struct fault *why)
{
	enum outcome out;

	*all = (struct state){ .now_ms = clock_wall_ms() };
	if ((out = ledger_stats(ctl->ledger, &all->stats, why)) != DONE ||
	    (out = ledger_repeats(ctl->ledger, &all->duplicates, &all->conflicts, why)) != DONE ||
	    (out = look_for_alarms(ctl, all, why)) != DONE)
		return out;
	look_at_breaker(ctl->settings, all);
	return DONE;
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

	return since_ms == 0 || since_ms > all->now_ms ? 0 : (all->now_ms - since_ms) / 1000;
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
	json_t *payments = json_object(), *all_of_it;
	int status;

	for (status = 0; status < PAYMENT_STATUSES; status++)
		json_object_set_new(payments, payment_status_name(status),
		    json_pack("{s:I, s:I}", "count", (json_int_t)stats->payments[status], "kopecks",
			(json_int_t)stats->kopecks[status]));
	all_of_it = json_pack("{s:o, s:I, s:o, s:I, s:o, s:I, s:I, s:o, s:O}", "payments", payments,
	    "unfinished", (json_int_t)unfinished(stats), "oldest_unfinished",
	    utc_or_null(stats->oldest_unfinished_ms), "oldest_unfinished_seconds",
	    (json_int_t)waiting_s(all), "last_success", utc_or_null(stats->last_success_ms),
	    "duplicates", (json_int_t)all->duplicates, "conflicts", (json_int_t)all->conflicts,
	    "crm_breaker", breaker_json(all), "alarms", all->alarms);
	json_object_set_new(all_of_it, "unsettled_conflicts", json_integer(stats->conflicts));
	return all_of_it;
}

static void
print_counts(const struct ledger_stats *stats)
{
	static const char *const heads[] = { "STATUS", ">PAYMENTS", ">AMOUNT" };
	struct print_table *table = print_table(3, heads);
	char money[PRINT_MONEY];
	int status;

	for (status = 0; status < PAYMENT_STATUSES; status++) {
		enum print_look look = stats->payments[status] > 0
		    ? print_look_of(payment_status_name(status))
		    : PRINT_DIM;

		print_cell(table, look, "%s", payment_status_name(status));
		print_cell(table, look, "%" PRId64, stats->payments[status]);
		print_cell(table, look, "%s", print_money(money, stats->kopecks[status]));
	}
	print_end(table);
}

static void
print_breaker(struct print_table *table, const struct state *all)
{
	char since[CLOCK_TEXT];

	print_cell(table, PRINT_PLAIN, "amoCRM");
	if (!all->crm_known)
		print_cell(table, PRINT_DIM,
		    "not known here: nothing called it since this host was started");
	else if (all->crm.open)
		print_cell(table, PRINT_BAD, "%s %d since %s",
		    limiter_is_address(all->crm.status) ? LIMITER_NO_ACCOUNT ": HTTP"
							: "refuses everybody with",
		    all->crm.status, print_time(since, all->crm.since_ms));
	else
		print_cell(table, PRINT_GOOD, "may be called");
}

static void
print_state(const struct state *all)
{
	struct print_table *table = print_table(2, NULL);
	char time[CLOCK_TEXT];

	print_cell(table, PRINT_PLAIN, "unfinished");
	if (unfinished(&all->stats) == 0)
		print_cell(table, PRINT_GOOD, "none");
	else
		print_cell(table, PRINT_ODD, "%" PRId64 ", the oldest since %s: %" PRId64 " s",
		    unfinished(&all->stats), print_time(time, all->stats.oldest_unfinished_ms),
		    waiting_s(all));
	print_cell(table, PRINT_PLAIN, "last success");
	print_cell(table, PRINT_PLAIN, "%s", print_time(time, all->stats.last_success_ms));
	print_cell(table, PRINT_PLAIN, "duplicates");
	print_cell(table, PRINT_PLAIN, "%" PRId64, all->duplicates);
	print_cell(table, PRINT_PLAIN, "conflicts");
	if (all->stats.conflicts > 0)
		print_cell(table, PRINT_BAD, "%" PRId64 ", of these to be settled: %" PRId64,
		    all->conflicts, all->stats.conflicts);
	else
		print_cell(table, PRINT_PLAIN, "%" PRId64, all->conflicts);
	print_breaker(table, all);
	print_end(table);
}

static void
print_alarms(const struct state *all)
{
	const json_t *alarm;
	size_t i;

	json_array_foreach(all->alarms, i, alarm)
		print_line(PRINT_BAD, "%s: %s", json_string_value(json_object_get(alarm, "name")),
		    json_string_value(json_object_get(alarm, "text")));
}

int
ctl_stats(const struct ctl *ctl)
{
	struct state all;
	struct fault why;
	json_t *json;
	bool see;

	if (look_around(ctl, &all, &why) != DONE)
		return ctl_complain(&why);
	if (ctl->json) {
		json = stats_json(&all);
		ctl_json(json);
		json_decref(json);
	} else {
		print_counts(&all.stats);
		print_line(PRINT_PLAIN, "%s", "");
		print_state(&all);
		print_alarms(&all);
	}
	see = json_array_size(all.alarms) > 0 || all.stats.payments[PAYMENT_FAILED] > 0 ||
	    all.stats.conflicts > 0;
	json_decref(all.alarms);
	return see ? CTL_FINDINGS : EX_OK;
}

/*
 * list
 */

const char *
ctl_list_mistake(const struct ctl *ctl)
{
	return ctl->conflicts && ctl->status >= 0 ? "list takes either --status or --conflicts"
						  : NULL;
}

/* The latest conflict that nobody has settled; NULL without "conflicts". */
static const char *
conflict_of(const json_t *row)
{
	const json_t *conflict;
	const char *reason = NULL;
	size_t i;

	json_array_foreach(json_object_get(row, "conflicts"), i, conflict)
		if (json_is_null(json_object_get(conflict, "settled_ms")))
			reason = json_string_value(json_object_get(conflict, "reason"));
	return reason;
}

static void
print_row(struct print_table *table, const json_t *row)
{
	const char *status = json_string_value(json_object_get(row, "status"));
	const char *reason = json_string_value(json_object_get(row, "error_message"));
	const char *conflict = conflict_of(row);
	json_int_t lead_id = json_integer_value(json_object_get(row, "lead_id"));
	char time[CLOCK_TEXT], money[PRINT_MONEY];

	print_cell(table, PRINT_PLAIN, "%s",
	    print_utc(time, json_string_value(json_object_get(row, "created_at"))));
	print_cell(table, print_look_of(status), "%s", status);
	print_cell(table, PRINT_PLAIN, "%s",
	    print_money(money, json_integer_value(json_object_get(row, "kopecks"))));
	if (lead_id != 0)
		print_cell(table, PRINT_PLAIN, "%" JSON_INTEGER_FORMAT, lead_id);
	else
		print_cell(table, PRINT_PLAIN, "%s", "");
	print_cell(table, PRINT_PLAIN, "%s", json_string_value(json_object_get(row, "payment_id")));
	if (conflict != NULL)
		reason = conflict;
	print_cell(table, PRINT_PLAIN, "%s", reason != NULL ? reason : "");
}

/* Each with its "conflicts". */
static enum outcome
list_conflicts(const struct ctl *ctl, json_t **rows, struct fault *why)
{
	enum outcome out = ledger_list_conflicts(ctl->ledger, ctl->since_ms, ctl->limit, rows, why);
	json_t *row, *conflicts;
	size_t i;

	if (out != DONE)
		return out;
	json_array_foreach(*rows, i, row) {
		out = ledger_conflicts(ctl->ledger, json_integer_value(json_object_get(row, "id")),
		    false, &conflicts, why);
		if (out != DONE)
			break;
		json_object_set_new(row, "conflicts", conflicts);
	}
	if (out != DONE)
		json_decref(*rows);
	return out;
}

static enum outcome
list(const struct ctl *ctl, json_t **rows, struct fault *why)
{
	if (ctl->conflicts)
		return list_conflicts(ctl, rows, why);
	return ledger_list(
	    ctl->ledger, ctl->status, NULL, ctl->since_ms, ctl->limit, false, rows, why);
}

int
ctl_list(const struct ctl *ctl)
{
	static const char *const heads[] = { "RECEIVED", "STATUS", ">AMOUNT", ">LEAD", "PAYMENT",
		"REASON" };
	struct print_table *table;
	json_t *rows, *row;
	struct fault why;
	size_t i;

	if (list(ctl, &rows, &why) != DONE)
		return ctl_complain(&why);
	if (ctl->json) {
		ctl_json(rows);
	} else {
		table = print_table(6, heads);
		json_array_foreach(rows, i, row)
			print_row(table, row);
		print_end(table);
	}
	json_decref(rows);
	return EX_OK;
}
