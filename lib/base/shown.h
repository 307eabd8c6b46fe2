#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include <stdbool.h>

/*
 * Texts that come back from a CRM otherwise than they were written: trimmed, with blanks collapsed
 * or lines joined, as HTML entities, in other letters' case or another Unicode form, without the
 * characters above U+FFFF (emoji) or cut at the first of them, and, out of a numeric field, as a
 * number.
 */

/* What all forms of a text have in common: new, small letters, words parted by one space. */
char *shown_essence(const char *text);

/* Whether `shown` may be what became of the text that was written; of the id, in a field that may
 * be a numeric one. */
bool shown_same_text(const char *shown, const char *written);
bool shown_same_id(const char *shown, const char *written);

/* Whether `shown` may be what became of a name: the same up to the first character that may be
 * lost. */
bool shown_same_name(const char *shown, const char *written);

#endif
