#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "mistake.h"
#include "text.h"

enum {
	TEXT_LIMIT = 256, /* characters, in fields of type text */
};

/* A later date can only be milliseconds. */
static const int64_t seconds_limit = 9999999999;

/* Where in the request we are, and what is being read. */
struct place {
	const json_t *field;
	const char *path; /* of the value: "custom_fields_values.0.values.0" */
	bool by_hand;
	json_t *mistakes;
};

static bool
one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strcmp(word, *words) == 0)
			return true;
	}
	return false;
}

static const char *
field_type(const json_t *field)
{
	return json_string_value(json_object_get(field, "type"));
}

static bool
field_has_options(const json_t *field)
{
	static const char *const types[] = { "select", "radiobutton", "multiselect", "multitext",
		NULL };

	return one_of(field_type(field), types);
}

static bool
field_takes_several(const json_t *field)
{
	static const char *const types[] = { "multiselect", "multitext", NULL };

	return one_of(field_type(field), types);
}

/* The option that the request names by enum_id, enum_code or (unless it is a phone's own text) value. */
static json_t *
option_find(const struct place *at, const json_t *item, bool by_value)
{
	json_t *id = json_object_get(item, "enum_id"), *code = json_object_get(item, "enum_code");
	json_t *value = by_value ? json_object_get(item, "value") : NULL;
	json_t *options = json_object_get(at->field, "enums"), *option;
	const char *key = json_is_integer(id) ? "enum_id"
	    : json_is_string(code)            ? "enum_code"
					      : "value";
	size_t i;

	json_array_foreach(options, i, option) {
		const json_t *shown = json_object_get(option, "value");

		if (json_is_integer(id) ? json_integer_value(id) == entity_id(option)
			: json_is_string(code)
			? json_equal(code, json_object_get(option, "code")) ||
			    (!by_value && json_equal(code, shown))
			: value != NULL && json_equal(value, shown))
			return option;
	}
	mistake_choice(at->mistakes, "%s.%s", at->path, key);
	return NULL;
}

static json_t *
read_option(const struct place *at, const json_t *item)
{
	const json_t *option = option_find(at, item, true);

	return option == NULL ? NULL : json_pack("{s:I}", "enum_id", (json_int_t)entity_id(option));
}

/* A phone or an e-mail: free text, with a kind that defaults to the first one. */
static json_t *
read_multitext(const struct place *at, const json_t *item)
{
	json_t *value = json_object_get(item, "value");
	const json_t *option = json_array_get(json_object_get(at->field, "enums"), 0);

	if (!json_is_string(value)) {
		mistake_type(at->mistakes, "string", "%s.value", at->path);
		return NULL;
	}
	if (json_is_integer(json_object_get(item, "enum_id")) ||
	    json_is_string(json_object_get(item, "enum_code")))
		option = option_find(at, item, false);

	return option == NULL
	    ? NULL
	    : json_pack("{s:O, s:I}", "value", value, "enum_id", (json_int_t)entity_id(option));
}

static json_t *
read_text(const struct place *at, json_t *value)
{
	const char *text = json_string_value(value);

	if (text == NULL) {
		mistake_type(at->mistakes, "string", "%s.value", at->path);
		return NULL;
	}
	if (strcmp(field_type(at->field), "text") == 0 && !at->by_hand &&
	    text_length(text) > TEXT_LIMIT) {
		mistake_too_long(at->mistakes, TEXT_LIMIT, "%s.value", at->path);
		return NULL;
	}
	if (strcmp(field_type(at->field), "url") == 0 && strstr(text, "://") == NULL) {
		mistake_url(at->mistakes, "%s.value", at->path);
		return NULL;
	}
	return json_incref(value);
}

/* Numbers are kept as text; like the original, digits beyond the precision of a double are lost. */
static json_t *
read_numeric(const struct place *at, const json_t *value)
{
	const char *text = json_string_value(value);
	char shown[64], *end = NULL;
	double number = json_number_value(value);

	if (text != NULL)
		number = strtod(text, &end);
	if ((text == NULL && !json_is_number(value)) ||
	    (text != NULL && (end == text || *end != '\0')) || !isfinite(number)) {
		mistake_type(at->mistakes, "numeric", "%s.value", at->path);
		return NULL;
	}
	snprintf(shown, sizeof(shown), "%.15g", number);
	return json_string(shown);
}

static json_t *
read_date(const struct place *at, json_t *value)
{
	int64_t seconds = json_integer_value(value);

	if (json_is_string(value) && text_timestamp(json_string_value(value), &seconds))
		return json_integer(seconds);
	if (json_is_integer(value) && seconds < seconds_limit)
		return json_incref(value);

	mistake_type(at->mistakes, "int", "%s.value", at->path);
	return NULL;
}

static json_t *
read_checkbox(const struct place *at, json_t *value)
{
	if (json_is_boolean(value))
		return json_incref(value);

	mistake_type(at->mistakes, "bool", "%s.value", at->path);
	return NULL;
}

static json_t *
read_plain(const struct place *at, json_t *value)
{
	static const char *const numeric[] = { "numeric", "price", "monetary", NULL };
	static const char *const dates[] = { "date", "date_time", "birthday", NULL };
	const char *type = field_type(at->field);
	json_t *kept;

	if (one_of(type, numeric))
		kept = read_numeric(at, value);
	else if (one_of(type, dates))
		kept = read_date(at, value);
	else if (strcmp(type, "checkbox") == 0)
		kept = read_checkbox(at, value);
	else
		kept = read_text(at, value);

	return kept == NULL ? NULL : json_pack("{s:o}", "value", kept);
}

/* Keys that this type of field does not have are refused, even when null: GET answers cannot be sent back. */
static bool
value_keys_fit(const struct place *at, const json_t *item)
{
	bool options = field_has_options(at->field), fit = true;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)item, key, value) {
		bool is_enum = strcmp(key, "enum_id") == 0 || strcmp(key, "enum_code") == 0;

		if (strcmp(key, "value") == 0 || (is_enum && options))
			continue;
		mistake_unexpected(at->mistakes, "%s.%s", at->path, key);
		fit = false;
	}
	return fit;
}

/*
 * One item of "values": new stored value; new null for "clear the field"; NULL for "nothing to store", be it because of
 * a mistake or because an empty text leaves the field as it is.
 */
static json_t *
read_value(const struct place *at, json_t *item)
{
	json_t *value = json_object_get(item, "value");
	bool named = json_is_integer(json_object_get(item, "enum_id")) ||
	    json_is_string(json_object_get(item, "enum_code"));

	if (!json_is_object(item)) {
		mistake_type(at->mistakes, "array", "%s", at->path);
		return NULL;
	}
	if (!value_keys_fit(at, item))
		return NULL;
	if (value == NULL && !named) {
		mistake_missing(at->mistakes, "%s.value", at->path);
		return NULL;
	}
	if (json_is_null(value) && !named)
		return json_null();
	if (json_is_string(value) && json_string_length(value) == 0 && !named)
		return NULL;

	if (strcmp(field_type(at->field), "multitext") == 0)
		return read_multitext(at, item);
	if (field_has_options(at->field))
		return read_option(at, item);
	return read_plain(at, value);
}

/* The whole "values" of one field: new array, new null to clear, or NULL to leave. */
static json_t *
read_values(struct place *at, const json_t *values, const char *path)
{
	json_t *kept = json_array(), *item, *one;
	bool clear = false;
	size_t i;

	json_array_foreach(values, i, item) {
		char *where = text_format("%s.values.%zu", path, i);

		at->path = where;
		one = read_value(at, item);
		free(where);
		if (json_is_null(one))
			clear = true;
		else if (one != NULL &&
		    (field_takes_several(at->field) || json_array_size(kept) == 0))
			json_array_append(kept, one);
		json_decref(one);
	}
	if (json_array_size(kept) > 0)
		return kept;

	json_decref(kept);
	return clear ? json_null() : NULL;
}

/* The field that an item speaks of, by id or code; NULL after noting the mistake. */
static json_t *
item_field(const struct account *account, enum kind kind, const json_t *item, const char *path,
    json_t *mistakes)
{
	json_t *id = json_object_get(item, "field_id"), *code = json_object_get(item, "field_code"),
	       *field;

	if (id != NULL && !json_is_null(id)) {
		if (!json_is_integer(id)) {
			mistake_type(mistakes, "int", "%s.field_id", path);
			return NULL;
		}
		field = account_field(account, kind, json_integer_value(id));
		if (field == NULL)
			mistake_choice(mistakes, "%s.field_id", path);
		return field;
	}
	if (json_is_string(code)) {
		field = account_field_coded(account, kind, json_string_value(code));
		if (field == NULL)
			mistake_choice(mistakes, "%s.field_code", path);
		return field;
	}
	mistake_missing(mistakes, "%s.field_id", path);
	return NULL;
}

static void
read_item(const struct account *account, enum kind kind, const json_t *item, const char *path,
    bool by_hand, json_t *kept, json_t *mistakes)
{
	struct place at = { .by_hand = by_hand, .mistakes = mistakes };
	json_t *values = json_object_get(item, "values"), *stored = NULL;

	at.field = item_field(account, kind, item, path, mistakes);
	if (at.field == NULL)
		return;

	if (values == NULL || (json_is_array(values) && json_array_size(values) == 0))
		mistake_missing(mistakes, "%s.values", path);
	else if (json_is_null(values))
		stored = json_null();
	else if (!json_is_array(values))
		mistake_type(mistakes, "array", "%s.values", path);
	else
		stored = read_values(&at, values, path);

	if (stored != NULL)
		keyed_set_new(kept, entity_id(at.field), stored);
}

json_t *
fields_read(const struct account *account, enum kind kind, const json_t *items, const char *prefix,
    bool by_hand, json_t *mistakes)
{
	json_t *kept = json_object(), *item;
	size_t i;

	if (items == NULL || json_is_null(items))
		return kept;
	if (!json_is_array(items)) {
		mistake_type(mistakes, "array", "%scustom_fields_values", prefix);
		return kept;
	}

	json_array_foreach(items, i, item) {
		char *path = text_format("%scustom_fields_values.%zu", prefix, i);

		if (json_is_object(item))
			read_item(account, kind, item, path, by_hand, kept, mistakes);
		else
			mistake_type(mistakes, "array", "%s", path);
		free(path);
	}
	return kept;
}

/* One stored value as shown; NULL if its option is gone. */
static json_t *
show_value(const json_t *field, const json_t *stored)
{
	json_t *value = json_object_get(stored, "value"), *code;
	const json_t *option;

	if (!field_has_options(field))
		return json_pack("{s:O}", "value", value);

	option = listed_get(json_object_get(field, "enums"), entity_integer(stored, "enum_id"));
	if (option == NULL)
		return NULL;

	code = json_object_get(option, "code");
	if (value != NULL && code == NULL)
		code = json_object_get(option, "value");
	return json_pack("{s:O, s:I, s:O}", "value",
	    value != NULL ? value : json_object_get(option, "value"), "enum_id",
	    (json_int_t)entity_id(option), "enum_code", code != NULL ? code : json_null());
}

static json_t *
show_field(const json_t *field, const json_t *stored)
{
	json_t *values = json_array(), *item, *shown;
	json_t *code = json_object_get(field, "code");
	size_t i;

	json_array_foreach(stored, i, item) {
		shown = show_value(field, item);
		if (shown != NULL)
			json_array_append_new(values, shown);
	}
	if (json_array_size(values) == 0) {
		json_decref(values);
		return NULL;
	}
	return json_pack("{s:I, s:O, s:O, s:s, s:b, s:o}", "field_id", (json_int_t)entity_id(field),
	    "field_name", json_object_get(field, "name"), "field_code",
	    code != NULL ? code : json_null(), "field_type", field_type(field), "is_computed", 0,
	    "values", values);
}

json_t *
fields_show(const struct account *account, enum kind kind, const json_t *entity)
{
	json_t *all = json_array(), *stored = json_object_get(entity, "~cf"), *field, *shown;
	const char *id;

	json_object_foreach(account_fields(account, kind), id, field) {
		shown = show_field(field, json_object_get(stored, id));
		if (shown != NULL)
			json_array_append_new(all, shown);
	}
	if (json_array_size(all) > 0)
		return all;

	json_decref(all);
	return json_null();
}
