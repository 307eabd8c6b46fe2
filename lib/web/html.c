#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "web/html.h"

void
html_begin(struct html *page)
{
	*page = (struct html){ 0 };
	page->out = memory_stream(&page->text, &page->size);
}

char *
html_end(struct html *page)
{
	memory_stream_end(page->out);
	return page->text;
}

void
html_markup(struct html *page, const char *markup)
{
	fputs(markup, page->out);
}

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
text_of_length(struct html *page, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		const char *escape = escape_of(text[i]);

		if (escape != NULL)
			fputs(escape, page->out);
		else
			fputc(text[i], page->out);
	}
}

void
html_text(struct html *page, const char *text)
{
	if (text != NULL)
		text_of_length(page, text, strlen(text));
}

void
html_element(struct html *page, const char *before, const char *text, const char *after)
{
	html_markup(page, before);
	html_text(page, text);
	html_markup(page, after);
}

void
html_number(struct html *page, int64_t number)
{
	fprintf(page->out, "%" PRId64, number);
}

void
html_fill(struct html *page, const char *text, const char *value)
{
	const char *place = strstr(text, "{}");

	if (place == NULL) {
		html_text(page, text);
		return;
	}
	text_of_length(page, text, (size_t)(place - text));
	html_text(page, value);
	html_text(page, place + 2);
}

void
html_format(struct html *page, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(page->out, format, args);
	va_end(args);
}
