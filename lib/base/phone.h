#ifndef BASE_PHONE_H
#define BASE_PHONE_H

#include <stdbool.h>

/* E.164 allows 15 digits; fewer than 7 are a placeholder in a form and not a number. */
#define PHONE_DIGITS_MIN 7
#define PHONE_DIGITS_MAX 15
#define PHONE_TEXT       (PHONE_DIGITS_MAX + 2)

/*
 * amoCRM keeps phones as they were typed, so 8999..., +7999... and (999)... agree only in their
 * last ten digits.
 */
#define PHONE_TAIL 10

/*
 * Write a phone number the one way we store it: +7XXXXXXXXXX for a Russian one (11 digits that
 * begin with 7 or 8), else + and the digits.  Everything but digits is skipped.  False, with out
 * untouched, when the digits are too few or too many.
 */
bool phone_normalize(const char *typed, char out[static PHONE_TEXT]);

/*
 * The last ten digits (all, where there are fewer) of what was typed; "" when there is no digit.
 *
 * An identity's hash is made of this text and kept in the ledger (payment/identity.c): a change
 * here makes strangers of all payers known by phone, unless a migration of the ledger comes with
 * it.
 */
void phone_tail(const char *typed, char out[static PHONE_TAIL + 1]);

/*
 * Whether two numbers, however typed, agree in their last ten digits; a number with fewer than
 * PHONE_DIGITS_MIN digits agrees with nothing.
 */
bool phone_same(const char *a, const char *b);

#endif
