#ifndef WEB_HTML_H
#define WEB_HTML_H

#include <jansson.h>

/*
 * An HTML template, filled with the values of a JSON object, as a new text, which the caller frees.
 *
 *	{{name}}                   the value, a string or an integer, escaped for content and for
 *	                           quoted attributes
 *	{{.}}                      the innermost value itself
 *	{{#name}} ... {{/name}}    for each element of an array; for any other value once, unless
 *	                           it is empty
 *	{{^name}} ... {{/name}}    once, when it is empty: absent, null, false, "" or an array
 *	                           without elements
 *
 * Between {{#name}} and {{/name}} names are looked up in that value first, then outward; "a.b" is
 * the member b of a.  This much of Mustache and no more: there is no way to write a value that is
 * not escaped.
 *
 * The template is ours: one that is malformed aborts.
 */
char *html_render(const char *template, const json_t *view) __attribute__((returns_nonnull));

#endif
