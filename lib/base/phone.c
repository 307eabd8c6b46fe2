/*
 * Phone numbers as people type them.
 *
 * Within a number only digits count.  There are two uses with different needs: what is written is
 * the whole number in one form, and what is compared is its end, since one cannot know which country
 * code or prefix another form has left out.
 */
#include <string.h>

#include "base/phone.h"

#define RUSSIAN_DIGITS 11

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Letters of other scripts stand beside no number here; what else is not ASCII may be a hyphen, a
 * blank, or a mark that copying from a page brought along. */
static bool
ends_number(char c)
{
	unsigned char byte = (unsigned char)c;
	char small = (char)(c | 0x20);

	return c == '\0' || (small >= 'a' && small <= 'z') || strchr(",;/\\|#*&+\n\r", c) != NULL ||
	    (byte >= 0xd0 && byte <= 0xd3); /* Cyrillic, in UTF-8. */
}

/* Whether these digits are all of a Russian number that is followed by a blank. */
static bool
complete(const char *digits, size_t count, char next)
{
	/* The first byte of a no-break space is a blank, too. */
	bool blank = next == ' ' || next == '\t' || next == '\xC2';

	if (!blank || count == 0)
		return false;
	return (digits[0] == '9'
		? count == PHONE_TAIL
		: (digits[0] == '7' || digits[0] == '8') && count == RUSSIAN_DIGITS);
}

/* Every digit is `step` more than the one before it. */
static bool
runs(const char *digits, int step)
{
	for (; digits[1] != '\0'; digits++)
		if ((digits[0] - '0' + step + 10) % 10 != digits[1] - '0')
			return false;
	return true;
}

static bool
is_placeholder(const struct phone *phone)
{
	const char *tail = phone_tail(phone);

	return runs(tail, 0) || runs(tail, 1) || runs(tail, -1);
}

/* From the digits of one number, which may be none; `plus` tells that a + stands before them. */
static bool
understand(const char *digits, size_t count, bool plus, struct phone *phone)
{
	/* 00 is dialled before a country in place of +. */
	if (!plus && count >= 2 + PHONE_DIGITS_MIN && strncmp(digits, "00", 2) == 0) {
		digits += 2;
		count -= 2;
		plus = true;
	}
	if (count < PHONE_DIGITS_MIN || count > PHONE_DIGITS_MAX)
		return false;
	phone->written[0] = '+';
	memcpy(phone->written + 1, digits, count);
	phone->written[1 + count] = '\0';
	/* 8 is what Russians dial in place of +7 at home. */
	if (count == RUSSIAN_DIGITS && digits[0] == '8')
		phone->written[1] = '7';
	/* No number of +7 has another length: what has is mistyped, and its country unknown. */
	phone->country =
	    phone->written[1] == '7' ? count == RUSSIAN_DIGITS : plus && count > PHONE_TAIL;
	return true;
}

/* Read on until a number ends, or (what is no part of one) by one character. */
static bool
take(const char **text, struct phone *phone)
{
	char digits[2 + PHONE_DIGITS_MAX];
	const char *at = *text, *cut = NULL;
	bool plus = *at == '+';
	size_t count = 0;

	for (at += plus; !ends_number(*at); at++) {
		if (!is_digit(*at)) {
			if (cut == NULL && complete(digits, count, *at))
				cut = at;
			continue;
		}
		if (count < sizeof(digits))
			digits[count] = *at;
		/* Too many for one number: then there are two, where the first was complete. */
		if (++count > PHONE_DIGITS_MAX && cut != NULL) {
			at = cut;
			count = digits[0] == '9' ? PHONE_TAIL : RUSSIAN_DIGITS;
			break;
		}
	}
	*text = at > *text ? at : at + 1;
	return count <= sizeof(digits) && understand(digits, count, plus, phone);
}

bool
phone_next(const char **text, struct phone *phone)
{
	struct phone found;

	while (**text != '\0') {
		if (!take(text, &found) || is_placeholder(&found))
			continue;
		*phone = found;
		return true;
	}
	return false;
}

bool
phone_normalize(const char *typed, char out[static PHONE_TEXT])
{
	struct phone phone;

	if (!phone_next(&typed, &phone))
		return false;
	strcpy(out, phone.written);
	return true;
}

const char *
phone_tail(const struct phone *phone)
{
	size_t count = strlen(phone->written + 1);

	return phone->written + 1 + (count > PHONE_TAIL ? count - PHONE_TAIL : 0);
}

bool
phone_same(const struct phone *a, const struct phone *b)
{
	return strcmp(phone_tail(a), phone_tail(b)) == 0 &&
	    (!a->country || !b->country || strcmp(a->written, b->written) == 0);
}
