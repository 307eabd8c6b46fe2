#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "text.h"

/* A longer request body is not read. */
enum {
	BODY_LIMIT = 16 << 20
};

struct http {
	struct MHD_Daemon *daemon;
	http_answerer answer;
	void *context;
	bool tls;
	uint16_t port;
	atomic_bool stopping;
	atomic_uint_fast64_t served;
};

/* One request while it is being read and answered. */
struct exchange {
	struct request asked;
	bool begun;
	bool too_big;
};

/* Called first of all, with the target as it was sent. */
static void *
on_target(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *exchange = must(calloc(1, sizeof(*exchange)));

	(void)context, (void)connection;
	exchange->asked.target = must(strdup(uri));
	return exchange;
}

static void
on_completed(void *context, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct exchange *exchange = *state;

	(void)context, (void)connection, (void)why;
	if (exchange == NULL)
		return;
	request_clear(&exchange->asked);
	free(exchange);
	*state = NULL;
}

static enum MHD_Result
on_parameter(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	request_add_parameter(context, name, value);
	return MHD_YES;
}

static char *
header(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	return value != NULL ? must(strdup(value)) : NULL;
}

/* Each answer has an id of its own, whatever the client called its request. */
static char *
new_answer_id(struct http *http)
{
	uint64_t number = atomic_fetch_add(&http->served, 1) + 1;

	return text_format("%016llx%016llx", (unsigned long long)(number * 0x9E3779B97F4A7C15u),
	    (unsigned long long)number);
}

static void
read_headers(struct http *http, struct MHD_Connection *connection, const char *url,
    const char *method, struct request *asked)
{
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");

	asked->arrived_ns = clock_monotonic_ns();
	asked->arrived_wall_ms = clock_wall_ms();
	asked->method = must(strdup(method));
	asked->path = must(strdup(url));
	asked->base =
	    text_format("%s://%s", http->tls ? "https" : "http", host != NULL ? host : "localhost");
	asked->authorization = header(connection, "Authorization");
	asked->user_agent = header(connection, "User-Agent");
	asked->request_id = header(connection, "X-Request-Id");
	asked->answer_id = new_answer_id(http);
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_parameter, asked);
}

static void
read_body(struct exchange *exchange, const char *data, size_t size)
{
	struct request *asked = &exchange->asked;

	if (asked->body_size + size > BODY_LIMIT) {
		exchange->too_big = true;
		return;
	}
	asked->body = must(realloc(asked->body, asked->body_size + size + 1));
	memcpy(asked->body + asked->body_size, data, size);
	asked->body_size += size;
	asked->body[asked->body_size] = '\0';
}

/* An answer on its way out piece by piece; owns the bytes. */
struct trickle {
	struct http *http;
	char *body;
	size_t size;
	size_t cut; /* after so many bytes the connection breaks */
	int64_t pace_ms;
};

static void
trickle_free(void *context)
{
	struct trickle *trickle = context;

	free(trickle->body);
	free(trickle);
}

/* Sleep in small steps, so that stopping need not wait for us. */
static void
pace(const struct http *http, int64_t ms)
{
	const struct timespec step = { .tv_nsec = 5000000 };
	int64_t until = clock_monotonic_ns() + ms * 1000000;

	while (ms > 0 && !atomic_load(&http->stopping) && clock_monotonic_ns() < until)
		nanosleep(&step, NULL);
}

static ssize_t
on_trickle(void *context, uint64_t position, char *buffer, size_t room)
{
	struct trickle *trickle = context;
	size_t count = trickle->size - position;

	if (position >= trickle->cut || atomic_load(&trickle->http->stopping))
		return MHD_CONTENT_READER_END_WITH_ERROR;

	if (count > trickle->cut - position)
		count = trickle->cut - position;
	if (count > room)
		count = room;
	if (trickle->pace_ms > 0) {
		pace(trickle->http, trickle->pace_ms);
		count = 1;
	}
	memcpy(buffer, trickle->body + position, count);
	return (ssize_t)count;
}

static struct MHD_Response *
trickling(struct http *http, struct response *given)
{
	struct trickle *trickle = must(calloc(1, sizeof(*trickle)));

	*trickle = (struct trickle){
		.http = http,
		.body = given->body,
		.size = given->size,
		.cut = given->delivery == DELIVER_CUT ? given->size / 2 : given->size,
		.pace_ms = given->pace_ms,
	};
	given->body = NULL;
	return must(MHD_create_response_from_callback(
	    trickle->size, 1024, on_trickle, trickle, trickle_free));
}

static void
add_headers(
    struct MHD_Response *response, const struct request *asked, const struct response *given)
{
	char date[64];
	time_t now = (time_t)clock_account_s();
	struct tm utc;

	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
	MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, date);
	MHD_add_response_header(response, "Server", "nginx");
	MHD_add_response_header(response, "X-Request-Id", asked->answer_id);
	if (given->type != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, given->type);
	if (given->location != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, given->location);
	if (given->retry_after >= 0) {
		char *seconds = text_format("%lld", (long long)given->retry_after);

		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
		free(seconds);
	}
}

static int
connection_socket(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info != NULL ? info->connect_fd : -1;
}

/* Dissolving the socket's association sends a reset at once, where closing it would say goodbye. */
static void
reset_connection(struct MHD_Connection *connection)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	connect(connection_socket(connection), &nobody, sizeof(nobody));
}

/* Past libmicrohttpd: it only knows whole headers.  Under TLS this is a broken record instead. */
static void
cut_header(struct MHD_Connection *connection)
{
	static const char beginning[] = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Ty";

	send(connection_socket(connection), beginning, sizeof(beginning) - 1, MSG_NOSIGNAL);
	shutdown(connection_socket(connection), SHUT_RDWR);
}

static enum MHD_Result
deliver(struct http *http, struct MHD_Connection *connection, const struct request *asked,
    struct response *given)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	if (given->delivery == DELIVER_RESET || given->delivery == DELIVER_CUT_HEADER) {
		if (given->delivery == DELIVER_RESET)
			reset_connection(connection);
		else
			cut_header(connection);
		response_clear(given);
		return MHD_NO;
	}

	if (given->delivery != DELIVER_WHOLE && given->size > 0) {
		response = trickling(http, given);
	} else {
		response = must(MHD_create_response_from_buffer(
		    given->size, given->body, MHD_RESPMEM_MUST_FREE));
		given->body = NULL;
	}
	add_headers(response, asked, given);
	result = MHD_queue_response(connection, (unsigned int)given->status, response);
	MHD_destroy_response(response);
	response_clear(given);
	return result;
}

/* Called when the headers are there, for each piece of the body, and once more at its end. */
static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **state)
{
	struct http *http = context;
	struct exchange *exchange = *state;
	struct response given;

	(void)version;
	if (!exchange->begun) {
		exchange->begun = true;
		read_headers(http, connection, url, method, &exchange->asked);
		return MHD_YES;
	}
	if (*size > 0) {
		read_body(exchange, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (exchange->too_big)
		return MHD_NO;

	http->answer(http->context, &exchange->asked, &given);
	return deliver(http, connection, &exchange->asked, &given);
}

static struct MHD_Daemon *
start_daemon(
    struct http *http, const struct http_options *options, const struct sockaddr_in *address)
{
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->key },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

	if (http->tls)
		flags |= MHD_USE_TLS;

	return MHD_start_daemon(flags, options->port, NULL, NULL, on_request, http,
	    MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
	    MHD_OPTION_CONNECTION_LIMIT, 1000u, MHD_OPTION_ARRAY, http->tls ? tls : none,
	    MHD_OPTION_END);
}

struct http *
http_start(const struct http_options *options, const char **mistake)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(options->port) };
	const union MHD_DaemonInfo *info;
	socklen_t length = sizeof(address);
	struct http *http;

	*mistake = "the address to listen on is not an IPv4 address";
	if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1)
		return NULL;
	*mistake = "this libmicrohttpd was built without TLS";
	if (options->certificate != NULL && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		return NULL;

	http = must(calloc(1, sizeof(*http)));
	http->answer = options->answer;
	http->context = options->context;
	http->tls = options->certificate != NULL;
	http->daemon = start_daemon(http, options, &address);
	*mistake = "cannot listen: the port is taken, or the certificate is not right";
	if (http->daemon == NULL) {
		free(http);
		return NULL;
	}

	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_LISTEN_FD);
	getsockname(info->listen_fd, (struct sockaddr *)&address, &length);
	http->port = ntohs(address.sin_port);
	return http;
}

uint16_t
http_port(const struct http *http)
{
	return http->port;
}

void
http_stop(struct http *http)
{
	atomic_store(&http->stopping, true);
	MHD_stop_daemon(http->daemon);
	free(http);
}
