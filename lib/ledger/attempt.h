#ifndef LEDGER_ATTEMPT_H
#define LEDGER_ATTEMPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct ledger;
struct progress;

/*
 * Attempts to deliver: which payment is due, taking it in hand, and how the attempt ends.
 */
struct due {
	int64_t id;
	char *key;     /* Owned: due_clear(). */
	char *payload; /* Owned. */
	size_t payload_size;
	char *request_id; /* Of the webhook that it came with; "" = none.  Owned. */
	int64_t recorded_ms;
	int64_t attempts; /* Failed so far. */
};
void due_clear(struct due *due);

/*
 * No wait and no lease that is given lies further ahead: an hour's pause of amoCRM's is the longest.
 * A time beyond that was written by a clock that was wrong then, or is wrong now, and has come.
 */
#define LEDGER_AHEAD_MAX_MS (65 * 60 * 1000)

/*
 * The first unfinished payment after the row `after` (0 from the start) whose time has come; id = 0
 * when there is none.
 */
enum outcome ledger_next_due(struct ledger *ledger, int64_t after, int64_t now_ms, struct due *due,
    struct fault *why) MUST_USE;

/*
 * Take a payment in hand until lease_ms.  *claimed is false when it is not unfinished any more, or
 * (due_ms not 0) not due by then: another process has had it in hand since it was.
 */
enum outcome ledger_claim(struct ledger *ledger, int64_t id, int64_t due_ms, int64_t lease_ms,
    bool *claimed, struct fault *why) MUST_USE;

/*
 * The three ends of an attempt.  `events` go to the trail, and are emptied once they are written;
 * of ledger_finish() those of `at`.
 */
enum outcome ledger_finish(struct ledger *ledger, int64_t id, const struct progress *at,
    int64_t now_ms, struct fault *why) MUST_USE;
enum outcome ledger_fail(struct ledger *ledger, int64_t id, json_t *events, const char *reason,
    int64_t now_ms, struct fault *why) MUST_USE;
enum outcome ledger_postpone(struct ledger *ledger, int64_t id, json_t *events, const char *reason,
    bool counts, int64_t next_ms, struct fault *why) MUST_USE;

#endif
