#ifndef CGI_POOL_H
#define CGI_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * A parent that keeps a number of equal workers running.  It knows nothing of what they do.
 *
 *   one dies         another takes its place: at once if it had lived a while, else after 1, 2, 4 .. 30 seconds
 *   one is stuck     busy with one thing for longer than busy_limit_ms: it is killed, and said so
 *   TERM, INT, USR1  each worker is sent TERM to finish what it has in hand; after busy_limit_ms it is killed
 *   HUP              workers are replaced one at a time: a new one is up before an old one is sent TERM
 *   the parent dies  the kernel sends each worker TERM: none is left serving with nobody to watch it
 *
 * The service manager is told READY, RELOADING, STOPPING and, if it asks for it, that the parent is alive.
 */

/* One worker's place in memory shared with the parent. */
struct pool_beat;

struct pool_job {
	int workers;           /* At least 1. */
	int64_t busy_limit_ms; /* Read anew each time: reload may change it. */

	/*
	 * The life of one worker; returns its exit status.  It starts with TERM, INT, USR1 and HUP blocked,
	 * must call pool_idle() when it is ready to work, and must leave on TERM.  The status EX_CONFIG
	 * (78) says that no respawn will help.
	 */
	int (*serve)(void *context, struct pool_beat *beat);

	/* HUP came: prepare what the next workers shall be started with.  False: nothing changes. */
	bool (*reload)(void *context);

	/*
	 * The first worker started after reload() is up (keep), or died before that: go back to what was
	 * before.
	 */
	void (*reloaded)(void *context, bool keep);

	void *context;
};

/*
 * Run the pool until a signal ends it.  Single-threaded callers only.
 *
 * DONE: every worker has ended.  NEVER: at the first start a worker said EX_CONFIG; it has told the log why.
 * BROKEN: no memory to share with the workers.
 */
enum outcome pool_run(struct pool_job *job, struct fault *why) MUST_USE;

/* A worker tells that it waits for work, or that it has begun some. */
void pool_idle(struct pool_beat *beat);
void pool_busy(struct pool_beat *beat);

#endif
