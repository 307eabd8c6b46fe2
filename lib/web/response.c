#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "web/response.h"

void
response_log(struct http_response *answer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(answer->log, sizeof(answer->log), format, args);
	va_end(args);
}

void
response_json(
    struct http_response *answer, int http, const char *word, const char *detail, json_t *more)
{
	json_t *body = json_pack("{s:s, s:s}", "status", word, "detail", detail);

	if (more != NULL)
		json_object_update(body, more);
	json_decref(more);
	answer->status = http;
	answer->word = word;
	answer->body = json_dumps(body, JSON_COMPACT);
	json_decref(body);
}

void
response_error(struct http_response *answer, int http, const char *detail)
{
	answer->level = WEBHOOK_ODD;
	response_log(answer, "answer=error status=%d reason=\"%s\"", http, detail);
	response_json(answer, http, "error", detail, NULL);
}

void
response_method_not_allowed(struct http_response *answer, const char *allow)
{
	answer->allow = allow;
	response_error(answer, 405, "this address does not take this method");
}

void
response_unavailable(struct http_response *answer, const struct fault *why)
{
	answer->retry_after_s = RESPONSE_RETRY_AFTER_S;
	answer->level = WEBHOOK_BAD;
	response_log(answer, "answer=unavailable reason=\"%s\"", why->text);
	response_json(answer, 503, "unavailable",
	    "the payment could not be recorded; send it again later", NULL);
}

const char *
logged_key(char text[static LOGGED_KEY], const char *key)
{
	size_t i;

	for (i = 0; i < LOGGED_KEY - 1 && key[i] != '\0'; i++)
		text[i] = (key[i] > ' ' && key[i] < 0x7f && key[i] != '"' && key[i] != '\\')
		    ? key[i]
		    : '_';
	text[i] = '\0';
	return text;
}
