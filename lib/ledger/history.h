#ifndef LEDGER_HISTORY_H
#define LEDGER_HISTORY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "ledger/ledger.h"

/*
 * The ledger over time, for pages and alarms that are asked for often: nothing here takes longer as
 * the ledger grows.
 */

/* One day's payments, by what became of them. */
struct ledger_day {
	int64_t payments[PAYMENT_STATUSES];
	int64_t kopecks[PAYMENT_STATUSES];
};

/* `count` days from the day `first` (see clock_day()): days[0] is `first`. */
enum outcome ledger_days(struct ledger *ledger, int64_t first, size_t count,
    struct ledger_day *days, struct fault *why) MUST_USE;

/* When the last new payment came, to the second; 0 = never. */
enum outcome ledger_last_arrival(struct ledger *ledger, int64_t *at_ms, struct fault *why) MUST_USE;

/*
 * How many payments first came after `from_ms` and not after `until_ms`; it counts up to
 * `most` only.
 */
enum outcome ledger_arrivals(struct ledger *ledger, int64_t from_ms, int64_t until_ms, int64_t most,
    int64_t *count, struct fault *why) MUST_USE;

/*
 * The newest `limit` payments, or those of them that failed: a new JSON array of {"payment_id",
 * "status", "kopecks", "at" (unix seconds: when it first came), "lead_id", "reason",
 * "attempts"}, newest first.  Nothing personal is in it.
 */
enum outcome ledger_newest(
    struct ledger *ledger, int64_t limit, json_t **rows, struct fault *why) MUST_USE;
enum outcome ledger_newest_failed(
    struct ledger *ledger, int64_t limit, json_t **rows, struct fault *why) MUST_USE;

/*
 * The same of payments with a conflict that is not settled, with the reason and the time of the
 * newest of those.
 */
enum outcome ledger_newest_conflicts(
    struct ledger *ledger, int64_t limit, json_t **rows, struct fault *why) MUST_USE;

#endif
