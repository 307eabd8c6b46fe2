/*
 * Taking out of an entity what amoCRM refuses, so that one deleted field does not keep a payment's
 * lead from being written.
 *
 * A stage, a pipeline or a user that is gone is taken out likewise: amoCRM has a default for them.
 * Fields are named by their index in the request, so everything complained of is collected first
 * and taken out from the end.  If anything else is complained of as well, nothing is gained by
 * sending the rest, and the refusal stands.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amocrm/refusal.h"
#include "base/number.h"

/* One complaint, pointing at a field and perhaps at one of its values (-1: the field itself). */
struct complaint {
	int field;
	int value;
};

static bool
parse_path(const char *path, struct complaint *complaint)
{
	static const char field[] = "custom_fields_values.", value[] = ".values.";
	int64_t number;

	*complaint = (struct complaint){ -1, -1 };
	if (strncmp(path, field, strlen(field)) != 0)
		return false;
	path += strlen(field);
	if (!number_read(&path, 0, 0, INT_MAX, &number))
		return false;
	complaint->field = (int)number;
	if (strncmp(path, value, strlen(value)) == 0) {
		path += strlen(value);
		if (number_read(&path, 0, 0, INT_MAX, &number))
			complaint->value = (int)number;
	}
	return true;
}

/*
 * Later places first, so that taking one out does not move those still to come; a whole field
 * before its values.
 */
static int
descending(const void *a, const void *b)
{
	const struct complaint *x = a, *y = b;

	if (x->field != y->field)
		return x->field < y->field ? 1 : -1;
	if (x->value < 0 || y->value < 0)
		return (x->value >= 0) - (y->value >= 0);
	return (x->value < y->value) - (x->value > y->value);
}

#define COMPLAINTS_MAX 256

/* What a rule may name and an administrator delete; without it amoCRM has a default. */
static bool
has_default(const char *path)
{
	return strcmp(path, "status_id") == 0 || strcmp(path, "pipeline_id") == 0 ||
	    strcmp(path, "responsible_user_id") == 0;
}

/* All complaints of an answer: of custom fields, and the names of other members.  False when one of
 * them is about anything else. */
static bool
collect(const json_t *answer, struct complaint complaints[static COMPLAINTS_MAX], size_t *count,
    json_t *members)
{
	const json_t *entry, *error;
	size_t i, j;

	*count = 0;
	json_array_foreach(json_object_get(answer, "validation-errors"), i, entry) {
		json_array_foreach(json_object_get(entry, "errors"), j, error) {
			const char *path = json_string_value(json_object_get(error, "path"));

			if (path == NULL || *count == COMPLAINTS_MAX)
				return false;
			if (has_default(path))
				json_object_set_new(members, path, json_true());
			else if (parse_path(path, &complaints[*count]))
				(*count)++;
			else
				return false;
		}
	}
	return true;
}

static void
remember(json_t *dropped, json_t *name)
{
	json_t *known;
	size_t i;

	json_array_foreach(dropped, i, known)
		if (json_equal(known, name))
			return;
	json_array_append(dropped, name);
}

static json_t *
name_of(const json_t *field)
{
	json_t *id = json_object_get(field, "field_id");

	return id != NULL ? id : json_object_get(field, "field_code");
}

/* True when each was there to be taken out.  A task without its user would be nobody's. */
static bool
drop_members(const json_t *members, json_t *entity, json_t *dropped)
{
	const char *name;
	json_t *value, *text;

	if (json_object_size(members) > 0 && json_object_get(entity, "complete_till") != NULL)
		return false;
	json_object_foreach((json_t *)members, name, value) {
		if (json_object_del(entity, name) != 0)
			return false;
		text = json_string(name);
		remember(dropped, text);
		json_decref(text);
	}
	return true;
}

/* True when each was there to be taken out. */
static bool
drop_values(struct complaint *complaints, size_t count, json_t *fields, json_t *dropped)
{
	size_t i;
	int gone = -1;

	qsort(complaints, count, sizeof(complaints[0]), descending);
	for (i = 0; i < count; i++) {
		const struct complaint *it = &complaints[i];
		json_t *field = json_array_get(fields, (size_t)it->field);
		json_t *values = json_object_get(field, "values");

		/*
		 * Another complaint of a field that was taken out, or of a value that was: a
		 * neighbour stands there now.
		 */
		if (it->field == gone ||
		    (i > 0 && it->field == complaints[i - 1].field &&
			it->value == complaints[i - 1].value))
			continue;
		if (field == NULL)
			return false;
		remember(dropped, name_of(field));
		if (it->value >= 0 && json_array_size(values) > 1) {
			json_array_remove(values, (size_t)it->value);
		} else {
			json_array_remove(fields, (size_t)it->field);
			gone = it->field;
		}
	}
	return true;
}

bool
refusal_drop_fields(const json_t *answer, json_t *entity, json_t *dropped)
{
	struct complaint complaints[COMPLAINTS_MAX];
	json_t *members = json_object();
	size_t count;
	bool amended = collect(answer, complaints, &count, members) &&
	    count + json_object_size(members) > 0 && drop_members(members, entity, dropped) &&
	    drop_values(
		complaints, count, json_object_get(entity, "custom_fields_values"), dropped);

	json_decref(members);
	return amended;
}

bool
refusal_is_amocrm(const json_t *answer, int status)
{
	return json_integer_value(json_object_get(answer, "status")) == status &&
	    json_is_string(json_object_get(answer, "title"));
}

/* amoCRM's names and numbers; whatever else it says there may be a value that it was sent. */
static const char *
name_or(const json_t *text, const char *otherwise)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
	const char *name = json_string_value(text);

	return name != NULL && name[strspn(name, letters)] == '\0' ? name : otherwise;
}

void
refusal_describe(const json_t *answer, char *text, size_t size)
{
	const json_t *entry, *error;
	size_t i, j, used = 0;

	text[0] = '\0';
	json_array_foreach(json_object_get(answer, "validation-errors"), i, entry) {
		json_array_foreach(json_object_get(entry, "errors"), j, error) {
			const char *path = name_or(json_object_get(error, "path"), "?");
			const char *code = name_or(json_object_get(error, "code"), "error");
			int more = snprintf(text + used, size - used, "%s%s at %s",
			    used > 0 ? ", " : "", code, path);

			if (more < 0 || (size_t)more >= size - used)
				return;
			used += (size_t)more;
		}
	}
}
