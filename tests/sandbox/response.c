#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>

#include "response.h"
#include "text.h"

static const struct reason {
	int status;
	const char *title;
	const char *detail;
} reasons[] = {
	{ 301, "Moved Permanently", "Moved Permanently" },
	{ 302, "Found", "Found" },
	{ 400, "Bad Request", "Invalid request body" },
	{ 401, "Unauthorized", "Неверный логин или пароль" },
	{ 402, "Payment Required", "Payment required" },
	{ 403, "Forbidden", "Forbidden" },
	{ 404, "Not Found", "Not Found" },
	{ 405, "Method Not Allowed", "Method Not Allowed" },
	{ 410, "Gone", "Gone" },
	{ 422, "Unprocessable Entity", "Limit 250 per page" },
	{ 429, "Too Many Requests",
	    "You have sent too many requests in a given amount of time. Please try again later." },
	{ 500, "Internal Server Error", "An unknown error occurred." },
	{ 502, "Bad Gateway", "Bad Gateway" },
	{ 503, "Service Temporarily Unavailable", "Service Temporarily Unavailable" },
	{ 504, "Gateway Time-out", "Gateway Time-out" },
};

static const struct reason *
reason_of(int status)
{
	static const struct reason unknown = { 0, "Error", "Error" };

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return &reasons[i];
	}
	return &unknown;
}

void
response_init(struct response *given, int status)
{
	*given = (struct response){ .status = status, .retry_after = -1 };
}

void
response_clear(struct response *given)
{
	free(given->body);
	free(given->location);
	response_init(given, 0);
}

void
response_bytes(struct response *given, int status, const char *type, char *body, size_t size)
{
	free(given->body);
	given->status = status;
	given->type = type;
	given->body = body;
	given->size = size;
}

void
response_json(struct response *given, int status, json_t *body)
{
	char *text = must(json_dumps(body, JSON_COMPACT));

	json_decref(body);
	response_bytes(given, status,
	    status < 400 ? "application/hal+json" : "application/problem+json", text, strlen(text));
}

json_t *
problem_json(int status, const char *detail)
{
	char *type = text_format("https://httpstatus.es/%d", status);
	const struct reason *reason = reason_of(status);
	json_t *problem = json_pack("{s:s, s:s, s:i, s:s}", "title", reason->title, "type", type,
	    "status", status, "detail", detail != NULL ? detail : reason->detail);

	free(type);
	return problem;
}

void
response_problem(struct response *given, int status, const char *detail)
{
	response_json(given, status, problem_json(status, detail));
}

void
response_html(struct response *given, int status)
{
	const char *title = reason_of(status)->title;
	char *page =
	    text_format("<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n"
			"<center><h1>%d "
			"%s</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
		status, title, status, title);

	response_bytes(given, status, "text/html", page, strlen(page));
}
