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
		{ "+49 30 0000001", "+49300000001" }, { "1234567", "+1234567" },
		{ "123456789012345", "+123456789012345" },
		{ "тел. 8-999-000-00-01", "+79990000001" }, { "810990000001", "+810990000001" } };
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
tail(void **state)
{
	static const struct {
		const char *typed, *tail;
	} cases[] = { { "", "" }, { "none", "" }, { "12", "12" }, { "1234567890", "1234567890" },
		{ "+7 (999) 000-00-01", "9990000001" }, { "8999000000 1 and so on", "9990000001" },
		{ "1234567890123456789012345", "6789012345" } };
	char out[PHONE_TAIL + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		phone_tail(cases[i].typed, out);
		assert_string_equal(out, cases[i].tail);
	}
}

static void
agreement(void **state)
{
	(void)state;
	assert_true(phone_same("89990000001", "+7 999 000-00-01"));
	assert_true(phone_same("9990000001", "79990000001"));
	assert_true(phone_same("1234567", "123-45-67"));
	assert_false(phone_same("89990000001", "89990000002"));
	assert_false(phone_same("0000001", "89990000001"));
	assert_false(phone_same("123456", "123456"));
	assert_false(phone_same("", ""));
	assert_false(phone_same("", "89990000001"));
	assert_false(phone_same("89990000001", ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_form),
		cmocka_unit_test(tail),
		cmocka_unit_test(agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
