#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Money is a whole number of kopecks; no floating point takes part in any sum.
 *
 * MONEY_MAX bounds a single amount at a trillion roubles: far above any payment, and low enough
 * that the sum of the 200 items a webhook may hold cannot overflow.
 */
#define MONEY_MAX  INT64_C(100000000000000)
#define MONEY_TEXT 32

/*
 * Read a decimal number of roubles: optional minus, digits, and optionally a point with one or more
 * decimals of which all after the second are zero.  Spaces, exponents, commas and plus signs are
 * not accepted.  False, with *kopecks untouched, when the text is not such a number or lies outside
 * +-MONEY_MAX.
 */
bool money_parse(const char *text, int64_t *kopecks);

/*
 * The same as people and spreadsheets write it: blanks of any kind around it, the rouble's name or
 * sign behind it (₽, руб., р., RUB), groups of three digits with blanks, apostrophes, commas or
 * points between, and a point or a comma before the decimals.  False also for what has two
 * readings: "1,234" and "1.234".
 */
bool money_read(const char *text, int64_t *kopecks);

/*
 * The same from a JSON real.  JSON parsers keep only the nearest double, so a value with at most
 * two decimals is found again by rounding; one with more decimals is refused.
 */
bool money_from_real(double roubles, int64_t *kopecks);

/* From whole roubles; false outside +-MONEY_MAX. */
bool money_from_roubles(int64_t roubles, int64_t *kopecks);

/*
 * "10000" or "10000.50": kopecks are shown only where there are any, and then as two digits.
 * Returns text.
 */
const char *money_format(char text[static MONEY_TEXT], int64_t kopecks);

/*
 * "RUB" for whatever the rouble is called (RUR, 643, ₽, руб.), in any case; every other text is
 * itself, borrowed.
 */
const char *money_currency(const char *text);

/* Whole roubles, halves away from zero: what amoCRM's integer `price` can hold. */
int64_t money_round(int64_t kopecks);

#endif
