/*
 * Why a payment cannot be put back.  A retry and its preview both ask here, so that they give the
 * same reasons.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "ledger/operator.h"
#include "print.h"
#include "retry_reason.h"
#include "row.h"

char *
retry_reason(const json_t *row)
{
	const char *status = row_text(row, "status");

	if (row == NULL)
		return text_copy("there is no such payment");
	if (strcmp(status, payment_status_name(PAYMENT_FAILED)) != 0)
		return text_format("it has not failed: %s", status);
	return row_true(row, "purged") ? text_copy(ledger_why_left(row)) : NULL;
}

void
retry_reason_count(const json_t *left)
{
	json_t *counts = json_object(), *reason;
	const char *text;

	json_object_foreach((json_t *)left, text, reason) {
		const char *key = json_string_value(reason);

		json_object_set_new(counts, key, json_integer(row_number(counts, key) + 1));
	}
	json_object_foreach(counts, text, reason)
		print_line(PRINT_ODD, "%" PRId64 " payment%s left: %s", row_number(counts, text),
		    print_plural(row_number(counts, text)), text);
	json_decref(counts);
}
