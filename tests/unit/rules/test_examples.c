#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/rules.h"

/*
 * The examples that are shipped, and what they are to do.  Each file in lib/rules/examples is one; the file of the same name
 * in tests/rules/examples has payments and what must come of them under the settings there:
 *
 *	"order"    keys of course_order, and "courses", each [name, project, type], in place of what an ordinary order has
 *	"cost"     of each course
 *	"expect"   some of what describe() tells, or stages that are "ignored" or "heeded"
 */
#define EXAMPLES "lib/rules/examples"
#define EXPECTED "tests/rules/examples"

/* When tasks are made. */
#define NOW 1000000

static json_t *
load_json(const char *directory, const char *name)
{
	json_error_t error;
	char *path;
	json_t *json;

	assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
	if ((json = json_load_file(path, JSON_REJECT_DUPLICATES, &error)) == NULL)
		fail_msg("%s: %s", path, error.text);
	free(path);
	return json;
}

static json_t *
items_of(const json_t *one)
{
	json_t *items = json_array(), *courses = json_object_get(one, "courses"), *course,
	       *cost = json_object_get(one, "cost"), *usual = json_pack("[[s, s]]", "Курс", "ЕГЭ");
	size_t i;

	json_array_foreach(courses != NULL ? courses : usual, i, course)
		json_array_append_new(items,
		    json_pack("{s:i, s:{s:O, s:{s:s, s:O}, s:O*}}", "cost",
			cost != NULL ? (int)json_integer_value(cost) : 5000, "course", "name",
			json_array_get(course, 0), "subject", "name", "Русский", "project",
			json_array_get(course, 1), "type", json_array_get(course, 2)));
	json_decref(usual);
	return items;
}

static struct payment *
payment_of(const json_t *one)
{
	json_t *order = json_pack("{s:s, s:s, s:{}, s:o}", "status", "CONFIRMED", "payment_id",
		   "pay_1", "user", "course_order_items", items_of(one)),
	       *root = json_pack("{s:o}", "course_order", order), *errors = NULL;
	struct payment *paid = NULL;
	char *body;

	json_object_update(order, json_object_get(one, "order"));
	json_object_set_new(json_object_get(order, "user"), "first_name", json_string("Анна"));
	body = json_dumps(root, 0);
	if (payment_parse(body, strlen(body), &paid, &errors) != DONE)
		fail_msg("%s: %s", body, json_dumps(errors, 0));
	free(body);
	json_decref(root);
	return paid;
}

/* As an operator would be told. */
static json_t *
ruling(const char *part, struct ruling by)
{
	if (by.name == NULL)
		return json_sprintf("%s[%d]", part, by.rule);
	return json_sprintf("%s[%d] (%s)", part, by.rule, by.name);
}

static json_t *
describe(const struct rules *mapping, const struct payment *paid)
{
	struct stage stage = rules_stage(mapping, paid);
	json_t *unmapped = json_array(), *told;
	struct task task;

	told = json_pack("{s:o, s:I, s:o, s:[I, I], s:o, s:s?, s:o, s:I}", "subjects",
	    rules_subjects(mapping, paid, unmapped), "direction",
	    (json_int_t)rules_direction(mapping, paid).enum_id, "direction_by",
	    ruling("directions", rules_direction(mapping, paid).by), "stage",
	    (json_int_t)stage.pipeline_id, (json_int_t)stage.status_id, "stage_by",
	    ruling("pipelines", stage.by), "excluded", rules_exclusion(mapping, paid), "fields",
	    rules_extra_fields(mapping, paid), "lead_id", (json_int_t)rules_lead_id(mapping, paid));
	json_decref(unmapped);
	if (!rules_task(mapping, paid, NOW, &task)) {
		json_object_set_new(told, "task", json_null());
		return told;
	}
	json_object_set_new(told, "task_by", ruling("tasks", task.by));
	json_object_set_new(told, "task",
	    json_pack("{s:s, s:I, s:I}", "text", task.text, "type", (json_int_t)task.type, "due",
		(json_int_t)task.due));
	free(task.text);
	return told;
}

static void
compare_stages(const struct rules *mapping, const json_t *expect, const char *key, bool ignored)
{
	const json_t *stage;
	size_t i;

	json_array_foreach(json_object_get(expect, key), i, stage)
		assert_int_equal(rules_stage_excluded(mapping, json_integer_value(stage)), ignored);
}

static void
compare(const char *name, size_t number, const struct rules *mapping, const json_t *one)
{
	struct payment *paid = payment_of(one);
	json_t *told = describe(mapping, paid), *expect = json_object_get(one, "expect"), *value;
	const char *key;

	assert_true(json_object_size(expect) > 0);
	compare_stages(mapping, expect, "ignored", true);
	compare_stages(mapping, expect, "heeded", false);
	json_object_foreach(expect, key, value)
		if (strcmp(key, "ignored") != 0 && strcmp(key, "heeded") != 0 &&
		    !json_equal(json_object_get(told, key), value))
			fail_msg("%s, payment %zu: %s is %s", name, number, key,
			    json_dumps(json_object_get(told, key), JSON_ENCODE_ANY));
	json_decref(told);
	payment_free(paid);
}

static void
run_example(void **state)
{
	const char *name = *state;
	json_t *warnings = json_array(), *errors = NULL, *payments = load_json(EXPECTED, name),
	       *one;
	struct settings *settings = NULL;
	struct rules *mapping = NULL;
	struct fault why;
	char *path;
	size_t i;

	assert_true(asprintf(&path, "%s/%s", EXAMPLES, name) > 0);
	setenv("PAYMENT_MAPPING", path, 1);
	if (settings_load(SETTINGS_NEED_ALL, &settings, warnings) != DONE)
		fail_msg("%s", json_dumps(warnings, 0));
	if (rules_load(settings, &mapping, &errors, &why) != DONE)
		fail_msg("%s: %s", name, why.text);
	/* Every name in it is among the settings. */
	assert_int_equal(json_array_size(rules_warnings(mapping)), 0);
	assert_true(json_array_size(payments) > 0);
	json_array_foreach(payments, i, one)
		compare(name, i, mapping, one);
	json_decref(payments);
	json_decref(warnings);
	rules_free(mapping);
	settings_free(settings);
	free(path);
}

static int
begin(void **state)
{
	(void)state;
	clearenv();
	return setenv("PAYMENT_SYNC_CONFIG", EXPECTED "/settings.env", 1);
}

static int
is_example(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
main(void)
{
	struct dirent **entries;
	int count = scandir(EXAMPLES, &entries, is_example, alphasort), failed;
	struct CMUnitTest *tests;

	if (count <= 0) {
		fprintf(
		    stderr, "%s: no examples; run this from the top of the sources\n", EXAMPLES);
		return 1;
	}
	tests = calloc((size_t)count, sizeof(tests[0]));
	for (int i = 0; i < count; i++) {
		tests[i].name = entries[i]->d_name;
		tests[i].test_func = run_example;
		tests[i].initial_state = entries[i]->d_name;
	}
	failed = _cmocka_run_group_tests("examples", tests, (size_t)count, begin, NULL);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	free(tests);
	return failed;
}
