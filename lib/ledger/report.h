#ifndef LEDGER_REPORT_H
#define LEDGER_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "ledger/ledger.h"

/*
 * The ledger as people see it.
 */
struct ledger_stats {
	int64_t payments[PAYMENT_STATUSES];
	int64_t kopecks[PAYMENT_STATUSES];
	int64_t last_success_ms;      /* 0 = never. */
	int64_t oldest_unfinished_ms; /* When the oldest unfinished one was recorded; 0 = none. */
	int64_t rejected;             /* Bodies kept that are no payments, not settled. */
	int64_t rejected_lost;        /* Those dropped unsettled for want of room. */
	int64_t conflicts;            /* Arrivals kept aside that no person has settled. */
};
enum outcome ledger_stats(
    struct ledger *ledger, struct ledger_stats *stats, struct fault *why) MUST_USE;

/* Prove that the ledger can commit, by a real commit. */
enum outcome ledger_touch(struct ledger *ledger, int64_t now_ms, struct fault *why) MUST_USE;

/*
 * Over all payments: how often one came again, and how many arrivals were kept aside, settled or
 * not.
 */
enum outcome ledger_repeats(
    struct ledger *ledger, int64_t *duplicates, int64_t *conflicts, struct fault *why) MUST_USE;

/*
 * Rows for people: a new JSON array of objects, newest first, with times as UTC text.  status < 0
 * means any.  With a key only that payment: a payment_id, or "#" and a row's number.  Nothing
 * personal is in them but the payload, only with `whole`; of a payment whose payload was purged, or
 * never known, "purged" is true.
 */
enum outcome ledger_list(struct ledger *ledger, int status, const char *key, int64_t since_ms,
    int64_t limit, bool whole, json_t **rows, struct fault *why) MUST_USE;

/*
 * The payments of which an arrival was kept aside since then that no person has settled: rows as of
 * ledger_list().
 */
enum outcome ledger_list_conflicts(struct ledger *ledger, int64_t since_ms, int64_t limit,
    json_t **rows, struct fault *why) MUST_USE;

/*
 * The arrivals of a payment that were kept aside, oldest first: a new JSON array of {"seen_ms",
 * "reason", "settled_ms" (null: not yet)}, and "payload" with `whole`.
 */
enum outcome ledger_conflicts(
    struct ledger *ledger, int64_t id, bool whole, json_t **conflicts, struct fault *why) MUST_USE;

/* The trail of one payment (base/trail.h) in order: a new JSON array of events. */
enum outcome ledger_trail(
    struct ledger *ledger, int64_t id, json_t **events, struct fault *why) MUST_USE;

#endif
