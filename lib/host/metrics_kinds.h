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
	METRICS_REPLIES = 9,
	METRICS_BOUNDS = 12
};

/* The calls of amoCRM's API that are counted apart; the caller says which one it makes. */
enum metrics_call {
	METRICS_CONTACT_READ,
	METRICS_CONTACT_CREATE,
	METRICS_CONTACT_UPDATE,
	METRICS_LEAD_READ,
	METRICS_LEAD_CREATE,
	METRICS_LEAD_UPDATE,
	METRICS_NOTE_READ,
	METRICS_NOTE_CREATE,
	METRICS_OTHER_CALL,
	METRICS_CALLS
};

extern const char *const metrics_answers[METRICS_ANSWERS]; /* Statuses; the last is "other". */
extern const char *const metrics_deliveries[METRICS_DELIVERIES]; /* carried .. broken */
extern const char *const metrics_calls[METRICS_CALLS];           /* contact_read .. other */
extern const char *const metrics_replies[METRICS_REPLIES];       /* 2xx .. none */
extern const int64_t metrics_bounds_ms[METRICS_BOUNDS];          /* Of the histograms' classes. */

/* Places in these tables. */
int metrics_answer(const char *word);       /* NULL is "other". */
int metrics_delivery_end(enum outcome out); /* How deliver() ended. */
int metrics_reply(int status);              /* 0: no answer came. */
int metrics_bound(int64_t took_ms);         /* METRICS_BOUNDS when it is beyond all. */

#endif
