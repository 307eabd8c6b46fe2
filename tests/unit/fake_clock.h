#ifndef FAKE_CLOCK_H
#define FAKE_CLOCK_H

/*
 * Time for tests that wait: it stands still but for a millisecond at each look, and whoever sleeps is there at once.
 *
 * Include fake_clock.c before anything that includes clock.h.  Its functions take the place of lib/base/clock.c in the test
 * program; those that read and write dates are the real ones.
 */
#include <stdint.h>

#define FAKE_CLOCK_START_MS INT64_C(1737374400000) /* 2025-01-20 12:00:00 UTC */

void fake_clock_reset(void);

/* Let time pass. */
void fake_clock_pass(int64_t ms);

/* How long the program slept since the reset. */
int64_t fake_clock_slept(void);

#endif
