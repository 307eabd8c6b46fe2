#ifndef WEB_PROBE_H
#define WEB_PROBE_H

#include "web/response.h"
#include "web/worker.h"

/*
 * What monitoring asks.  GET /webhook/health: JSON, 200, or 503 when payments cannot be recorded.
 * GET /webhook/metrics: Prometheus' text, always 200; whether the ledger can be read is a metric of
 * it.  Neither holds anything of a payment.
 */
void probe_health(
    struct worker *worker, const struct http_request *request, struct http_response *response);
void probe_metrics(
    struct worker *worker, const struct http_request *request, struct http_response *response);

#endif
