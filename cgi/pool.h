#ifndef CGI_POOL_H
#define CGI_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * A parent that keeps a number of equal workers running.  It knows nothing of what they do.
 *
 *   one ends         another is started: at once if it had lived a while, else after 1 .. 30 s
 *   one is stuck     busy with one thing for longer than busy_limit_ms: it is killed and logged
 *   TERM, INT, USR1  each worker is sent TERM to finish what it has begun; after busy_limit_ms it
 *                    is killed
 *   HUP              workers are replaced one at a time: a new one is ready before an old one is
 *                    sent TERM
 *   the parent dies  the kernel sends each worker TERM: none goes on without being watched
 *
 * The service manager is told READY, RELOADING, STOPPING and, if it asks for it, that the parent is
 * alive.
 */

/* What one worker tells its parent, in memory that both share. */
struct pool_activity;

struct pool_config {
	int workers;           /* At least 1. */
	int64_t busy_limit_ms; /* Read anew each time: reload may change it. */

	/*
	 * The life of one worker; returns its exit status.  It starts with TERM, INT, USR1 and HUP
	 * blocked, must call pool_idle() when it is ready to work, and must leave on TERM.  The
	 * status EX_CONFIG (78) says that starting another will not help.
	 */
	int (*run_worker)(void *cookie, struct pool_activity *activity);

	/* HUP came: prepare what the next workers start with.  False: nothing changes. */
	bool (*reload)(void *cookie);

	/*
	 * The first worker started after reload() is ready (keep), or ended before that: go back to
	 * what was before.
	 */
	void (*reloaded)(void *cookie, bool keep);

	void *cookie;
};

/*
 * Run the pool until a signal ends it.  Single-threaded callers only.  It sets the process's signal
 * mask and leaves it so.
 *
 * DONE: every worker has ended.  NEVER: at the first start a worker ended with EX_CONFIG; it has
 * logged why.  BROKEN: no memory to share with the workers.
 */
enum outcome pool_run(struct pool_config *config, struct fault *why) MUST_USE;

/* A worker says that it waits for work (and so is ready), or that it has begun some. */
void pool_idle(struct pool_activity *activity);
void pool_busy(struct pool_activity *activity);

#endif
