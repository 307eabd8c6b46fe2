/*
 * The template engine.  Debian has none for C that escapes by itself (ctemplate is C++), and the
 * page needs no more than values, repetition and choice.  A value reaches the page through
 * write_escaped() alone, so that whoever changes the page cannot forget to escape.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "web/html.h"

/* A value whose section is being written, and those around it. */
struct scope {
	const json_t *value;
	const struct scope *outer;
};

static const char *
escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static void
write_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		const char *escape = escape_of(*text);

		if (escape != NULL)
			fputs(escape, out);
		else
			fputc(*text, out);
	}
}

/*
 * The value of a name, which is cut at its points; NULL: there is none.  Only the first part is
 * looked for outward: a member that the nearest value lacks must not be taken from another one of
 * the same name.
 */
static const json_t *
find_value(const struct scope *scope, char *name)
{
	const char *part = strsep(&name, ".");
	const json_t *value = NULL;

	if (*part == '\0')
		return scope->value;
	for (; value == NULL && scope != NULL; scope = scope->outer)
		value = json_object_get(scope->value, part);
	while ((part = strsep(&name, ".")) != NULL)
		value = json_object_get(value, part);
	return value;
}

static bool
is_empty(const json_t *value)
{
	return value == NULL || json_is_null(value) || json_is_false(value) ||
	    (json_is_string(value) && json_string_length(value) == 0) ||
	    (json_is_array(value) && json_array_size(value) == 0);
}

/*
 * Write up to the tag that closes the section, or to the end, and return what follows.  out is NULL
 * in a section that is left out: then only its end is looked for.
 */
static const char *
render(FILE *out, const char *at, const struct scope *scope)
{
	const char *tag;

	while ((tag = strstr(at, "{{")) != NULL) {
		const char *end = strstr(tag, "}}"), *section;
		struct scope inner = { NULL, scope };
		char kind = tag[2], *name;
		size_t i;

		/*
		 * The template is part of the program and was rendered by the tests: this is a
		 * broken program.
		 */
		if (end == NULL)
			abort();
		if (out != NULL)
			fwrite(at, 1, (size_t)(tag - at), out);
		at = section = end + 2;
		if (kind == '/')
			return at;
		tag += strchr("#^", kind) != NULL ? 3 : 2;
		name = text_part(tag, (size_t)(end - tag));
		/* In a section that is left out tags only nest, and every value counts as empty. */
		inner.value = out != NULL ? find_value(scope, name) : NULL;
		free(name);

		if (kind == '^') {
			at = render(is_empty(inner.value) ? out : NULL, section, scope);
		} else if (kind == '#' && json_is_array(inner.value) && !is_empty(inner.value)) {
			const json_t *all = inner.value;

			json_array_foreach(all, i, inner.value)
				at = render(out, section, &inner);
		} else if (kind == '#') {
			at = render(is_empty(inner.value) ? NULL : out, section, &inner);
		} else if (json_is_integer(inner.value)) {
			fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(inner.value));
		} else if (json_is_string(inner.value)) {
			write_escaped(out, json_string_value(inner.value));
		}
	}
	if (out != NULL)
		fputs(at, out);
	return at + strlen(at);
}

char *
html_render(const char *template, const json_t *view)
{
	const struct scope all = { view, NULL };
	size_t size;
	char *text;
	FILE *out = memory_stream(&text, &size);

	render(out, template, &all);
	memory_stream_end(out);
	return text;
}
