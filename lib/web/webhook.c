/*
 * The table of addresses.  Payments are set apart and handled together, everything else one by one;
 * what an address does is in a file of its own.
 */
#include <string.h>

#include "base/clock.h"
#include "web/intake.h"
#include "web/probe.h"
#include "web/status.h"
#include "web/webhook.h"

#define PAYMENT_PATH "/webhook/payment"

typedef void handler(
    struct worker *worker, const struct http_request *request, struct http_response *response);

static const struct address {
	const char *path;
	const char *allow; /* The methods taken, as the Allow header of a 405 names them. */
	bool for_operators;
	handler *get, *post;
} addresses[] = {
	{ PAYMENT_PATH, "POST", false, NULL, NULL }, /* POST: see webhook_handle(). */
	{ "/webhook/health", "GET, HEAD", false, probe_health, NULL },
	{ "/webhook/status", "GET, HEAD, POST", true, status_get, status_post },
	{ "/webhook/metrics", "GET, HEAD", true, probe_metrics, NULL },
};

static const struct address *
find_address(const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (strcmp(path, addresses[i].path) == 0)
			return &addresses[i];
	return NULL;
}

static void
handle_one(
    struct worker *worker, const struct http_request *request, struct http_response *response)
{
	const struct address *address = find_address(request->path);
	handler *handle = NULL;

	/* 404 and not 403: a stranger learns nothing, not even that the page exists. */
	if (address == NULL || (address->for_operators && !request->by_operator)) {
		response_error(response, 404, "there is nothing at this address");
		return;
	}
	if (strcmp(request->method, "POST") == 0)
		handle = address->post;
	else if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
		handle = address->get;
	if (handle != NULL) {
		handle(worker, request, response);
		return;
	}
	response->allow = address->allow;
	response_error(response, 405, "this address does not take this method");
}

size_t
webhook_together(const struct settings *settings)
{
	return settings->delivery == DELIVERY_QUEUE ? WEBHOOK_TOGETHER_MAX : 1;
}

void
webhook_handle(struct worker *worker, const struct http_request *requests,
    struct http_response *responses, size_t count)
{
	struct payment_request incoming[WEBHOOK_TOGETHER_MAX];
	int64_t began_ms = clock_mono_ms();
	size_t i, payments = 0;

	for (i = 0; i < count; i++) {
		responses[i] = (struct http_response){ .level = RESPONSE_INFO };
		if (strcmp(requests[i].method, "POST") == 0 &&
		    strcmp(requests[i].path, PAYMENT_PATH) == 0)
			incoming[payments++] = (struct payment_request){ .request = &requests[i],
				.response = &responses[i] };
		else
			handle_one(worker, &requests[i], &responses[i]);
	}
	intake_payments(worker, incoming, payments);

	/*
	 * Only payments are counted: probes and page views would hide how many senders were
	 * refused.
	 */
	for (i = 0; i < payments; i++)
		metrics_request(worker->metrics, incoming[i].response->status_name,
		    clock_mono_ms() - began_ms, clock_wall_ms());
}
