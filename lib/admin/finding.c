/*
 * One place that makes a finding, so that all of them have the same keys.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/finding.h"
#include "base/text.h"

void
finding_add(
    json_t *findings, const char *state, const char *setting, int64_t id, const char *format, ...)
{
	char *message;
	va_list args;

	va_start(args, format);
	message = text_format_list(format, args);
	va_end(args);
	json_array_append_new(findings,
	    json_pack("{s:s, s:s, s:o, s:s}", "state", state, "setting", setting, "id",
		id != 0 ? json_integer(id) : json_null(), "message", message));
	free(message);
}

const char *
finding_text(const json_t *finding, const char *key)
{
	return json_string_value(json_object_get(finding, key));
}
