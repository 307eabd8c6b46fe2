#ifndef AMOCRM_CALL_H
#define AMOCRM_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "amocrm/context.h"
#include "amocrm/http_client.h"
#include "base/fault.h"
#include "config/settings.h"
#include "host/limiter.h"
#include "host/metrics.h"

/*
 * One call of amoCRM's API: what http_client_exchange() does, plus what to do when it fails.
 *
 * It takes its turn at the limiter, judges the answer, opens the breaker on 401, 402 and 403, makes every process wait
 * on 429, and repeats the call after passing failures while the settings, the deadline and safety allow.
 */
struct caller {
	const struct settings *settings; /* Borrowed, all three. */
	struct limiter *limiter;
	struct http_client *http;
	struct metrics *metrics; /* Borrowed; NULL: nothing is counted. */
};

struct call {
	const char *method;
	const char *what; /* What it is called in the trail: "create lead". */
	char *path;       /* After the base URL, with the query.  Owned by whoever made it. */
	json_t *body;     /* Borrowed; NULL for none. */
	bool once; /* It creates something: it is repeated only when it surely had no effect. */
	/* It overwrites something: carried out late, after we hung up on it, it would undo what others wrote since.  So while
	 * it may still be under way it is not repeated, nor by libcurl, lest the repetition's success lets others go on. */
	bool overwrites;
};

struct reply {
	int status;
	json_t *json;      /* New reference; NULL for 204 and for what is not JSON. */
	int64_t advice_ms; /* How long amoCRM asked us to wait, 0 = it did not. */
};

/*
 * DONE: 204, or 200 to 202 with readable JSON.  LATER: surely nothing was changed.  UNSURE: the call, or a try of it, may
 * have had its effect.  NEVER: amoCRM refuses this request; the reply has its reasons.
 * The reply is always valid; release its json.
 */
enum outcome call_perform(const struct caller *caller, const struct amocrm_context *context,
    const struct call *call, struct reply *reply, struct fault *why) MUST_USE;

#endif
