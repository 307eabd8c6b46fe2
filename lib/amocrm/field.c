/*
 * Custom fields, whose JSON has one form for reading and several for writing.
 *
 * What is read is never trusted to have its type: numbers come as strings, a list may be null.
 * What is not filled in is not sent at all, because an empty value would erase what a person wrote.
 * Texts are cut, as one that is too long would have amoCRM refuse the whole request.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amocrm/field.h"
#include "base/money.h"

static const json_t *
find(const json_t *entity, bool (*wanted)(const json_t *, const void *), const void *what)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(entity, "custom_fields_values"), i, item)
		if (wanted(item, what))
			return item;
	return NULL;
}

static bool
has_id(const json_t *item, const void *id)
{
	return json_integer_value(json_object_get(item, "field_id")) == *(const int64_t *)id;
}

static bool
has_code(const json_t *item, const void *code)
{
	const char *given = json_string_value(json_object_get(item, "field_code"));

	return given != NULL && strcmp(given, code) == 0;
}

const json_t *
field_by_id(const json_t *entity, int64_t id)
{
	return id == 0 ? NULL : find(entity, has_id, &id);
}

const json_t *
field_by_code(const json_t *entity, const char *code)
{
	return find(entity, has_code, code);
}

/* null, or a list of items that say which field they are. */
static bool
has_readable_fields(const json_t *entity)
{
	const json_t *fields = json_object_get(entity, "custom_fields_values"), *item;
	size_t i;

	json_array_foreach(fields, i, item)
		if (!json_is_integer(json_object_get(item, "field_id")))
			return false;
	return json_is_null(fields) || json_is_array(fields);
}

static bool
is_readable_value(const json_t *one)
{
	const json_t *value = json_object_get(one, "value"),
		     *choice = json_object_get(one, "enum_id");

	if (choice != NULL && !json_is_null(choice) && !json_is_integer(choice))
		return false;
	return json_is_string(value) || json_is_number(value) || json_is_null(value) ||
	    json_is_integer(choice);
}

bool
field_is_readable(const json_t *entity, int64_t id)
{
	const json_t *item = field_by_id(entity, id), *values = json_object_get(item, "values"),
		     *one;
	size_t i;

	json_array_foreach(values, i, one)
		if (!is_readable_value(one))
			return false;
	return has_readable_fields(entity) &&
	    (item == NULL || json_is_null(values) || json_is_array(values));
}

static const json_t *
value_at(const json_t *item, size_t i)
{
	return json_array_get(json_object_get(item, "values"), i);
}

const char *
field_value(const json_t *item, size_t i, char room[static FIELD_ROOM])
{
	const json_t *value = json_object_get(value_at(item, i), "value");

	if (json_is_integer(value))
		snprintf(room, FIELD_ROOM, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(room, FIELD_ROOM, "%.2f", json_real_value(value));
	else
		return json_string_value(value);
	return room;
}

int64_t
field_enum(const json_t *item, size_t i)
{
	return json_integer_value(json_object_get(value_at(item, i), "enum_id"));
}

bool
field_money(const json_t *entity, int64_t id, int64_t *kopecks)
{
	const json_t *item = field_by_id(entity, id),
		     *value = json_object_get(value_at(item, 0), "value");
	char room[FIELD_ROOM];
	const char *text = field_value(item, 0, room);

	if (!field_is_readable(entity, id))
		return false;
	if (json_is_real(value))
		return money_from_real(json_real_value(value), kopecks);
	if (text == NULL || *text == '\0') {
		*kopecks = 0;
		return true;
	}
	return money_parse(text, kopecks);
}

bool
field_integer(const json_t *entity, int64_t id, int64_t *value)
{
	int64_t kopecks;

	if (!field_money(entity, id, &kopecks) || kopecks % 100 != 0)
		return false;
	*value = kopecks / 100;
	return true;
}

/* Append {"field_id": id, "values": values}; takes values over. */
static void
add(json_t *fields, int64_t id, json_t *values)
{
	json_array_append_new(
	    fields, json_pack("{s:I, s:o}", "field_id", (json_int_t)id, "values", values));
}

json_t *
field_cut(const char *text, size_t characters)
{
	const char *end = text;

	/* A character ends where the next byte is not a continuation byte. */
	while (*end != '\0' && characters > 0) {
		end++;
		while ((*end & 0xc0) == 0x80)
			end++;
		characters--;
	}
	return json_stringn(text, (size_t)(end - text));
}

void
field_add_text(json_t *fields, int64_t id, const char *text)
{
	if (id != 0 && *text != '\0')
		add(fields, id, json_pack("[{s:o}]", "value", field_cut(text, FIELD_TEXT_MAX)));
}

void
field_add_money(json_t *fields, int64_t id, int64_t kopecks)
{
	char text[MONEY_TEXT];

	field_add_text(fields, id, money_format(text, kopecks));
}

void
field_add_integer(json_t *fields, int64_t id, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	field_add_text(fields, id, text);
}

void
field_add_time(json_t *fields, int64_t id, int64_t unix_seconds)
{
	if (id != 0)
		add(fields, id, json_pack("[{s:I}]", "value", (json_int_t)unix_seconds));
}

void
field_add_enum(json_t *fields, int64_t id, int64_t enum_id)
{
	if (id != 0 && enum_id != 0)
		add(fields, id, json_pack("[{s:I}]", "enum_id", (json_int_t)enum_id));
}

void
field_add_enums(json_t *fields, int64_t id, const json_t *enum_ids)
{
	json_t *values, *enum_id;
	size_t i;

	if (id == 0 || json_array_size(enum_ids) == 0)
		return;
	values = json_array();
	json_array_foreach(enum_ids, i, enum_id)
		json_array_append_new(values, json_pack("{s:O}", "enum_id", enum_id));
	add(fields, id, values);
}

static void
add_code(json_t *fields, const char *code, json_t *values)
{
	json_array_append_new(
	    fields, json_pack("{s:s, s:o}", "field_code", code, "values", values));
}

void
field_add_code(json_t *fields, const char *code, const char *text)
{
	if (*text != '\0')
		add_code(
		    fields, code, json_pack("[{s:o}]", "value", field_cut(text, FIELD_TEXT_MAX)));
}

void
field_add_contact(json_t *fields, const char *code, const char *text)
{
	if (*text != '\0')
		add_code(fields, code,
		    json_pack("[{s:o, s:s}]", "value", field_cut(text, FIELD_TEXT_MAX), "enum_code",
			"WORK"));
}
