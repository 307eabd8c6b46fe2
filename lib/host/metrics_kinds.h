#ifndef HOST_METRICS_KINDS_H
#define HOST_METRICS_KINDS_H

#include <stdint.h>

#include "base/fault.h"

/*
 * What is told apart when things are counted, and by which names.
 */
enum {
	METRICS_ANSWERS = 13,
	METRICS_DELIVERIES = 4,
	METRICS_CALLS = 9,
	METRICS_REPLIES = 9,
	METRICS_BOUNDS = 12
};
extern const char *const metrics_answers[METRICS_ANSWERS]; /* Statuses; the last is "other". */
extern const char *const metrics_deliveries[METRICS_DELIVERIES]; /* carried .. broken */
extern const char *const metrics_calls[METRICS_CALLS];           /* contact_read .. other */
extern const char *const metrics_replies[METRICS_REPLIES];       /* 2xx .. none */
extern const int64_t metrics_bounds_ms[METRICS_BOUNDS];          /* Of the histograms' classes. */

/* Places in these tables. */
int metrics_answer(const char *word);       /* NULL is "other". */
int metrics_delivery_end(enum outcome out); /* How deliver() ended. */
int metrics_call_kind(
    const char *method, const char *path); /* Of amoCRM's API, with or without a query. */
int metrics_reply(int status);             /* 0: no answer came. */
int metrics_bound(int64_t took_ms);        /* METRICS_BOUNDS when it is beyond all. */

#endif
