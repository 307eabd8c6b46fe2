#ifndef BASE_RETRY_H
#define BASE_RETRY_H

#include <stdint.h>

/*
 * When to try again, as a pure function: exponential back-off from `least` to `most`, halved at
 * random by `chance` (0 .. UINT32_MAX) so that processes that failed together do not come back
 * together, and never before `advice`, the wait the other side asked for (0: none).  `attempt`
 * counts the failures so far, from 1.  All times in milliseconds.
 *
 * The result lies between half the back-off and the back-off; advice may lengthen it beyond `most`.
 */
int64_t retry_wait(unsigned attempt, int64_t least, int64_t most, int64_t advice, uint32_t chance);

#endif
