/*
 * One HTTP exchange by libcurl, with a bounded time and size.
 *
 * The question that matters afterwards is whether amoCRM may have acted on the request.  So libcurl
 * is kept from anything it would do by itself: following redirects, asking a proxy, and above all
 * repeating a request whose connection died.  Every option is set anew for each request, so that
 * nothing is left over from the one before.
 */
#include <ctype.h>
#include <curl/curl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "amocrm/http_client.h"
#include "amocrm/tcp.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#define RETRY_AFTER_MAX_S 3600

/*
 * An idle connection is given up before the server is likely to: on one that just died libcurl
 * repeats the request, and it stops doing so after five times in the life of a handle.
 */
#define IDLE_MAX_S 30L

/*
 * What may be sent only once trusts a connection that was in use just now; if it dies all the same,
 * the request is unsure. libcurl compares whole seconds, so that these are nearly three.
 */
#define ONCE_IDLE_MAX_S 2L

/* Whoever asked is told so often that the request may still be on its way. */
#define ON_WAY_MS 500

/* So long one waits for the peer when there is nothing to look after meanwhile. */
#define NOTHING_TO_DO_MS 1000

#define PATH_SHOWN 80 /* How much of the URL before its query a fault quotes. */

/* What on_way() is told of: the request since it began to leave for the last time. */
struct way {
	bool under_way;           /* It may not have arrived yet. */
	bool written;             /* It had its first chance to leave, at left_ms. */
	int port;                 /* Our end of its connection. */
	long size_before;         /* What libcurl had sent in this exchange before. */
	int64_t left_ms, told_ms; /* told_ms: when on_way() was called last. */
	int64_t quickest_ms;      /* The connection's least round trip; 0: unknown. */
};

struct http_client {
	CURLM *multi; /* Keeps the connections. */
	CURL *easy;
	char *ca_file;
	int64_t clock_ahead_ms;
	struct curl_slist *headers; /* For a request without a body. */
	struct curl_slist *headers_with_body;
	struct curl_slist extra; /* The request's own header, in front of one of those. */
	char *answer;
	size_t size, capacity;
	bool too_large;
	const struct http_client_request *request; /* The one under way, */
	int departures;                            /* how often it has left, */
	int64_t began_ms;                          /* and since when. */
	struct way way;
	char error[CURL_ERROR_SIZE];
};

static void
append(struct curl_slist **list, const char *line)
{
	*list = curl_slist_append(*list, line);
}

static void
append_token(struct http_client *http, const char *token)
{
	char *line = text_format("Authorization: Bearer %s", token);

	append(&http->headers, line);
	append(&http->headers_with_body, line);
	explicit_bzero(line, strlen(line));
	free(line);
}

static void
make_headers(struct http_client *http, const char *token)
{
	if (token)
		append_token(http, token);
	append(&http->headers, "Accept: application/json");
	append(&http->headers_with_body, "Accept: application/json");
	append(&http->headers_with_body, "Content-Type: application/json");
	/*
	 * An empty Expect stops libcurl from asking for permission first and waiting a second for
	 * it.
	 */
	append(&http->headers_with_body, "Expect:");
}

enum outcome
http_client_open(
    const char *token, const char *ca_file, struct http_client **http, struct fault *why)
{
	struct http_client *opened;

	/* Counted by libcurl; each http_client_close() takes one back. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_allocate, free, memory_resize,
		text_copy, memory_zeroed) != CURLE_OK)
		return fault_set(why, BROKEN, "HTTP client: libcurl cannot be initialised");
	opened = memory_zeroed(1, sizeof(*opened));
	opened->answer = memory_zeroed(1, 1);
	opened->capacity = 1;
	make_headers(opened, token);
	if (ca_file)
		opened->ca_file = text_copy(ca_file);
	opened->easy = curl_easy_init();
	opened->multi = curl_multi_init();
	if (!opened->easy || !opened->multi) {
		http_client_close(opened);
		return fault_set(why, BROKEN, "HTTP client: libcurl gives no handle");
	}
	*http = opened;
	return DONE;
}

static void
free_headers(struct curl_slist *list)
{
	struct curl_slist *line;

	for (line = list; line; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(list);
}

void
http_client_close(struct http_client *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->easy);
	curl_multi_cleanup(http->multi);
	free_headers(http->headers);
	free_headers(http->headers_with_body);
	free(http->ca_file);
	free(http->answer);
	free(http);
	curl_global_cleanup();
}

/* Make room for that many more bytes and the NUL. */
static void
reserve(struct http_client *http, size_t more)
{
	size_t needed = http->size + more + 1, capacity = http->capacity;

	while (capacity < needed)
		capacity *= 2;
	if (capacity == http->capacity)
		return;
	http->answer = memory_resize(http->answer, capacity);
	http->capacity = capacity;
}

/*
 * libcurl's own limit looks only at a Content-Length, so the bytes are counted here.  Taking fewer
 * than were offered ends the exchange.
 */
static size_t
receive(char *data, size_t one, size_t count, void *context)
{
	struct http_client *http = context;
	size_t size = one * count;

	if (size > HTTP_CLIENT_RESPONSE_MAX - http->size) {
		http->too_large = true;
		return 0;
	}
	reserve(http, size);
	memcpy(http->answer + http->size, data, size);
	http->size += size;
	http->answer[http->size] = '\0';
	return size;
}

/*
 * Called whenever a connection stands and the request is about to be written to it, also when
 * libcurl repeats it.
 */
static int
/* NOLINTNEXTLINE(readability-non-const-parameter): the parameters are libcurl's. */
about_to_send(void *context, char *address, char *local_address, int port, int local_port)
{
	struct http_client *http = context;

	(void)address, (void)local_address, (void)port;
	if (http->departures++ > 0 && http->request->once)
		return CURL_PREREQFUNC_ABORT;
	if (!http->request->leaving)
		return CURL_PREREQFUNC_OK;
	http->request->leaving(http->request->context);
	http->way = (struct way){ .under_way = true, .port = local_port };
	curl_easy_getinfo(http->easy, CURLINFO_REQUEST_SIZE, &http->way.size_before);
	return CURL_PREREQFUNC_OK;
}

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (code == CURLE_OK)                                                              \
			code = curl_easy_setopt(http->easy, CURLOPT_##option, (value));            \
	} while (0)

static struct curl_slist *
headers_of(struct http_client *http, const struct http_client_request *request)
{
	struct curl_slist *usual = request->body ? http->headers_with_body : http->headers;

	if (!request->header)
		return usual;
	/* libcurl only reads it. */
	http->extra = (struct curl_slist){ .data = (char *)request->header, .next = usual };
	return &http->extra;
}

/* What is sent, and where. */
static CURLcode
set_request(struct http_client *http, const struct http_client_request *request)
{
	CURLcode code = CURLE_OK;
	const char *scheme = strncasecmp(request->url, "http:", 5) == 0 ? "http" : "https";

	SET(URL, request->url);
	SET(PROTOCOLS_STR, scheme);
	SET(REDIR_PROTOCOLS_STR, scheme);
	SET(FOLLOWLOCATION, 0L);
	SET(USERAGENT, "platform-payment-sync/" VERSION);
	SET(HTTPHEADER, headers_of(http, request));
	if (request->body) {
		SET(POST, 1L);
		SET(POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
		SET(POSTFIELDS, request->body);
	} else {
		SET(HTTPGET, 1L);
	}
	SET(CUSTOMREQUEST, request->method);
	SET(MAXAGE_CONN, request->once ? ONCE_IDLE_MAX_S : IDLE_MAX_S);
	SET(PREREQFUNCTION, about_to_send);
	SET(PREREQDATA, http);
	return code;
}

/* How it is transferred: limits, TLS, and where the answer goes. */
static CURLcode
set_transport(struct http_client *http, int64_t left_ms)
{
	CURLcode code = CURLE_OK;
	long budget = left_ms < INT_MAX ? (long)left_ms : INT_MAX;

	SET(NOSIGNAL, 1L);
	/* Both include looking up the name; what is shorter without it is kept by time_left(). */
	SET(TIMEOUT_MS, budget);
	SET(CONNECTTIMEOUT_MS, budget);
	SET(TCP_KEEPALIVE, 1L);
	SET(DNS_CACHE_TIMEOUT, 60L);
	SET(QUICK_EXIT, 1L);
	SET(PROXY, "");
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (http->ca_file)
		SET(CAINFO, http->ca_file);
	SET(ERRORBUFFER, http->error);
	SET(WRITEFUNCTION, receive);
	SET(WRITEDATA, http);
	return code;
}

#undef SET

static CURLcode
prepare(struct http_client *http, const struct http_client_request *request, int64_t left_ms)
{
	CURLcode code;

	/* Keeps the connections, the addresses and the TLS sessions, forgets every option. */
	curl_easy_reset(http->easy);
	http->size = 0;
	http->answer[0] = '\0';
	http->too_large = false;
	http->request = request;
	http->departures = 0;
	http->began_ms = clock_mono_ms();
	http->way = (struct way){ 0 };
	http->error[0] = '\0';
	if ((code = set_request(http, request)) == CURLE_OK)
		code = set_transport(http, left_ms);
	return code;
}

/* The socket of the exchange under way; -1: none. */
static int
socket_of(struct http_client *http)
{
	fd_set reading, writing, failing;
	int highest = -1;

	FD_ZERO(&reading);
	FD_ZERO(&writing);
	FD_ZERO(&failing);
	curl_multi_fdset(http->multi, &reading, &writing, &failing, &highest);
	return highest;
}

/* Has libcurl written all of the request? */
static bool
is_written(struct http_client *http)
{
	curl_off_t body = 0;
	long size = 0;

	curl_easy_getinfo(http->easy, CURLINFO_SIZE_UPLOAD_T, &body);
	curl_easy_getinfo(http->easy, CURLINFO_REQUEST_SIZE, &size);
	return size > http->way.size_before && body >= (curl_off_t)http->request->body_size;
}

static bool
is_acknowledged(struct http_client *http)
{
	return tcp_delivered(socket_of(http), http->way.port, &http->way.quickest_ms);
}

/* Tell what is known now of the request's way, until it has arrived. */
static void
follow(struct http_client *http, bool ended)
{
	const struct http_client_request *request = http->request;
	bool there;

	if (!http->way.under_way)
		return;
	if (!http->way.written) {
		request->leaving(request->context);
		http->way.written = true;
		http->way.left_ms = http->way.told_ms = clock_mono_ms();
	}
	there = ended || (is_written(http) && is_acknowledged(http));
	if (there || clock_mono_ms() - http->way.told_ms >= ON_WAY_MS) {
		http->way.told_ms = clock_mono_ms();
		request->on_way(request->context, http->way.told_ms - http->way.quickest_ms);
	}
	http->way.under_way = !there;
}

/* How long the exchange may go on; as long as the name is looked up, libcurl's limits are enough. */
static int64_t
time_left(struct http_client *http)
{
	int64_t allowed = http->request->patience_ms > 0 ? http->request->patience_ms : INT_MAX;
	curl_off_t known_us = 0;

	curl_easy_getinfo(http->easy, CURLINFO_NAMELOOKUP_TIME_T, &known_us);
	if (known_us == 0)
		return INT_MAX;
	if (http->departures == 0 && allowed > HTTP_CLIENT_CONNECT_MS)
		allowed = HTTP_CLIENT_CONNECT_MS;
	return http->began_ms + known_us / 1000 + allowed - clock_mono_ms();
}

/*
 * How long to wait for the peer's next bytes.  An acknowledgement wakes nobody up, so it is asked
 * for, the more often the younger the request is.
 */
static int
pause_of(const struct http_client *http, int64_t left_ms)
{
	int64_t pause_ms =
	    http->way.under_way ? 1 + (clock_mono_ms() - http->way.left_ms) / 16 : NOTHING_TO_DO_MS;

	return (int)(pause_ms < left_ms ? pause_ms : left_ms);
}

/* As curl_easy_perform() does it, looking after the request on its way. */
static CURLcode
perform(struct http_client *http)
{
	CURLMcode state = curl_multi_add_handle(http->multi, http->easy);
	CURLcode code = CURLE_FAILED_INIT;
	int64_t left_ms = INT_MAX;
	int running = 1, left;
	CURLMsg *message;

	while (state == CURLM_OK && running) {
		state = curl_multi_perform(http->multi, &running);
		follow(http, false);
		if (running && (left_ms = time_left(http)) <= 0)
			break;
		if (state == CURLM_OK && running)
			state =
			    curl_multi_poll(http->multi, NULL, 0, pause_of(http, left_ms), NULL);
	}
	follow(http, true);
	if (running && left_ms <= 0)
		code = CURLE_OPERATION_TIMEDOUT;
	if ((message = curl_multi_info_read(http->multi, &left)))
		code = message->data.result;
	curl_multi_remove_handle(http->multi, http->easy);
	return code;
}

/*
 * Did any of the request leave?  Both are asked: the bytes written are counted over all of
 * libcurl's own repetitions, so that a first try that was sent is not forgotten when a second one
 * finds no connection.
 */
static bool
has_left(struct http_client *http)
{
	curl_off_t ready_us = 0;
	long bytes = 0;

	curl_easy_getinfo(http->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
	curl_easy_getinfo(http->easy, CURLINFO_REQUEST_SIZE, &bytes);
	return ready_us > 0 || bytes > 0;
}

/*
 * The one place where libcurl's codes become outcomes.  Only failures that precede the request are
 * sure, and only if nothing left before; what is not named here may have been acted upon.
 */
static enum outcome
classify(CURLcode code, bool left)
{
	switch (code) {
	case CURLE_OK:
		return DONE;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_FAILED_INIT:
	case CURLE_URL_MALFORMAT:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OUT_OF_MEMORY:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return left ? UNSURE : LATER;
	default:
		return UNSURE;
	}
}

/* Replace what could break a line of the journal: a certificate's names are the peer's words. */
static void
make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

/*
 * libcurl's own words are used only for what precedes the request, where they name the host and the
 * trouble with it.  Later ones might quote the answer.
 */
static enum outcome
explain(struct http_client *http, const struct http_client_request *request, CURLcode code,
    enum outcome outcome, struct fault *why)
{
	int shown = (int)strcspn(request->url, "?#");
	const char *text = curl_easy_strerror(code);

	if (code == CURLE_ABORTED_BY_CALLBACK)
		text = "the connection was lost, and this may not be sent twice";
	else if (http->too_large)
		text = "the answer is too large";
	else if (outcome == LATER && code != CURLE_URL_MALFORMAT && http->error[0])
		text = http->error;
	(void)fault_set(why, outcome, "%s %.*s: %s (libcurl code %d)", request->method,
	    shown < PATH_SHOWN ? shown : PATH_SHOWN, request->url, text, (int)code);
	make_printable(why->text);
	return outcome;
}

/* application/json or application/ANYTHING+json, whatever parameters follow. */
static bool
is_json(const char *type)
{
	size_t length = type ? strcspn(type, "; \t") : 0;

	if (length < strlen("application/json") || strncasecmp(type, "application/", 12) != 0)
		return false;
	return (length == 16 && strncasecmp(type + 12, "json", 4) == 0) ||
	    strncasecmp(type + length - 5, "+json", 5) == 0;
}

/*
 * The header's letters, digits and a few marks; the rest of it is dropped, as it comes from outside
 * and goes to logs.
 */
static void
read_request_id(struct http_client *http, char id[static HTTP_CLIENT_REQUEST_ID_MAX])
{
	struct curl_header *header;
	size_t length = 0;
	const char *c;

	if (curl_easy_header(http->easy, "X-Request-Id", 0, CURLH_HEADER, -1, &header) ==
	    CURLHE_OK) {
		for (c = header->value; *c && length < HTTP_CLIENT_REQUEST_ID_MAX - 1; c++) {
			if (isascii((unsigned char)*c) &&
			    (isalnum((unsigned char)*c) || strchr("-_.:", *c)))
				id[length++] = *c;
		}
	}
	id[length] = '\0';
}

/* A far date or a negative number is possible here, and libcurl passes it on. */
static int64_t
read_retry_after(struct http_client *http)
{
	curl_off_t seconds = 0;

	curl_easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds <= 0)
		return 0;
	return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
}

/* Each answer tells what time it is there; to the second, so half of one is the best guess. */
static void
read_date(struct http_client *http)
{
	struct curl_header *header;
	time_t date;

	if (curl_easy_header(http->easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
	    (date = curl_getdate(header->value, NULL)) <= 0)
		return;
	http->clock_ahead_ms = (int64_t)date * 1000 + 500 - clock_wall_ms();
}

int64_t
http_client_clock_ahead_ms(const struct http_client *http)
{
	return http->clock_ahead_ms;
}

static void
read_answer(struct http_client *http, struct http_client_response *answer)
{
	const char *type = NULL;
	long status = 0;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(http->easy, CURLINFO_CONTENT_TYPE, &type);
	answer->status = (int)status;
	answer->body = http->answer;
	answer->size = http->size;
	answer->json = is_json(type);
	answer->retry_after_ms = read_retry_after(http);
	read_request_id(http, answer->request_id);
	read_date(http);
}

enum outcome
http_client_exchange(struct http_client *http, const struct http_client_request *request,
    struct http_client_response *answer, struct fault *why)
{
	int64_t start = clock_mono_ms();
	enum outcome outcome;
	CURLcode code;

	*answer = (struct http_client_response){ .body = "" };
	if (start >= request->deadline_ms)
		return fault_set(why, LATER, "%s: no time left to ask", request->method);
	if ((code = prepare(http, request, request->deadline_ms - start)) != CURLE_OK)
		return explain(http, request, code, LATER, why);
	code = perform(http);
	answer->took_ms = clock_mono_ms() - start;
	if ((outcome = classify(code, has_left(http))) != DONE)
		return explain(http, request, code, outcome, why);
	read_answer(http, answer);
	return DONE;
}

char *
http_client_escape(struct http_client *http, const char *text)
{
	/* libcurl allocates as we do, so free(3) will take this. */
	return curl_easy_escape(http->easy, text, 0);
}
