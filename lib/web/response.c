/*
 * The JSON responses and the log line that goes with each.  The detail is for the sender, the
 * reason for the operator: a sender never hears why the ledger failed, since paths and SQL are none
 * of its business.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "web/response.h"

void
response_log(struct http_response *response, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(response->log, sizeof(response->log), format, args);
	va_end(args);
}

void
response_json(struct http_response *response, int status, const char *status_name,
    const char *detail, json_t *more)
{
	json_t *body = json_pack("{s:s, s:s}", "status", status_name, "detail", detail);

	if (more != NULL)
		json_object_update(body, more);
	json_decref(more);
	response->status = status;
	response->status_name = status_name;
	response->body = json_dumps(body, JSON_COMPACT);
	json_decref(body);
}

void
response_error(struct http_response *response, int status, const char *detail)
{
	response->level = RESPONSE_WARNING;
	response_log(response, "answer=error status=%d reason=\"%s\"", status, detail);
	response_json(response, status, "error", detail, NULL);
}

void
response_unavailable(struct http_response *response, const struct fault *why)
{
	response->retry_after_s = RESPONSE_RETRY_AFTER_S;
	response->level = RESPONSE_ERROR;
	response_log(response, "answer=unavailable reason=\"%s\"", why->text);
	response_json(response, 503, "unavailable",
	    "the payment could not be recorded; send it again later", NULL);
}

const char *
response_log_key(char text[static RESPONSE_LOG_KEY], const char *key)
{
	size_t i;

	for (i = 0; i < RESPONSE_LOG_KEY - 1 && key[i] != '\0'; i++)
		/*
		 * A line break would forge a line of the log, a quote or a backslash would end the
		 * value.
		 */
		text[i] = (key[i] > ' ' && key[i] < 0x7f && key[i] != '"' && key[i] != '\\')
		    ? key[i]
		    : '_';
	text[i] = '\0';
	return text;
}
