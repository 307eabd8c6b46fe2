/*
 * paymentctl: what an operator does about payments and the breaker, and whether the ledger is whole.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "ctl.h"
#include "ctl_print.h"
#include "limiter.h"
#include "text.h"

/*
 * retry
 */

const char *
ctl_retry_mistake(const struct ctl *ctl)
{
	if (ctl->failed && ctl->count > 0)
		return "retry takes either payments or --failed";
	return ctl->failed || ctl->count > 0 ? NULL : "retry needs payments, or --failed";
}

/* Why a payment was left as it is. */
static char *
reason_left(const json_t *row)
{
	const char *status = json_string_value(json_object_get(row, "status"));

	if (row == NULL)
		return text_format("there is no such payment");
	if (strcmp(status, "failed") != 0)
		return text_format("it has not failed: %s", status);
	return text_format("its payload is gone: purged or never imported; have it sent again");
}

/* Put one payment back; else *left is why not.  `word` may name its row. */
static enum outcome
retry_one(const struct ctl *ctl, const char *word, char **left, struct fault *why)
{
	json_t *rows = NULL, *row;
	int64_t count = 0;
	enum outcome out;

	if ((out = ledger_list(ctl->ledger, -1, word, 0, 1, false, &rows, why)) != DONE)
		return out;
	if ((row = json_array_get(rows, 0)) != NULL)
		out = ledger_retry(ctl->ledger, json_string_value(json_object_get(row, "payment_id")),
		    clock_wall_ms(), &count, why);
	*left = out == DONE && count == 0 ? reason_left(row) : NULL;
	json_decref(rows);
	return out;
}

static enum outcome
retry_named(const struct ctl *ctl, json_t *result, struct fault *why)
{
	json_t *retried = json_array(), *left = json_object();
	enum outcome out = DONE;
	char *reason;
	int i;

	json_object_set_new(result, "retried", retried);
	json_object_set_new(result, "left", left);
	for (i = 0; i < ctl->count && out == DONE; i++) {
		out = retry_one(ctl, ctl->words[i], &reason, why);
		if (out == DONE && reason == NULL)
			json_array_append_new(retried, json_string(ctl->words[i]));
		else if (out == DONE)
			json_object_set_new(left, ctl->words[i], json_string(reason));
		free(out == DONE ? reason : NULL);
	}
	return out;
}

static void
tell_named(const json_t *result)
{
	const char *key;
	const json_t *reason;
	size_t i;

	json_array_foreach(json_object_get(result, "retried"), i, reason)
		print_line(PRINT_GOOD, "%s will be carried again", json_string_value(reason));
	json_object_foreach(json_object_get(result, "left"), key, reason)
		print_complaint("%s: %s", key, json_string_value(reason));
}

static int
retry_words(const struct ctl *ctl)
{
	json_t *result = json_object();
	struct fault why;
	enum outcome out = retry_named(ctl, result, &why);
	int status = json_object_size(json_object_get(result, "left")) > 0 ? CTL_SEE : EX_OK;

	/* What was put back before the ledger failed is told all the same. */
	if (ctl->json)
		ctl_json(result);
	else
		tell_named(result);
	json_decref(result);
	return out == DONE ? status : ctl_complain(&why);
}

static int
retry_failed(const struct ctl *ctl)
{
	struct ledger_stats stats;
	int64_t count = 0, left;
	struct fault why;
	json_t *json;

	if (ledger_retry(ctl->ledger, NULL, clock_wall_ms(), &count, &why) != DONE ||
	    ledger_stats(ctl->ledger, &stats, &why) != DONE)
		return ctl_complain(&why);
	left = stats.payments[PAYMENT_FAILED];
	if (ctl->json) {
		json = json_pack("{s:I, s:I}", "retried", (json_int_t)count, "left", (json_int_t)left);
		ctl_json(json);
		json_decref(json);
		return left > 0 ? CTL_SEE : EX_OK;
	}
	print_line(PRINT_PLAIN, "%" PRId64 " payments will be carried again", count);
	if (left > 0)
		print_line(PRINT_ODD,
		    "%" PRId64 " were left: their payload is gone, or they were imported and must be named",
		    left);
	return left > 0 ? CTL_SEE : EX_OK;
}

int
ctl_retry(const struct ctl *ctl)
{
	if (ctl->dry_run)
		return ctl_preview(ctl);
	return ctl->failed ? retry_failed(ctl) : retry_words(ctl);
}

/*
 * resume
 */

static void
tell_resumed(const struct ctl *ctl, bool resumed)
{
	json_t *json;

	if (ctl->json) {
		json = json_pack("{s:b}", "resumed", resumed);
		ctl_json(json);
		json_decref(json);
	} else {
		print_line(PRINT_PLAIN, "%s",
		    resumed ? "amoCRM may be called again; what waits is carried within half a minute"
			    : "nothing has called amoCRM since this host was started");
	}
}

/* Only a file that is there: without one nobody has been refused. */
int
ctl_resume(const struct ctl *ctl)
{
	char *path = text_format("%s/limiter", ctl->settings->payments_run_dir);
	struct limiter *limiter = NULL;
	bool there = access(path, F_OK) == 0;
	struct fault why;
	int status = EX_OK;

	if (there && limiter_open(path, ctl->settings->amo_rate_limit, &limiter, &why) != DONE) {
		status = ctl_complain(&why);
	} else {
		if (there)
			limiter_close_breaker(limiter);
		tell_resumed(ctl, there);
	}
	limiter_close(limiter);
	free(path);
	return status;
}

/*
 * integrity
 */

static void
keep_problem(void *problems, const char *problem)
{
	json_array_append_new(problems, json_string(problem));
}

int
ctl_integrity(const struct ctl *ctl)
{
	json_t *json, *problems = json_array(), *problem;
	struct fault why;
	enum outcome out = ledger_check(ctl->ledger, keep_problem, problems, &why);
	size_t i;

	if (out != DONE && out != NEVER) {
		json_decref(problems);
		return ctl_complain(&why);
	}
	json = json_pack("{s:b, s:o}", "whole", out == DONE, "problems", problems);
	if (ctl->json)
		ctl_json(json);
	else if (out == DONE)
		print_line(PRINT_GOOD, "the ledger is whole and keeps its invariants");
	else
		json_array_foreach(problems, i, problem)
			print_line(PRINT_BAD, "%s", json_string_value(problem));
	json_decref(json);
	return out == DONE ? EX_OK : CTL_SEE;
}
