#ifndef FAKE_HTTP_H
#define FAKE_HTTP_H

/*
 * lib/amocrm/http.c without a network: answers come from a queue that the test fills, requests are kept for it to look at.
 * Include fake_http.c in the test; its functions take the place of the library's.
 */
#include "amocrm/http_client.h"

#define FAKE_HTTP_MAX 128

void fake_http_reset(void); /* Also frees what was kept. */

/* Queue an answer: a status and a body that is JSON (NULL: an empty one). */
void fake_http_answers(int status, const char *json);

/* The same, but what amoCRM's gateway says: HTML. */
void fake_http_answers_html(int status);

/* Add a Retry-After header to the answer queued last. */
void fake_http_retry_after(int64_t ms);

/* Queue a transport's failure: LATER (it never left) or UNSURE (it may have arrived). */
void fake_http_fails(enum outcome outcome);

struct fake_request {
	char *method, *url, *body, *header; /* NULL where none was sent. */
	bool once;
	int64_t deadline_ms, patience_ms;
	int64_t at_ms; /* Monotonic: when it was sent. */
};
extern struct fake_request fake_requests[FAKE_HTTP_MAX];
extern int fake_request_count;

/* How many queued answers nobody fetched. */
int fake_http_left(void);

#endif
