/*
 * GET /webhook/metrics
 */
#include "base/clock.h"
#include "monitor/metrics_text.h"
#include "web/internal.h"

void
metrics_get(
    struct webhook *webhook, const struct http_request *request, struct http_response *response)
{
	struct metrics_values values;
	struct overview seen;
	struct fault why;
	bool counted = metrics_read(webhook->metrics, &values), known;

	(void)request;
	known = webhook_look(webhook, clock_wall_ms(), &seen, &why) == DONE;
	response->status = 200;
	response->content_type = METRICS_TEXT_TYPE;
	response->level = known ? RESPONSE_DEBUG : RESPONSE_ERROR;
	response_log(response, "metrics ledger=%s", known ? "up" : why.text);
	response->body = metrics_text(
	    counted ? &values : NULL, known ? &seen : NULL, webhook->settings->amo_rate_limit);
}
