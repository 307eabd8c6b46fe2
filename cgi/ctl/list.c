/*
 * paymentctl list: the latest payments, a row each; or those with conflicts to settle.
 */
#include <sysexits.h>

#include "base/text.h"
#include "commands.h"
#include "ledger/report.h"
#include "print.h"
#include "rejected.h"
#include "row.h"

const char *
ctl_list_mistake(const struct ctl *ctl)
{
	return (ctl->status >= 0) + ctl->conflicts + ctl->rejected > 1
	    ? "list takes either --status or --conflicts or --rejected"
	    : NULL;
}

/* What a person should know: the latest conflict not settled, or else why it failed, or else that
 * no sum has its amount. */
static char *
reason(const json_t *row)
{
	const char *text = row_text(row, "error_message");
	const json_t *conflict;
	size_t i;

	json_array_foreach(json_object_get(row, "conflicts"), i, conflict)
		if (json_is_null(json_object_get(conflict, "settled_ms")))
			text = row_text(conflict, "reason");
	if (text[0] == '\0' && row_text(row, "foreign_currency")[0] != '\0')
		text = "in another currency: not added to the total";
	return text_copy(text);
}

static const struct print_column columns[] = {
	{ "RECEIVED", "created_at", print_as_utc, NULL },
	{ "STATUS", "status", print_as_text, print_look_of_row },
	{ ">AMOUNT", NULL, print_as_amount, NULL },
	{ ">LEAD", "lead_id", print_as_id, NULL },
	{ "PAYMENT", "payment_id", print_as_text, NULL },
	{ "REASON", NULL, reason, NULL },
};

static enum outcome
list_conflicts(const struct ctl *ctl, json_t **rows, struct fault *why)
{
	enum outcome out = ledger_list_conflicts(ctl->ledger, ctl->since.ms, ctl->limit, rows, why);
	json_t *row, *conflicts;
	size_t i;

	if (out != DONE)
		return out;
	json_array_foreach(*rows, i, row) {
		out = ledger_conflicts(ctl->ledger, row_number(row, "id"), false, &conflicts, why);
		if (out != DONE)
			break;
		json_object_set_new(row, "conflicts", conflicts);
	}
	if (out != DONE)
		json_decref(*rows);
	return out;
}

int
ctl_list(const struct ctl *ctl)
{
	struct fault why;
	enum outcome out;
	json_t *rows;

	if (ctl->rejected)
		return rejected_list(ctl);
	if (ctl->conflicts)
		out = list_conflicts(ctl, &rows, &why);
	else
		out = ledger_list(
		    ctl->ledger, ctl->status, NULL, ctl->since.ms, ctl->limit, false, &rows, &why);
	if (out != DONE)
		return print_fault(&why);
	if (ctl->json)
		print_json(json_incref(rows));
	else
		print_rows(columns, PRINT_COLUMNS(columns), rows);
	json_decref(rows);
	return EX_OK;
}
