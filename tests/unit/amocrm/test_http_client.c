#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "amocrm/http_client.h"
#include "base/clock.h"

/*
 * A server on the loopback address whose every word is scripted.  A script is a function that runs in a thread of its
 * own; what it saw is read after it was joined, because only the main thread may assert.
 */

#define LONG_MS  30000 /* A deadline that no working test comes near. */
#define SHORT_MS 300   /* One that is meant to pass. */

struct server {
	int listener, port;
	pthread_t thread;
	void (*script)(struct server *);
	const char *words;      /* What `answer_words` says. */
	char requests[4][4096]; /* In order of arrival. */
	int seen;
};

static struct http_client *http;

/*
 * The resolver, in the place of the C library's: libcurl asks it in a thread of its own.  A name
 * server that does not answer makes it take so long.
 */
static _Atomic int64_t lookup_ms;

int
getaddrinfo(const char *restrict name, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	static int (*usual)(
	    const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (usual == NULL)
		*(void **)&usual = dlsym(RTLD_NEXT, "getaddrinfo");
	clock_sleep_until(clock_mono_ms() + lookup_ms);
	return usual(
	    strcmp(name, "account.example.com") == 0 ? "127.0.0.1" : name, service, hints, found);
}

/* What the exchange told of the request's way. */
static struct {
	int departures; /* leaving() is called twice for each. */
	int told;       /* How often on_way() was called, */
	int64_t left_ms, until_ms, told_ms;
} way;

static void
note_leaving(void *context)
{
	(void)context;
	way.departures++;
	way.left_ms = clock_mono_ms();
}

static void
note_on_way(void *context, int64_t until_ms)
{
	(void)context;
	way.told++;
	way.until_ms = until_ms;
	way.told_ms = clock_mono_ms();
}

static int
take(struct server *server)
{
	return accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
}

/* Read one whole request, headers and body, and keep it. */
static bool
hear(struct server *server, int peer)
{
	char *request = server->requests[server->seen], *end, *length;
	size_t size = 0, wanted = 0;
	ssize_t got;

	while (size < sizeof(server->requests[0]) - 1) {
		if ((got = read(peer, request + size, sizeof(server->requests[0]) - 1 - size)) <= 0)
			return false;
		size += (size_t)got;
		request[size] = '\0';
		if (!(end = strstr(request, "\r\n\r\n")))
			continue;
		length = strcasestr(request, "\r\nContent-Length:");
		wanted =
		    (size_t)(end + 4 - request) + (length ? strtoul(length + 17, NULL, 10) : 0);
		if (size >= wanted)
			break;
	}
	server->seen++;
	return true;
}

static bool
say(int peer, const char *words)
{
	size_t size = strlen(words);

	return send(peer, words, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void *
run_script(void *argument)
{
	struct server *server = argument;

	server->script(server);
	return NULL;
}

static void
start(struct server *server, void (*script)(struct server *), const char *words)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	memset(server, 0, sizeof(*server));
	server->script = script;
	server->words = words;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server->listener, 8), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, run_script, server), 0);
}

/* Wait for the script's end; true if a connection is left that it did not take. */
static bool
finish(struct server *server)
{
	struct pollfd waiting = { .fd = server->listener, .events = POLLIN };
	bool more;

	assert_int_equal(pthread_join(server->thread, NULL), 0);
	more = server->listener >= 0 && poll(&waiting, 1, 0) == 1;
	if (server->listener >= 0)
		close(server->listener);
	return more;
}

static int64_t patience_ms; /* 0: the deadline alone. */

static enum outcome
ask(const struct server *server, const char *scheme, const char *method, const char *body,
    bool once, int64_t within_ms, struct http_client_response *answer, struct fault *why)
{
	char url[128];
	struct http_client_request request = { .method = method,
		.url = url,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.deadline_ms = clock_mono_ms() + within_ms,
		.patience_ms = patience_ms,
		.once = once,
		.leaving = note_leaving,
		.on_way = note_on_way };

	memset(&way, 0, sizeof(way));
	snprintf(url, sizeof(url), "%s://%s:%d/api/v4/contacts?query=79991234567", scheme,
	    lookup_ms > 0 ? "account.example.com" : "127.0.0.1", server->port);
	memset(why, 0, sizeof(*why));
	return http_client_exchange(http, &request, answer, why);
}

static enum outcome
get(const struct server *server, struct http_client_response *answer, struct fault *why)
{
	return ask(server, "http", "GET", NULL, false, LONG_MS, answer, why);
}

static void
assert_discreet(const struct fault *why)
{
	assert_string_not_equal(why->text, "");
	assert_null(strstr(why->text, "7999"));
	assert_null(strstr(why->text, "sesame"));
}

/* Scripts. */

static void
answer_words(struct server *server)
{
	int peer = take(server);

	if (hear(server, peer))
		(void)say(peer, server->words);
	close(peer);
}

static void
answer_nothing(struct server *server)
{
	int peer = take(server);

	(void)hear(server, peer);
	close(peer);
}

/* Hear, then keep silent until the client gives up. */
static void
keep_silent(struct server *server)
{
	int peer = take(server);
	char byte;

	(void)hear(server, peer);
	while (read(peer, &byte, 1) > 0)
		continue;
	close(peer);
}

/* Not even hear: the client waits for the TLS handshake. */
static void
stay_plain(struct server *server)
{
	int peer = take(server);
	char bytes[512];

	while (read(peer, bytes, sizeof(bytes)) > 0)
		continue;
	close(peer);
}

static void
answer_plainly(struct server *server)
{
	int peer = take(server);

	(void)say(peer, "220 this is no TLS\r\n");
	shutdown(peer, SHUT_WR);
	while (read(peer, server->requests[0], sizeof(server->requests[0])) > 0)
		continue;
	close(peer);
}

#define THINKING_MS 600

static const char ok[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/* Hear at once, and say nothing for a while. */
static void
think(struct server *server)
{
	int peer = take(server);

	if (hear(server, peer)) {
		clock_sleep_until(clock_mono_ms() + THINKING_MS);
		(void)say(peer, server->words);
	}
	close(peer);
}

#define JAM_MS    1000
#define JAM_BYTES 30000 /* More than a peer takes that does not read, less than waits to be sent. */

/* Nothing gets through for a while. */
static void
jam(struct server *server)
{
	int peer = take(server);
	char bytes[4096];
	size_t size;
	ssize_t got;

	clock_sleep_until(clock_mono_ms() + JAM_MS);
	for (size = 0; size < JAM_BYTES && (got = read(peer, bytes, sizeof(bytes))) > 0;)
		size += (size_t)got;
	clock_sleep_until(clock_mono_ms() + THINKING_MS);
	/* What lies unread when it closes would reset the connection. */
	while (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	(void)say(peer, server->words);
	close(peer);
}

static void
answer_two_on_one(struct server *server)
{
	int peer = take(server), i;

	for (i = 0; i < 2; i++) {
		if (hear(server, peer))
			(void)say(peer, ok);
	}
	close(peer);
}

/* Answer one request, and drop the connection when it has read another; then do the same as answer_words. */
static void
drop_reused(struct server *server)
{
	int peer = take(server);

	if (hear(server, peer))
		(void)say(peer, ok);
	(void)hear(server, peer);
	close(peer);
	answer_words(server);
}

static void
drop_reused_and_leave(struct server *server)
{
	int peer = take(server);

	if (hear(server, peer))
		(void)say(peer, ok);
	(void)hear(server, peer);
	close(server->listener);
	server->listener = -1;
	close(peer);
}

/* Wait for a second connection; false if the first is used again instead. */
static bool
wait_for_second(struct server *server, int first)
{
	struct pollfd either[] = { { .fd = server->listener, .events = POLLIN },
		{ .fd = first, .events = POLLIN } };
	char byte;

	while (poll(either, 2, -1) >= 0 && !either[0].revents) {
		if (recv(first, &byte, 1, MSG_DONTWAIT) > 0)
			return false;
		either[1].fd = -1; /* The client has closed it. */
	}
	return true;
}

/* Answer on the first connection; the second reads a request and dies.  Neither may be used again. */
static void
drop_second(struct server *server)
{
	int first = take(server), second;
	char byte;

	if (hear(server, first))
		(void)say(first, ok);
	if (wait_for_second(server, first)) {
		second = take(server);
		(void)hear(server, second);
		close(second);
	} else {
		server->seen = -1;
	}
	if (recv(first, &byte, 1, MSG_DONTWAIT) > 0)
		server->seen = -1;
	close(first);
}

static void
pour(struct server *server)
{
	static char much[65536];
	int peer = take(server), i = 0;

	memset(much, 'x', sizeof(much) - 1);
	if (hear(server, peer) &&
	    say(peer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")) {
		for (; i < 1000 && say(peer, much); i++)
			continue;
	}
	server->seen = i;
	close(peer);
}

/* Tests. */

static void
test_answer(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;
	int64_t before = clock_mono_ms();

	(void)state;
	start(&server, answer_words,
	    "HTTP/1.1 202 Accepted\r\nContent-Type: application/hal+json; "
	    "charset=utf-8\r\nContent-Length: "
	    "8\r\n"
	    "X-Request-Id: ab-1_2.3:4 \"<x>\\\r\n\r\n{\"id\":1}");
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_int_equal(answer.status, 202);
	assert_string_equal(answer.body, "{\"id\":1}");
	assert_int_equal(answer.size, 8);
	assert_true(answer.json);
	assert_string_equal(answer.request_id, "ab-1_2.3:4x");
	assert_int_equal(answer.retry_after_ms, 0);
	assert_in_range(way.left_ms, before, clock_mono_ms());
	assert_in_range(answer.took_ms, 0, LONG_MS);
	assert_string_equal(why.text, "");
	assert_ptr_equal(
	    strstr(server.requests[0], "GET /api/v4/contacts?query=79991234567 HTTP/1.1\r\n"),
	    server.requests[0]);
	assert_non_null(strstr(server.requests[0], "\r\nAuthorization: Bearer sesame\r\n"));
	assert_non_null(strstr(server.requests[0], "\r\nAccept: application/json\r\n"));
	assert_non_null(
	    strstr(server.requests[0], "\r\nUser-Agent: platform-payment-sync/" VERSION "\r\n"));
	assert_null(strstr(server.requests[0], "Content-Type"));
	assert_null(strstr(server.requests[0], "Accept-Encoding"));
}

static void
test_body(void **state)
{
	static const char *const methods[] = { "POST", "PATCH" };
	struct server server;
	struct http_client_response answer;
	struct fault why;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		start(&server, answer_words, ok);
		assert_int_equal(
		    ask(&server, "http", methods[i], "[{\"a\":1}]", i == 0, LONG_MS, &answer, &why),
		    DONE);
		assert_false(finish(&server));
		assert_memory_equal(server.requests[0], methods[i], strlen(methods[i]));
		assert_non_null(
		    strstr(server.requests[0], "\r\nContent-Type: application/json\r\n"));
		assert_non_null(strstr(server.requests[0], "\r\nContent-Length: 9\r\n"));
		assert_non_null(strstr(server.requests[0], "\r\n\r\n[{\"a\":1}]"));
		assert_null(strstr(server.requests[0], "Expect"));
	}
}

static void
test_json(void **state)
{
	static const struct {
		const char *type;
		bool json;
	} types[] = {
		{ "Content-Type: application/json\r\n", true },
		{ "Content-Type: Application/JSON;charset=utf-8\r\n", true },
		{ "Content-Type: application/problem+json\r\n", true },
		{ "Content-Type: application/jsonp\r\n", false },
		{ "Content-Type: text/html\r\n", false },
		{ "Content-Type: text/plain+json\r\n", false },
		{ "Content-Type: application/\r\n", false },
		{ "", false },
	};
	struct server server;
	struct http_client_response answer;
	struct fault why;
	char words[160];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(words, sizeof(words), "HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n",
		    types[i].type);
		start(&server, answer_words, words);
		assert_int_equal(get(&server, &answer, &why), DONE);
		assert_false(finish(&server));
		assert_int_equal(answer.json, types[i].json);
	}
}

static void
test_retry_after(void **state)
{
	static const struct {
		const char *value;
		int64_t least, most;
	} values[] = {
		{ "7", 7000, 7000 },
		{ "0", 0, 0 },
		{ "-5", 0, 0 },
		{ "86400", 3600000, 3600000 },
		{ "99999999999999999999", 0, 3600000 },
		{ "soon", 0, 0 },
		{ "Wed, 21 Oct 2015 07:28:00 GMT", 0, 0 },
		{ "Fri, 21 Oct 2095 07:28:00 GMT", 3600000, 3600000 },
	};
	struct server server;
	struct http_client_response answer;
	struct fault why;
	char words[160];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
		snprintf(words, sizeof(words),
		    "HTTP/1.1 429 Too Many\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
		    values[i].value);
		start(&server, answer_words, words);
		assert_int_equal(get(&server, &answer, &why), DONE);
		assert_false(finish(&server));
		assert_int_equal(answer.status, 429);
		assert_in_range(answer.retry_after_ms, values[i].least, values[i].most);
	}
}

static void
test_retry_after_date(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;
	char words[160];
	time_t then = time(NULL) + 1800;
	struct tm tm;

	(void)state;
	strftime(words, sizeof(words),
	    "HTTP/1.1 503 No\r\nRetry-After: %a, %d %b %Y %T GMT\r\nContent-Length: 0\r\n\r\n",
	    gmtime_r(&then, &tm));
	start(&server, answer_words, words);
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_in_range(answer.retry_after_ms, 1700000, 1800000);
}

static void
test_redirect_is_not_followed(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, answer_words,
	    "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_int_equal(answer.status, 302);
	assert_int_equal(server.seen, 1);
}

static void
test_cut_header_is_reported(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, answer_words, "HTTP/1.1 200 OK\r\nContent-Le");
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.size, 0);
	assert_string_equal(answer.body, "");
	assert_false(answer.json);
}

static void
test_cut_body_is_unsure(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, answer_words, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":");
	assert_int_equal(get(&server, &answer, &why), UNSURE);
	assert_false(finish(&server));
	assert_discreet(&why);
	assert_string_equal(answer.body, "");
}

static void
test_no_answer_is_unsure(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;
	int64_t before = clock_mono_ms();

	(void)state;
	start(&server, answer_nothing, NULL);
	assert_int_equal(ask(&server, "http", "POST", "{}", true, LONG_MS, &answer, &why), UNSURE);
	assert_false(finish(&server));
	assert_int_equal(server.seen, 1);
	assert_in_range(way.left_ms, before, clock_mono_ms());
	assert_int_equal(answer.status, 0);
	assert_discreet(&why);
}

/* However long the answer takes, the request was on its way only until its arrival was confirmed. */
static void
test_thinking_is_no_way(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, think, ok);
	assert_int_equal(ask(&server, "http", "POST", "{}", true, LONG_MS, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_int_equal(way.departures, 2); /* About to leave, and gone. */
	assert_in_range(answer.took_ms, THINKING_MS, LONG_MS);
	/* Linux confirms within 44 ms; the rest is for a slow machine. */
	assert_in_range(way.until_ms, way.left_ms, way.left_ms + THINKING_MS / 2);
	assert_in_range(way.told_ms, way.until_ms, way.left_ms + THINKING_MS / 2);
}

/* As long as it has not arrived, it is said to be on its way, and afterwards how long it was. */
static void
test_way_lasts_until_arrival(void **state)
{
	static char body[JAM_BYTES + 1];
	struct server server;
	struct http_client_response answer;
	struct fault why;
	int little = 4096;

	(void)state;
	memset(body, ' ', JAM_BYTES);
	start(&server, jam, ok);
	setsockopt(server.listener, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	assert_int_equal(ask(&server, "http", "POST", body, true, LONG_MS, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_in_range(way.until_ms, way.left_ms + JAM_MS / 2, way.left_ms + LONG_MS);
	assert_in_range(way.told_ms, way.until_ms, way.until_ms + THINKING_MS / 2);
	assert_true(way.told > 1);
}

static void
test_silence_is_unsure(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, keep_silent, NULL);
	assert_int_equal(
	    ask(&server, "http", "PATCH", "{}", false, SHORT_MS, &answer, &why), UNSURE);
	assert_false(finish(&server));
	assert_in_range(answer.took_ms, SHORT_MS - 20, LONG_MS);
	assert_discreet(&why);
}

/* Patience is for the server: what the resolver takes comes on top, up to the deadline. */
static void
test_slow_lookup(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	lookup_ms = HTTP_CLIENT_CONNECT_MS + 500;
	patience_ms = 1000;
	start(&server, answer_words, ok);
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_int_equal(answer.status, 200);
	assert_in_range(answer.took_ms, HTTP_CLIENT_CONNECT_MS + 400, LONG_MS);
	lookup_ms = patience_ms = 0;
}

static void
test_lookup_ends_at_the_deadline(void **state)
{
	struct server server = { .port = 1 };
	struct http_client_response answer;
	struct fault why;

	(void)state;
	lookup_ms = 1500;
	assert_int_equal(ask(&server, "http", "GET", NULL, false, SHORT_MS, &answer, &why), LATER);
	assert_in_range(answer.took_ms, SHORT_MS - 20, 1400);
	lookup_ms = 0;
}

/* Once the server's address is known, so long and no longer. */
static void
test_patience_ends_before_the_deadline(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	lookup_ms = 2 * SHORT_MS;
	patience_ms = SHORT_MS;
	start(&server, keep_silent, NULL);
	assert_int_equal(ask(&server, "http", "PATCH", "{}", true, LONG_MS, &answer, &why), UNSURE);
	assert_false(finish(&server));
	assert_in_range(answer.took_ms, 3 * SHORT_MS - 20, LONG_MS / 2);
	assert_non_null(strstr(why.text, "Timeout was reached"));
	lookup_ms = patience_ms = 0;
}

static void
test_refused_is_later(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, answer_words, ok);
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_false(finish(&server));
	/* Nobody listens on that port any more, and the idle connection is closed. */
	assert_int_equal(ask(&server, "http", "POST", "{}", true, LONG_MS, &answer, &why), LATER);
	assert_int_equal(way.departures, 0);
	assert_discreet(&why);
	assert_non_null(strstr(why.text, "POST http://127.0.0.1:"));
}

static void
test_no_tls_is_later(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, answer_plainly, NULL);
	assert_int_equal(ask(&server, "https", "POST", "{}", true, LONG_MS, &answer, &why), LATER);
	assert_false(finish(&server));
	assert_discreet(&why);

	start(&server, stay_plain, NULL);
	assert_int_equal(ask(&server, "https", "POST", "{}", true, SHORT_MS, &answer, &why), LATER);
	assert_false(finish(&server));
	assert_int_equal(way.departures, 0);
	assert_discreet(&why);
}

static void
test_no_address_is_later(void **state)
{
	struct http_client_request request = { .method = "GET",
		.url = "file:///etc/passwd?query=79991234567",
		.deadline_ms = clock_mono_ms() + LONG_MS };
	struct http_client_response answer;
	struct fault why;

	(void)state;
	assert_int_equal(http_client_exchange(http, &request, &answer, &why), LATER);
	assert_discreet(&why);
	request.url = "https://name.invalid:port/?query=79991234567";
	assert_int_equal(http_client_exchange(http, &request, &answer, &why), LATER);
	assert_discreet(&why);
}

static void
test_no_time_is_later(void **state)
{
	struct server server;
	struct http_client_response answer = { .body = NULL };
	struct fault why;

	(void)state;
	start(&server, answer_words, ok);
	assert_int_equal(ask(&server, "http", "GET", NULL, false, 0, &answer, &why), LATER);
	assert_discreet(&why);
	assert_string_equal(answer.body, "");
	/* The script still waits for its first connection. */
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_int_equal(server.seen, 1);
}

static void
test_flood_is_unsure(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, pour, NULL);
	if (get(&server, &answer, &why) != UNSURE)
		fail_msg("status %d, %zu bytes: %s", answer.status, answer.size, why.text);
	assert_false(finish(&server));
	/* The rest of 64 MB was not read. */
	assert_in_range(server.seen, 1, 999);
	assert_discreet(&why);
	assert_non_null(strstr(why.text, "too large"));
	/* The next exchange is none the worse for it. */
	start(&server, answer_words, ok);
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_string_equal(answer.body, "{}");
}

static void
test_connection_is_reused(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, answer_two_on_one, NULL);
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_int_equal(ask(&server, "http", "PATCH", "{}", false, LONG_MS, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_int_equal(server.seen, 2);
}

/* The premise of `once`: libcurl itself sends again what a reused connection swallowed. */
static void
test_libcurl_repeats(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, drop_reused, ok);
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_int_equal(server.seen, 3);
}

/* The repetition finds nobody, which must not hide that the first try was read. */
static void
test_repeated_in_vain_is_unsure(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, drop_reused_and_leave, NULL);
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_int_equal(
	    ask(&server, "http", "PATCH", "{}", false, LONG_MS, &answer, &why), UNSURE);
	assert_false(finish(&server));
	assert_int_equal(server.seen, 2);
	assert_true(way.departures > 0);
	assert_discreet(&why);
}

static void
test_once_is_sent_once(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, drop_reused, ok);
	assert_int_equal(get(&server, &answer, &why), DONE);
	assert_int_equal(ask(&server, "http", "POST", "{}", true, LONG_MS, &answer, &why), UNSURE);
	assert_false(finish(&server));
	assert_int_equal(server.seen, 2);
	assert_true(way.departures > 0);
	assert_discreet(&why);
}

/* A connection that was in use just now will do: a new one costs milliseconds, most of them for TLS. */
static void
test_once_reuses_connections(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, answer_two_on_one, NULL);
	assert_int_equal(ask(&server, "http", "POST", "{}", true, LONG_MS, &answer, &why), DONE);
	assert_int_equal(ask(&server, "http", "POST", "{}", true, LONG_MS, &answer, &why), DONE);
	assert_false(finish(&server));
	assert_int_equal(server.seen, 2);
}

/* One that has been idle may be about to be closed by the server. */
static void
test_once_distrusts_idle_connections(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;

	(void)state;
	start(&server, drop_second, NULL);
	assert_int_equal(get(&server, &answer, &why), DONE);
	clock_sleep_until(clock_mono_ms() + 3200);
	assert_int_equal(ask(&server, "http", "POST", "{}", true, LONG_MS, &answer, &why), UNSURE);
	assert_false(finish(&server));
	assert_int_equal(server.seen, 2);
}

static void
test_escape(void **state)
{
	char *text;

	(void)state;
	text = http_client_escape(http, "+7 999&x=ы");
	assert_string_equal(text, "%2B7%20999%26x%3D%D1%8B");
	free(text);
	text = http_client_escape(http, "");
	assert_string_equal(text, "");
	free(text);
}

static void
test_trust_file_missing(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;
	struct http_client *usual = http;

	(void)state;
	assert_int_equal(http_client_open("sesame", "/nonexistent/ca.pem", &http, &why), DONE);
	start(&server, stay_plain, NULL);
	assert_int_equal(ask(&server, "https", "GET", NULL, false, LONG_MS, &answer, &why), LATER);
	http_client_close(http);
	http = usual;
	finish(&server);
	assert_discreet(&why);
}

/* Whoever is not amoCRM gets no token, but may get a header that amoCRM does not. */
static void
test_without_token(void **state)
{
	struct server server;
	struct http_client_response answer;
	struct fault why;
	struct http_client *usual = http;
	char url[64];
	struct http_client_request request = { .method = "POST",
		.url = url,
		.body = "{}",
		.body_size = 2,
		.header = "X-Signature: abc",
		.deadline_ms = clock_mono_ms() + LONG_MS };

	(void)state;
	assert_int_equal(http_client_open(NULL, NULL, &http, &why), DONE);
	start(&server, answer_two_on_one, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/webhook", server.port);
	assert_int_equal(http_client_exchange(http, &request, &answer, &why), DONE);
	request.header = NULL;
	assert_int_equal(http_client_exchange(http, &request, &answer, &why), DONE);
	assert_false(finish(&server));
	http_client_close(http);
	http = usual;
	assert_non_null(strstr(server.requests[0], "\r\nX-Signature: abc\r\n"));
	assert_non_null(strstr(server.requests[0], "\r\nContent-Type: application/json\r\n"));
	assert_null(strcasestr(server.requests[0], "Authorization"));
	assert_null(strstr(server.requests[1], "X-Signature"));
}

static int
set_up(void **state)
{
	struct fault why;

	(void)state;
	return http_client_open("sesame", NULL, &http, &why) == DONE ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	http_client_close(http);
	http_client_close(NULL);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answer),
		TEST(test_body),
		TEST(test_json),
		TEST(test_retry_after),
		TEST(test_retry_after_date),
		TEST(test_redirect_is_not_followed),
		TEST(test_cut_header_is_reported),
		TEST(test_cut_body_is_unsure),
		TEST(test_no_answer_is_unsure),
		TEST(test_thinking_is_no_way),
		TEST(test_way_lasts_until_arrival),
		TEST(test_silence_is_unsure),
		TEST(test_slow_lookup),
		TEST(test_lookup_ends_at_the_deadline),
		TEST(test_patience_ends_before_the_deadline),
		TEST(test_refused_is_later),
		TEST(test_no_tls_is_later),
		TEST(test_no_address_is_later),
		TEST(test_no_time_is_later),
		TEST(test_flood_is_unsure),
		TEST(test_connection_is_reused),
		TEST(test_libcurl_repeats),
		TEST(test_repeated_in_vain_is_unsure),
		TEST(test_once_is_sent_once),
		TEST(test_once_reuses_connections),
		TEST(test_once_distrusts_idle_connections),
		TEST(test_escape),
		TEST(test_trust_file_missing),
		TEST(test_without_token),
	};

	/* A proxy that is not there: whoever heeds these variables fails every test. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
