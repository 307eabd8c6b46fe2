/*
 * How long to wait before the next attempt.  Time and chance are arguments, so that tests can
 * enumerate the extremes.
 */
#include "base/retry.h"

int64_t
retry_wait(unsigned attempt, int64_t least, int64_t most, int64_t advice, uint32_t chance)
{
	int64_t wait = least < most ? least : most, half, span;

	if (wait < 0)
		wait = 0;
	/* Doubling stops at `most`, long before it could overflow; nought would double for ever. */
	for (; attempt > 1 && wait < most && wait > 0; attempt--)
		wait = wait > most / 2 ? most : wait * 2;

	/* Multiplied in two parts, since the product of the whole need not fit. */
	half = wait / 2;
	span = wait - half;
	wait = half + span / UINT32_MAX * chance +
	    (int64_t)((uint64_t)(span % UINT32_MAX) * chance / UINT32_MAX);
	return wait > advice ? wait : advice;
}
