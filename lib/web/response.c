#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "web/response.h"

void
answer_log(struct webhook_answer *answer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(answer->log, sizeof(answer->log), format, args);
	va_end(args);
}

void
answer_json(
    struct webhook_answer *answer, int http, const char *word, const char *detail, json_t *more)
{
	json_t *body = json_pack("{s:s, s:s}", "status", word, "detail", detail);

	if (more != NULL)
		json_object_update(body, more);
	json_decref(more);
	answer->status = http;
	answer->word = word;
	answer->body = json_dumps(body, JSON_COMPACT);
	if (answer->body == NULL)
		abort();
	json_decref(body);
}

void
answer_error(struct webhook_answer *answer, int http, const char *detail)
{
	answer->level = WEBHOOK_ODD;
	answer_log(answer, "answer=error status=%d reason=\"%s\"", http, detail);
	answer_json(answer, http, "error", detail, NULL);
}

void
answer_method(struct webhook_answer *answer, const char *allow)
{
	answer->allow = allow;
	answer_error(answer, 405, "this address does not take this method");
}

void
answer_unavailable(struct webhook_answer *answer, const struct fault *why)
{
	answer->retry_after_s = ANSWER_RETRY_S;
	answer->level = WEBHOOK_BAD;
	answer_log(answer, "answer=unavailable reason=\"%s\"", why->text);
	answer_json(answer, 503, "unavailable",
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
