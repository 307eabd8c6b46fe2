#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/number.h"

static void
whole_texts(void **state)
{
	static const struct {
		const char *text;
		int64_t least, most, number; /* -1: refused. */
	} cases[] = { { "0", 0, 9, 0 }, { "12", 0, 12, 12 }, { "13", 0, 12, -1 },
		{ "4", 5, 12, -1 }, { "5", 5, 12, 5 }, { "007", 0, 12, 7 }, { "", 0, 12, -1 },
		{ "1a", 0, 12, -1 }, { "12abc", 0, 12, -1 }, { "a1", 0, 12, -1 },
		{ " 1", 0, 12, -1 }, { "1 ", 0, 12, -1 }, { "+1", 0, 12, -1 }, { "-1", 0, 12, -1 },
		{ "1.0", 0, 12, -1 }, { "1e1", 0, 12, -1 }, { "0x1", 0, 12, -1 },
		{ "9223372036854775807", 0, INT64_MAX, INT64_MAX },
		{ "9223372036854775808", 0, INT64_MAX, -1 },
		{ "9223372036854775810", 0, INT64_MAX, -1 },
		{ "18446744073709551617", 0, INT64_MAX, -1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t number = -1;
		bool good = number_parse(cases[i].text, cases[i].least, cases[i].most, &number);

		assert_int_equal(number, cases[i].number);
		assert_int_equal(good, cases[i].number >= 0);
	}
}

static void
parts(void **state)
{
	const char *text = "2025-01", *begin = text;
	int64_t number = -1;

	(void)state;
	assert_true(number_read(&text, 2, 0, 99, &number));
	assert_int_equal(number, 20);
	assert_string_equal(text, "25-01");
	assert_true(number_read(&text, 0, 0, 99, &number));
	assert_int_equal(number, 25);
	assert_string_equal(text, "-01");
	assert_false(number_read(&text, 0, 0, 99, &number));
	assert_int_equal(number, 25);
	assert_string_equal(text, "-01");
	text = begin;
	assert_false(number_read(&text, 0, 0, 99, &number));
	assert_ptr_equal(text, begin);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_texts),
		cmocka_unit_test(parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
