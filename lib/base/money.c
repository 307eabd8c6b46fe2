/*
 * Money from text and back, in whole kopecks.
 *
 * Everything is exact or refused.  An amount with a third decimal is no amount: rounding it would
 * let the total of a lead drift from the sum of its payments, a kopeck at a time.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "base/number.h"
#include "base/text.h"

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

/*
 * What may stand between the groups of thousands, and the plain character that it means: word
 * processors and spreadsheets write no-break and thin spaces and the typographic apostrophe.
 */
static const struct {
	const char *written;
	char plain;
} separators[] = {
	{ "\u00A0", ' ' },
	{ "\u2007", ' ' },
	{ "\u2008", ' ' },
	{ "\u2009", ' ' },
	{ "\u200A", ' ' },
	{ "\u202F", ' ' },
	{ "\u2019", '\'' },
};

/* How the rouble is called, behind a number and elsewhere. */
static const char *const currency_marks[] = { "₽", "руб.", "руб", "р.", "р", "рублей", "рубля",
	"рубль", "rub", "rur" };

/* Write the plain character in place of each separator; no text grows by it. */
static void
make_plain(char *text)
{
	const char *at = text;

	while (*at != '\0') {
		size_t i = 0, count = sizeof(separators) / sizeof(separators[0]);

		while (i < count &&
		    strncmp(at, separators[i].written, strlen(separators[i].written)) != 0)
			i++;
		*text++ = i < count ? separators[i].plain : *at;
		at += i < count ? strlen(separators[i].written) : 1;
	}
	*text = '\0';
}

static void
cut_blanks(char *text)
{
	size_t length = strlen(text);

	while (length > 0 && strchr(" \t\n\v\f\r", text[length - 1]) != NULL)
		length--;
	text[length] = '\0';
}

static void
cut_currency(char *text)
{
	for (size_t i = 0; i < sizeof(currency_marks) / sizeof(currency_marks[0]); i++) {
		size_t mark = strlen(currency_marks[i]), length = strlen(text);

		if (length > mark && strcmp(text + length - mark, currency_marks[i]) == 0) {
			text[length - mark] = '\0';
			cut_blanks(text);
			return;
		}
	}
}

#define DIGITS "0123456789"

/*
 * Which character separates the groups of the number that begins with `whole` digits; 0 for none.
 * False when that has two answers: "1,234" is a thousand and more to one reader and one and a bit
 * to another.
 */
static bool
find_separator(const char *number, size_t whole, char *separator)
{
	char mark = number[whole];
	size_t next;

	*separator = 0;
	if (mark == ' ' || mark == '\'')
		*separator = mark;
	if (mark != '.' && mark != ',')
		return true;
	next = strspn(number + whole + 1, DIGITS);
	/* The decimals come last: what another mark follows stands between groups. */
	if (number[whole + 1 + next] == '.' || number[whole + 1 + next] == ',')
		*separator = mark;
	else
		return next != 3 || whole > 3 || number[0] == '0';
	return true;
}

/* Take the separators out of the number, in place, and make the decimal mark a point. */
static bool
join_groups(char *number)
{
	size_t whole = strspn(number, DIGITS);
	char *to = number + whole, *at = to, separator;

	if (whole == 0 || !find_separator(number, whole, &separator))
		return false;
	/* The first group of several is shorter or as long as the others and begins with no zero. */
	if (separator != 0 && (whole > 3 || number[0] == '0'))
		return false;
	for (; separator != 0 && *at == separator; at += 4, to += 3) {
		if (strspn(at + 1, DIGITS) != 3)
			return false;
		memmove(to, at + 1, 3);
	}
	if (*at == ',' || *at == '.')
		*at = '.';
	memmove(to, at, strlen(at) + 1);
	return true;
}

bool
money_read(const char *text, int64_t *kopecks)
{
	char *plain = text_fold(text), *number = plain;
	bool good;

	make_plain(plain);
	cut_blanks(plain);
	cut_currency(plain);
	number += strspn(number, " \t\n\v\f\r");
	good = join_groups(number + (*number == '-')) && money_parse(number, kopecks);
	free(plain);
	return good;
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

const char *
money_currency(const char *text)
{
	char *folded = text_fold(text);
	bool rouble = strcmp(folded, "643") == 0;

	for (size_t i = 0; i < sizeof(currency_marks) / sizeof(currency_marks[0]); i++)
		rouble |= strcmp(folded, currency_marks[i]) == 0;
	free(folded);
	return rouble ? "RUB" : text;
}
