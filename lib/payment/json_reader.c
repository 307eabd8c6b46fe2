/*
 * Reading a JSON document that a stranger wrote.
 *
 * Each function looks one key up and, when something is wrong, notes it under its path and returns
 * a harmless value.  So the caller reads straight on without a branch for each key, and the sender
 * is told all mistakes at once instead of one a webhook.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_path.h"
#include "base/money.h"
#include "base/text.h"
#include "base/validation.h"
#include "payment/json_reader.h"

static void
note(struct json_reader *reader, const struct json_place *place, const char *key,
    const char *message)
{
	char path[VALIDATION_PATH];

	validation_add(reader->errors, reader->errors_max, validation_key(path, place->path, key),
	    "%s", message);
}

/*
 * The greatest nesting, found without parsing: a parser's own recursion is what must be protected.
 * In bytes that are no JSON the answer means nothing and does no harm.
 */
static int
nesting(const char *bytes, size_t size)
{
	int depth = 0, deepest = 0;
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		char c = bytes[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			deepest = ++depth > deepest ? depth : deepest;
		else if (!quoted && (c == '}' || c == ']'))
			depth--;
	}
	return deepest;
}

/*
 * The parser's own message quotes the document, which may be personal data; the place is told
 * instead.
 */
static void
note_syntax(struct json_reader *reader, const json_error_t *error)
{
	const char *message = "This is not JSON";

	if (json_error_code(error) == json_error_duplicate_key)
		message = "An object has the same key twice";
	else if (json_error_code(error) == json_error_invalid_utf8)
		message = "This is not UTF-8";
	else if (json_error_code(error) == json_error_null_character ||
	    json_error_code(error) == json_error_null_byte_in_key)
		message = "A text holds a NUL character";
	else if (json_error_code(error) == json_error_numeric_overflow)
		message = "A number is too large";
	validation_add(reader->errors, reader->errors_max, "", "%s (line %d, column %d).", message,
	    error->line, error->column);
}

json_t *
json_reader_document(struct json_reader *reader, const void *bytes, size_t size, int depth)
{
	json_error_t error;
	json_t *root;

	/*
	 * Before the parser sees it: Jansson recurses up to 2,048 deep, and every rule that walks
	 * the tree would too.
	 */
	if (nesting(bytes, size) > depth) {
		validation_add(reader->errors, reader->errors_max, "",
		    "The nesting is deeper than %d.", depth);
		return NULL;
	}
	root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		note_syntax(reader, &error);
	return root;
}

static bool
is_needed(enum json_need need)
{
	return need == JSON_REQUIRED || need == JSON_FILLED;
}

/*
 * The value of the key; NULL when there is none or it is null, which is a mistake where it is
 * needed.
 */
static json_t *
find(struct json_reader *reader, const struct json_place *place, const char *key,
    enum json_need need)
{
	json_t *value = json_object_get(place->object, key);

	if (value != NULL && !json_is_null(value))
		return value;
	if (place->object != NULL && is_needed(need))
		note(reader, place, key, "This is required.");
	return NULL;
}

/* Trim the text in the tree itself, so that a trimmed text needs no owner of its own. */
static const char *
trimmed(struct json_reader *reader, const struct json_place *place, const char *key,
    enum json_need need, json_t *value)
{
	size_t length;
	const char *text = text_trim(json_string_value(value), &length);

	if (length == 0 && (need == JSON_FILLED || need == JSON_NOT_EMPTY))
		note(reader, place, key, "This must not be empty.");
	if (length < json_string_length(value)) {
		char *copy = text_part(text, length);

		json_string_setn(value, copy, length);
		free(copy);
	}
	return json_string_value(value);
}

/*
 * Senders, and what lies between, write texts as numbers; no payment is refused for that, and from
 * here on they are texts everywhere.  Returns the text in the tree; NULL for a structure.
 */
static json_t *
shown(const struct json_place *place, const char *key, const json_t *value)
{
	char *text = json_path_text(value);

	if (text == NULL)
		return NULL;
	json_object_set_new(place->object, key, json_string(text));
	free(text);
	return json_object_get(place->object, key);
}

const char *
json_reader_text(struct json_reader *reader, const struct json_place *place, const char *key,
    enum json_need need)
{
	json_t *value = find(reader, place, key, need);

	if (value == NULL)
		return "";
	/* What is needed decides about the payment: there a number is no text. */
	if (!json_is_string(value) && !is_needed(need))
		value = shown(place, key, value);
	if (!json_is_string(value)) {
		note(reader, place, key,
		    is_needed(need) ? "This must be a string."
				    : "This must be a text or a number.");
		return "";
	}
	return trimmed(reader, place, key, need, value);
}

int64_t
json_reader_time(struct json_reader *reader, const struct json_place *place, const char *key)
{
	const char *text = json_reader_text(reader, place, key, JSON_OPTIONAL);
	int64_t when = 0;

	/* A zero stands where the sender's database has no time. */
	if (text[0] != '\0' && strcmp(text, "0") != 0 && !clock_read(text, &when)) {
		note(reader, place, key, "This must be a time like 2025-01-20 14:49:20.");
		return 0;
	}
	return when;
}

/*
 * What the value is worth; a real is the parser's nearest double, which money_from_real() finds
 * back.
 */
static bool
to_kopecks(const json_t *value, int64_t *kopecks)
{
	if (json_is_integer(value))
		return money_from_roubles(json_integer_value(value), kopecks);
	if (json_is_real(value))
		return money_from_real(json_real_value(value), kopecks);
	return money_read(json_string_value(value), kopecks);
}

int64_t
json_reader_money(struct json_reader *reader, const struct json_place *place, const char *key)
{
	json_t *value = find(reader, place, key, JSON_REQUIRED);
	int64_t kopecks = 0;

	if (value == NULL)
		return 0;
	if (!json_is_number(value) && !json_is_string(value))
		note(reader, place, key, "This must be a number or a decimal string.");
	else if (!to_kopecks(value, &kopecks))
		note(reader, place, key,
		    "This must be an amount in roubles with at most two decimals.");
	else if (kopecks < 0)
		note(reader, place, key, "This must not be negative.");
	else
		return kopecks;
	return 0;
}

json_t *
json_reader_object(struct json_reader *reader, const struct json_place *place, const char *key,
    enum json_need need)
{
	json_t *value = find(reader, place, key, need);

	if (value == NULL || json_is_object(value))
		return value;
	/*
	 * PHP writes [] for an array without elements, even where its keys would have been names.
	 */
	if (!is_needed(need) && json_is_array(value) && json_array_size(value) == 0)
		return NULL;
	note(reader, place, key, "This must be an object.");
	return NULL;
}

json_t *
json_reader_array(struct json_reader *reader, const struct json_place *place, const char *key,
    size_t least, size_t most)
{
	json_t *value = find(reader, place, key, JSON_REQUIRED);
	char path[VALIDATION_PATH];

	if (value == NULL)
		return NULL;
	if (!json_is_array(value)) {
		note(reader, place, key, "This must be an array.");
		return NULL;
	}
	if (json_array_size(value) >= least && json_array_size(value) <= most)
		return value;
	validation_add(reader->errors, reader->errors_max, validation_key(path, place->path, key),
	    "This must have %zu to %zu elements.", least, most);
	return NULL;
}
