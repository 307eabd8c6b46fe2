#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "monitor/health.h"
#include "web/internal.h"
#include "web/webhook.h"

static enum outcome
open_carrier(struct webhook *webhook, struct fault *why)
{
	enum outcome out = service_open(webhook->settings, &webhook->service, why);

	if (out == DONE)
		ledger_checkpoint_later(webhook->service->ledger);
	return out;
}

bool
webhook_ready(struct webhook *webhook, struct fault *why)
{
	return webhook->service != NULL || open_carrier(webhook, why) == DONE;
}

void
webhook_begin_anew(struct webhook *webhook)
{
	service_close(webhook->service);
	webhook->service = NULL;
}

enum outcome
webhook_open(
    const struct settings *settings, int workers, struct webhook **webhook, struct fault *why)
{
	struct webhook *opened = memory_zeroed(1, sizeof(*opened));
	enum outcome out;

	opened->settings = settings;
	opened->slots = workers > 1 ? workers - 1 : 1;
	out = open_carrier(opened, why);
	if (out == NEVER) {
		webhook_close(opened);
		return NEVER;
	}
	if (metrics_open(settings->payments_run_dir, &opened->metrics, why) != DONE)
		opened->metrics = NULL;
	/* A sick disk is no reason to stop answering: senders shall hear 503, and it may get well. */
	*webhook = opened;
	return DONE;
}

void
webhook_close(struct webhook *webhook)
{
	if (webhook == NULL)
		return;
	service_close(webhook->service);
	metrics_close(webhook->metrics);
	free(webhook);
}

static void
health_get(
    struct webhook *webhook, const struct http_request *request, struct http_response *response)
{
	struct fault why;
	json_t *report;
	bool sick;

	(void)request;
	webhook_ready(webhook, &why);
	report = health_report(webhook->service, &why);
	sick = strcmp(json_string_value(json_object_get(report, "status")), "unhealthy") == 0;
	if (sick) {
		webhook_begin_anew(webhook);
		response->retry_after_s = RESPONSE_RETRY_AFTER_S;
		response->level = RESPONSE_ERROR;
		response_log(response, "health=unhealthy reason=\"%s\"",
		    json_string_value(json_object_get(report, "detail")));
	} else {
		response->level = RESPONSE_DEBUG;
	}
	response->status = sick ? 503 : 200;
	response->body = json_dumps(report, JSON_COMPACT);
	json_decref(report);
}

enum outcome
webhook_look(struct webhook *webhook, int64_t now_ms, struct overview *seen, struct fault *why)
{
	struct overview_sources from = { .settings = webhook->settings,
		.metrics = webhook->metrics };
	enum outcome out;

	if (!webhook_ready(webhook, why))
		return BROKEN;
	from.ledger = webhook->service->ledger;
	from.limiter = webhook->service->limiter;
	if ((out = overview_take(&from, now_ms, seen, why)) != DONE)
		webhook_begin_anew(webhook);
	return out;
}

#define PAYMENT_PATH "/webhook/payment"

typedef void handler(
    struct webhook *webhook, const struct http_request *request, struct http_response *response);

static const struct address {
	const char *path;
	const char *allow;
	bool
	    for_operators; /* Whom the web server does not vouch for is told that there is nothing. */
	handler *get, *post;
} addresses[] = {
	{ PAYMENT_PATH, "POST", false, NULL, NULL }, /* POST: see webhook_handle(). */
	{ "/webhook/health", "GET, HEAD", false, health_get, NULL },
	{ "/webhook/status", "GET, HEAD, POST", true, status_get, status_post },
	{ "/webhook/metrics", "GET, HEAD", true, metrics_get, NULL },
};

static const struct address *
find(const struct http_request *request)
{
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (strcmp(request->path, addresses[i].path) == 0)
			return &addresses[i];
	return NULL;
}

static void
handle_one(
    struct webhook *webhook, const struct http_request *request, struct http_response *response)
{
	const struct address *address = find(request);
	handler *handle = NULL;

	if (address == NULL || (address->for_operators && !request->by_operator)) {
		response_error(response, 404, "there is nothing at this address");
		return;
	}
	if (strcmp(request->method, "POST") == 0)
		handle = address->post;
	else if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
		handle = address->get;
	if (handle == NULL)
		response_method_not_allowed(response, address->allow);
	else
		handle(webhook, request, response);
}

static bool
is_payment(const struct http_request *request)
{
	return strcmp(request->method, "POST") == 0 && strcmp(request->path, PAYMENT_PATH) == 0;
}

void
webhook_handle(struct webhook *webhook, const struct http_request *requests,
    struct http_response *responses, size_t count)
{
	struct payment_request incoming[WEBHOOK_TOGETHER_MAX];
	int64_t began_ms = clock_mono_ms();
	size_t i, payments = 0;

	for (i = 0; i < count; i++) {
		responses[i] = (struct http_response){ .level = RESPONSE_INFO };
		if (is_payment(&requests[i]))
			incoming[payments++] = (struct payment_request){ .request = &requests[i],
				.response = &responses[i] };
		else
			handle_one(webhook, &requests[i], &responses[i]);
	}
	intake_post(webhook, incoming, payments);
	for (i = 0; i < payments; i++)
		metrics_request(webhook->metrics, incoming[i].response->status_name,
		    clock_mono_ms() - began_ms, clock_wall_ms());
}

size_t
webhook_together(const struct webhook *webhook)
{
	return webhook->settings->delivery == DELIVERY_QUEUE ? WEBHOOK_TOGETHER_MAX : 1;
}

void
webhook_idle(struct webhook *webhook)
{
	if (webhook->service != NULL)
		ledger_checkpoint(webhook->service->ledger);
}
