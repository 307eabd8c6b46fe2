#ifndef CGI_CTL_ROW_H
#define CGI_CTL_ROW_H

#include <jansson.h>

#include "base/fault.h"
#include "command.h"

/*
 * A payment as the ledger lists it, or any other JSON object of a report.
 */

/* The payment called `key`: a payment_id, or "#" and a row's number.  *row is a new reference, or
 * NULL when there is no such payment.  The payload is in it only with `payload`. */
enum outcome row_find(struct ledger *ledger, const char *key, bool payload, json_t **row,
    struct fault *why) __attribute__((warn_unused_result));

/* The same of a webhook that was no payment, by its number, with or without "#". */
enum outcome row_find_rejected(struct ledger *ledger, const char *number, bool payload,
    json_t **row, struct fault *why) MUST_USE;

/* Members of an object: "", 0 and false for one that is not there, or of another type. */
const char *row_text(const json_t *row, const char *key);
int64_t row_number(const json_t *row, const char *key);
bool row_true(const json_t *row, const char *key);

#endif
