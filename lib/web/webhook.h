#ifndef WEB_WEBHOOK_H
#define WEB_WEBHOOK_H

#include "web/response.h"
#include "web/worker.h"

/*
 * HTTP requests in, responses out: which address is asked, and which file answers for it.
 */

/*
 * How many requests may be answered together, up to WEBHOOK_TOGETHER_MAX.  Only one where delivery
 * is part of the answer (DELIVERY=inline): the others would wait for amoCRM with it.
 */
size_t webhook_together(const struct settings *settings);

/*
 * Answer requests that came at the same time, up to webhook_together() of them; every response is
 * filled.  The payments among them are recorded in one transaction and by one sync of the disk,
 * which is most of what a payment costs.
 */
void webhook_handle(struct worker *worker, const struct http_request *requests,
    struct http_response *responses, size_t count);

#endif
