#define clock_wall_ms     system_wall_ms
#define clock_mono_ms     system_mono_ms
#define clock_sleep_until system_sleep_until
#include "base/clock.c"
#undef clock_wall_ms
#undef clock_mono_ms
#undef clock_sleep_until

#include "fake_clock.h"

/* What clock.h would have declared, had its names not been others'. */
int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
void clock_sleep_until(int64_t mono_ms);

/* The monotonic clock's own beginning; later than any wait a limiter looks back on. */
#define MONO_START_MS 10000000

static int64_t passed_ms, slept_ms;

void
fake_clock_reset(void)
{
	passed_ms = slept_ms = 0;
}

void
fake_clock_pass(int64_t ms)
{
	passed_ms += ms;
}

int64_t
fake_clock_slept(void)
{
	return slept_ms;
}

int64_t
clock_wall_ms(void)
{
	return FAKE_CLOCK_START_MS + ++passed_ms;
}

int64_t
clock_mono_ms(void)
{
	return MONO_START_MS + ++passed_ms;
}

void
clock_sleep_until(int64_t mono_ms)
{
	int64_t wait_ms = mono_ms - (MONO_START_MS + passed_ms);

	if (wait_ms <= 0)
		return;
	passed_ms += wait_ms;
	slept_ms += wait_ms;
}
