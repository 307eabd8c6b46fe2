#ifndef HOST_LIMITER_H
#define HOST_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * amoCRM's patience, shared by all processes of this host: how many requests a second it bears,
 * until when it asked us to wait, and whether it refuses every request (the breaker).
 *
 * The state is a small mapped file in the run directory, changed under a lock that the kernel frees
 * when its holder dies; each change leaves it valid after every store, so a process killed in the
 * middle costs at most one unused slot.
 *
 * Promises: requests that leave within moments of their slot never exceed `rate` in any second, as
 * amoCRM counts their arrivals.  A slot's second begins when its request had left, and is
 * LIMITER_GUARD_MS longer, which absorbs how much one request's way to amoCRM and into its count is
 * slower than another's; if it may be on its way for longer still, the second begins when it has
 * arrived.  After limiter_hold() no slot is given until then; while the breaker is open only a
 * probe every LIMITER_PROBE_MS gets one.  Rate slots are given in order of asking.  When the run
 * directory is emptied, all go over to a new file at their next call, and what was known goes with
 * the first of them.  Not promised:
 * other hosts' requests are not seen.
 */
struct limiter;

#define LIMITER_RATE_MAX    200
#define LIMITER_GUARD_MS    40
#define LIMITER_READING_MS  5 /* So long at most amoCRM needs to see what has arrived. */
#define LIMITER_PROBE_MS    30000
#define LIMITER_HOLD_MAX_MS (60 * 60 * 1000) /* A longer Retry-After is cut to an hour. */

/*
 * For who calls amoCRM.  A file left from before a reboot or damaged is begun anew.  The rate is each handle's own: what
 * earlier programs sent at another one still counts.  NEVER: the rate is not between 1 and
 * LIMITER_RATE_MAX.  After fork(2) a child must open its own, because the lock belongs to the open
 * file.
 */
enum outcome limiter_open(
    const char *path, int64_t rate, struct limiter **limiter, struct fault *why) MUST_USE;

/*
 * For who only asks limiter_look(), perhaps as another user or outside the service's sandbox:
 * nothing is made or changed.  BROKEN also when there is no file, or one that would be begun anew.
 */
enum outcome limiter_open_to_look(
    const char *path, struct limiter **limiter, struct fault *why) MUST_USE;
void limiter_close(struct limiter *limiter); /* NULL is allowed. */

/*
 * Wait for a rate slot.  DONE: send now.  LATER: no slot before deadline_ms (monotonic), or the
 * breaker is open; nothing was used up and no time was spent waiting in vain, unless a hold or the
 * breaker came only while we waited.
 */
enum outcome limiter_wait(struct limiter *limiter, int64_t deadline_ms, struct fault *why) MUST_USE;

/*
 * The last slot's request really left at this monotonic time (connecting may have taken a while):
 * count it from then.
 */
void limiter_sent(struct limiter *limiter, int64_t sent_ms);

/*
 * The last slot's request may have been on its way until this monotonic time, beyond what every
 * request's way takes.  May be called again with what is known later.
 */
void limiter_on_way(struct limiter *limiter, int64_t until_ms);

/* amoCRM asked for a pause (429): no process gets a slot before it is over. */
void limiter_hold(struct limiter *limiter, int64_t wait_ms);

/*
 * This handle is an operator's, whose token may not be the service's: what refuses it says nothing
 * of the others, so limiter_break() gives only this handle no more slots.  The breaker of the
 * others holds for it as for all.
 */
void limiter_break_alone(struct limiter *limiter);

/*
 * amoCRM refuses every request with this HTTP status: open the breaker.  Any later success closes
 * it.
 */
void limiter_break(struct limiter *limiter, int status);
void limiter_succeeded(struct limiter *limiter);     /* Cheap when the breaker is closed. */
void limiter_close_breaker(struct limiter *limiter); /* Asked for by an operator. */

/*
 * If the last slot was the open breaker's probe: its answer was not about everybody, so the next
 * one may go at once.
 */
void limiter_probe_again(struct limiter *limiter);

/*
 * What the status that opened the breaker is about: "token" (401), "payment" (402), "access" (403),
 * "address" (3xx, 404: it was not our account that answered), or "other".
 */
const char *limiter_cause(int status);
bool limiter_is_address(int status);
#define LIMITER_NO_ACCOUNT "AMO_BASE_URL leads to no account" /* "address", for people. */

struct limiter_state {
	bool open;        /* The breaker. */
	bool alone;       /* For this handle only: see limiter_break_alone(). */
	int status;       /* The HTTP status that opened it. */
	int64_t since_ms; /* Wall clock; 0 when closed. */
	/* Monotonic time from which a slot may be had: after a hold, or the next probe; else 0. */
	int64_t ready_ms;
	int64_t used; /* Rate slots given during the last second. */
};
void limiter_look(struct limiter *limiter, struct limiter_state *state);

#endif
