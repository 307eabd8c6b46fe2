#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/phone.h"

static void
normal_form(void **state)
{
	static const struct {
		const char *typed, *normal;
	} good[] = { { "89990000001", "+79990000001" }, { "79990000001", "+79990000001" },
		{ "+79990000001", "+79990000001" }, { "8 (999) 000-00-01", "+79990000001" },
		{ "+7\xC2\xA0"
		  "999 000 00 01",
		    "+79990000001" },
		{ "9990000001", "+9990000001" }, { "375290000001", "+375290000001" },
		{ "+49 30 0000001", "+49300000001" }, { "2234567", "+2234567" },
		{ "123456789012347", "+123456789012347" },
		{ "тел. 8-999-000-00-01", "+79990000001" }, { "810990000001", "+810990000001" },
		{ "00 375 29 000 00 01", "+375290000001" }, { "007 999 000-00-01", "+79990000001" },
		/* Marks that come along when a number is copied from a page. */
		{ "\xE2\x80\xAA+7 999 000\xE2\x80\x91"
		  "00\xE2\x80\x91"
		  "01\xE2\x80\xAC",
		    "+79990000001" } };
	static const char *const bad[] = { "", "нет", "123456", "1234567890123456", "+", "0-0-0" };
	char out[PHONE_TEXT] = "before";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(phone_normalize(bad[i], out));
	assert_string_equal(out, "before");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(phone_normalize(good[i].typed, out));
		assert_string_equal(out, good[i].normal);
	}
}

static void
extensions(void **state)
{
	static const char *const typed[] = { "8 999 123-45-67 доб. 12", "8 999 123-45-67 доб 5",
		"+7 (999) 123-45-67, доб. 1234", "8 999 123-45-67 ext 12",
		"8 999 123-45-67 ext. 12", "89991234567x12", "89991234567 #12",
		"8 999 123-45-67 вн. 3", "8 999 123-45-67,,12", "8 999 123-45-67*12",
		"8 999 123-45-67 (доб. 12)", "89991234567 кв 5" };

	(void)state;
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		const char *rest = typed[i];
		struct phone phone;

		assert_true(phone_next(&rest, &phone));
		assert_string_equal(phone.written, "+79991234567");
		assert_false(phone_next(&rest, &phone));
	}
}

static void
several(void **state)
{
	static const char *const typed[] = { "+7 999 777-88-99, 8 999 123-45-67",
		"89997778899;89991234567", "8 999 777 88 99 / 8 999 123 45 67",
		"89997778899 или 89991234567", "89997778899\n89991234567",
		"+7 999 777 88 99 +7 999 123 45 67", "8 999 777 88 99 8 999 123 45 67",
		"89997778899 89991234567", "9997778899 9991234567",
		("89997778899\xC2\xA0"
		 "89991234567"),
		"+7 999 777-88-99 (мама), дом. +7 999 123-45-67 доб. 5",
		"999-99-99, 89997778899, 12, 89991234567" };

	(void)state;
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		const char *rest = typed[i];
		struct phone phone;

		assert_true(phone_next(&rest, &phone));
		assert_string_equal(phone_tail(&phone), "9997778899");
		assert_true(phone_next(&rest, &phone));
		assert_string_equal(phone_tail(&phone), "9991234567");
		assert_false(phone_next(&rest, &phone));
		assert_string_equal(phone_tail(&phone), "9991234567");
	}
}

/* What could be cut in several ways is not cut. */
static void
unclear_blanks(void **state)
{
	static const char *const none[] = { "8999777889989991234567", "375291112233 375291112244",
		"8 999 777-88-99-8 999 123-45-67" };
	char out[PHONE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(phone_normalize(none[i], out));
	/* Not too many digits for one number. */
	assert_true(phone_normalize("223-45-67 323-45-67", out));
	assert_string_equal(out, "+22345673234567");
}

static void
placeholders(void **state)
{
	static const char *const nobody[] = { "0000000", "1234567", "7654321", "1234567890",
		"9876543210", "+7 999 999-99-99", "8 (000) 000-00-00", "+7 123 456-78-90",
		"77777777777", "12345678901", "+71111111111", "1111111111" };
	char out[PHONE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++)
		assert_false(phone_normalize(nobody[i], out));
	assert_true(phone_normalize("1234568", out));
	assert_true(phone_normalize("+7 999 999-99-98", out));
	assert_true(phone_normalize("+7 800 000-00-00", out));
}

static void
tail(void **state)
{
	static const struct {
		const char *typed, *tail;
	} cases[] = { { "1234567891", "1234567891" }, { "+7 (999) 000-00-01", "9990000001" },
		{ "2234567", "2234567" }, { "8999000000 1 and so on", "9990000001" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *rest = cases[i].typed;
		struct phone phone;

		assert_true(phone_next(&rest, &phone));
		assert_string_equal(phone_tail(&phone), cases[i].tail);
	}
}

static bool
same(const char *a, const char *b)
{
	struct phone one, other;

	return phone_next(&a, &one) && phone_next(&b, &other) && phone_same(&one, &other);
}

static void
agreement(void **state)
{
	(void)state;
	assert_true(same("89990000001", "+7 999 000-00-01"));
	assert_true(same("9990000001", "79990000001"));
	assert_true(same("2234567", "223-45-67"));
	assert_false(same("89990000001", "89990000002"));
	assert_false(same("0000001", "89990000001"));
	assert_false(same("123456", "123456"));
	assert_false(same("", ""));
	assert_false(same("", "89990000001"));
	assert_false(same("89990000001", ""));
}

static void
countries(void **state)
{
	(void)state;
	assert_false(same("+7 999 123 45 67", "+1 999 123 4567"));
	assert_false(same("8 999 123 45 67", "001 999 123 4567"));
	assert_true(same("8 999 123 45 67", "007 999 123-45-67"));
	/* One that does not tell its country may be of any. */
	assert_true(same("999 123 45 67", "+1 999 123 4567"));
	assert_true(same("375 29 123 45 67", "+375 29 123 45 67"));
	assert_true(same("1 999 123 4567", "+7 999 123 45 67"));
	/* We write a + before ten digits, too, and 8 may be typed behind +7. */
	assert_true(same("+9991234567", "+7 999 123 45 67"));
	assert_true(same("+7 8 999 123 45 67", "+7 999 123 45 67"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_form),
		cmocka_unit_test(extensions),
		cmocka_unit_test(several),
		cmocka_unit_test(unclear_blanks),
		cmocka_unit_test(placeholders),
		cmocka_unit_test(tail),
		cmocka_unit_test(agreement),
		cmocka_unit_test(countries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
