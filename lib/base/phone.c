/*
 * Phone numbers as people type them.
 *
 * Only digits count.  There are two uses with different needs: what is written is the whole number
 * in one form, and what is compared is its end, since one cannot know which country code or prefix
 * another form has left out.
 */
#include <string.h>

#include "base/phone.h"

/*
 * Gather the digits of what was typed, as many as fit into room, and return how many there are in
 * all.
 */
static size_t
gather_digits(const char *typed, char *digits, size_t room)
{
	size_t count = 0;

	for (; *typed != '\0'; typed++) {
		if (*typed < '0' || *typed > '9')
			continue;
		if (count < room)
			digits[count] = *typed;
		count++;
	}
	return count;
}

bool
phone_normalize(const char *typed, char out[static PHONE_TEXT])
{
	char digits[PHONE_DIGITS_MAX];
	size_t count = gather_digits(typed, digits, sizeof(digits));

	if (count < PHONE_DIGITS_MIN || count > PHONE_DIGITS_MAX)
		return false;
	/* 8 is what Russians dial in place of +7 at home. */
	if (count == 11 && digits[0] == '8')
		digits[0] = '7';
	out[0] = '+';
	memcpy(out + 1, digits, count);
	out[1 + count] = '\0';
	return true;
}

/* The window of the last digits moves along; the length of what was typed has no limit. */
void
phone_tail(const char *typed, char out[static PHONE_TAIL + 1])
{
	size_t length = 0;

	for (; *typed != '\0'; typed++) {
		if (*typed < '0' || *typed > '9')
			continue;
		if (length == PHONE_TAIL)
			memmove(out, out + 1, --length);
		out[length++] = *typed;
	}
	out[length] = '\0';
}

bool
phone_same(const char *a, const char *b)
{
	char tail_a[PHONE_TAIL + 1], tail_b[PHONE_TAIL + 1];

	phone_tail(a, tail_a);
	phone_tail(b, tail_b);
	return strlen(tail_a) >= PHONE_DIGITS_MIN && strcmp(tail_a, tail_b) == 0;
}
