/*
 * What all parts of a rules file are read with.  "${NAME}" is resolved here and nowhere else, and
 * each error carries the path of its place in the file.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_path.h"
#include "base/number.h"
#include "base/text.h"
#include "base/validation.h"
#include "rules/rule_reader.h"

static void note(json_t *list, const char *path, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void
note(json_t *list, const char *path, const char *format, va_list args)
{
	char message[400];

	vsnprintf(message, sizeof(message), format, args);
	validation_add(list, RULE_READER_ERRORS_MAX, path, "%s", message);
}

void
rule_reader_error(struct rule_reader *reader, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(reader->errors, path, format, args);
	va_end(args);
}

void
rule_reader_warning(struct rule_reader *reader, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(reader->warnings, path, format, args);
	va_end(args);
}

bool
rule_reader_is_comment(const char *key)
{
	return strcmp(key, "$comment") == 0 || strcmp(key, "comment") == 0;
}

static bool
is_among(const char *key, const char *const known[])
{
	for (; *known != NULL; known++)
		if (strcmp(*known, key) == 0)
			return true;
	return false;
}

/* The keys that there are, for a reader who has misspelt one. */
static void
note_unknown_key(struct rule_reader *reader, const char *path, const char *const known[])
{
	char list[300] = "";
	size_t used = 0;

	for (; *known != NULL && used < sizeof(list); known++)
		used += (size_t)snprintf(
		    list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "", *known);
	rule_reader_error(reader, path, "This key is unknown; known here: %s.", list);
}

bool
rule_reader_keys(
    struct rule_reader *reader, const json_t *object, const char *path, const char *const known[])
{
	char key_path[VALIDATION_PATH];
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		rule_reader_error(reader, path, "This must be an object.");
		return false;
	}
	json_object_foreach((json_t *)object, key, value)
		if (!is_among(key, known) && !rule_reader_is_comment(key))
			note_unknown_key(reader, validation_key(key_path, path, key), known);
	return true;
}

json_t *
rule_reader_array(
    struct rule_reader *reader, const json_t *object, const char *path, const char *key)
{
	json_t *value = json_object_get(object, key);
	char key_path[VALIDATION_PATH];

	if (value == NULL || json_is_array(value))
		return value;
	rule_reader_error(reader, validation_key(key_path, path, key), "This must be an array.");
	return NULL;
}

const char *
rule_reader_text(
    struct rule_reader *reader, const json_t *object, const char *path, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	char key_path[VALIDATION_PATH];

	if (text != NULL && text[0] != '\0')
		return text;
	rule_reader_error(reader, validation_key(key_path, path, key),
	    "This must be a string that is not empty.");
	return NULL;
}

/* Everything that webhooks are known to have is below this key; a rule that looks elsewhere would
 * silently never hold. */
static bool
begins_at_order(const char *path)
{
	size_t first = strcspn(path, ".");

	return first == strlen("course_order") && strncmp(path, "course_order", first) == 0;
}

const char *
rule_reader_path(
    struct rule_reader *reader, const json_t *object, const char *path, const char *key)
{
	const char *text = rule_reader_text(reader, object, path, key);
	char key_path[VALIDATION_PATH];

	if (text == NULL)
		return NULL;
	validation_key(key_path, path, key);
	if (!json_path_valid(text)) {
		rule_reader_error(reader, key_path,
		    "This must be keys joined by points, [] behind the key of an array.");
		return NULL;
	}
	if (!reader->of_items && !begins_at_order(text))
		rule_reader_warning(reader, key_path,
		    "This does not begin with course_order: will it lead anywhere?");
	return text;
}

/* What a text says.  A "${" anywhere but around the whole text would be taken literally and never
 * match, so it is noted. */
enum meaning {
	LITERAL,
	VARIABLE, /* *value is the setting's value, NULL when it is not set. */
	MALFORMED
};

/* Ids that are not set are everyday business; a name that neither the settings nor the built-in
 * rules know is probably misspelt. */
static bool
is_known_name(const char *name, const char *reference)
{
	return settings_knows(name) || strstr(rules_builtin, reference) != NULL;
}

static enum meaning
understand(struct rule_reader *reader, const char *text, const char *path, char name[static 128],
    const char **value)
{
	size_t length = strlen(text);

	if (strstr(text, "${") == NULL)
		return LITERAL;
	if (strncmp(text, "${", 2) != 0 || strcspn(text, "}") != length - 1 || length < 4 ||
	    length > 100 || strstr(text + 2, "${") != NULL) {
		rule_reader_error(reader, path, "A setting must stand alone, as in \"${NAME}\".");
		return MALFORMED;
	}
	memcpy(name, text + 2, length - 3);
	name[length - 3] = '\0';
	*value = settings_variable(reader->settings, name);
	if (*value == NULL && !is_known_name(name, text))
		rule_reader_warning(reader, path,
		    "%s is not set, and no setting is called so: is it misspelt?", name);
	return VARIABLE;
}

int64_t
rule_reader_id(struct rule_reader *reader, const json_t *json, const char *path)
{
	const char *text = json_string_value(json), *value;
	char name[128];
	int64_t id;

	if (json_is_integer(json) && json_integer_value(json) > 0)
		return json_integer_value(json);
	if (text != NULL) {
		switch (understand(reader, text, path, name, &value)) {
		case VARIABLE:
			if (value == NULL)
				return 0;
			if (number_parse(value, 1, INT64_MAX, &id))
				return id;
			rule_reader_error(
			    reader, path, "The setting %s must be a positive integer.", name);
			return 0;
		case MALFORMED:
			return 0;
		case LITERAL:
			break;
		}
	}
	rule_reader_error(reader, path, "This must be a positive integer or \"${NAME}\".");
	return 0;
}

char *
rule_reader_word(const char *text)
{
	size_t length;
	const char *begin = text_trim(text, &length);
	char *trimmed = text_part(begin, length), *folded = text_fold(trimmed);

	free(trimmed);
	return folded;
}

static void
add_word(json_t *words, const char *text)
{
	char *word = rule_reader_word(text);

	json_array_append_new(words, json_string(word));
	free(word);
}

static void
add_list(json_t *words, const char *list)
{
	while (*list != '\0') {
		size_t length = strcspn(list, ","), trimmed;
		char *part = text_part(list, length);

		text_trim(part, &trimmed);
		if (trimmed > 0)
			add_word(words, part);
		free(part);
		list += length;
		list += *list == ',';
	}
}

static void
add_value(struct rule_reader *reader, json_t *words, const json_t *value, const char *path)
{
	const char *list = NULL;
	char name[128], *text = json_path_text(value);

	if (text == NULL) {
		rule_reader_error(reader, path,
		    "This must be a string, a number, true or false, or an array of them.");
		return;
	}
	switch (understand(reader, text, path, name, &list)) {
	case LITERAL:
		add_word(words, text);
		break;
	case VARIABLE:
		if (list != NULL)
			add_list(words, list);
		break;
	case MALFORMED:
		break;
	}
	free(text);
}

json_t *
rule_reader_words(struct rule_reader *reader, const json_t *value, const char *path)
{
	json_t *words = json_array(), *element;
	char element_path[VALIDATION_PATH];
	size_t i;

	if (!json_is_array(value))
		add_value(reader, words, value, path);
	json_array_foreach(value, i, element)
		add_value(reader, words, element, validation_index(element_path, path, i));
	return words;
}
