#ifndef AMOCRM_INTERNAL_H
#define AMOCRM_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "amocrm/call.h"

/* What the files of the API share; no other file includes this. */
struct amocrm {
	struct caller caller;
	struct http_client *http;   /* Owned. */
	bool unavailable, too_many; /* How the last call ended. */
};

/* call_perform(), noting whether amoCRM gave a proper answer. */
enum outcome amocrm_perform(struct amocrm *crm, const struct amocrm_context *context,
    const struct call_request *request, struct call_response *response, struct fault *why) MUST_USE;

#endif
