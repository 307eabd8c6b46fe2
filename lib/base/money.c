#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/money.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Append the digits at *text to *number; false when there is none or the number grows beyond MONEY_MAX. */
static bool
read_digits(const char **text, size_t at_most, int64_t *number)
{
	const char *at = *text;

	if (!is_digit(*at))
		return false;
	while (is_digit(*at) && (size_t)(at - *text) < at_most) {
		*number = *number * 10 + (*at++ - '0');
		if (*number > MONEY_MAX)
			return false;
	}
	*text = at;
	return true;
}

bool
money_parse(const char *text, int64_t *kopecks)
{
	bool negative = *text == '-';
	int64_t number = 0;
	const char *decimals;

	if (negative)
		text++;
	if (!read_digits(&text, SIZE_MAX, &number) || number > MONEY_MAX / 100)
		return false;
	if (*text != '.') {
		number *= 100;
	} else {
		decimals = ++text;
		if (!read_digits(&text, 2, &number))
			return false;
		if (text - decimals == 1)
			number *= 10;
		while (*text == '0')
			text++;
	}
	if (*text != '\0' || number > MONEY_MAX)
		return false;
	*kopecks = negative ? -number : number;
	return true;
}

bool
money_from_real(double roubles, int64_t *kopecks)
{
	int64_t number;

	if (!(fabs(roubles) <= (double)(MONEY_MAX / 100)))
		return false;
	number = llround(roubles * 100.0);
	/*
	 * The parser made the double nearest to what was written.  The double nearest to a whole number of kopecks is this
	 * quotient, since division rounds correctly and the number is exact; so the two are equal exactly when what was
	 * written had no third decimal (or one too small for any double to show).
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
