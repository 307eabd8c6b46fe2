#ifndef LEDGER_OPERATOR_H
#define LEDGER_OPERATOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

struct ledger;

/*
 * What the operator decides about payments.
 */

/*
 * A person has looked at what was kept aside of a payment; *count says how many were not settled
 * before.
 */
enum outcome ledger_settle(
    struct ledger *ledger, int64_t id, int64_t now_ms, int64_t *count, struct fault *why) MUST_USE;

/*
 * Put a failed payment back into the backlog; *retried is false when it has not failed, or its
 * payload is gone, without which it cannot be delivered again.
 */
enum outcome ledger_retry(struct ledger *ledger, const char *key, int64_t now_ms, bool *retried,
    struct fault *why) MUST_USE;

/*
 * The same for all that have failed, but for those that must be named.  *retried is a new array of
 * payment_ids; *left a new object, by payment_id, of why each of the others was left: see
 * ledger_why_left().
 */
enum outcome ledger_retry_failed(struct ledger *ledger, int64_t now_ms, json_t **retried,
    json_t **left, struct fault *why) MUST_USE;

/*
 * Why a failed payment, a row of ledger_list(), is not put back with all the others; NULL when it
 * is.  It is not known how far the other service got with an imported one, and what was kept aside
 * of one may say that it should not be delivered.
 */
const char *ledger_why_left(const json_t *row);

#endif
