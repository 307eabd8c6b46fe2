/*
 * Taking out of an entity what amoCRM refuses, so that one deleted field does not keep a payment's
 * lead from being written.
 *
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

/* All complaints of an answer; 0 when there is none or one of them is not about a custom field. */
static size_t
collect(const json_t *answer, struct complaint complaints[static COMPLAINTS_MAX])
{
	const json_t *entry, *error;
	size_t i, j, count = 0;

	json_array_foreach(json_object_get(answer, "validation-errors"), i, entry) {
		json_array_foreach(json_object_get(entry, "errors"), j, error) {
			const char *path = json_string_value(json_object_get(error, "path"));

			if (path == NULL || count == COMPLAINTS_MAX ||
			    !parse_path(path, &complaints[count]))
				return 0;
			count++;
		}
	}
	return count;
}

static void
remember(json_t *dropped, const json_t *field)
{
	json_t *name = json_object_get(field, "field_id"), *known;
	size_t i;

	if (name == NULL)
		name = json_object_get(field, "field_code");
	json_array_foreach(dropped, i, known)
		if (json_equal(known, name))
			return;
	json_array_append(dropped, name);
}

bool
refusal_drop_fields(const json_t *answer, json_t *entity, json_t *dropped)
{
	struct complaint complaints[COMPLAINTS_MAX];
	json_t *fields = json_object_get(entity, "custom_fields_values");
	size_t count = collect(answer, complaints), i, touched = 0;
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
		remember(dropped, field);
		if (it->value >= 0 && json_array_size(values) > 1) {
			json_array_remove(values, (size_t)it->value);
		} else {
			json_array_remove(fields, (size_t)it->field);
			gone = it->field;
		}
		touched++;
	}
	return touched > 0;
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
