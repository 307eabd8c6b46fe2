#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "fastcgi.h"

/*
 * A peer that stops in the middle of its request or of our answer is given up after this long.  nginx sends
 * a request that it has already read whole, so only something broken is ever this slow.
 */
#define PEER_PATIENCE_S 5

/* How often an idle worker looks at the queue without having been woken; see next_connection(). */
#define LOOK_ANYWAY_MS 1000

#define PATH_BYTES       1024
#define REQUEST_ID_BYTES 65

/* What is kept of one request besides what libfcgi keeps. */
struct intake {
	char path[PATH_BYTES];
	char request_id[REQUEST_ID_BYTES];
	bool head; /* Asked with HEAD: as GET, but the answer has no body. */
};

static volatile sig_atomic_t stop_signal;

/* Several may come at once; one that asks for an end weighs more than HUP. */
static void
remember_signal(int number)
{
	if (number != SIGHUP || stop_signal == 0)
		stop_signal = number;
}

/*
 * Signals are let in at one place only.  libfcgi's own handlers would cut a body short, and a handler that
 * runs between the test of a flag and the wait would be forgotten; see also accept_loop().
 */
static void
prepare_signals(sigset_t *blocked, sigset_t *open)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };
	struct sigaction action = { .sa_handler = remember_signal };

	stop_signal = 0;
	sigemptyset(blocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(blocked, numbers[i]);
	sigprocmask(SIG_BLOCK, blocked, open);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigdelset(open, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}

	/* A web server that is gone, or a file that may not grow, is an error of write(2), not the end of the worker. */
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
}

/*
 * The value of a parameter, NULL when it is absent or empty.  *repeated is set when there is more than one.
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
 * Which resource is asked for.  Web servers are configured in many ways, so the names are tried in the
 * order of how surely they mean the decoded path without a query.
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
		snprintf(path, PATH_BYTES, "%s%s", or_empty(parameter(parameters, "SCRIPT_NAME", NULL)),
		    or_empty(parameter(parameters, "PATH_INFO", NULL)));
}

/*
 * The web server's name for this request.  It goes into the log and into a header, so nothing but a plain
 * word is taken.
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
 * The web server passes each header line as one parameter, and a line sent twice as two of the same name.
 * Which of the two a verification would look at is a matter of luck, so it is only told that there were
 * two.
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
	*length = 0;
	if (text == NULL)
		return true;
	for (; *text >= '0' && *text <= '9'; text++)
		if (*length <= WEBHOOK_BODY_MAX)
			*length = *length * 10 + (size_t)(*text - '0');
	return *text == '\0';
}

/*
 * Read the body into buffer, which holds WEBHOOK_BODY_MAX bytes and a NUL.  A body over the limit is left
 * unread, and one that nobody asked for (of a GET, say) is not waited for.
 */
static void
read_body(FCGX_Request *peer, char *buffer, struct webhook_request *request)
{
	size_t announced;

	request->body = buffer;
	buffer[0] = '\0';
	if (strcmp(request->method, "POST") != 0)
		return;
	if (!read_length(parameter(peer->envp, "CONTENT_LENGTH", NULL), &announced)) {
		request->incomplete = true;
		return;
	}
	if (announced > WEBHOOK_BODY_MAX) {
		request->too_large = true;
		return;
	}

	if (announced > 0)
		request->size = (size_t)FCGX_GetStr(buffer, (int)announced, peer->in);
	buffer[request->size] = '\0';
	request->incomplete = request->size != announced || FCGX_GetError(peer->in) != 0;
}

/* No header can be spelled so: only the web server's own configuration says it. */
static bool
is_operator(const char *said)
{
	return said != NULL && strcmp(said, "yes") == 0;
}

static void
read_request(FCGX_Request *peer, char *buffer, struct intake *intake, struct webhook_request *request)
{
	const char *method = or_empty(parameter(peer->envp, "REQUEST_METHOD", NULL));

	memset(request, 0, sizeof(*request));
	intake->head = strcmp(method, "HEAD") == 0;
	read_path(peer->envp, intake->path);
	read_request_id(peer->envp, intake->request_id);

	request->method = intake->head ? "GET" : method;
	request->path = intake->path;
	request->request_id = intake->request_id;
	request->content_encoding = parameter(peer->envp, "HTTP_CONTENT_ENCODING", NULL);
	request->content_type = parameter(peer->envp, "CONTENT_TYPE", NULL);
	request->accept_language = parameter(peer->envp, "HTTP_ACCEPT_LANGUAGE", NULL);
	request->host = parameter(peer->envp, "HTTP_HOST", NULL);
	request->origin = parameter(peer->envp, "HTTP_ORIGIN", NULL);
	request->sec_fetch_site = parameter(peer->envp, "HTTP_SEC_FETCH_SITE", NULL);
	request->by_operator = is_operator(parameter(peer->envp, "PAYMENT_SYNC_OPERATOR", NULL));
	read_signature(peer->envp, &request->signature);
	read_body(peer, buffer, request);
}

/* nginx copies the words after the number into the status line; without them it would be a bare number. */
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

/*
 * Hand the answer to libfcgi.  Nothing is done about a peer that does not want it any more: what was done
 * for the payment is done, and a sender that asks again is told so.
 */
static void
write_answer(FCGX_Request *peer, const struct intake *intake, const struct webhook_answer *answer)
{
	const char *body = or_empty(answer->body);
	const char *type =
	    answer->content_type != NULL ? answer->content_type : "application/json; charset=utf-8";
	char head[1024], allow[64] = "", retry[48] = "",
			 id[sizeof("X-Request-Id: \r\n") + REQUEST_ID_BYTES] = "";

	if (answer->allow != NULL)
		snprintf(allow, sizeof(allow), "Allow: %s\r\n", answer->allow);
	if (answer->retry_after_s > 0)
		snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", answer->retry_after_s);
	if (intake->request_id[0] != '\0')
		snprintf(id, sizeof(id), "X-Request-Id: %s\r\n", intake->request_id);

	/* libfcgi's own printf knows no %zu and stops half way when it meets one. */
	snprintf(head, sizeof(head),
	    "Status: %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n%s%s%s%s\r\n",
	    answer->status, reason(answer->status), type, strlen(body), allow, retry, id,
	    or_empty(answer->headers));
	FCGX_PutS(head, peer->out);
	if (!intake->head)
		FCGX_PutS(body, peer->out);
}

/* Let a stalled peer cost seconds at most. */
static void
set_patience(int connection)
{
	struct timeval patience = { .tv_sec = PEER_PATIENCE_S };

	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static void
serve_connection(const struct fastcgi_service *service, FCGX_Request *peer, int connection, char *buffer)
{
	struct webhook_request request;
	struct webhook_answer answer = { 0 };
	struct intake intake;

	/*
	 * libfcgi is given an accepted connection as if it had kept it from an earlier request.  Its own
	 * accept(2) has no time limit for the first bytes, and loops for ever when a signal comes between
	 * the accept and them.
	 */
	set_patience(connection);
	peer->ipcFd = connection;
	peer->keepConnection = 1;
	if (FCGX_Accept_r(peer) != 0)
		return;

	/*
	 * Whatever the web server asks for: waiting on one kept connection would shut this worker off from
	 * all others.
	 */
	peer->keepConnection = 0;

	read_request(peer, buffer, &intake, &request);
	service->answer(service->context, &request, &answer);
	write_answer(peer, &intake, &answer);
	FCGX_Finish_r(peer);
	free(answer.body);
}

/*
 * accept(2) failed: is it only that another worker was faster or the peer has left?  What is short now may
 * come back.
 */
static bool
accept_recovers(int error)
{
	static const struct timespec breath = { .tv_nsec = 100 * 1000 * 1000 };

	switch (error) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
	case EPERM:
	case EPROTO:
		return true;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		/* The queue stays readable, so without a pause this would be a loop at full speed. */
		nanosleep(&breath, NULL);
		return true;
	default:
		return false;
	}
}

/*
 * Wait for a connection; -1 with errno 0 when there is none yet.
 *
 * EPOLLEXCLUSIVE wakes one idle worker per connection instead of all.  Should that one be stopped by a
 * signal in the same instant, the others have not been told; hence they look by themselves once in a while.
 */
static int
next_connection(int watch, int listener, const sigset_t *open)
{
	struct epoll_event event;
	int connection;

	if (epoll_pwait(watch, &event, 1, LOOK_ANYWAY_MS, open) < 0 && errno != EINTR)
		return -1;

	connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0 && accept_recovers(errno))
		errno = 0;
	return connection;
}

/*
 * The order of the three steps is what makes a stop lossless.  epoll_pwait(2) delivers no signal while
 * connections are waiting, so under load a worker would never stop: pending signals are let in by
 * themselves first.  And after the flag is seen nothing more is accepted.
 */
static enum outcome
accept_loop(const struct fastcgi_service *service, int watch, FCGX_Request *peer, char *buffer,
    const sigset_t *blocked, const sigset_t *open, struct fault *why)
{
	int connection;

	for (;;) {
		service->idle(service->context);

		sigprocmask(SIG_SETMASK, open, NULL);
		sigprocmask(SIG_BLOCK, blocked, NULL);
		if (stop_signal != 0)
			return DONE;

		connection = next_connection(watch, service->listener, open);
		if (connection >= 0) {
			service->busy(service->context);
			serve_connection(service, peer, connection, buffer);
		} else if (errno != 0) {
			return fault_set(why, BROKEN, "accept: %s", strerror(errno));
		}
	}
}

/* An epoll instance of this worker's own that watches the shared listener; -1 with errno. */
static int
watch_listener(int listener)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int flags = fcntl(listener, F_GETFL), watch, error;

	/*
	 * Two workers may be woken for one connection; the slower one must not block in accept(2), deaf to
	 * signals.
	 */
	if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0)
		return -1;
	watch = epoll_create1(EPOLL_CLOEXEC);
	if (watch >= 0 && epoll_ctl(watch, EPOLL_CTL_ADD, listener, &event) < 0) {
		error = errno;
		close(watch);
		errno = error;
		return -1;
	}
	return watch;
}

enum outcome
fastcgi_serve(const struct fastcgi_service *service, int *stopped_by, struct fault *why)
{
	FCGX_Request peer;
	sigset_t blocked, open;
	enum outcome outcome;
	char *buffer;
	int watch;

	/*
	 * After an answer libfcgi waits for the peer to close; nginx does at once, anything else shall not
	 * hold us for long.
	 */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 0);
	if (FCGX_Init() != 0 || FCGX_InitRequest(&peer, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
		return fault_set(why, BROKEN, "libfcgi does not start");

	/* Only now, since FCGX_Init() puts handlers of its own. */
	prepare_signals(&blocked, &open);

	if ((buffer = malloc(WEBHOOK_BODY_MAX + 1)) == NULL)
		return fault_set(why, BROKEN, "no memory for a body");
	if ((watch = watch_listener(service->listener)) < 0) {
		free(buffer);
		return fault_set(why, BROKEN, "the listening socket cannot be watched: %s", strerror(errno));
	}

	outcome = accept_loop(service, watch, &peer, buffer, &blocked, &open, why);
	if (outcome == DONE)
		*stopped_by = stop_signal;
	close(watch);
	free(buffer);
	return outcome;
}
