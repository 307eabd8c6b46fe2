/*
 * One authorised request to the API on its way through a handler.
 */
#ifndef SANDBOX_CALL_H
#define SANDBOX_CALL_H

#include "account.h"
#include "request.h"
#include "response.h"
#include "settings.h"

struct call {
	struct account *account;
	const struct settings *settings;
	const struct request *asked;
	enum kind kind; /* of the entities in the path */
	int64_t id;     /* the first id in the path, 0 if there is none */
	int64_t second; /* the second one */
	int64_t now_ns; /* monotonic */
};

/* When searching will see what is written now. */
int64_t call_due(const struct call *call);

/* The URL of a resource of this account: new {"self": {"href": ...}}. */
json_t *call_links(const struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The body as a batch (an array of 1 to 250 objects) or as one object.  NULL after answering with the mistake; else
 * new.
 */
json_t *call_batch(const struct call *call, struct response *given);
json_t *call_object(const struct call *call, struct response *given);

/*
 * Plan every item of a batch: new array of plans in the same order, or NULL after answering 400 with the mistakes of
 * all items.  A planner returns a new plan and appends mistakes.
 */
typedef json_t *(*planner)(const struct call *call, const json_t *item, json_t *mistakes);

json_t *call_plan(
    const struct call *call, const json_t *items, planner plan, struct response *given);

/* What the answer says for item i: its own request_id, or its index; new. */
json_t *call_request_id(const json_t *item, size_t i);

/* Answer a write that was done: {"_links", "_embedded": {name: items}}; items is stolen. */
void call_done(const struct call *call, const char *name, json_t *items, struct response *given);

#endif
