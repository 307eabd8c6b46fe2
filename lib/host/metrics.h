#ifndef HOST_METRICS_H
#define HOST_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "host/metrics_kinds.h"

/*
 * What happened on this host, counted by all its processes together, for graphs and alarms: a small
 * mapped file of 64-bit cells in the run directory that are only ever added to.
 *
 * Counting never fails and never waits; every function takes NULL for a process that could not open
 * the file, and does nothing then.  A process that dies loses nothing it counted.  The numbers
 * begin anew with each boot, as /run does, and when the run directory is emptied.
 */
struct metrics;

/*
 * `directory` is PAYMENTS_RUN_DIR.  A file of another layout is begun anew.  BROKEN: it cannot be
 * made, grown or mapped; who goes on without it counts nothing, as with NULL.
 */
enum outcome metrics_open(
    const char *directory, struct metrics **metrics, struct fault *why) MUST_USE;

/*
 * The same for who only looks, perhaps as another user: no file is made, and counting does nothing.
 * BROKEN also when there is none, or one of another layout.
 */
enum outcome metrics_open_to_read(
    const char *directory, struct metrics **metrics, struct fault *why) MUST_USE;
void metrics_close(struct metrics *metrics); /* NULL is allowed. */

/*
 * How often something took at most metrics_bounds_ms[i] but longer than the bound before; the last
 * class has no bound.
 */
struct histogram {
	int64_t classes[METRICS_BOUNDS + 1];
	int64_t sum_ms;
};

struct metrics_values {
	int64_t requests[METRICS_ANSWERS];
	int64_t deliveries[METRICS_DELIVERIES];
	int64_t replies[METRICS_CALLS][METRICS_REPLIES];
	struct histogram receive;
	struct histogram deliver;
	struct histogram calls[METRICS_CALLS];
	int64_t log_lost;
};

/* A webhook was answered with this word ("success", ..). */
void metrics_request(struct metrics *metrics, const char *word, int64_t took_ms, int64_t now_ms);

/* An attempt to carry a payment ended: DONE, LATER, NEVER, and everything else is broken. */
void metrics_delivery(struct metrics *metrics, enum outcome out, int64_t took_ms);

/* amoCRM was called, and answered with this HTTP status; 0: no answer came. */
void metrics_call(struct metrics *metrics, enum metrics_call call, int status, int64_t took_ms);

/* So many lines of the log were lost, because nobody read it. */
void metrics_log_lost(struct metrics *metrics, int64_t lines);

/* All the numbers; false without a file. */
bool metrics_read(const struct metrics *metrics, struct metrics_values *values);

/*
 * The last hour by minutes, for alarms about what has changed.  Two processes that meet in the
 * first instant of a minute may lose a count.
 */
#define METRICS_MINUTES      60
#define METRICS_NEAR_MINUTES 5

struct metrics_minute {
	int64_t requests;
	int64_t unauthorized;
	int64_t backlog; /* -1: not known. */
};

/*
 * The sums of `minutes` (up to METRICS_MINUTES) minutes up to now.  backlog is that of the first of
 * them or, as who looks once a minute may miss one, the first known of METRICS_NEAR_MINUTES.
 */
void metrics_recent(
    const struct metrics *metrics, int64_t now_ms, int minutes, struct metrics_minute *sum);

/* How many payments wait now. */
void metrics_backlog(struct metrics *metrics, int64_t now_ms, int64_t backlog);

/*
 * When amoCRM's token expires, in unix seconds, told by one who knows the token to those who do
 * not; 0: unknown.
 */
void metrics_tell_expiry(struct metrics *metrics, int64_t expires);
int64_t metrics_expiry(const struct metrics *metrics);

#endif
