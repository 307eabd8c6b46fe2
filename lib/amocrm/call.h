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
 * It waits for a rate slot of the limiter, judges the answer, opens the breaker when amoCRM refuses
 * everybody, makes every process wait on 429, and repeats the call after passing failures while the
 * settings, the deadline and safety allow.  Whether a 403 is meant for everybody or for one entity
 * only, it asks the account.
 */
struct caller {
	const struct settings *settings; /* Borrowed, all three. */
	struct limiter *limiter;
	struct http_client *http;
	struct metrics *metrics; /* Borrowed; NULL: nothing is counted. */
	int64_t let_in_until_ms; /* Monotonic: so long it need not be asked again. */
};

/* Which call of the API it is.  Whoever makes the call knows; nothing is read back from the URL. */
enum call_kind {
	CALL_SEARCH_CONTACTS,
	CALL_SEARCH_LEADS,
	CALL_NEWEST_CONTACTS,
	CALL_NEWEST_LEADS,
	CALL_READ_CONTACT,
	CALL_READ_LEAD,
	CALL_READ_LEADS,
	CALL_READ_NOTES,
	CALL_READ_TASKS,
	CALL_READ_ACCOUNT,
	CALL_READ_FIELDS,
	CALL_READ_PIPELINES,
	CALL_CREATE_CONTACTS, /* From here on as enum amocrm_kind. */
	CALL_CREATE_LEADS,
	CALL_CREATE_NOTES,
	CALL_CREATE_TASKS,
	CALL_CHANGE_CONTACTS, /* From here on as enum amocrm_kind. */
	CALL_CHANGE_LEADS,
	CALL_KINDS
};

/*
 * What a call does to amoCRM: this decides its method, what a lost answer means, and whether it may
 * be repeated.
 */
enum call_effect {
	/*
	 * GET.  It changes nothing, so an answer that makes no sense is LATER, and it may always be
	 * repeated.
	 */
	CALL_READS,
	/*
	 * PATCH, which sets values that stay right whenever it is carried out: it may be repeated,
	 * too.
	 */
	CALL_CHANGES,
	/*
	 * PATCH, which carried out late, after we hung up on it, would undo what others wrote
	 * since.  So while it may still be under way it is not repeated, nor by libcurl, lest the
	 * repetition's success lets others go on.
	 */
	CALL_OVERWRITES,
	/* POST.  Twice would create two, so it is repeated only when it surely had no effect. */
	CALL_CREATES
};

struct call_request {
	enum call_kind kind;
	bool several; /* Of entities, which only the trail says. */
	char *path;   /* After the base URL, with the query.  Stays the caller's. */
	json_t *body; /* Borrowed; NULL for none. */
};

struct call_response {
	int status;        /* Of the last try; 0 when no answer came. */
	json_t *json;      /* New reference; NULL for 204 and for what is not JSON. */
	int64_t advice_ms; /* How long amoCRM asked us to wait, 0 = it did not. */
	bool own;          /* What failed is this very request; the account lets us in. */
};

enum call_effect call_effect(enum call_kind kind);

/*
 * DONE: 204, or 200 to 202 with readable JSON.  LATER: surely nothing was changed.  UNSURE: the
 * call, or a try of it, may have had its effect.  NEVER: amoCRM refuses this request; the response
 * has its reasons.  The response is always valid; the caller releases its json.
 */
enum outcome call_perform(struct caller *caller, const struct amocrm_context *context,
    const struct call_request *request, struct call_response *response, struct fault *why) MUST_USE;

#endif
