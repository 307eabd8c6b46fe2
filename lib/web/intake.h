#ifndef WEB_INTAKE_H
#define WEB_INTAKE_H

#include "payment/payment.h"
#include "web/response.h"
#include "web/worker.h"

/* A POST to /webhook/payment, and the response to it. */
struct payment_request {
	const struct http_request *request;
	struct http_response *response;
	struct payment *paid; /* Owned by intake_payments(), which frees it; NULL: none was read. */
	json_t
	    *errors; /* The same: why the body is no payment; NULL: it is, or nothing was read. */
	const char *exclusion; /* Why it is not to be delivered; NULL: it is. */
};

/*
 * Check payments that came together, up to WEBHOOK_TOGETHER_MAX of them, record all good ones in
 * one transaction and fill every response.  A 2xx is given only for a payment whose row is on disk.
 */
void intake_payments(struct worker *worker, struct payment_request *incoming, size_t count);

#endif
