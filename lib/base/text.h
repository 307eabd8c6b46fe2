#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* UTF-8 texts as people type them. */

/*
 * The part without white space (ASCII's and the no-break space) at both ends; borrowed, *length
 * bytes.
 */
const char *text_trim(const char *text, size_t *length);

/*
 * A new text, with capital ASCII and Cyrillic (U+0400 to U+042F) letters made small, which is all
 * that subjects, projects and UTM marks are written in; every letter keeps its length.  No locale
 * is involved.
 */
char *text_fold(const char *text);

/* How many characters (code points) there are. */
size_t text_characters(const char *text);

/* Whether an ASCII control character (U+0000 to U+001F, U+007F) is in it. */
bool text_has_controls(const char *text);

/* A new text on one line: every control character and every Unicode line break becomes a space. */
char *text_one_line(const char *text);

/* A new copy of the text, and of its first `length` bytes. */
char *text_copy(const char *text) __attribute__((returns_nonnull));
char *text_part(const char *text, size_t length) __attribute__((returns_nonnull));

/* printf(3) into a new text. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
char *text_format_list(const char *format, va_list args)
    __attribute__((format(printf, 1, 0), returns_nonnull));

#endif
