#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "wear.h"

/* Where the text ends: at the first emoji, or after so many characters. */
static size_t
kept_length(const struct settings *settings, const char *text)
{
	int64_t characters = 0;
	size_t i;

	for (i = 0; text[i] != '\0'; i++) {
		if (settings->cut_at_emoji && (unsigned char)text[i] >= 0xF0)
			break;
		if ((text[i] & 0xC0) != 0x80 && characters++ == settings->text_max &&
		    settings->text_max != 0)
			break;
	}
	return i;
}

static json_t *
worn(const struct settings *settings, const char *text)
{
	char *kept = must(strndup(text, kept_length(settings, text))), *at, *encoded;
	json_t *shown;

	for (at = kept; *at != '\0'; at++) {
		if (settings->join_lines && (*at == '\n' || *at == '\r'))
			*at = ' ';
		if (settings->upper_case)
			*at = (char)toupper((unsigned char)*at);
	}
	if (settings->html_texts && (at = strchr(kept, '&')) != NULL) {
		encoded = text_format("%.*s&amp;%s", (int)(at - kept), kept, at + 1);
		free(kept);
		kept = encoded;
	}
	shown = json_string(kept);
	free(kept);
	return shown;
}

static bool
is_text(const char *key)
{
	return strcmp(key, "name") == 0 || strcmp(key, "text") == 0 || strcmp(key, "value") == 0;
}

void
wear_texts(const struct settings *settings, json_t *shown)
{
	const char *key;
	json_t *value;
	size_t i;
	void *next;

	json_array_foreach(shown, i, value)
		wear_texts(settings, value);
	json_object_foreach_safe(shown, next, key, value)
	{
		if (json_is_string(value) && is_text(key))
			json_object_set_new(shown, key, worn(settings, json_string_value(value)));
		else
			wear_texts(settings, value);
	}
}
