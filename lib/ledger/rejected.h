#ifndef LEDGER_REJECTED_H
#define LEDGER_REJECTED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct ledger;

/*
 * Webhooks of the platform that are no payments: the sender gets a 400, and a person may find out
 * what was meant.  Each different body is kept once and counted, the newest REJECTED_MAX of them and
 * at most REJECTED_BYTES_MAX; what has to go for newer ones is counted.
 */
#define REJECTED_MAX       10000
#define REJECTED_BYTES_MAX (INT64_C(64) << 20)

/* `errors` is the array of the response, request_id may be NULL.  One that was put aside stays so. */
enum outcome ledger_reject(struct ledger *ledger, const void *body, size_t size,
    const json_t *errors, const char *request_id, int64_t now_ms, struct fault *why) MUST_USE;

/*
 * Those that are not settled, newest first; or with an id (not 0) that one, settled or not.  A new
 * array of {"id", "first_seen", "last_seen" (UTC), "times", "settled_ms" (null: not yet),
 * "request_id", "errors", "size", "purged"}, and with `whole` "body": where it is no UTF-8, bytes
 * that are no ASCII are shown as question marks.
 */
enum outcome ledger_rejected(struct ledger *ledger, int64_t id, int64_t since_ms, int64_t limit,
    bool whole, json_t **rows, struct fault *why) MUST_USE;

/* The body as it came, to be read again: new, of *size bytes; NULL when it was purged. */
enum outcome ledger_rejected_body(
    struct ledger *ledger, int64_t id, char **body, size_t *size, struct fault *why) MUST_USE;

/* Put it aside; *settled is false when it is not there or was put aside before. */
enum outcome ledger_rejected_settle(
    struct ledger *ledger, int64_t id, int64_t now_ms, bool *settled, struct fault *why) MUST_USE;

#endif
