/*
 * Webhooks that were no payments.  The platform's mistake, or a program that was too strict: the
 * operator sees what is wrong with each, has it read again once that is mended, or puts it aside.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "ledger/arrival.h"
#include "ledger/rejected.h"
#include "named.h"
#include "payment/payment.h"
#include "print.h"
#include "rejected.h"
#include "row.h"
#include "rules/rules.h"

/* The first mistake, and how many more there are. */
static char *
mistakes(const json_t *errors)
{
	const json_t *first = json_array_get(errors, 0);
	size_t count = json_array_size(errors);
	const char *path = row_text(first, "path");

	if (count > 1)
		return text_format(
		    "%s: %s (and %zu more)", path, row_text(first, "message"), count - 1);
	return text_format("%s%s%s", path, path[0] != '\0' ? ": " : "", row_text(first, "message"));
}

static const struct print_column columns[] = {
	{ ">ID", "id", print_as_id, NULL },
	{ "FIRST", "first_seen", print_as_utc, NULL },
	{ "LAST", "last_seen", print_as_utc, NULL },
	{ ">TIMES", "times", print_as_number, NULL },
	{ ">BYTES", "size", print_as_number, NULL },
	{ "MISTAKES", "errors", mistakes, NULL },
};

int
rejected_list(const struct ctl *ctl)
{
	struct fault why;
	json_t *rows;

	if (ledger_rejected(ctl->ledger, 0, ctl->since.ms, ctl->limit, false, &rows, &why) != DONE)
		return print_fault(&why);
	if (ctl->json)
		print_json(json_incref(rows));
	else
		print_rows(columns, PRINT_COLUMNS(columns), rows);
	json_decref(rows);
	return EX_OK;
}

static void
print_one(const json_t *row)
{
	const json_t *error, *body = json_object_get(row, "body");
	json_t *rows = json_pack("[O]", row);
	size_t i;

	print_rows(columns, PRINT_COLUMNS(columns), rows);
	json_decref(rows);
	if (!json_is_null(json_object_get(row, "settled_ms")))
		print_line(PRINT_DIM, "put aside, or read again");
	json_array_foreach(json_object_get(row, "errors"), i, error)
		print_line(
		    PRINT_PLAIN, "%s: %s", row_text(error, "path"), row_text(error, "message"));
	if (row_true(row, "purged"))
		print_line(PRINT_DIM, "the body was purged");
	else if (body != NULL)
		print_line(PRINT_PLAIN, "%s", json_string_value(body));
}

int
rejected_show(const struct ctl *ctl)
{
	const char *number = ctl->operands[0];
	struct fault why;
	json_t *row;

	if (row_find_rejected(ctl->ledger, number, ctl->payload, &row, &why) != DONE)
		return print_fault(&why);
	if (row == NULL) {
		print_complaint("no rejected webhook %s", number);
		return CTL_FINDINGS;
	}
	if (ctl->json)
		print_json(json_incref(row));
	else
		print_one(row);
	json_decref(row);
	return EX_OK;
}

enum outcome
rejected_settle(const struct ctl *ctl, const json_t *row, char **reason, struct fault *why)
{
	bool settled = row != NULL && json_is_null(json_object_get(row, "settled_ms"));
	enum outcome out = DONE;

	if (settled && !ctl->dry_run)
		out = ledger_rejected_settle(
		    ctl->ledger, row_number(row, "id"), clock_wall_ms(), &settled, why);
	if (out == DONE && row == NULL)
		*reason = text_copy("there is no such webhook");
	else if (out == DONE && !settled)
		*reason = text_copy("it was put aside before");
	return out;
}

/*
 * Reading again.
 */

/* Record it as if it came now: payment-syncd takes it up. */
static enum outcome
record(const struct ctl *ctl, const struct payment *paid, const char *body, size_t size,
    char **reason, struct fault *why)
{
	struct identity who[IDENTITIES_MAX];
	struct recording recording;
	struct arrival arrival = arrival_of_payment(paid, who, body, size, clock_wall_ms());
	enum outcome out;

	arrival.exclusion = rules_exclusion(ctl->rules, paid);
	if ((out = ledger_record(ctl->ledger, &arrival, 1, &recording, why)) != DONE)
		return out;
	free(recording.reason);
	if (recording.how == RECORDED_CONFLICT)
		*reason = text_format("it contradicts the payment %s: see that one", paid->key);
	return DONE;
}

static enum outcome
read_again(const struct ctl *ctl, const json_t *row, char **reason, struct fault *why)
{
	int64_t id = row_number(row, "id"), seen = 0;
	struct payment *paid = NULL;
	json_t *errors = NULL;
	bool settled;
	size_t size;
	char *body;
	enum outcome out;

	if ((out = ledger_rejected_body(ctl->ledger, id, &body, &size, why)) != DONE)
		return out;
	if (body == NULL) {
		*reason = text_copy("its body is gone: purged, or never there; have it sent again");
	} else if (payment_parse(body, size, &paid, &errors) != DONE) {
		char *first = mistakes(errors);

		*reason = text_format("it is no payment yet: %s", first);
		free(first);
	} else {
		(void)clock_read(row_text(row, "first_seen"), &seen);
		payment_received(paid, NULL, seen);
		if ((out = record(ctl, paid, body, size, reason, why)) == DONE)
			out =
			    ledger_rejected_settle(ctl->ledger, id, clock_wall_ms(), &settled, why);
	}
	payment_free(paid);
	json_decref(errors);
	free(body);
	return out;
}

static enum outcome
retry_one(const struct ctl *ctl, const json_t *row, char **reason, struct fault *why)
{
	if (row != NULL)
		return read_again(ctl, row, reason, why);
	*reason = text_copy("there is no such webhook");
	return DONE;
}

/* All that are not settled, by their numbers. */
static enum outcome
name_all(struct ctl *ctl, struct fault *why)
{
	json_t *rows, *row;
	enum outcome out;
	size_t i;

	if ((out = ledger_rejected(ctl->ledger, 0, 0, INT64_MAX, false, &rows, why)) != DONE)
		return out;
	ctl->operands = memory_zeroed(json_array_size(rows) + 1, sizeof(ctl->operands[0]));
	json_array_foreach(rows, i, row)
		ctl->operands[ctl->count++] = text_format("%" PRId64, row_number(row, "id"));
	json_decref(rows);
	return DONE;
}

int
rejected_retry(const struct ctl *ctl)
{
	struct ctl judging = *ctl;
	struct rules *rules = NULL;
	json_t *errors = NULL;
	struct fault why;
	int status, i;

	/* The rules are read once, however many bodies they judge. */
	if (rules_load(ctl->settings, &rules, &errors, &why) != DONE ||
	    (ctl->count == 0 && name_all(&judging, &why) != DONE)) {
		json_decref(errors);
		rules_free(rules);
		return print_fault(&why);
	}
	judging.rules = rules;
	status = named_run(&judging, retry_one, "retried", "is a payment now, and will be carried");
	if (ctl->count == 0) {
		for (i = 0; i < judging.count; i++)
			free(judging.operands[i]);
		free(judging.operands);
	}
	rules_free(rules);
	return status;
}
