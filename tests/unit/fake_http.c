#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_http.h"

int64_t clock_mono_ms(void);

struct http_client {
	int unused;
};

struct scripted {
	enum outcome outcome;
	int status;
	bool json;
	char *body;
	int64_t retry_after_ms;
};

struct fake_request fake_requests[FAKE_HTTP_MAX];
int fake_request_count;
static struct scripted script[FAKE_HTTP_MAX];
static int scripted, fetched;

void
fake_http_reset(void)
{
	int i;

	for (i = 0; i < scripted; i++)
		free(script[i].body);
	for (i = 0; i < fake_request_count; i++) {
		free(fake_requests[i].method);
		free(fake_requests[i].url);
		free(fake_requests[i].body);
		free(fake_requests[i].header);
	}
	scripted = fetched = fake_request_count = 0;
}

static struct scripted *
queue(enum outcome outcome, int status, const char *body, bool json)
{
	if (scripted == FAKE_HTTP_MAX)
		abort();
	script[scripted] =
	    (struct scripted){ outcome, status, json, strdup(body != NULL ? body : ""), 0 };
	return &script[scripted++];
}

void
fake_http_answers(int status, const char *json)
{
	queue(DONE, status, json, json != NULL);
}

void
fake_http_answers_html(int status)
{
	queue(DONE, status, "<html><head><title>Forbidden</title></head></html>", false);
}

void
fake_http_retry_after(int64_t ms)
{
	script[scripted - 1].retry_after_ms = ms;
}

void
fake_http_fails(enum outcome outcome)
{
	queue(outcome, 0, NULL, false);
}

int
fake_http_left(void)
{
	return scripted - fetched;
}

enum outcome
http_client_open(
    const char *token, const char *ca_file, struct http_client **http, struct fault *why)
{
	(void)token, (void)ca_file, (void)why;
	*http = calloc(1, sizeof(**http));
	return DONE;
}

void
http_client_close(struct http_client *http)
{
	free(http);
}

static void
keep(const struct http_client_request *request)
{
	struct fake_request *kept = &fake_requests[fake_request_count];

	if (fake_request_count == FAKE_HTTP_MAX)
		abort();
	fake_request_count++;
	*kept = (struct fake_request){ .method = strdup(request->method),
		.url = strdup(request->url),
		.body = request->body != NULL ? strndup(request->body, request->body_size) : NULL,
		.header = request->header != NULL ? strdup(request->header) : NULL,
		.once = request->once,
		.deadline_ms = request->deadline_ms,
		.patience_ms = request->patience_ms,
		.at_ms = clock_mono_ms() };
}

enum outcome
http_client_exchange(struct http_client *http, const struct http_client_request *request,
    struct http_client_response *answer, struct fault *why)
{
	const struct scripted *it;

	(void)http;
	keep(request);
	if (fetched == scripted) {
		fprintf(stderr, "nobody expected %s %s\n", request->method, request->url);
		abort();
	}
	it = &script[fetched++];
	*answer = (struct http_client_response){ .status = it->status,
		.body = it->body,
		.size = strlen(it->body),
		.json = it->json,
		.retry_after_ms = it->retry_after_ms };
	strcpy(answer->request_id, "id-of-amocrm");
	return it->outcome == DONE ? DONE : fault_set(why, it->outcome, "the test says so");
}

/* Enough of an encoding to see that it is used. */
int64_t
http_client_clock_ahead_ms(const struct http_client *http)
{
	(void)http;
	return 0;
}

char *
http_client_escape(struct http_client *http, const char *text)
{
	char *escaped = malloc(3 * strlen(text) + 1), *end = escaped;

	(void)http;
	for (; *text != '\0'; text++) {
		if (strchr("@&=#%+ /?[]", *text) != NULL || (*text & 0x80) != 0)
			end += sprintf(end, "%%%02X", (unsigned char)*text);
		else
			*end++ = *text;
	}
	*end = '\0';
	return escaped;
}
