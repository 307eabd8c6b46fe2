#ifndef LEDGER_OLD_LEDGER_H
#define LEDGER_OLD_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "ledger/ledger.h"
#include "payment/payment.h"

/*
 * The ledger of the Python service, read: its table `payment_events`, under the names that columns
 * had in either of its versions, and what each row means here.  Columns beside `payment_id` and
 * `status` may be missing.
 *
 * What was a success or skipped there is so here.  All else is failed, with a reason for a person:
 * it is not known what of it is in amoCRM.  The payer is known by the payload; where that is no
 * webhook, the payer is not known, and the column `amount` counts.
 */
struct old_ledger;

/* *rows says how many there are.  NEVER: it is no such ledger. */
enum outcome old_ledger_open(
    const char *path, struct old_ledger **old, int64_t *rows, struct fault *why) MUST_USE;
void old_ledger_close(struct old_ledger *old); /* NULL is allowed. */

struct old_row {
	int64_t number;
	char *key, *payload,
	    *reason; /* Owned; the key is "" where there is none, the reason may be NULL. */
	enum payment_status status;
	bool doubtful; /* It was neither success, skipped nor failed. */
	bool unread;   /* The payload is no webhook. */
	int64_t created_s, processed_s,
	    paid_at;       /* Unix seconds; 0 is unknown, but for created_s. */
	bool amount_known; /* Else kopecks is 0. */
	int64_t kopecks;
	int64_t who[IDENTITY_KINDS]; /* Hashes, by enum identity_kind; 0 is unknown. */
	int64_t contact_id, lead_id, pipeline_id, lead_created, retries;
};
void old_row_clear(struct old_row *row);

/*
 * Begin to read at most `count` rows after the row of that number; then each is asked for until
 * there are no more.  Between pages the file is not held: its service may be running.
 */
enum outcome old_ledger_page(
    struct old_ledger *old, int64_t after, int64_t count, struct fault *why) MUST_USE;
enum outcome old_ledger_next(
    struct old_ledger *old, struct old_row *row, bool *more, struct fault *why) MUST_USE;

#endif
