/*
 * Health and metrics, for programs that ask every few seconds: such a request is worth a line in
 * the log only when it finds something wrong.
 */
#include <string.h>

#include "base/clock.h"
#include "monitor/health.h"
#include "monitor/metrics_text.h"
#include "web/probe.h"

void
probe_health(
    struct worker *worker, const struct http_request *request, struct http_response *response)
{
	struct fault why;
	json_t *report;

	(void)request;
	worker_ready(worker, &why);
	report = health_report(worker->service, &why);
	response->status = 200;
	response->level = RESPONSE_DEBUG;
	if (strcmp(json_string_value(json_object_get(report, "status")), "unhealthy") == 0) {
		/*
		 * The check is also the cure: a ledger that cannot commit is opened anew by the
		 * next request.
		 */
		worker_reset(worker);
		response->status = 503;
		response->retry_after_s = RESPONSE_RETRY_AFTER_S;
		response->level = RESPONSE_ERROR;
		response_log(response, "health=unhealthy reason=\"%s\"",
		    json_string_value(json_object_get(report, "detail")));
	}
	response->body = json_dumps(report, JSON_COMPACT);
	json_decref(report);
}

void
probe_metrics(
    struct worker *worker, const struct http_request *request, struct http_response *response)
{
	struct metrics_values values;
	struct overview seen;
	struct fault why;
	bool counted = metrics_read(worker->metrics, &values), known;

	(void)request;
	known = worker_overview(worker, clock_wall_ms(), &seen, &why) == DONE;
	/*
	 * Also without a ledger: a scrape that fails would take the counters of what was refused
	 * with it.
	 */
	response->status = 200;
	response->content_type = METRICS_TEXT_TYPE;
	response->level = known ? RESPONSE_DEBUG : RESPONSE_ERROR;
	response_log(response, "metrics ledger=%s", known ? "up" : why.text);
	response->body = metrics_text(
	    counted ? &values : NULL, known ? &seen : NULL, worker->settings->amo_rate_limit);
}
