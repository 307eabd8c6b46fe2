/*
 * paymentctl: why a payment cannot be put back.  The retry and its preview both ask here, so that
 * they give the same reasons.
 */
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "ledger/operator.h"
#include "print.h"
#include "retry_reason.h"

char *
ctl_retry_left(const json_t *row)
{
	const char *status = json_string_value(json_object_get(row, "status"));

	if (row == NULL)
		return text_format("there is no such payment");
	if (strcmp(status, payment_status_name(PAYMENT_FAILED)) != 0)
		return text_format("it has not failed: %s", status);
	if (json_is_true(json_object_get(row, "purged")))
		return text_copy(ledger_why_left(row));
	return NULL;
}

/* How many of {payment_id: reason} were left for which reason. */
static json_t *
count_left(const json_t *left)
{
	json_t *counts = json_object(), *reason;
	const char *key;

	json_object_foreach((json_t *)left, key, reason) {
		const char *text = json_string_value(reason);

		json_object_set_new(counts, text,
		    json_integer(json_integer_value(json_object_get(counts, text)) + 1));
	}
	return counts;
}

void
ctl_tell_left(const json_t *left)
{
	json_t *counts = count_left(left), *count;
	const char *reason;

	json_object_foreach(counts, reason, count) {
		print_line(PRINT_ODD, "%" JSON_INTEGER_FORMAT " payment%s left: %s",
		    json_integer_value(count), print_plural(json_integer_value(count)), reason);
	}
	json_decref(counts);
}
