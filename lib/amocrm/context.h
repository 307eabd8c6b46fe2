#ifndef AMOCRM_CONTEXT_H
#define AMOCRM_CONTEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * On whose behalf amoCRM is called: given with every call, borrowed until it returns.  Zeroed it
 * allows no time at all.
 */
struct amocrm_context {
	int64_t deadline_ms; /* Monotonic: the call, with all its repetitions, is over by then. */
	const char *request_id; /* Of the webhook's request: sent along.  NULL or "": none. */
	json_t *const *trails;  /* Arrays of events (see trail.h): each try is appended to each. */
	size_t trail_count;
};

#endif
