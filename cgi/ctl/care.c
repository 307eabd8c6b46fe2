/*
 * paymentctl: what an operator does about payments and the breaker, and whether the ledger is
 * whole.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "commands.h"
#include "host/limiter.h"
#include "ledger/integrity.h"
#include "ledger/operator.h"
#include "ledger/report.h"
#include "print.h"
#include "retry_reason.h"

/*
 * What is to be put back, or why it is not
 */

const char *
ctl_retry_mistake(const struct ctl *ctl)
{
	if (ctl->failed && ctl->count > 0)
		return "retry takes either payments or --failed";
	return ctl->failed || ctl->count > 0 ? NULL : "retry needs payments, or --failed";
}

/*
 * Payments that are named
 */

/*
 * Do it to one, of which *left is NULL before; else *left is a new text that says why not.  The row
 * is NULL when nobody knows it.
 */
typedef enum outcome deed(const struct ctl *ctl, const json_t *row, char **left, struct fault *why);

static enum outcome
do_one(const struct ctl *ctl, deed *act, const char *word, char **left, struct fault *why)
{
	json_t *rows = NULL;
	enum outcome out;

	if ((out = ledger_list(ctl->ledger, -1, word, 0, 1, false, &rows, why)) == DONE)
		out = act(ctl, json_array_get(rows, 0), left, why);
	json_decref(rows);
	return out;
}

static enum outcome
do_named(const struct ctl *ctl, deed *act, json_t *done, json_t *left, struct fault *why)
{
	enum outcome out = DONE;
	int i;

	for (i = 0; i < ctl->count && out == DONE; i++) {
		char *reason = NULL;

		out = do_one(ctl, act, ctl->words[i], &reason, why);
		if (out == DONE && reason == NULL)
			json_array_append_new(done, json_string(ctl->words[i]));
		else if (out == DONE)
			json_object_set_new(left, ctl->words[i], json_string(reason));
		free(reason);
	}
	return out;
}

static void
tell_named(const json_t *done, const json_t *left, const char *what)
{
	const char *key;
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)done, i, one)
		print_line(PRINT_GOOD, "%s %s", json_string_value(one), what);
	json_object_foreach((json_t *)left, key, one)
		print_complaint("%s: %s", key, json_string_value(one));
}

/* {name: [..], "left": {..}} */
static void
print_result(const char *name, json_t *done, json_t *left)
{
	json_t *json = json_pack("{s:O, s:O}", name, done, "left", left);

	ctl_json(json);
	json_decref(json);
}

/* Do it to all that are named; `name` is what is done in JSON, `what` for people. */
static int
run_named(const struct ctl *ctl, deed *act, const char *name, const char *what)
{
	json_t *done = json_array(), *left = json_object();
	struct fault why;
	enum outcome out = do_named(ctl, act, done, left, &why);
	int status = json_object_size(left) > 0 ? CTL_FINDINGS : EX_OK;

	/* What was done before the ledger failed is told all the same. */
	if (ctl->json)
		print_result(name, done, left);
	else
		tell_named(done, left, what);
	json_decref(done);
	json_decref(left);
	return out == DONE ? status : ctl_complain(&why);
}

/*
 * retry
 */

static enum outcome
retry_one(const struct ctl *ctl, const json_t *row, char **left, struct fault *why)
{
	bool retried = false;
	enum outcome out;

	if ((*left = ctl_retry_left(row)) != NULL)
		return DONE;
	out = ledger_retry(ctl->ledger, json_string_value(json_object_get(row, "payment_id")),
	    clock_wall_ms(), &retried, why);
	if (out == DONE && !retried)
		*left = text_format("it has just been taken up by somebody else");
	return out;
}

static int
retry_failed(const struct ctl *ctl)
{
	json_t *retried, *left;
	struct fault why;
	int64_t count;
	int status;

	if (ledger_retry_failed(ctl->ledger, clock_wall_ms(), &retried, &left, &why) != DONE)
		return ctl_complain(&why);
	count = (int64_t)json_array_size(retried);
	status = json_object_size(left) > 0 ? CTL_FINDINGS : EX_OK;
	if (ctl->json) {
		print_result("retried", retried, left);
	} else {
		print_line(PRINT_PLAIN, "%" PRId64 " payment%s will be carried again", count,
		    print_plural(count));
		ctl_tell_left(left);
	}
	json_decref(retried);
	json_decref(left);
	return status;
}

int
ctl_retry(const struct ctl *ctl)
{
	if (ctl->dry_run)
		return ctl_preview(ctl);
	return ctl->failed ? retry_failed(ctl)
			   : run_named(ctl, retry_one, "retried", "will be carried again");
}

/*
 * settle
 */

static enum outcome
settle_one(const struct ctl *ctl, const json_t *row, char **left, struct fault *why)
{
	int64_t count = json_integer_value(json_object_get(row, "unsettled_conflicts"));
	enum outcome out = DONE;

	if (count > 0 && !ctl->dry_run)
		out = ledger_settle(ctl->ledger, json_integer_value(json_object_get(row, "id")),
		    clock_wall_ms(), &count, why);
	if (out == DONE && row == NULL)
		*left = text_format("there is no such payment");
	else if (out == DONE && count == 0)
		*left = text_format("it has no conflict to settle");
	return out;
}

int
ctl_settle(const struct ctl *ctl)
{
	return run_named(
	    ctl, settle_one, "settled", ctl->dry_run ? "would be settled" : "is settled");
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
		    resumed
			? "amoCRM may be called again; what waits is carried within half a minute"
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
	return out == DONE ? EX_OK : CTL_FINDINGS;
}
