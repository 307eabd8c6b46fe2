#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json_path.h"

static void
valid_paths(void **state)
{
	static const char *const good[] = { "a", "course_order.utm.source",
		"course_order.course_order_items[].cost" };
	static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "[]", "a[0]" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(json_path_valid(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(json_path_valid(bad[i]));
}

/* Notes what was asked about, and says true at the one that is wanted. */
struct asked {
	int places, nothings;
	json_int_t wanted;
};

static bool
ask(const json_t *value, void *arg)
{
	struct asked *asked = arg;

	asked->places++;
	asked->nothings += value == NULL;
	return value != NULL && json_integer_value(value) == asked->wanted;
}

static bool
look(const char *json, const char *path, json_int_t wanted, struct asked *asked)
{
	json_t *root = json_loads(json, 0, NULL);
	bool found;

	*asked = (struct asked){ .wanted = wanted };
	found = json_path_any(root, path, ask, asked);
	json_decref(root);
	return found;
}

static void
places_are_asked_about(void **state)
{
	static const char json[] =
	    "{\"a\": {\"b\": [{\"c\": 1}, {\"c\": 2}, {}, {\"c\": null}]}, \"none\": []}";
	struct asked asked;

	(void)state;
	assert_true(look(json, "a.b[].c", 2, &asked));
	assert_int_equal(asked.places, 2); /* No further than needed. */
	assert_false(look(json, "a.b[].c", 7, &asked));
	assert_int_equal(asked.places, 4);
	assert_int_equal(asked.nothings, 2);
	assert_false(look(json, "none[].c", 1, &asked));
	assert_int_equal(asked.places, 0);
	assert_false(look(json, "absent.c", 1, &asked));
	assert_int_equal(asked.nothings, 1);
}

static void
plain_values_become_texts(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = { { "[true]", "true" }, { "[false]", "false" }, { "[12]", "12" },
		{ "[0.5]", "0.5" }, { "[123.0]", "123" }, { "[-0.0]", "0" },
		{ "[79990000001.0]", "79990000001" }, { "[1e3]", "1000" }, { "[0.1]", "0.1" },
		{ "[1234567890.123456]", "1234567890.123456" }, { "[1e300]", "1e+300" },
		{ "[\" abc \"]", "abc" } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *array = json_loads(cases[i].json, 0, NULL);
		char *text = json_path_text(json_array_get(array, 0));

		assert_string_equal(text, cases[i].text);
		free(text);
		json_decref(array);
	}
	assert_null(json_path_text(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_paths),
		cmocka_unit_test(places_are_asked_about),
		cmocka_unit_test(plain_values_become_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
