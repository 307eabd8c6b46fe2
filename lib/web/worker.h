#ifndef WEB_WORKER_H
#define WEB_WORKER_H

#include <stdbool.h>

#include "base/fault.h"
#include "config/settings.h"
#include "deliver/service.h"
#include "monitor/overview.h"

/*
 * What one worker process needs to answer requests: its own handles on the ledger, amoCRM and the
 * counters.
 */
struct worker {
	const struct settings *settings; /* Borrowed. */
	int slots;                       /* How many workers may deliver at the same time. */
	struct service *service;         /* NULL while it cannot be opened. */
	/*
	 * Apart from the service's, to count also what is refused meanwhile; NULL: nothing is
	 * counted.
	 */
	struct metrics *metrics;
};

/*
 * To be called after fork(2), as the handles may not be shared.  Files that cannot be opened now
 * (ledger, run directory) are tried again at each request, which is answered 503 meanwhile; NEVER
 * is returned only for what no waiting cures.  `workers` is the size of the pool: at most workers -
 * 1 of them (but at least one) deliver at the same time.
 */
enum outcome worker_open(const struct settings *settings, int workers, struct worker **worker,
    struct fault *why) MUST_USE;
void worker_close(struct worker *worker); /* NULL is allowed. */

/* Have worker->service open; false, with the reason, when that cannot be now. */
bool worker_ready(struct worker *worker, struct fault *why);

/*
 * The ledger failed.  The handle may be beyond repair (a failed sync, a corrupt file): the next
 * request opens a new one.
 */
void worker_reset(struct worker *worker);

/* How the service does.  BROKEN: the ledger cannot be read now, and was reset. */
enum outcome worker_overview(
    struct worker *worker, int64_t now_ms, struct overview *seen, struct fault *why) MUST_USE;

/*
 * Copy the ledger's log into the database, which was put off.  To be called while no request waits.
 */
void worker_checkpoint(struct worker *worker);

#endif
