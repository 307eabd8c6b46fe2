#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonpath.h"
#include "mistakes.h"
#include "rulefile.h"
#include "text.h"

void
rulefile_mistake(struct rulefile *file, const char *path, const char *format, ...)
{
	char message[400];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	mistakes_add(file->mistakes, RULEFILE_MISTAKES_MAX, path, "%s", message);
}

bool
rulefile_keys(struct rulefile *file, const json_t *object, const char *path, const char *const known[])
{
	char key_path[MISTAKE_PATH];
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		rulefile_mistake(file, path, "This must be an object.");
		return false;
	}
	json_object_foreach((json_t *)object, key, value) {
		size_t i = 0;

		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] == NULL && strcmp(key, "comment") != 0)
			rulefile_mistake(file, mistakes_key(key_path, path, key), "This key is unknown.");
	}
	return true;
}

json_t *
rulefile_array(struct rulefile *file, const json_t *object, const char *path, const char *key)
{
	json_t *value = json_object_get(object, key);
	char key_path[MISTAKE_PATH];

	if (value == NULL || json_is_array(value))
		return value;
	rulefile_mistake(file, mistakes_key(key_path, path, key), "This must be an array.");
	return NULL;
}

const char *
rulefile_text(struct rulefile *file, const json_t *object, const char *path, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	char key_path[MISTAKE_PATH];

	if (text != NULL && text[0] != '\0')
		return text;
	rulefile_mistake(file, mistakes_key(key_path, path, key), "This must be a string that is not empty.");
	return NULL;
}

/* What a text says.  A "${" anywhere but around the whole text would be taken literally and never match, so it is noted. */
enum meaning {
	LITERAL,
	VARIABLE, /* *value is the setting's value, NULL when it is not set. */
	MISTAKEN
};

static enum meaning
understand(
    struct rulefile *file, const char *text, const char *path, char name[static 128], const char **value)
{
	size_t length = strlen(text);

	if (strstr(text, "${") == NULL)
		return LITERAL;
	if (strncmp(text, "${", 2) != 0 || strcspn(text, "}") != length - 1 || length < 4 || length > 100 ||
	    strstr(text + 2, "${") != NULL) {
		rulefile_mistake(file, path, "A setting must stand alone, as in \"${NAME}\".");
		return MISTAKEN;
	}
	memcpy(name, text + 2, length - 3);
	name[length - 3] = '\0';
	*value = settings_variable(file->settings, name);
	return VARIABLE;
}

static bool
parse_id(const char *text, int64_t *id)
{
	char *end;

	errno = 0;
	*id = strtoll(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *id > 0;
}

int64_t
rulefile_id(struct rulefile *file, const json_t *json, const char *path)
{
	const char *text = json_string_value(json), *value;
	char name[128];
	int64_t id;

	if (json_is_integer(json) && json_integer_value(json) > 0)
		return json_integer_value(json);
	if (text != NULL) {
		switch (understand(file, text, path, name, &value)) {
		case VARIABLE:
			if (value == NULL)
				return 0;
			if (parse_id(value, &id))
				return id;
			rulefile_mistake(file, path, "The setting %s must be a positive integer.", name);
			return 0;
		case MISTAKEN:
			return 0;
		case LITERAL:
			break;
		}
	}
	rulefile_mistake(file, path, "This must be a positive integer or \"${NAME}\".");
	return 0;
}

static void
add_word(json_t *words, const char *text, size_t length)
{
	char *word = text_copy(text, length), *folded = text_fold(word);

	if (json_array_append_new(words, json_string(folded)) != 0)
		abort();
	free(folded);
	free(word);
}

static void
add_list(json_t *words, const char *list)
{
	while (*list != '\0') {
		size_t length = strcspn(list, ","), trimmed;
		char *part = text_copy(list, length);
		const char *text = text_trim(part, &trimmed);

		if (trimmed > 0)
			add_word(words, text, trimmed);
		free(part);
		list += length;
		list += *list == ',';
	}
}

static void
add_value(struct rulefile *file, json_t *words, const json_t *value, const char *path)
{
	const char *list = NULL;
	char name[128], *text = jsonpath_text(value);

	if (text == NULL) {
		rulefile_mistake(
		    file, path, "This must be a string, a number, true or false, or an array of them.");
		return;
	}
	switch (understand(file, text, path, name, &list)) {
	case LITERAL:
		add_word(words, text, strlen(text));
		break;
	case VARIABLE:
		if (list != NULL)
			add_list(words, list);
		break;
	case MISTAKEN:
		break;
	}
	free(text);
}

json_t *
rulefile_words(struct rulefile *file, const json_t *value, const char *path)
{
	json_t *words = json_array(), *element;
	char element_path[MISTAKE_PATH];
	size_t i;

	if (words == NULL)
		abort();
	if (!json_is_array(value))
		add_value(file, words, value, path);
	json_array_foreach(value, i, element)
		add_value(file, words, element, mistakes_index(element_path, path, i));
	return words;
}
