#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "text.h"

bool
filter_value(const struct request *asked, const char *name, const json_t *entity, const char *key)
{
	char *parameter = text_format("filter[%s]", name);
	const json_t *value = json_object_get(entity, key);
	char *text;
	bool passes = true;

	if (request_has_list(asked, parameter)) {
		text = json_is_string(value)
		    ? text_format("%s", json_string_value(value))
		    : text_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
		passes = request_list_contains(asked, parameter, text);
		free(text);
	}
	free(parameter);
	return passes;
}

bool
filter_range(const struct request *asked, const char *name, const json_t *entity)
{
	char *exact = text_format("filter[%s]", name),
	     *from = text_format("filter[%s][from]", name);
	char *to = text_format("filter[%s][to]", name);
	int64_t value = entity_integer(entity, name);
	bool passes = value == request_number(asked, exact, value) &&
	    value >= request_number(asked, from, value) &&
	    value <= request_number(asked, to, value);

	free(exact);
	free(from);
	free(to);
	return passes;
}

/* Pairs filter[statuses][N][pipeline_id] and [status_id]: one of them has to agree. */
static bool
passes_statuses(const struct request *asked, const json_t *lead)
{
	bool asked_for = false;

	for (size_t i = 0; i < asked->parameter_count; i++) {
		int64_t pipeline, status;
		int number, used = 0;
		char *other;

		if (sscanf(asked->parameters[i].name, "filter[statuses][%d][pipeline_id]%n",
			&number, &used) != 1 ||
		    used == 0 || !text_integer(asked->parameters[i].value, &pipeline))
			continue;
		other = text_format("filter[statuses][%d][status_id]", number);
		status = request_number(asked, other, 0);
		free(other);
		if (status == 0)
			continue;

		asked_for = true;
		if (entity_integer(lead, "pipeline_id") == pipeline &&
		    entity_integer(lead, "status_id") == status)
			return true;
	}
	return !asked_for;
}

/* Is this one of the field's values: option id, or the value as text? */
static bool
field_has_value(const json_t *stored, const char *wanted)
{
	json_t *item;
	size_t i;

	json_array_foreach(stored, i, item) {
		const json_t *value = json_object_get(item, "value");
		const json_t *option = json_object_get(item, "enum_id");
		int64_t number;

		if (json_is_string(value) && strcmp(json_string_value(value), wanted) == 0)
			return true;
		if (text_integer(wanted, &number) &&
		    ((json_is_integer(option) && json_integer_value(option) == number) ||
			(json_is_integer(value) && json_integer_value(value) == number) ||
			(json_is_boolean(value) && json_is_true(value) == (number != 0))))
			return true;
	}
	return false;
}

static double
field_number(const json_t *stored)
{
	const json_t *value = json_object_get(json_array_get(stored, 0), "value");

	return json_is_string(value) ? strtod(json_string_value(value), NULL)
				     : json_number_value(value);
}

/* One bound, or the list of values, of one field. */
static bool
passes_field(const struct request *asked, const struct parameter *parameter, int64_t id,
    const char *rest, const json_t *stored)
{
	char *list;
	bool passes = false;

	if (strcmp(rest, "[from]") == 0)
		return stored != NULL && field_number(stored) >= strtod(parameter->value, NULL);
	if (strcmp(rest, "[to]") == 0)
		return stored != NULL && field_number(stored) <= strtod(parameter->value, NULL);

	list = text_format("filter[custom_fields_values][%" PRId64 "]", id);
	for (size_t i = 0; i < asked->parameter_count && !passes; i++) {
		if (strncmp(asked->parameters[i].name, list, strlen(list)) == 0)
			passes = field_has_value(stored, asked->parameters[i].value);
	}
	free(list);
	return passes;
}

static bool
passes_fields(const struct request *asked, const json_t *entity)
{
	for (size_t i = 0; i < asked->parameter_count; i++) {
		const struct parameter *parameter = &asked->parameters[i];
		int64_t id;
		int used = 0;

		if (sscanf(parameter->name, "filter[custom_fields_values][%" SCNd64 "]%n", &id,
			&used) != 1 ||
		    used == 0)
			continue;
		if (!passes_field(asked, parameter, id, parameter->name + used,
			keyed_get(json_object_get(entity, "~cf"), id)))
			return false;
	}
	return true;
}

bool
filter_passes(const struct call *call, const json_t *entity)
{
	const struct request *asked = call->asked;

	if ((call->settings->filter || call->settings->filter_id) &&
	    !filter_value(asked, "id", entity, "id"))
		return false;
	if (!call->settings->filter)
		return true;

	if (call->kind == LEADS &&
	    (!filter_value(asked, "pipeline_id", entity, "pipeline_id") ||
		!passes_statuses(asked, entity) || !filter_range(asked, "closed_at", entity) ||
		!filter_range(asked, "price", entity)))
		return false;

	return filter_value(asked, "name", entity, "name") &&
	    filter_value(asked, "responsible_user_id", entity, "responsible_user_id") &&
	    filter_value(asked, "created_by", entity, "created_by") &&
	    filter_value(asked, "updated_by", entity, "updated_by") &&
	    filter_range(asked, "created_at", entity) &&
	    filter_range(asked, "updated_at", entity) && passes_fields(asked, entity);
}
