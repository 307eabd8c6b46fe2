/*
 * Mistakes in a JSON document.  They go to people outside, so each is a path and a sentence, and
 * never a value.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/validation.h"

void
validation_add(json_t *errors, size_t most, const char *path, const char *format, ...)
{
	char message[512];
	va_list args;
	json_t *mistake;

	/* A document of nothing but mistakes must not fill the answer. */
	if (json_array_size(errors) >= most)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);

	/*
	 * Both may have been cut in the middle of a character and then are no UTF-8, of which
	 * Jansson makes nothing.
	 */
	mistake = json_pack("{s:o, s:o}", "path", json_string(path) ?: json_string("?"), "message",
	    json_string(message) ?: json_string("This is a mistake that cannot be told in UTF-8."));
	json_array_append_new(errors, mistake);
}

const char *
validation_key(char out[static VALIDATION_PATH], const char *path, const char *key)
{
	snprintf(out, VALIDATION_PATH, "%s%s%s", path, path[0] != '\0' ? "." : "", key);
	return out;
}

const char *
validation_index(char out[static VALIDATION_PATH], const char *path, size_t index)
{
	snprintf(out, VALIDATION_PATH, "%s[%zu]", path, index);
	return out;
}
