#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whole numbers from text: the one reader for settings, the environment, options, headers and what
 * others send.
 *
 * A number is decimal digits only, any number of leading zeros among them; no sign, no space, no
 * point.  Both functions return false, with *number (and *text) untouched, when the text is not
 * such a number or lies outside least to most, which are not negative.  The caller knows what the
 * number was to be and says so in its own message.
 */

/* The whole text is the number. */
bool number_parse(const char *text, int64_t least, int64_t most, int64_t *number)
    __attribute__((warn_unused_result));

/*
 * The number at *text, as long as it is but of `digits` digits at most (0: no limit); *text then
 * stands behind it.
 */
bool number_read(const char **text, int digits, int64_t least, int64_t most, int64_t *number)
    __attribute__((warn_unused_result));

#endif
