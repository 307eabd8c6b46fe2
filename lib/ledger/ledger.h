#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * The ledger: every payment ever received, what was promised about it and how far its delivery got.
 * Here it is opened; the other headers of this room say what can be done with it.  The head of
 * ledger.c states the invariants and the states.  Money is in kopecks and time in milliseconds
 * since 1970 unless a name says otherwise; both are given in by the caller.
 *
 * All writing functions are durable when they return DONE.  BROKEN means that nothing was written.
 */
struct ledger;

/*
 * It is created where there was none before.  BROKEN also when there was one that is gone or
 * replaced: it is opened when it is back.
 */
enum outcome ledger_open(const char *path, struct ledger **ledger, struct fault *why) MUST_USE;

/* The same without creating it.  NEVER: there is none, nor was there one. */
enum outcome ledger_open_existing(
    const char *path, struct ledger **ledger, struct fault *why) MUST_USE;

/*
 * Before payments are carried: no process whose locks are in another directory may carry any from
 * this ledger meanwhile.  BROKEN: one that lives has said so before.
 */
enum outcome ledger_join(struct ledger *ledger, const char *directory, struct fault *why) MUST_USE;

void ledger_close(struct ledger *ledger); /* NULL is allowed. */

/*
 * Housekeeping of the file, which now and then a write has to do after it is durable, and which
 * takes as long as the disk needs for a thousand pages.  A process that serves a caller puts it
 * off, and must then call ledger_checkpoint() as soon as no caller waits.
 */
void ledger_checkpoint_later(struct ledger *ledger);
void ledger_checkpoint(struct ledger *ledger);

/* How large its log is; 0: not known.  Only a reader that does not end lets it grow. */
int64_t ledger_log_bytes(const struct ledger *ledger);

enum payment_status {
	PAYMENT_PENDING,
	PAYMENT_PROCESSING,
	PAYMENT_SUCCESS,
	PAYMENT_FAILED,
	PAYMENT_SKIPPED,
	PAYMENT_STATUSES
};
const char *payment_status_name(enum payment_status status);

/* The status of that name; -1 when there is none. */
int payment_status_parse(const char *name);

#endif
