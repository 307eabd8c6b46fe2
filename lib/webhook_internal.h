#ifndef WEBHOOK_INTERNAL_H
#define WEBHOOK_INTERNAL_H

#include "answer.h"
#include "carrier.h"
#include "fault.h"

/* What the webhook's files share; nobody else includes this. */
struct webhook {
	const struct settings *settings;
	int slots;               /* How many workers may carry at the same time. */
	struct carrier *carrier; /* NULL while it cannot be opened. */
};

/* Have webhook->carrier open; false when that cannot be now. */
bool webhook_ready(struct webhook *webhook, struct fault *why);

/* The ledger failed.  The handle may be beyond repair (a failed sync, a corrupt file): begin anew with the next request. */
void webhook_begin_anew(struct webhook *webhook);

/* Each address of ours, in a file of its own. */
void intake_post(
    struct webhook *webhook, const struct webhook_request *request, struct webhook_answer *answer);

#endif
