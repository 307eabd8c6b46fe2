/*
 * Money from text and back, in whole kopecks.
 *
 * Everything is exact or refused.  An amount with a third decimal is no amount: rounding it would
 * let the total of a lead drift from the sum of its payments, a kopeck at a time.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/money.h"
#include "base/number.h"

bool
money_parse(const char *text, int64_t *kopecks)
{
	bool negative = *text == '-';
	int64_t number, decimals = 0;
	const char *begin;

	if (negative)
		text++;
	if (!number_read(&text, 0, 0, MONEY_MAX / 100, &number))
		return false;
	if (*text == '.') {
		begin = ++text;
		if (!number_read(&text, 2, 0, 99, &decimals))
			return false;
		/* "10.5" is ten roubles fifty. */
		if (text - begin == 1)
			decimals *= 10;
		/*
		 * What a sender writes with more decimals is the same amount as long as they are
		 * zeros.
		 */
		while (*text == '0')
			text++;
	}
	number = number * 100 + decimals;
	if (*text != '\0' || number > MONEY_MAX)
		return false;
	*kopecks = negative ? -number : number;
	return true;
}

bool
money_from_real(double roubles, int64_t *kopecks)
{
	int64_t number;

	/* Also false for what is no number, which compares with nothing. */
	if (!(fabs(roubles) <= (double)(MONEY_MAX / 100)))
		return false;
	number = llround(roubles * 100.0);
	/*
	 * The parser made the double nearest to what was written.  The double nearest to a whole
	 * number of kopecks is this quotient, since division rounds correctly and the number is
	 * exact; so the two are equal exactly when what was written had no third decimal (or one
	 * too small for any double to show).
	 */
	if ((double)number / 100.0 != roubles)
		return false;
	*kopecks = number;
	return true;
}

bool
money_from_roubles(int64_t roubles, int64_t *kopecks)
{
	if (roubles > MONEY_MAX / 100 || roubles < -MONEY_MAX / 100)
		return false;
	*kopecks = roubles * 100;
	return true;
}

const char *
money_format(char text[static MONEY_TEXT], int64_t kopecks)
{
	const char *sign = kopecks < 0 ? "-" : "";
	uint64_t size = kopecks < 0 ? -(uint64_t)kopecks : (uint64_t)kopecks;

	if (size % 100 == 0)
		snprintf(text, MONEY_TEXT, "%s%" PRIu64, sign, size / 100);
	else
		snprintf(text, MONEY_TEXT, "%s%" PRIu64 ".%02u", sign, size / 100,
		    (unsigned)(size % 100));
	return text;
}

int64_t
money_round(int64_t kopecks)
{
	int64_t roubles = kopecks / 100, rest = kopecks % 100;

	if (rest >= 50)
		return roubles + 1;
	if (rest <= -50)
		return roubles - 1;
	return roubles;
}
