#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/validation.h"

static void
paths_are_built(void **state)
{
	char path[VALIDATION_PATH], deeper[VALIDATION_PATH];

	(void)state;
	assert_string_equal(validation_key(path, "", "course_order"), "course_order");
	assert_string_equal(validation_index(deeper, path, 3), "course_order[3]");
	assert_string_equal(validation_key(path, deeper, "cost"), "course_order[3].cost");
}

static void
a_long_path_is_cut(void **state)
{
	char path[VALIDATION_PATH], key[2 * VALIDATION_PATH];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(key) - 1; i++)
		key[i] = 'k';
	key[i] = '\0';
	assert_int_equal(strlen(validation_key(path, "", key)), VALIDATION_PATH - 1);
}

static void
mistakes_are_kept_in_order_up_to_a_limit(void **state)
{
	json_t *errors = json_array(), *first;

	(void)state;
	validation_add(errors, 2, "a", "This must be %s.", "a text");
	validation_add(errors, 2, "b[0]", "Missing.");
	validation_add(errors, 2, "c", "One too many.");
	assert_int_equal(json_array_size(errors), 2);
	first = json_array_get(errors, 0);
	assert_string_equal(json_string_value(json_object_get(first, "path")), "a");
	assert_string_equal(
	    json_string_value(json_object_get(first, "message")), "This must be a text.");
	json_decref(errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_built),
		cmocka_unit_test(a_long_path_is_cut),
		cmocka_unit_test(mistakes_are_kept_in_order_up_to_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
