/*
 * What is read from a FastCGI request's parameters and body, and how an answer is written.  The input's lines up to an
 * empty one are the parameters; what follows is the body.
 */
#include <ctype.h>

#include "fuzz.h"

#include "../../cgi/exchange.c"

#define PARAMETERS_MAX 64

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static void
no_more(FCGX_Stream *stream)
{
	stream->isClosed = 1;
}

static FCGX_Stream
reader(char *bytes, size_t size)
{
	FCGX_Stream stream = { .rdNext = (unsigned char *)bytes, .isReader = 1, .fillBuffProc = no_more };

	stream.stopUnget = stream.rdNext;
	stream.wrNext = stream.stop = stream.rdNext + size;
	return stream;
}

static void
full(FCGX_Stream *stream, int closing)
{
	(void)closing;
	REQUIRE(stream == NULL); /* Longer than there is room for. */
}

/* How many parameters of that name there are. */
static int
times(char **parameters, const char *name)
{
	int count = 0;

	for (; *parameters != NULL; parameters++)
		count += strncmp(*parameters, name, strlen(name)) == 0 && (*parameters)[strlen(name)] == '=';
	return count;
}

static void
check_request(const struct exchange *exchange, const struct http_request *request, const char *body, size_t size)
{
	static const char *const signatures[] = { "HTTP_X_SIGNATURE", "HTTP_WEBHOOK_ID",
		"HTTP_WEBHOOK_TIMESTAMP", "HTTP_WEBHOOK_SIGNATURE", "HTTP_X_WEBHOOK_SECRET" };
	bool repeated = false;
	size_t i;

	for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		repeated |= times(exchange->peer.envp, signatures[i]) > 1;
	REQUIRE(request->signature.repeated == repeated);
	REQUIRE(strlen(request->path) < PATH_BYTES && strlen(request->request_id) < REQUEST_ID_BYTES);
	for (i = 0; request->request_id[i] != '\0'; i++)
		REQUIRE(isalnum((unsigned char)request->request_id[i]) ||
		    strchr("._-", request->request_id[i]) != NULL);
	REQUIRE(!exchange->head || strcmp(request->method, "GET") == 0);
	REQUIRE(request->size <= WEBHOOK_BODY_MAX && request->size <= size &&
	    request->body[request->size] == '\0');
	REQUIRE(memcmp(request->body, body, request->size) == 0);
	if (strcmp(request->method, "POST") != 0 || request->too_large)
		REQUIRE(request->size == 0);
	REQUIRE(!(request->too_large && request->incomplete));
}

/* Nothing of the request may end a header of the answer early. */
static void
check_response(struct exchange *exchange)
{
	char room[4096], body[] = "{\"status\":\"error\"}", *end;
	FCGX_Stream out = { .wrNext = (unsigned char *)room, .emptyBuffProc = full };
	struct http_response response = { .status = 503, .allow = "POST", .retry_after_s = 30, .body = body };
	int lines = 0;

	out.rdNext = out.stop = (unsigned char *)room + sizeof(room) - 1;
	exchange->peer.out = &out;
	write_response(exchange, &response);
	*out.wrNext = '\0';
	end = strstr(room, "\r\n\r\n");
	REQUIRE(end != NULL && strcmp(end + 4, exchange->head ? "" : body) == 0);
	for (end[2] = '\0', end = room; (end = strstr(end, "\r\n")) != NULL; end += 2)
		lines++;
	REQUIRE(lines == 6 + (exchange->request_id[0] != '\0'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct exchange exchange;
	char *input = fuzz_text(data, size), *rest = input, *line, *parameters[PARAMETERS_MAX + 1], *body;
	struct http_request request;
	FCGX_Stream in;
	size_t count = 0, body_size;

	while (count < PARAMETERS_MAX && rest != NULL && *(line = strsep(&rest, "\n")) != '\0')
		parameters[count++] = line;
	parameters[count] = NULL;
	body = rest != NULL ? rest : input + size;
	body_size = (size_t)(input + size - body);
	in = reader(body, body_size);
	exchange.peer = (FCGX_Request){ .envp = parameters, .in = &in };
	read_request(&exchange, &request);
	check_request(&exchange, &request, body, body_size);
	check_response(&exchange);
	free(input);
	return 0;
}
