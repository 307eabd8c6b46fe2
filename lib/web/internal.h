#ifndef WEB_INTERNAL_H
#define WEB_INTERNAL_H

#include "base/fault.h"
#include "deliver/service.h"
#include "ledger/ledger.h"
#include "monitor/overview.h"
#include "web/response.h"

/* What the webhook's files share; nobody else includes this. */
struct webhook {
	const struct settings *settings;
	int slots;               /* How many workers may carry at the same time. */
	struct service *service; /* NULL while it cannot be opened. */
	struct metrics *
	    metrics; /* Its own, to count also what is refused meanwhile; NULL: nothing is counted. */
};

/* Have webhook->service open; false when that cannot be now. */
bool webhook_ready(struct webhook *webhook, struct fault *why);

/* The ledger failed.  The handle may be beyond repair (a failed sync, a corrupt file): begin anew with the next request. */
void webhook_begin_anew(struct webhook *webhook);

/* How the service does.  BROKEN: the ledger cannot be read now. */
enum outcome webhook_look(
    struct webhook *webhook, int64_t now_ms, struct overview *seen, struct fault *why) MUST_USE;

/* A webhook on its way in, and the answer to it. */
struct payment_request {
	const struct http_request *request;
	struct http_response *response;
	struct payment *paid;  /* Owned; NULL: not read yet, or no payment. */
	const char *exclusion; /* Why it is not to be carried; NULL: it is. */
};

/* What is asked of each address, in a file of its own. */
void intake_post(struct webhook *webhook, struct payment_request *incoming, size_t count);
void metrics_get(
    struct webhook *webhook, const struct http_request *request, struct http_response *response);
void status_get(
    struct webhook *webhook, const struct http_request *request, struct http_response *response);
void status_post(
    struct webhook *webhook, const struct http_request *request, struct http_response *response);

#endif
