/*
 * Whole numbers from text.
 *
 * strtoll(3) skips spaces, takes signs and stops silently at what is no digit, and atoll(3) hides
 * overflow besides: each use needs four checks around it, and one that was forgotten has let
 * "#12abc" mean row 12.
 */
#include <stddef.h>

#include "base/number.h"

bool
number_read(const char **text, int digits, int64_t least, int64_t most, int64_t *number)
{
	const char *at = *text;
	int64_t value = 0;

	while (*at >= '0' && *at <= '9' && (digits == 0 || at - *text < digits))
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *at++ - '0', &value))
			return false;
	if (at == *text || value < least || value > most)
		return false;
	*text = at;
	*number = value;
	return true;
}

bool
number_parse(const char *text, int64_t least, int64_t most, int64_t *number)
{
	int64_t value;

	if (!number_read(&text, 0, least, most, &value) || *text != '\0')
		return false;
	*number = value;
	return true;
}
