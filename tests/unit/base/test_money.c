#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/money.h"

static void
good_texts(void **state)
{
	static const struct {
		const char *text;
		int64_t kopecks;
	} good[] = { { "0", 0 }, { "-0", 0 }, { "0.00", 0 }, { "1", 100 }, { "5000", 500000 },
		{ "5000.5", 500050 }, { "5000.50", 500050 }, { "0.01", 1 }, { "0.29", 29 },
		{ "1.2300000", 123 }, { "-12.34", -1234 }, { "007", 700 },
		{ "1000000000000", MONEY_MAX }, { "1000000000000.00", MONEY_MAX },
		{ "-1000000000000", -MONEY_MAX }, { "999999999999.99", MONEY_MAX - 1 },
		{ "00000000000000000000000000000000000000000001.10", 110 } };
	int64_t kopecks;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		kopecks = 42;
		assert_true(money_parse(good[i].text, &kopecks));
		assert_true(kopecks == good[i].kopecks);
	}
}

static void
bad_texts(void **state)
{
	static const char *const bad[] = { "", "-", ".", "1.", ".5", "-.5", "1.234", "1.001",
		"1.2.3", "+1", " 1", "1 ", "1,5", "1e3", "0x10", "abc", "1a", "--1", "1-", "1 000",
		"1000000000000.01", "1000000000001", "-1000000000000.01",
		"99999999999999999999999999", "1.2300001", "\xD9\xA1", "NaN", "inf" };
	int64_t kopecks = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(money_parse(bad[i], &kopecks));
	assert_int_equal(kopecks, 42);
}

static void
as_people_write_it(void **state)
{
	static const struct {
		const char *text;
		int64_t kopecks;
	} good[] = { { "5000", 500000 }, { " 5000 ", 500000 }, { "5000.5", 500050 },
		{ "5000,50", 500050 }, { "1,5", 150 }, { "5 000", 500000 }, { "5 000,00", 500000 },
		{ "5\u00A0000,00", 500000 }, { "5\u202F000", 500000 }, { "5\u2009000", 500000 },
		{ "\u202F5000\u00A0", 500000 }, { "1 234 567,89", 123456789 },
		{ "1\u00A0234 567.89", 123456789 }, { "5'000", 500000 },
		{ "5\u2019000.10", 500010 }, { "5000 ₽", 500000 }, { "5000₽", 500000 },
		{ "5 000\u00A0₽", 500000 }, { "5000 руб.", 500000 }, { "5000 руб", 500000 },
		{ "5000 Р.", 500000 }, { "5000р", 500000 }, { "5000,50 рублей ", 500050 },
		{ "5000 RUB", 500000 }, { "1.234,56", 123456 }, { "1,234.56", 123456 },
		{ "1,234,567", 123456700 }, { "1.234.567,8", 123456780 }, { "0,500", 50 },
		{ "0.500", 50 }, { "1234.500", 123450 }, { "1.5000", 150 }, { "1 234,500", 123450 },
		{ "-5 000", -500000 }, { "1 000 000 000 000", MONEY_MAX } };
	int64_t kopecks;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		kopecks = 42;
		if (!money_read(good[i].text, &kopecks) || kopecks != good[i].kopecks)
			fail_msg("%s is %" PRId64, good[i].text, kopecks);
	}
}

/* Two readings, a third decimal, or no number. */
static void
not_as_people_write_it(void **state)
{
	static const char *const bad[] = { "", " ", "₽", "руб.", "1,234", "1.234", "12.340",
		"123,000", "999.999 ₽", "12,345,6", "1,5,0", "1.234.56", "1,23.456", "50 00",
		"5 0000", "1 23", "1 234 56", "1234 567", "0 500", "5  000", "5'00", "5'000 000",
		"1 234,567", "5,000,00", "5 000,", ",5", "5,", "5..0", "5000 $", "'500", ".500.000",
		",500.5", "5000 руб. 50 коп.", "руб 5000", "5000 ₽ ₽", "+1", "1e3", "5\t000",
		"5\u2003000", "1 000 000 000 001", "- 5", "5-" };
	int64_t kopecks = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (money_read(bad[i], &kopecks))
			fail_msg("%s is %" PRId64, bad[i], kopecks);
	assert_int_equal(kopecks, 42);
}

static void
currencies(void **state)
{
	static const char *const roubles[] = { "RUB", "rub", "RUR", "643", "₽", "руб", "Руб.", "р.",
		"рублей" };
	static const char *const others[] = { "USD", "usd", "840", "", "RUBY", "€" };

	(void)state;
	for (size_t i = 0; i < sizeof(roubles) / sizeof(roubles[0]); i++)
		assert_string_equal(money_currency(roubles[i]), "RUB");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_ptr_equal(money_currency(others[i]), others[i]);
}

/* Every amount with two decimals must survive the double that a JSON parser makes of it. */
static void
reals_that_are_kopecks(void **state)
{
	static const int64_t bases[] = { 0, 123456789, 999999999999, 9999999999900,
		MONEY_MAX - 1000 };

	(void)state;
	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		for (int64_t k = bases[b]; k <= bases[b] + 1000; k++) {
			char text[64];
			int64_t kopecks = -1;

			snprintf(text, sizeof(text), "%" PRId64 ".%02d", k / 100, (int)(k % 100));
			assert_true(money_from_real(strtod(text, NULL), &kopecks));
			assert_true(kopecks == k);
			assert_true(money_from_real(-strtod(text, NULL), &kopecks));
			assert_true(kopecks == -k);
		}
	}
}

static void
reals_that_are_not(void **state)
{
	const double bad[] = { 0.001, 0.005, 1.005, 100.999, 1e-9, 0.123456, 1000000000000.01, 1e13,
		1e300, -1e300, NAN, INFINITY, -INFINITY, 4999.999999999999, 100000000000.001 };
	int64_t kopecks = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(money_from_real(bad[i], &kopecks));
	assert_int_equal(kopecks, 42);
}

static void
whole_roubles(void **state)
{
	int64_t kopecks = 42;

	(void)state;
	assert_true(money_from_roubles(5000, &kopecks));
	assert_int_equal(kopecks, 500000);
	assert_true(money_from_roubles(-MONEY_MAX / 100, &kopecks));
	assert_true(kopecks == -MONEY_MAX);
	kopecks = 42;
	assert_false(money_from_roubles(MONEY_MAX / 100 + 1, &kopecks));
	assert_false(money_from_roubles(INT64_MAX, &kopecks));
	assert_false(money_from_roubles(INT64_MIN, &kopecks));
	assert_int_equal(kopecks, 42);
}

static void
formatted(void **state)
{
	static const struct {
		int64_t kopecks;
		const char *text;
	} cases[] = { { 0, "0" }, { 1, "0.01" }, { 10, "0.10" }, { 100, "1" }, { 1000000, "10000" },
		{ 1000050, "10000.50" }, { -1, "-0.01" }, { -12345, "-123.45" }, { -100, "-1" },
		{ INT64_MAX, "92233720368547758.07" }, { INT64_MIN, "-92233720368547758.08" } };
	char text[MONEY_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(money_format(text, cases[i].kopecks), cases[i].text);
		assert_ptr_equal(money_format(text, 0), text);
	}
}

static void
rounded(void **state)
{
	static const struct {
		int64_t kopecks, roubles;
	} cases[] = { { 0, 0 }, { 49, 0 }, { 50, 1 }, { 149, 1 }, { 150, 2 }, { -49, 0 },
		{ -50, -1 }, { -150, -2 }, { MONEY_MAX, MONEY_MAX / 100 },
		{ MONEY_MAX - 1, MONEY_MAX / 100 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(money_round(cases[i].kopecks) == cases[i].roubles);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts),
		cmocka_unit_test(bad_texts),
		cmocka_unit_test(as_people_write_it),
		cmocka_unit_test(currencies),
		cmocka_unit_test(not_as_people_write_it),
		cmocka_unit_test(reals_that_are_kopecks),
		cmocka_unit_test(reals_that_are_not),
		cmocka_unit_test(whole_roubles),
		cmocka_unit_test(formatted),
		cmocka_unit_test(rounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
