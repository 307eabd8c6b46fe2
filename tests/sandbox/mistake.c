#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mistake.h"
#include "text.h"

static void __attribute__((format(printf, 4, 0)))
mistake_add(
    json_t *mistakes, const char *code, const char *detail, const char *path, va_list arguments)
{
	char *where;

	must(vasprintf(&where, path, arguments) < 0 ? NULL : where);
	json_array_append_new(
	    mistakes, json_pack("{s:s, s:s, s:s}", "code", code, "path", where, "detail", detail));
	free(where);
}

void
mistake_choice(json_t *mistakes, const char *path, ...)
{
	va_list arguments;

	va_start(arguments, path);
	mistake_add(mistakes, "NotSupportedChoice", "The value you selected is not a valid choice.",
	    path, arguments);
	va_end(arguments);
}

void
mistake_type(json_t *mistakes, const char *type, const char *path, ...)
{
	char *detail = text_format("This value should be of type %s.", type);
	va_list arguments;

	va_start(arguments, path);
	mistake_add(mistakes, "InvalidType", detail, path, arguments);
	va_end(arguments);
	free(detail);
}

void
mistake_missing(json_t *mistakes, const char *path, ...)
{
	va_list arguments;

	va_start(arguments, path);
	mistake_add(mistakes, "FieldMissing", "This field is missing.", path, arguments);
	va_end(arguments);
}

void
mistake_unexpected(json_t *mistakes, const char *path, ...)
{
	va_list arguments;

	va_start(arguments, path);
	mistake_add(mistakes, "FieldNotExpected", "This field was not expected.", path, arguments);
	va_end(arguments);
}

void
mistake_too_long(json_t *mistakes, int limit, const char *path, ...)
{
	char *detail =
	    text_format("This value is too long. It should have %d characters or less.", limit);
	va_list arguments;

	va_start(arguments, path);
	mistake_add(mistakes, "TooLong", detail, path, arguments);
	va_end(arguments);
	free(detail);
}

void
mistake_url(json_t *mistakes, const char *path, ...)
{
	va_list arguments;

	va_start(arguments, path);
	mistake_add(mistakes, "InvalidUrl", "This value is not a valid URL.", path, arguments);
	va_end(arguments);
}
