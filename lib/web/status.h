#ifndef WEB_STATUS_H
#define WEB_STATUS_H

#include "web/response.h"
#include "web/worker.h"

/*
 * /webhook/status, which only operators reach: GET shows the page, POST is the button that retries
 * a failed payment.
 */
void status_get(
    struct worker *worker, const struct http_request *request, struct http_response *response);
void status_post(
    struct worker *worker, const struct http_request *request, struct http_response *response);

#endif
