/*
 * Converts values of the webhook into values of amoCRM's fields.  What cannot be converted is left
 * out rather than sent: amoCRM would refuse the whole lead for one bad value.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_path.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "base/validation.h"
#include "rules/extra_field.h"

enum type {
	TYPE_TEXT,
	TYPE_NUMBER,
	TYPE_CHECKBOX,
	TYPE_DATE,
	TYPE_ENUM,
	TYPE_COUNT
};

static const char *const type_names[TYPE_COUNT] = { "text", "number", "checkbox", "date", "enum" };

struct extra_field {
	int64_t field;
	enum type type;
	char *path;    /* NULL: value is written. */
	json_t *value; /* As amoCRM takes it. */
	json_t *map;   /* Folded value -> text or id; NULL: as it is. */
	struct condition *when;
};

/*
 * What amoCRM takes.
 */

static bool
is_one_of(const char *text, const char *const list[])
{
	for (; *list != NULL; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

/* A decimal number stays the text it is: amoCRM takes it so, and no double can bend it. */
static json_t *
number_value(const char *text)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	size_t whole = strspn(digits, "0123456789"), decimals = 0;

	if (digits[whole] == '.')
		decimals = 1 + strspn(digits + whole + 1, "0123456789");
	if (whole == 0 || decimals == 1 || digits[whole + decimals] != '\0')
		return NULL;
	return json_string(text);
}

static json_t *
checkbox_value(const char *folded)
{
	static const char *const yes[] = { "true", "1", "yes", "on", "да", NULL };
	static const char *const no[] = { "false", "0", "no", "off", "нет", NULL };

	if (is_one_of(folded, yes))
		return json_true();
	return is_one_of(folded, no) ? json_false() : NULL;
}

static json_t *
date_value(const char *text)
{
	int64_t when;

	if (clock_read(text, &when))
		return json_integer(when);
	/* Unix seconds of any age: a birthday is a date too. */
	if (strlen(text) <= 11 && number_parse(text, 0, INT64_MAX, &when))
		return json_integer(when);
	return NULL;
}

/* What is to be written for one value of the webhook; NULL for nothing. */
static json_t *
convert(const struct extra_field *extra, const char *text)
{
	char *folded = text_fold(text);
	json_t *value = NULL;

	if (extra->map != NULL)
		value = json_incref(json_object_get(extra->map, folded));
	else if (extra->type == TYPE_TEXT && text[0] != '\0')
		value = json_string(text);
	else if (extra->type == TYPE_NUMBER)
		value = number_value(text);
	else if (extra->type == TYPE_CHECKBOX)
		value = checkbox_value(folded);
	else if (extra->type == TYPE_DATE)
		value = date_value(text);
	free(folded);
	return value;
}

/*
 * Reading a rule.
 */

static json_t *
map_target(struct rule_reader *reader, enum type type, const json_t *value, const char *path)
{
	int64_t id;

	if (type != TYPE_ENUM) {
		if (json_is_string(value))
			return json_string(json_string_value(value));
		rule_reader_error(reader, path, "This must be a string.");
		return NULL;
	}
	id = rule_reader_id(reader, value, path);
	return id != 0 ? json_integer(id) : NULL;
}

static void
read_map(struct rule_reader *reader, struct extra_field *extra, json_t *map, const char *path)
{
	char key_path[VALIDATION_PATH];
	const char *key;
	json_t *value, *target;

	if (!json_is_object(map)) {
		rule_reader_error(reader, path, "This must be an object.");
		return;
	}
	if (extra->type != TYPE_ENUM && extra->type != TYPE_TEXT)
		rule_reader_error(reader, path, "Only text and enum fields have a map.");
	extra->map = json_object();
	json_object_foreach(map, key, value) {
		char *word;

		if (strcmp(key, "$comment") == 0)
			continue;
		word = rule_reader_word(key);
		target =
		    map_target(reader, extra->type, value, validation_key(key_path, path, key));
		if (json_object_get(extra->map, word) != NULL)
			rule_reader_error(reader, key_path, "This value occurs twice.");
		if (target != NULL)
			json_object_set_new(extra->map, word, target);
		free(word);
	}
}

/* False, and noted, when there is no such type. */
static bool
read_type(
    struct rule_reader *reader, struct extra_field *extra, const json_t *json, const char *path)
{
	const char *name = rule_reader_text(reader, json, path, "type");
	char key_path[VALIDATION_PATH];
	int type = 0;

	if (name == NULL)
		return false;
	while (type < TYPE_COUNT && strcmp(type_names[type], name) != 0)
		type++;
	if (type == TYPE_COUNT) {
		rule_reader_error(reader, validation_key(key_path, path, "type"),
		    "This must be text, number, checkbox, date or enum.");
		return false;
	}
	extra->type = (enum type)type;
	return true;
}

/* What always is written. */
static void
read_value(
    struct rule_reader *reader, struct extra_field *extra, const json_t *value, const char *path)
{
	char *text;

	if (extra->type == TYPE_ENUM) {
		extra->value = json_integer(rule_reader_id(reader, value, path));
		return;
	}
	text = json_path_text(value);
	if (text != NULL)
		extra->value = convert(extra, text);
	if (extra->value == NULL)
		rule_reader_error(reader, path, "This cannot be written into a field of type %s.",
		    type_names[extra->type]);
	free(text);
}

/* Where the value comes from: the webhook, perhaps by way of a map, or the rule itself. */
static void
read_source(
    struct rule_reader *reader, struct extra_field *extra, const json_t *json, const char *path)
{
	const json_t *value = json_object_get(json, "value");
	json_t *map = json_object_get(json, "map");
	bool typed = read_type(reader, extra, json, path);
	char key_path[VALIDATION_PATH];
	const char *from;

	if (value != NULL && (map != NULL || json_object_get(json, "path") != NULL)) {
		rule_reader_error(
		    reader, path, "This can have path, perhaps with map, or value, not both.");
		return;
	}
	if (value != NULL && typed)
		read_value(reader, extra, value, validation_key(key_path, path, "value"));
	if (value != NULL)
		return;
	if ((from = rule_reader_path(reader, json, path, "path")) != NULL)
		extra->path = text_copy(from);
	validation_key(key_path, path, "map");
	if (map != NULL && typed)
		read_map(reader, extra, map, key_path);
	else if (typed && extra->type == TYPE_ENUM)
		rule_reader_error(reader, key_path, "An enum field needs this.");
}

struct extra_field *
extra_field_read(struct rule_reader *reader, const json_t *json, const char *path)
{
	static const char *const known[] = { "field", "path", "value", "type", "map", "when",
		NULL };
	size_t before = json_array_size(reader->errors);
	struct extra_field *new = memory_zeroed(1, sizeof(*new));
	char key_path[VALIDATION_PATH];

	if (rule_reader_keys(reader, json, path, known)) {
		new->field = rule_reader_id(reader, json_object_get(json, "field"),
		    validation_key(key_path, path, "field"));
		read_source(reader, new, json, path);
		if (json_object_get(json, "when") != NULL)
			new->when = condition_read(reader, json_object_get(json, "when"),
			    validation_key(key_path, path, "when"));
	}
	/* An enum id that is not set leaves nothing to write. */
	if (new->field != 0 && json_array_size(reader->errors) == before &&
	    (new->path != NULL || new->type != TYPE_ENUM || json_integer_value(new->value) != 0))
		return new;
	extra_field_free(new);
	return NULL;
}

void
extra_field_free(struct extra_field *extra)
{
	if (extra == NULL)
		return;
	free(extra->path);
	json_decref(extra->value);
	json_decref(extra->map);
	condition_free(extra->when);
	free(extra);
}

struct gathering {
	const struct extra_field *extra;
	json_t *values; /* Converted, each once. */
};

/* Take one value, and stop at the first where the field holds only one. */
static bool
gather(const json_t *value, void *arg)
{
	struct gathering *gathering = arg;
	char *text = json_path_text(value);
	json_t *converted = text != NULL ? convert(gathering->extra, text) : NULL, *known;
	bool several = gathering->extra->type == TYPE_TEXT || gathering->extra->type == TYPE_ENUM;
	size_t i;

	free(text);
	if (converted == NULL)
		return false;
	json_array_foreach(gathering->values, i, known) {
		if (json_equal(known, converted)) {
			json_decref(converted);
			return false;
		}
	}
	json_array_append_new(gathering->values, converted);
	return !several;
}

/* The values as amoCRM takes them. */
static json_t *
as_amocrm(enum type type, const json_t *values)
{
	const char *key = type == TYPE_ENUM ? "enum_id" : "value";
	json_t *list = json_array(), *value, *joined;
	size_t i;

	if (type == TYPE_TEXT) {
		joined = json_string("");
		json_array_foreach(values, i, value) {
			json_t *longer = json_sprintf("%s%s%s", json_string_value(joined),
			    i > 0 ? ", " : "", json_string_value(value));

			json_decref(joined);
			joined = longer;
		}
		json_array_append_new(list, json_pack("{s:o}", key, joined));
		return list;
	}
	json_array_foreach(values, i, value)
		json_array_append_new(list, json_pack("{s:O}", key, value));
	return list;
}

static bool
has_field(const json_t *fields, int64_t id)
{
	const json_t *field;
	size_t i;

	json_array_foreach(fields, i, field)
		if (json_integer_value(json_object_get(field, "field_id")) == id)
			return true;
	return false;
}

void
extra_field_write(
    const struct extra_field *extra, const struct condition_subject *subject, json_t *fields)
{
	struct gathering gathering = { extra, json_array() };

	if (!has_field(fields, extra->field) && condition_holds(extra->when, subject)) {
		if (extra->path != NULL)
			json_path_any(condition_origin(subject, extra->path), extra->path, gather,
			    &gathering);
		else
			json_array_append_new(gathering.values, json_incref(extra->value));
		if (json_array_size(gathering.values) > 0)
			json_array_append_new(fields,
			    json_pack("{s:I, s:o}", "field_id", (json_int_t)extra->field, "values",
				as_amocrm(extra->type, gathering.values)));
	}
	json_decref(gathering.values);
}
