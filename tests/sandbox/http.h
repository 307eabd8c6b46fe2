/*
 * libmicrohttpd behind one door: requests in, answers out, and the ways of not quite answering.
 */
#ifndef SANDBOX_HTTP_H
#define SANDBOX_HTTP_H

#include <stdint.h>

#include "request.h"
#include "response.h"

struct http;

/* Answers one request; entered on a thread of the connection's own, and may take its time. */
typedef void (*http_answerer)(void *context, const struct request *asked, struct response *given);

struct http_options {
	const char *host;
	uint16_t port;           /* 0 picks one */
	const char *certificate; /* PEM text of both for TLS, NULL for plain HTTP */
	const char *key;
	http_answerer answer;
	void *context;
};

/* Start to serve.  NULL, with *mistake set to a static text, if that is not possible. */
struct http *http_start(const struct http_options *options, const char **mistake);

uint16_t http_port(const struct http *http);

/* Close all connections and wait for their threads: whatever the answerer waits for has to be over by then. */
void http_stop(struct http *http);

#endif
