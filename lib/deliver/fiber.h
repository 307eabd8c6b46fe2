#ifndef DELIVER_FIBER_H
#define DELIVER_FIBER_H

/*
 * A function that can be stopped in the middle and continued later, on a stack of its own.
 *
 * Only one runs at a time, on the caller's thread; nothing is concurrent.  The stack ends in a
 * page that cannot be touched, so an overflow is a crash and no silent damage.
 */
struct fiber;

/* Prepare body(cookie); it begins with the first fiber_resume().  Aborts without memory. */
struct fiber *fiber_new(void (*body)(void *cookie), void *cookie);

/* Run it until it yields or returns.  Not after it has returned. */
void fiber_resume(struct fiber *fiber);

/* Called from inside of the fiber: stop here until the next fiber_resume(). */
void fiber_yield(struct fiber *fiber);

/* It must have returned, else what it holds is lost.  NULL is allowed. */
void fiber_free(struct fiber *fiber);

#endif
