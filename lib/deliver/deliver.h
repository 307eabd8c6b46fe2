#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "deliver/batch.h"
#include "deliver/service.h"
#include "payment/payment.h"

/*
 * Carrying recorded payments into amoCRM: by a worker before it answers, or by payment-syncd.
 */
struct delivery_result {
	int64_t contact_id, lead_id, pipeline_id; /* 0 = not got that far. */
	bool lead_created;
	/* With NEVER: "contact_not_found", "lead_not_found", or NULL for a refusal. */
	const char *not_found;
	int64_t next_ms; /* With LATER: wall-clock time of the next attempt. */
	/* What a person may want to know: array of English sentences.  Owned, never NULL. */
	json_t *warnings;
};
void delivery_result_clear(struct delivery_result *result);

/* First and longest wait between two attempts to carry the same payment. */
#define DELIVER_WAIT_MIN_MS 2000
#define DELIVER_WAIT_MAX_MS (15 * 60 * 1000)

/*
 * Try to carry a payment.  It may be called any number of times, by several processes at once,
 * after any crash: only one of them works on it at a time, and each goes on where the last one got
 * to.
 *
 * How the attempt ended is in the ledger when this returns:
 *   DONE    success; also when another process finished it meanwhile (then ids may be 0).
 *   LATER   to be tried again.  The row is pending and due at result->next_ms; when that is 0
 *           another process has the payer in hand, or has had the row since it was due, and it was
 *           left alone.  Attempts are not counted against the payment while amoCRM refuses
 *           everybody or while it waits for another payment.
 *   NEVER   failed, with the reason.
 *   BROKEN  the ledger could not be written; the row falls due again by itself when the lease is
 *           over.
 * The result is always valid; clear it.
 */
enum outcome deliver(const struct service *service, const struct payment *paid,
    const struct delivery_attempt *attempt, struct delivery_result *result,
    struct fault *why) MUST_USE;

/* One of several payments that are carried together, and what came of it. */
struct delivery {
	const struct payment *paid;
	struct delivery_attempt attempt; /* The deadlines of the first hold for all. */
	struct delivery_result result;
	enum outcome out;
	struct fault why;
};

/* deliver() for up to BATCH_MAX payments: what amoCRM takes in one request goes in one.  go_on (or
 * NULL) is asked before each new step; when it says no, the payments not yet begun are left or put
 * back. */
void deliver_together(const struct service *service, struct delivery *deliveries, size_t count,
    bool (*go_on)(void *cookie), void *cookie);

#endif
