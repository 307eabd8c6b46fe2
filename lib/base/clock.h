#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Time.  Wall-clock milliseconds since 1970 are for what is written down; monotonic milliseconds
 * are for deadlines and survive no reboot.  Functions that decide something take the time as an
 * argument, so that tests can choose it.
 */
int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);

/*
 * How long ago that was; 0 for what was recorded in the future, by a wall clock that was wrong then
 * or is wrong now.
 */
int64_t clock_age_ms(int64_t now_ms, int64_t then_ms);

/* Sleep until that monotonic time, at once if it is past.  A signal does not cut it short. */
void clock_sleep_until(int64_t mono_ms);

/*
 * Choose the zone in which webhooks tell their time, for the whole process; call once, before
 * threads or parsing.  False when the system knows no such zone (an unknown name would silently
 * mean UTC).
 */
bool clock_set_zone(const char *name) __attribute__((warn_unused_result));

/*
 * Read "2025-01-20 14:49:20" in the chosen zone; a T instead of the space, a fraction of a second
 * (dropped), and a trailing Z or +HH:MM / +HHMM / +HH offset (which then decides instead of the
 * zone) are understood too.  False for anything else and for dates that do not exist (30 February, 25:00).
 */
bool clock_parse(const char *text, int64_t *unix_seconds);

/* The same, and Unix seconds (from 1973 on) or milliseconds, with or without a fraction. */
bool clock_read(const char *text, int64_t *unix_seconds);

#define CLOCK_TEXT 32

/* "2025-01-20 14:49:20" in the chosen zone, and "2025-01-20T11:49:20Z".  Both return text. */
const char *clock_local(char text[static CLOCK_TEXT], int64_t unix_seconds);
const char *clock_utc(char text[static CLOCK_TEXT], int64_t unix_seconds);

/* The day in the chosen zone, counted from 1970-01-01. */
int64_t clock_day(int64_t unix_seconds);

/*
 * The last part of the chosen zone's name, as people say it: "Moscow" for Europe/Moscow, "UTC" for
 * UTC.
 */
const char *clock_zone_label(void);

#endif
