/*
 * The shape of what amoCRM answers.
 *
 * Elsewhere a list that is missing reads as an empty one, and a number that is a text as 0.  So
 * what would be misread that way is found out here, before anybody acts upon it: a lead whose total
 * seems empty would have it overwritten, a contact without leads would be given another.
 */
#include <string.h>

#include "amocrm/entity.h"
#include "amocrm/field.h"
#include "amocrm/shape.h"

static bool
have_ids(const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (entity_id(one) <= 0)
			return false;
	return json_is_array(list);
}

static bool
has_fields(const json_t *entity)
{
	const json_t *field, *values;
	size_t i;

	json_array_foreach(json_object_get(entity, "custom_fields_values"), i, field) {
		values = json_object_get(field, "values");
		if (!json_is_array(values) && !json_is_null(values))
			return false;
	}
	return field_is_readable(entity, 0);
}

static bool
is_text(const json_t *value)
{
	return json_is_string(value) || json_is_null(value);
}

/* A note of another type has no text, and PHP writes an empty object as a list. */
static bool
is_note(const json_t *note)
{
	const char *type = json_string_value(json_object_get(note, "note_type"));
	const json_t *params = json_object_get(note, "params");

	return is_text(json_object_get(params, "text")) ||
	    (json_is_array(params) && json_array_size(params) == 0) ||
	    (type != NULL && strcmp(type, "common") != 0);
}

bool
shape_known(const char *name, const json_t *entity)
{
	const json_t *deleted = json_object_get(entity, "is_deleted");

	if (entity_id(entity) <= 0)
		return false;
	if (strcmp(name, "notes") == 0)
		return is_note(entity);
	if (strcmp(name, "tasks") == 0)
		return is_text(json_object_get(entity, "text")) &&
		    is_text(json_object_get(entity, "entity_type"));
	if (strcmp(name, "pipelines") == 0)
		return have_ids(entity_embedded(entity, "statuses"));
	if (strcmp(name, "contacts") != 0 && strcmp(name, "leads") != 0)
		return true;

	/* Of what is in the trash little is told, and nothing is needed. */
	if (json_is_true(deleted))
		return true;
	if ((deleted != NULL && !json_is_false(deleted)) ||
	    entity_number(entity, "updated_at") <= 0 || !has_fields(entity))
		return false;
	if (strcmp(name, "contacts") == 0)
		return have_ids(entity_embedded(entity, "leads"));
	return have_ids(entity_embedded(entity, "contacts")) &&
	    entity_number(entity, "status_id") > 0 && entity_number(entity, "pipeline_id") > 0;
}
