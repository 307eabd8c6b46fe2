#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/rule_set.h"
#include "rules_fixture.c"

/*
 * tests/rules/errors.json has files of rules and all that is wrong with each, in order: [path, message].
 */
#define MISTAKES "tests/rules/mistakes.json"

static struct rules *
read_rules(struct rule_reader *file, const char *text)
{
	json_t *json = rules_json(text);
	struct rules *mapping = rule_set_read(file, json);

	json_decref(json);
	return mapping;
}

static void
errors(void **state)
{
	json_t *cases = json_load_file(MISTAKES, JSON_REJECT_DUPLICATES, NULL), *one, *wanted;
	size_t i, j;

	(void)state;
	assert_true(json_array_size(cases) > 20);
	json_array_foreach(cases, i, one) {
		struct rule_reader file = rulefile_new();
		json_t *expected = json_array();

		rule_set_free(rule_set_read(&file, json_object_get(one, "rules")));
		json_array_foreach(json_object_get(one, "mistakes"), j, wanted)
			json_array_append_new(expected,
			    json_pack("{s:O, s:O}", "path", json_array_get(wanted, 0), "message",
				json_array_get(wanted, 1)));
		if (!json_equal(file.errors, expected))
			fail_msg("%s: %s", json_dumps(json_object_get(one, "rules"), 0),
			    json_dumps(file.errors, 0));
		json_decref(expected);
		rulefile_clear(&file);
	}
	json_decref(cases);
}

/* However wrong it is, what is told has an end. */
static void
mistakes_are_bounded(void **state)
{
	struct rule_reader file = rulefile_new();
	json_t *stages = json_array(),
	       *root = json_pack("{s:i, s:O}", "version", 1, "excluded_stages", stages);

	(void)state;
	for (int i = 0; i < RULE_READER_ERRORS_MAX + 50; i++)
		json_array_append_new(stages, json_null());
	rule_set_free(rule_set_read(&file, root));
	assert_int_equal(json_array_size(file.errors), RULE_READER_ERRORS_MAX);
	json_decref(stages);
	json_decref(root);
	rulefile_clear(&file);
}

/* A rule whose id is not set does not exist; the others keep their places in the file. */
static void
rules_without_ids_do_not_exist(void **state)
{
	struct rule_reader file = rulefile_new();
	struct rules *mapping = read_rules(&file,
	    "{'version':1,'subjects':{'a':'${UNSET}','б':'${FIVE}'},"
	    "'directions':[{'when':{'amount':{'above':0}},'enum':'${UNSET}'},"
	    "{'name':'x','when':{'amount':{'above':0}},'enum':6}],"
	    "'pipelines':[{'when':{'amount':{'above':0}},'pipeline':'${UNSET}','name':'y'},{'"
	    "pipeline':7}],"
	    "'excluded_stages':['${UNSET}',1],"
	    "'fields':[{'field':'${UNSET}','path':'course_order.a','type':'text'}],"
	    "'tasks':[{'text':'x','type':'${UNSET}'}]}");

	(void)state;
	assert_int_equal(json_array_size(file.errors), 0);
	assert_int_equal(json_object_size(mapping->subjects), 1);
	assert_int_equal(json_integer_value(json_object_get(mapping->subjects, "б")), 5);
	assert_int_equal(mapping->direction_count, 1);
	assert_int_equal(mapping->directions[0].rule.place, 1);
	assert_string_equal(mapping->directions[0].rule.name, "x");
	assert_int_equal(mapping->pipeline_count, 1);
	assert_int_equal(mapping->pipelines[0].rule.place, 1);
	assert_null(mapping->pipelines[0].rule.name);
	assert_null(mapping->pipelines[0].rule.when);
	assert_int_equal(json_array_size(mapping->excluded_stages), 1);
	assert_int_equal(mapping->extra_count, 0);
	/* A task without a type of its own is an ordinary one. */
	assert_int_equal(mapping->task_count, 1);
	assert_int_equal(mapping->tasks[0].type, 1);
	assert_int_equal(mapping->tasks[0].due_s, 86400);
	/* Every slip is remarked. */
	assert_string_equal(rules_paths(mapping->warnings),
	    "(subjects.a)(directions[0].enum)(pipelines[0].pipeline)(fields[0].field)(tasks[0]."
	    "type)"
	    "(excluded_stages[0])");
	rule_set_free(mapping);
	rulefile_clear(&file);
}

static void
empty_file(void **state)
{
	struct rule_reader file = rulefile_new();
	struct rules *mapping =
	    read_rules(&file, "{'$schema':'x','version':1,'direction_priority':'courses'}");

	(void)state;
	assert_int_equal(json_array_size(file.errors), 0);
	assert_int_equal(
	    mapping->direction_count + mapping->pipeline_count + mapping->exclusion_count, 0);
	assert_int_equal(mapping->extra_count + mapping->task_count, 0);
	assert_false(mapping->rules_first);
	assert_null(mapping->lead_id_path);
	rule_set_free(mapping);
	rule_set_free(NULL);
	rulefile_clear(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors),
		cmocka_unit_test(mistakes_are_bounded),
		cmocka_unit_test(rules_without_ids_do_not_exist),
		cmocka_unit_test(empty_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
