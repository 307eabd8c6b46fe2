/*
 * Turns a request's ids into the account's names and compares it with what stands there, so that a
 * preview shows people only what would change.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/change.h"
#include "amocrm/field.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

/* The account's field of an item, which has its id or its code; NULL when it was deleted. */
static const json_t *
field_of(const struct account *account, enum amocrm_kind kind, const json_t *item)
{
	const char *code = json_string_value(json_object_get(item, "field_code"));

	if (code != NULL)
		return account_field_coded(account, kind, code);
	return account_field(account, kind, json_integer_value(json_object_get(item, "field_id")));
}

static char *
title_of(const json_t *field, const json_t *item)
{
	const char *code = json_string_value(json_object_get(item, "field_code"));

	if (field != NULL)
		return text_copy(account_name(field));
	if (code != NULL)
		return text_copy(code);
	return text_format(
	    "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(item, "field_id")));
}

/* One value as people read it.  Times are numbers in a field of a date's type. */
static void
write_value(FILE *text, const json_t *field, const json_t *item, size_t i)
{
	const json_t *value =
	    json_object_get(json_array_get(json_object_get(item, "values"), i), "value");
	const json_t *option = account_option(field, field_enum(item, i));
	char room[FIELD_ROOM], time[CLOCK_TEXT];
	const char *plain;

	if (option != NULL)
		fputs(account_name(option), text);
	else if (json_is_integer(value) &&
	    strncmp(account_type(field), "date", strlen("date")) == 0)
		fputs(clock_local(time, json_integer_value(value)), text);
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "true" : "false", text);
	else if ((plain = field_value(item, i, room)) != NULL)
		fputs(plain, text);
	else
		fprintf(text, "%" PRId64, field_enum(item, i));
}

/* All values of an item, joined: a new text; "" for none. */
static char *
values_of(const json_t *field, const json_t *item)
{
	size_t count = json_array_size(json_object_get(item, "values")), size, i;
	char *text = NULL;
	FILE *stream = memory_stream(&text, &size);

	for (i = 0; i < count; i++) {
		fputs(i > 0 ? ", " : "", stream);
		write_value(stream, field, item, i);
	}
	memory_stream_end(stream);
	return text;
}

/* What stands in the field that the item would write. */
static const json_t *
standing(const json_t *entity, const json_t *item)
{
	const char *code = json_string_value(json_object_get(item, "field_code"));

	if (code != NULL)
		return field_by_code(entity, code);
	return field_by_id(entity, json_integer_value(json_object_get(item, "field_id")));
}

json_t *
change_tell(const struct account *account, enum amocrm_kind kind, const json_t *entity,
    const json_t *fields)
{
	json_t *changes = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach(fields, i, item) {
		const json_t *field = field_of(account, kind, item);
		char *title = title_of(field, item),
		     *old = values_of(field, standing(entity, item)), *new = values_of(field, item);

		if (strcmp(old, new) != 0)
			json_array_append_new(changes,
			    json_pack("{s:s, s:s, s:s}", "field", title, "old", old, "new", new));
		free(title);
		free(old);
		free(new);
	}
	return changes;
}
