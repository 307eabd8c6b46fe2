/*
 * Reading JSON rows.  The ledger and lib/admin report in JSON, and --json prints it as it is; what
 * is printed for people takes single members out of it, and so every command needs these.
 */
#include "row.h"
#include "base/number.h"
#include "ledger/rejected.h"
#include "ledger/report.h"

enum outcome
row_find(struct ledger *ledger, const char *key, bool payload, json_t **row, struct fault *why)
{
	json_t *rows = NULL;
	enum outcome out = ledger_list(ledger, -1, key, 0, 1, payload, &rows, why);

	*row = out == DONE ? json_incref(json_array_get(rows, 0)) : NULL;
	json_decref(rows);
	return out;
}

enum outcome
row_find_rejected(
    struct ledger *ledger, const char *number, bool payload, json_t **row, struct fault *why)
{
	json_t *rows = NULL;
	enum outcome out = DONE;
	int64_t id;

	if (number_parse(number + (number[0] == '#'), 1, INT64_MAX, &id))
		out = ledger_rejected(ledger, id, 0, 1, payload, &rows, why);
	*row = out == DONE ? json_incref(json_array_get(rows, 0)) : NULL;
	json_decref(rows);
	return out;
}

const char *
row_text(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "";
}

int64_t
row_number(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

bool
row_true(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key));
}
