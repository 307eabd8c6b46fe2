/*
 * One FastCGI exchange: request and response through libfcgi, which no other file knows.
 *
 * Of libfcgi only the protocol is used.  Accepting and closing are done here, because its accept
 * has no time limit for the first bytes and its close waits for the peer even when there is nothing
 * left to wait for: see exchange_take() and exchange_end().
 */
#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"
#include "exchange.h"

#define PATH_BYTES       1024
#define REQUEST_ID_BYTES 65

struct exchange {
	FCGX_Request peer;
	char path[PATH_BYTES];
	char request_id[REQUEST_ID_BYTES];
	bool head;  /* Asked with HEAD: as GET, but the answer has no body. */
	bool whole; /* Everything that the peer sends for this request has been read. */
	char body[WEBHOOK_BODY_MAX + 1];
};

/*
 * The value of a parameter, NULL when it is absent or empty.  *repeated is set when there is more
 * than one.
 */
static const char *
parameter(char **parameters, const char *name, bool *repeated)
{
	size_t length = strlen(name);
	const char *value = NULL;

	for (; *parameters != NULL; parameters++) {
		if (strncmp(*parameters, name, length) != 0 || (*parameters)[length] != '=')
			continue;
		if (value == NULL)
			value = *parameters + length + 1;
		else if (repeated != NULL)
			*repeated = true;
	}
	return value != NULL && *value != '\0' ? value : NULL;
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/*
 * Which resource is asked for.  Web servers are configured in many ways, so the names are tried in
 * the order of how surely they mean the decoded path without a query.
 */
static void
read_path(char **parameters, char path[static PATH_BYTES])
{
	const char *text;

	if ((text = parameter(parameters, "DOCUMENT_URI", NULL)) != NULL)
		snprintf(path, PATH_BYTES, "%s", text);
	else if ((text = parameter(parameters, "REQUEST_URI", NULL)) != NULL)
		snprintf(path, PATH_BYTES, "%.*s", (int)strcspn(text, "?"), text);
	else
		snprintf(path, PATH_BYTES, "%s%s",
		    or_empty(parameter(parameters, "SCRIPT_NAME", NULL)),
		    or_empty(parameter(parameters, "PATH_INFO", NULL)));
}

/*
 * The web server's name for this request.  It goes into the log and into a header, so nothing but a
 * plain word is taken.
 */
static void
read_request_id(char **parameters, char id[static REQUEST_ID_BYTES])
{
	const char *text = parameter(parameters, "REQUEST_ID", NULL);
	size_t length;

	if (text == NULL)
		text = or_empty(parameter(parameters, "HTTP_X_REQUEST_ID", NULL));
	length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
	if (text[length] != '\0' || length >= REQUEST_ID_BYTES)
		length = 0;
	memcpy(id, text, length);
	id[length] = '\0';
}

/*
 * The web server passes each header line as one parameter, and a line sent twice as two of the same
 * name.  Which of the two a verification would look at would be chance, so it is only told that
 * there were two.
 */
static void
read_signature(char **parameters, struct signature_headers *signature)
{
	bool *repeated = &signature->repeated;

	signature->x_signature = parameter(parameters, "HTTP_X_SIGNATURE", repeated);
	signature->webhook_id = parameter(parameters, "HTTP_WEBHOOK_ID", repeated);
	signature->webhook_timestamp = parameter(parameters, "HTTP_WEBHOOK_TIMESTAMP", repeated);
	signature->webhook_signature = parameter(parameters, "HTTP_WEBHOOK_SIGNATURE", repeated);
	signature->x_webhook_secret = parameter(parameters, "HTTP_X_WEBHOOK_SECRET", repeated);
}

/* CONTENT_LENGTH: false when it is no number.  What is absurdly long counts as just too long. */
static bool
read_length(const char *text, size_t *length)
{
	int64_t number = 0;

	*length = 0;
	if (text == NULL || *text == '\0')
		return true;
	*length = number_parse(text, 0, WEBHOOK_BODY_MAX, &number) ? (size_t)number
								   : WEBHOOK_BODY_MAX + 1;
	return strspn(text, "0123456789") == strlen(text);
}

/*
 * Read the body, or find out why not.  Ensures: `whole` only if no byte of the request lies unread
 * in the socket, see exchange_end().
 */
static void
read_body(struct exchange *exchange, struct http_request *request)
{
	FCGX_Stream *in = exchange->peer.in;
	size_t announced;

	request->body = exchange->body;
	exchange->body[0] = '\0';
	if (strcmp(request->method, "POST") != 0)
		return;
	if (!read_length(parameter(exchange->peer.envp, "CONTENT_LENGTH", NULL), &announced)) {
		request->incomplete = true;
		return;
	}
	if (announced > WEBHOOK_BODY_MAX) {
		request->too_large = true;
		return;
	}

	if (announced > 0)
		request->size = (size_t)FCGX_GetStr(exchange->body, (int)announced, in);
	exchange->body[request->size] = '\0';
	request->incomplete = request->size != announced || FCGX_GetError(in) != 0;
	exchange->whole = !request->incomplete && FCGX_GetChar(in) == EOF && FCGX_GetError(in) == 0;
}

/* No header becomes a parameter of this name: only the web server's configuration can set it. */
static bool
is_operator(const char *said)
{
	return said != NULL && strcmp(said, "yes") == 0;
}

static void
read_request(struct exchange *exchange, struct http_request *request)
{
	char **parameters = exchange->peer.envp;
	const char *method = or_empty(parameter(parameters, "REQUEST_METHOD", NULL));

	memset(request, 0, sizeof(*request));
	exchange->head = strcmp(method, "HEAD") == 0;
	exchange->whole = false;
	read_path(parameters, exchange->path);
	read_request_id(parameters, exchange->request_id);

	request->method = exchange->head ? "GET" : method;
	request->path = exchange->path;
	request->request_id = exchange->request_id;
	request->content_encoding = parameter(parameters, "HTTP_CONTENT_ENCODING", NULL);
	request->content_type = parameter(parameters, "CONTENT_TYPE", NULL);
	request->accept_language = parameter(parameters, "HTTP_ACCEPT_LANGUAGE", NULL);
	request->host = parameter(parameters, "HTTP_HOST", NULL);
	request->origin = parameter(parameters, "HTTP_ORIGIN", NULL);
	request->sec_fetch_site = parameter(parameters, "HTTP_SEC_FETCH_SITE", NULL);
	request->by_operator = is_operator(parameter(parameters, "PAYMENT_SYNC_OPERATOR", NULL));
	read_signature(parameters, &request->signature);
	read_body(exchange, request);
}

/*
 * nginx copies the words after the number into the status line; without them it would be a bare
 * number.
 */
static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *words;
	} reasons[] = {
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 303, "See Other" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].words;
	return "Unassigned";
}

/* Hand the response to libfcgi. */
static void
write_response(struct exchange *exchange, const struct http_response *response)
{
	const char *body = or_empty(response->body);
	const char *type = response->content_type != NULL ? response->content_type
							  : "application/json; charset=utf-8";
	char head[1024], allow[64] = "", retry[48] = "",
			 id[sizeof("X-Request-Id: \r\n") + REQUEST_ID_BYTES] = "";

	if (response->allow != NULL)
		snprintf(allow, sizeof(allow), "Allow: %s\r\n", response->allow);
	if (response->retry_after_s > 0)
		snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", response->retry_after_s);
	if (exchange->request_id[0] != '\0')
		snprintf(id, sizeof(id), "X-Request-Id: %s\r\n", exchange->request_id);

	/* libfcgi's own printf knows no %zu and stops half way when it meets one. */
	snprintf(head, sizeof(head),
	    "Status: %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n%s%s%s%s\r\n",
	    response->status, reason(response->status), type, strlen(body), allow, retry, id,
	    or_empty(response->headers));
	FCGX_PutS(head, exchange->peer.out);
	if (!exchange->head)
		FCGX_PutS(body, exchange->peer.out);
}

/* A peer that stalls costs seconds at most; nginx sends only what it has already read whole. */
static void
limit_waiting(int connection)
{
	struct timeval limit = { .tv_sec = EXCHANGE_PATIENCE_S };

	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

enum outcome
exchange_new(struct exchange **exchange, struct fault *why)
{
	struct exchange *made = memory_allocate(sizeof(*made));

	/*
	 * After an answer libfcgi may wait for the peer to close; nginx does at once, and another
	 * peer must not keep the worker waiting for long.
	 */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 0);
	if (FCGX_Init() != 0 || FCGX_InitRequest(&made->peer, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
		free(made);
		return fault_set(why, BROKEN, "libfcgi does not start");
	}
	*exchange = made;
	return DONE;
}

void
exchange_free(struct exchange *exchange)
{
	free(exchange);
}

bool
exchange_take(struct exchange *exchange, int connection, struct http_request *request)
{
	/*
	 * libfcgi is given an accepted connection as if it had kept it from an earlier request.
	 * Its own accept(2) has no time limit for the first bytes, and loops for ever when a signal
	 * comes between the accept and them.
	 */
	limit_waiting(connection);
	exchange->peer.ipcFd = connection;
	exchange->peer.keepConnection = 1;
	if (FCGX_Accept_r(&exchange->peer) != 0)
		return false;
	read_request(exchange, request);
	return true;
}

/*
 * libfcgi closes a connection by shutting its own side and waiting for the peer's end, lest unread
 * bytes turn the close into a reset that overtakes the response.  Where everything has been read
 * there are none, and a plain close saves the wait: a tenth of what an answer costs.
 */
void
exchange_end(struct exchange *exchange, struct http_response *response)
{
	write_response(exchange, response);
	exchange->peer.keepConnection = exchange->whole;
	FCGX_Finish_r(&exchange->peer);
	if (exchange->peer.ipcFd >= 0)
		close(exchange->peer.ipcFd);
	exchange->peer.ipcFd = -1;
	free(response->body);
	json_decref(response->warnings);
}
