#ifndef LEDGER_PURGE_H
#define LEDGER_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * Erasing personal data by age.
 *
 * Of every finished payment that last came before `before_ms` the payload and the trail are erased,
 * and of every conflict and rejected body seen before it the payload.  What is needed to know a duplicate or a
 * conflict, and what was delivered where, stays for ever.  Unfinished payments are left alone.
 *
 * It goes in small steps, each a transaction of its own, so that no writer is kept waiting; dying
 * between two of them leaves a ledger that is whole and can be purged again.
 *
 * Erased is overwritten, in the file and in its log.  Not promised: when SQLite once divided a full
 * page it may have left a copy of a small row in the unused part of the page; bodies of some
 * hundred bytes and more do not show this.  A copy made by ledger_copy() after purging has no such
 * remains.
 */
struct ledger;

struct purge {
	int64_t before_ms; /* Wall clock. */
	bool dry_run;      /* Count only. */

	int64_t seen, total; /* Payments of that age looked at, and to be looked at. */
	int64_t payments, events, conflicts, rejected; /* Erased. */

	char at[24]; /* Where it stands: the last payment looked at, */
	int64_t id;
	int64_t conflict; /* and the last conflict. */
};

/* before_ms and dry_run are set, the rest is 0. */
enum outcome purge_begin(struct ledger *ledger, struct purge *purge, struct fault *why) MUST_USE;

/* *more is false when there is nothing left to do. */
enum outcome purge_step(
    struct ledger *ledger, struct purge *purge, bool *more, struct fault *why) MUST_USE;

/*
 * Until this is done the log still holds what was erased.  LATER: a reader holds it just now; ask
 * again in a moment.
 */
enum outcome purge_end(struct ledger *ledger, struct fault *why) MUST_USE;

#endif
