#ifndef CGI_EXCHANGE_H
#define CGI_EXCHANGE_H

#include <stdbool.h>

#include "base/fault.h"
#include "web/response.h"

/*
 * One FastCGI connection with its one request and its response.  The only file that knows libfcgi.
 *
 * An exchange is used for one connection after the other.
 */
struct exchange;

/*
 * libfcgi puts signal handlers of its own when the first one is made.  BROKEN: libfcgi does not
 * start.
 */
enum outcome exchange_new(struct exchange **exchange, struct fault *why) MUST_USE;
void exchange_free(struct exchange *exchange); /* NULL is allowed. */

/*
 * Take over an accepted connection and read its request, which lives until exchange_end().  A peer
 * that stops in the middle is waited for EXCHANGE_PATIENCE_S at most.  False: there was no request
 * to be had, and the connection is closed.
 *
 * A body over WEBHOOK_BODY_MAX is left unread, and one that has no use (of a GET, say) is not
 * waited for.
 */
#define EXCHANGE_PATIENCE_S 5
bool exchange_take(
    struct exchange *exchange, int connection, struct http_request *request) MUST_USE;

/*
 * Send the response, whose body and warnings are freed, and close the connection whatever the web
 * server asked for: waiting on a kept one would shut this worker off from all others.  Nothing is
 * done about a peer that does not want the answer any more: what was done for the payment is done,
 * and a sender that asks again is told so.
 */
void exchange_end(struct exchange *exchange, struct http_response *response);

#endif
