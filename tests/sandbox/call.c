#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "call.h"
#include "text.h"

enum {
	BATCH_LIMIT = 250
};

int64_t
call_due(const struct call *call)
{
	return call->now_ns + call->settings->index_lag_ms * 1000000;
}

json_t *
call_links(const struct call *call, const char *format, ...)
{
	va_list arguments;
	json_t *href;
	char *path;

	va_start(arguments, format);
	must(vasprintf(&path, format, arguments) < 0 ? NULL : path);
	va_end(arguments);

	href = json_sprintf("%s/api/v4/%s", call->asked->base, path);
	free(path);
	return json_pack("{s:{s:o}}", "self", "href", href);
}

static json_t *
call_json(const struct call *call, struct response *given)
{
	json_t *body = NULL;

	if (call->asked->body_size > 0)
		body = json_loadb(call->asked->body, call->asked->body_size, 0, NULL);
	if (body == NULL)
		response_problem(given, 400,
		    call->asked->body_size > 0 ? "Invalid request body"
					       : "Request data can not be empty");
	return body;
}

json_t *
call_batch(const struct call *call, struct response *given)
{
	json_t *body = call_json(call, given), *item;
	size_t i;

	if (body == NULL)
		return NULL;

	if (!json_is_array(body))
		response_problem(given, 400, "Invalid request body: an array is expected");
	else if (json_array_size(body) == 0)
		response_problem(given, 400, "Request data can not be empty");
	else if (json_array_size(body) > BATCH_LIMIT)
		response_problem(given, 422, "Limit 250 per page");
	else {
		json_array_foreach(body, i, item) {
			if (!json_is_object(item))
				break;
		}
		if (i == json_array_size(body))
			return body;
		response_problem(
		    given, 400, "Invalid request body: an array of objects is expected");
	}

	json_decref(body);
	return NULL;
}

json_t *
call_object(const struct call *call, struct response *given)
{
	json_t *body = call_json(call, given);

	if (body == NULL || (json_is_object(body) && json_object_size(body) > 0))
		return body;

	response_problem(given, 400,
	    json_is_object(body) ? "Request data can not be empty"
				 : "Invalid request body: an object is expected");
	json_decref(body);
	return NULL;
}

json_t *
call_request_id(const json_t *item, size_t i)
{
	json_t *given = json_object_get(item, "request_id");

	return given != NULL ? json_incref(given) : json_sprintf("%zu", i);
}

json_t *
call_plan(const struct call *call, const json_t *items, planner plan, struct response *given)
{
	json_t *plans = json_array(), *refused = json_array(), *item, *problem;
	size_t i;

	json_array_foreach(items, i, item) {
		json_t *mistakes = json_array();

		json_array_append_new(plans, plan(call, item, mistakes));
		if (json_array_size(mistakes) > 0)
			json_array_append_new(refused,
			    json_pack("{s:o, s:O}", "request_id", call_request_id(item, i),
				"errors", mistakes));
		json_decref(mistakes);
	}
	if (json_array_size(refused) == 0) {
		json_decref(refused);
		return plans;
	}

	json_decref(plans);
	problem = problem_json(400, "Request validation failed");
	json_object_set_new(problem, "validation-errors", refused);
	response_json(given, 400, problem);
	return NULL;
}

void
call_done(const struct call *call, const char *name, json_t *items, struct response *given)
{
	response_json(given, (int)call->settings->success_status,
	    json_pack("{s:o, s:{s:o}}", "_links",
		call_links(call, "%s", call->asked->path + sizeof("/api/v4/") - 1), "_embedded",
		name, items));
}
