#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/value.h"

static struct source source;

static int
set_up(void **state)
{
	(void)state;
	source = (struct source){ .warnings = json_array() };
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	json_decref(source.warnings);
	return 0;
}

static size_t
warnings(void)
{
	return json_array_size(source.warnings);
}

static void
flags(void **state)
{
	static const char *const yes[] = { "True", "true", "1", "yes", "YES", "on" };
	static const char *const no[] = { "False", "0", "no", "Off" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(value_flag(&source, "NAME", yes[i]));
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(value_flag(&source, "NAME", no[i]));
	assert_int_equal(warnings(), 0);
	assert_false(value_flag(&source, "NAME", "maybe"));
	assert_int_equal(warnings(), 1);
	assert_non_null(strstr(json_string_value(json_array_get(source.warnings, 0)), "NAME"));
}

static void
numbers(void **state)
{
	static const char *const bad[] = { "0", "11", "-1", "+5", "5 ", "0x5", "5.0", "five",
		"99999999999999999999" };
	size_t i;

	(void)state;
	assert_int_equal(value_number(&source, "NAME", "1", 1, 10), 1);
	assert_int_equal(value_number(&source, "NAME", "10", 1, 10), 10);
	assert_int_equal(
	    value_number(&source, "NAME", "9007199254740991", 1, VALUE_ID_MAX), VALUE_ID_MAX);
	assert_int_equal(warnings(), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(value_number(&source, "NAME", bad[i], 1, 10), 0);
		assert_int_equal(warnings(), i + 1);
	}
}

static void
choices(void **state)
{
	static const struct choice modes[] = { { "inline", 1 }, { "queue", 2 }, { NULL, 0 } };

	(void)state;
	assert_int_equal(value_choice(&source, "NAME", "Queue", modes, "inline or queue"), 2);
	assert_int_equal(warnings(), 0);
	assert_int_equal(value_choice(&source, "NAME", "later", modes, "inline or queue"), 0);
	assert_int_equal(warnings(), 1);
	assert_non_null(
	    strstr(json_string_value(json_array_get(source.warnings, 0)), "inline or queue"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(choices, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
