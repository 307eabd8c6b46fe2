#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules_fixture.c"

static void
keys(void **state)
{
	static const char *const known[] = { "when", "enum", NULL };
	static const struct {
		const char *json, *paths;
		bool object;
	} cases[] = {
		{ "{}", "", true },
		{ "{'when':1,'enum':2,'comment':3,'$comment':4}", "", true },
		{ "{'whem':1,'enum':2,'enums':3}", "(a[0].whem)(a[0].enums)", true },
		{ "[]", "(a[0])", false },
		{ "null", "(a[0])", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_reader file = rulefile_new();
		json_t *json = rules_json(cases[i].json);

		assert_int_equal(rule_reader_keys(&file, json, "a[0]", known), cases[i].object);
		assert_string_equal(rules_paths(file.errors), cases[i].paths);
		json_decref(json);
		rulefile_clear(&file);
	}
}

static void
unknown_key_names_the_known_ones(void **state)
{
	static const char *const known[] = { "when", "enum", NULL };
	struct rule_reader file = rulefile_new();
	json_t *json = rules_json("{'whem':1}");

	(void)state;
	rule_reader_keys(&file, json, "", known);
	assert_string_equal(
	    rules_message(file.errors), "This key is unknown; known here: when, enum.");
	json_decref(json);
	rulefile_clear(&file);
}

/* Many keys, and long ones, are cut, not overrun. */
static void
known_keys_are_bounded(void **state)
{
	static const char word[] =
	    "a_key_of_a_hundred_characters_a_key_of_a_hundred_characters_a_key_of_a_"
	    "hundred_characters_12345678";
	static const char *const known[] = { word, word, word, word, NULL };
	struct rule_reader file = rulefile_new();
	json_t *json = rules_json("{'x':1}");

	(void)state;
	rule_reader_keys(&file, json, "", known);
	assert_true(strlen(rules_message(file.errors)) < 400);
	json_decref(json);
	rulefile_clear(&file);
}

static void
typed_look_ups(void **state)
{
	struct rule_reader file = rulefile_new();
	json_t *json =
	    rules_json("{'list':[1],'text':'x','empty':'','number':1,'path':'a[].b','bad':'a..b'}");

	(void)state;
	assert_int_equal(json_array_size(rule_reader_array(&file, json, "r", "list")), 1);
	assert_null(rule_reader_array(&file, json, "r", "absent"));
	assert_string_equal(rule_reader_text(&file, json, "r", "text"), "x");
	assert_string_equal(rule_reader_path(&file, json, "r", "path"), "a[].b");
	assert_int_equal(json_array_size(file.errors), 0);

	assert_null(rule_reader_array(&file, json, "r", "text"));
	assert_null(rule_reader_text(&file, json, "r", "empty"));
	assert_null(rule_reader_text(&file, json, "r", "number"));
	assert_null(rule_reader_text(&file, json, "", "absent"));
	assert_null(rule_reader_path(&file, json, "r", "bad"));
	assert_null(rule_reader_path(&file, json, "r", "absent"));
	assert_string_equal(
	    rules_paths(file.errors), "(r.text)(r.empty)(r.number)(absent)(r.bad)(r.absent)");
	json_decref(json);
	rulefile_clear(&file);
}

static void
ids(void **state)
{
	static const struct {
		const char *json;
		int64_t id;
		const char *mistake; /* NULL: none. */
	} cases[] = {
		{ "7", 7, NULL },
		{ "9007199254740993", INT64_C(9007199254740993), NULL },
		{ "'${FIVE}'", 5, NULL },
		{ "'${UNSET}'", 0, NULL },
		{ "0", 0, "This must be a positive integer or \"${NAME}\"." },
		{ "-1", 0, "This must be a positive integer or \"${NAME}\"." },
		{ "1.5", 0, "This must be a positive integer or \"${NAME}\"." },
		{ "'7'", 0, "This must be a positive integer or \"${NAME}\"." },
		{ "null", 0, "This must be a positive integer or \"${NAME}\"." },
		{ "'${TEXT}'", 0, "The setting TEXT must be a positive integer." },
		{ "'x${FIVE}'", 0, "A setting must stand alone, as in \"${NAME}\"." },
		{ "'${FIVE}${SIX}'", 0, "A setting must stand alone, as in \"${NAME}\"." },
		{ "'${FIVE'", 0, "A setting must stand alone, as in \"${NAME}\"." },
		{ "'${}'", 0, "A setting must stand alone, as in \"${NAME}\"." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_reader file = rulefile_new();
		json_t *json = rules_json(cases[i].json);

		assert_int_equal(rule_reader_id(&file, json, "enum"), cases[i].id);
		if (cases[i].mistake == NULL)
			assert_int_equal(json_array_size(file.errors), 0);
		else
			assert_string_equal(rules_message(file.errors), cases[i].mistake);
		json_decref(json);
		rulefile_clear(&file);
	}
}

static void
words(void **state)
{
	static const struct {
		const char *json, *words, *paths;
	} cases[] = {
		{ "' Годовой КУРС '", "['годовой курс']", "" },
		{ "11", "['11']", "" },
		{ "[0.5,true,'']", "['0.5','true','']", "" },
		{ "'${LIST}'", "['advcake','партнёр','x']", "" },
		{ "['z','${LIST}','${UNSET}']", "['z','advcake','партнёр','x']", "" },
		{ "'${UNSET}'", "[]", "" },
		{ "null", "[]", "(when)" },
		{ "[1,{},'a${B}']", "['1']", "(when[1])(when[2])" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_reader file = rulefile_new();
		json_t *json = rules_json(cases[i].json), *wanted = rules_json(cases[i].words),
		       *found = rule_reader_words(&file, json, "when");

		assert_true(json_equal(found, wanted));
		assert_string_equal(rules_paths(file.errors), cases[i].paths);
		json_decref(json);
		json_decref(wanted);
		json_decref(found);
		rulefile_clear(&file);
	}
}

/* An id that is not set is everyday business; a name nobody has ever heard of is a slip. */
static void
misspelt_settings_are_remarked(void **state)
{
	static const struct {
		const char *json;
		bool remarked;
	} cases[] = {
		{ "'${FIVE}'", false }, { "'${AMO_LEAD_FIELD_UTM_TERM}'", false }, /* A setting. */
		{ "'${AMO_SUBJECT_PHYSICS}'", false }, /* In the built-in rules. */
		{ "'${AMO_SUBJECT_PHYSIC}'", true },
		{ "'${AMO_ACCESS_TOKEN}'", true }, /* Secrets are nothing for rules. */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_reader file = rulefile_new();
		json_t *json = rules_json(cases[i].json);

		rule_reader_id(&file, json, "subjects.x");
		assert_int_equal(json_array_size(file.errors), 0);
		assert_string_equal(
		    rules_paths(file.warnings), cases[i].remarked ? "(subjects.x)" : "");
		json_decref(json);
		rulefile_clear(&file);
	}
}

/* A path that begins at what webhooks are not known to have would silently never lead anywhere. */
static void
paths_that_lead_nowhere_are_remarked(void **state)
{
	static const struct {
		const char *path;
		bool of_items, remarked;
	} cases[] = {
		{ "course_order.utm.source", false, false },
		{ "course_order", false, false },
		{ "utm.source", false, true },
		{ "course_orders.utm", false, true },
		{ "course.name", false, true },
		{ "course.name", true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_reader file = rulefile_new();
		json_t *json = json_pack("{s:s}", "path", cases[i].path);

		file.of_items = cases[i].of_items;
		assert_string_equal(rule_reader_path(&file, json, "when", "path"), cases[i].path);
		assert_int_equal(json_array_size(file.errors), 0);
		assert_string_equal(
		    rules_paths(file.warnings), cases[i].remarked ? "(when.path)" : "");
		json_decref(json);
		rulefile_clear(&file);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(unknown_key_names_the_known_ones),
		cmocka_unit_test(known_keys_are_bounded),
		cmocka_unit_test(typed_look_ups),
		cmocka_unit_test(ids),
		cmocka_unit_test(words),
		cmocka_unit_test(misspelt_settings_are_remarked),
		cmocka_unit_test(paths_that_lead_nowhere_are_remarked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
