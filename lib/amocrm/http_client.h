#ifndef AMOCRM_HTTP_CLIENT_H
#define AMOCRM_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * One bounded HTTP exchange; the only file that knows libcurl.  What to do when it fails is not
 * decided here.
 *
 * TLS certificates are verified, redirects are not followed, proxies from the environment are
 * ignored, an answer is read up to HTTP_CLIENT_RESPONSE_MAX bytes.
 */
struct http_client;

#define HTTP_CLIENT_RESPONSE_MAX                                                                   \
	(4 * 1024 * 1024) /* A page of 250 leads with all their fields is well under one. */
#define HTTP_CLIENT_CONNECT_MS     3000 /* From when the address is known. */
#define HTTP_CLIENT_REQUEST_ID_MAX 64

/*
 * token and ca_file are copied.  The token goes to every URL that is asked for; NULL: requests
 * carry none.  ca_file may be NULL for the system's trust store.  After fork only, and in a process
 * that ignores SIGPIPE: OpenSSL writes to connections that may be gone.
 */
enum outcome http_client_open(
    const char *token, const char *ca_file, struct http_client **http, struct fault *why) MUST_USE;
void http_client_close(struct http_client *http); /* NULL is allowed. */

struct http_client_request {
	const char *method; /* "GET", "POST", "PATCH" */
	const char *url;
	const char *body; /* JSON, or NULL. */
	size_t body_size;
	const char *header;  /* One more header line, "Name: value"; NULL: none. */
	int64_t deadline_ms; /* Monotonic. */
	/*
	 * What the exchange may take from when the server's address is known; 0: until the
	 * deadline.  Looking up the name does not count: where the first name server is dead, the
	 * resolver takes its seconds before it asks the next one.
	 */
	int64_t patience_ms;
	/*
	 * Sending it twice would do it twice, or do it late.  libcurl by itself repeats any request
	 * whose reused connection dies before the first byte of the answer; with `once` it is kept
	 * from leaving again, and the exchange is UNSURE.
	 */
	bool once;
	/*
	 * Both are called with `context`, or both are NULL.  leaving: the connection stands and the
	 * request is about to leave; and again when it has left.  on_way: as far as is known now,
	 * it may have been on its way until that monotonic time.  The latter comes when the
	 * request's arrival was acknowledged, or the exchange has ended, and twice a second
	 * before that.  What each request's way takes at least is left out of it: the time is one
	 * at which a request could have left and have arrived no earlier than this one.
	 */
	void (*leaving)(void *context);
	void (*on_way)(void *context, int64_t until_ms);
	void *context;
};

struct http_client_response {
	int status;
	/* Ends with a NUL that size does not count; lives until the next exchange.  Never NULL. */
	const char *body;
	size_t size;
	bool json; /* Content-Type is application/json or application/...+json. */
	/* From the header: seconds or a date; 0 when absent, never negative. */
	int64_t retry_after_ms;
	int64_t took_ms;
	/* X-Request-Id, reduced to harmless characters; "" when absent. */
	char request_id[HTTP_CLIENT_REQUEST_ID_MAX];
};

/*
 * DONE    an answer arrived, whatever its status.  It may still be cut short in a way HTTP does not
 *         show: only a parsed body with the expected id proves that something was done.
 * LATER   the request surely never left (no address, no connection, no TLS, no time).
 * UNSURE  it may have been read and acted upon.
 *
 * After LATER and UNSURE, too, the answer's took_ms is set.
 */
enum outcome http_client_exchange(struct http_client *http,
    const struct http_client_request *request, struct http_client_response *answer,
    struct fault *why) MUST_USE;

/* How far the server's clock is ahead of ours, by its last answer that had a Date; 0 before. */
int64_t http_client_clock_ahead_ms(const struct http_client *http);

/* Percent-encode into a new string, which the caller frees. */
char *http_client_escape(struct http_client *http, const char *text);

#endif
