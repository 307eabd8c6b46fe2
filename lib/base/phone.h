#ifndef BASE_PHONE_H
#define BASE_PHONE_H

#include <stdbool.h>

/* E.164 allows 15 digits; fewer than 7 are an extension, a flat or a joke, and not a number. */
#define PHONE_DIGITS_MIN 7
#define PHONE_DIGITS_MAX 15
#define PHONE_TEXT       (PHONE_DIGITS_MAX + 2)

/*
 * amoCRM keeps phones as they were typed, so 8999..., +7999... and (999)... agree only in their
 * last ten digits.
 */
#define PHONE_TAIL 10

struct phone {
	/* As we write it: +7XXXXXXXXXX for a Russian one (11 digits that begin with 7 or 8), else +
	 * and the digits, without the 00 that is dialled before a country. */
	char written[PHONE_TEXT];
	/* It was told with its country: after + or 00, or as 11 digits of a Russian one.  Ten
	 * digits or fewer have none even so, because we write a + before all numbers. */
	bool country;
};

/*
 * The next number of a text that people typed; *text moves behind it.  False: there is none any
 * more, and phone is untouched.
 *
 * Blanks, brackets, hyphens, points and the like stand within a number.  A comma, semicolon, slash,
 * line break, letter, # or * ends it, and a + begins another one; so an extension (доб. 12, ext 12,
 * x12, #12, вн. 3) is a number of its own, of fewer digits than any phone has.  Where only blanks
 * are between two Russian numbers, the digits are too many for one and the first is complete at a
 * blank.
 *
 * A placeholder is nobody's number and is passed over: the last ten digits (all, where there are
 * fewer) are one and the same, or each is the one before plus one, or minus one (0000000, 1234567,
 * 1234567890, +7 999 999-99-99, 9876543210).
 */
bool phone_next(const char **text, struct phone *phone);

/* The first number of what was typed, as we write it.  False, with out untouched: there is none. */
bool phone_normalize(const char *typed, char out[static PHONE_TEXT]);

/*
 * The last ten digits (all, where there are fewer), within phone->written.
 *
 * An identity's hash is made of this text and kept in the ledger (payment/identity.c): a change
 * here makes strangers of all payers known by phone, unless a migration of the ledger comes with
 * it.
 */
const char *phone_tail(const struct phone *phone);

/*
 * Whether two numbers agree in their last ten digits, and in the rest if both were told with their
 * country: +7 999 123-45-67 and +1 999 123-4567 are two people.
 */
bool phone_same(const struct phone *a, const struct phone *b);

#endif
