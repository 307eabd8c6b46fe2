#ifndef CGI_FASTCGI_H
#define CGI_FASTCGI_H

#include "base/fault.h"
#include "web/webhook.h"

/*
 * The FastCGI side of one worker: connections off the shared socket, one after another or a few
 * together.
 *
 * What it promises whatever the moment of a signal: a request whose connection was accepted is read
 * whole, handled and answered; one that was not accepted stays in the socket's queue for another
 * worker.  What it does not promise: that the web server is still there to hear the response.
 */
struct fastcgi_config {
	/* A listening socket, shared with other workers; it is made non-blocking. */
	int listener;

	/*
	 * How many requests that wait already are read and then answered together, 1 to
	 * WEBHOOK_TOGETHER_MAX.
	 */
	size_t together;

	/* Fill all responses, always.  The bodies and warnings they give are freed here. */
	void (*handle)(void *cookie, const struct http_request *requests,
	    struct http_response *responses, size_t count);
	void (*idle)(void *cookie); /* Before each wait; the first call says: ready. */
	void (*busy)(void *cookie); /* A connection was accepted. */
	void *cookie;
};

/*
 * Accept and answer until SIGTERM, SIGINT, SIGUSR1 (the FastCGI way of saying TERM) or SIGHUP; the
 * requests that were accepted are finished first.  These four are blocked while there is one and
 * stay blocked afterwards.  May be called again.
 *
 * DONE: *stopped_by is the signal.  BROKEN: the listener or this process cannot go on.
 */
enum outcome fastcgi_run(
    const struct fastcgi_config *config, int *stopped_by, struct fault *why) MUST_USE;

#endif
