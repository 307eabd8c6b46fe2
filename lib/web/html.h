#ifndef WEB_HTML_H
#define WEB_HTML_H

#include <stdint.h>
#include <stdio.h>

/*
 * Writing HTML: markup is ours and goes out as it is, text is anybody's and goes out escaped, for content and for quoted
 * attributes alike.  Memory exhaustion aborts.
 */
struct html {
	FILE *out;
	char *text;
	size_t size;
};

void html_begin(struct html *page);
char *html_end(struct html *page); /* The whole, which the caller frees. */

void html_markup(struct html *page, const char *markup);
void html_text(struct html *page, const char *text); /* NULL is "". */
void html_number(struct html *page, int64_t number);

/* A text between markup. */
void html_element(struct html *page, const char *before, const char *text, const char *after);

/* A text in which "{}" stands for another one. */
void html_fill(struct html *page, const char *text, const char *value);

/* printf(3) of markup; what is printed into it must be ours too: numbers and names. */
void html_format(struct html *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
