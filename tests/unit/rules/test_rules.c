#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "payment/note.h"
#include "rules/rules.h"
#include "rules_fixture.c"

/*
 * What rules make of a payment.  The built-in ones are tested by tests/cases, the examples by test_examples; conditions,
 * further fields and errors have tests of their own.
 */
static struct payment *paid;

/* Settings that come with these rules, NULL for the built-in ones, and a name for their file. */
static struct settings *
settings_with(const char *rules)
{
	struct settings *settings = rules_settings();

	if (rules != NULL) {
		settings->payment_mapping = strdup("my.json");
		settings->rules = rules_text(rules);
		settings->rules_size = strlen(settings->rules);
	}
	return settings;
}

static struct rules *
load(const char *rules)
{
	struct settings *settings = settings_with(rules);
	struct rules *mapping = NULL;
	json_t *errors = NULL;
	struct fault why;

	if (rules_load(settings, &mapping, &errors, &why) != DONE)
		fail_msg("%s: %s", why.text, json_dumps(errors, 0));
	settings_free(settings);
	return mapping;
}

static void
exclusions(void **state)
{
	struct rules *mapping =
	    load("{'version':1,'exclude':["
		 "{'when':{'amount':{'equals':0}},'reason':'free'},"
		 "{'when':{'path':'course_order.domain','contains':'example'},'reason':'a test'},"
		 "{'when':{'amount':{'above':0}},'reason':'paid'}]}");

	(void)state;
	assert_string_equal(rules_exclusion(mapping, paid), "a test");
	rules_free(mapping);
	mapping = load("{'version':1}");
	assert_null(rules_exclusion(mapping, paid));
	rules_free(mapping);
}

static void
subjects(void **state)
{
	struct rules *mapping =
	    load("{'version':1,'subjects':{' русский':'${FIVE}','ФИЗИКА':6,'Химия':'${UNSET}'}}");
	json_t *unmapped = json_array(), *ids = rules_subjects(mapping, paid, unmapped),
	       *expected = json_pack("[i,i]", 5, 6);

	(void)state;
	assert_true(json_equal(ids, expected));
	assert_int_equal(json_array_size(unmapped), 0);
	json_decref(ids);
	json_decref(expected);
	rules_free(mapping);

	mapping = load("{'version':1,'subjects':{'Русский':'${UNSET}','Физика и химия':6}}");
	ids = rules_subjects(mapping, paid, unmapped);
	assert_int_equal(json_array_size(ids), 0);
	json_decref(ids);
	/* Each name once, however often it is asked. */
	ids = rules_subjects(mapping, paid, unmapped);
	json_decref(ids);
	assert_int_equal(json_array_size(unmapped), 2);
	assert_string_equal(json_string_value(json_array_get(unmapped, 0)), "Русский");
	assert_string_equal(json_string_value(json_array_get(unmapped, 1)), "физика");
	json_decref(unmapped);
	rules_free(mapping);
}

#define IS_EGE  "'when':{'path':'course.subject.project','equals':'ЕГЭ'}"
#define IS_OGE  "'when':{'path':'course.subject.project','equals':'ОГЭ'}"
#define IS_YEAR "'when':{'path':'course.name','contains':'годовой'}"
#define IS_CAMP "'when':{'path':'course.name','contains':'интенсив'}"

/* The first course is a year of ЕГЭ, the second a camp of ОГЭ. */
static void
directions(void **state)
{
	static const struct {
		const char *rules;
		int64_t courses_first, rules_first;
		int courses_rule, rules_rule;
	} cases[] = {
		{ "", 0, 0, -1, -1 },
		{ "{" IS_YEAR ",'enum':1},{" IS_EGE ",'enum':2}", 1, 1, 0, 0 },
		{ "{" IS_OGE ",'enum':1},{" IS_EGE ",'enum':2}", 2, 1, 1, 0 },
		{ "{" IS_CAMP ",'enum':1},{" IS_EGE ",'enum':2},{" IS_OGE ",'enum':3}", 2, 1, 1,
		    0 },
		{ "{" IS_CAMP ",'enum':3}", 3, 3, 0, 0 },
		/* By the pupil's class, which is the same for all courses. */
		{ "{'when':{'path':'course_order.user.class','begins_with':'11'},'enum':4}", 4, 4,
		    0, 0 },
		/* A rule without an id does not exist, but keeps its place. */
		{ "{" IS_EGE ",'enum':'${UNSET}'},{" IS_EGE ",'enum':'${SIX}'}", 6, 6, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int rules_first = 0; rules_first < 2; rules_first++) {
			struct rules *mapping;
			char *text;

			assert_true(
			    asprintf(&text, "{'version':1,'directions':[%s]%s}", cases[i].rules,
				rules_first ? ",'direction_priority':'rules'" : "") > 0);
			mapping = load(text);
			assert_int_equal(rules_direction(mapping, paid).enum_id,
			    rules_first ? cases[i].rules_first : cases[i].courses_first);
			assert_int_equal(rules_direction(mapping, paid).by.rule,
			    rules_first ? cases[i].rules_rule : cases[i].courses_rule);
			rules_free(mapping);
			free(text);
		}
	}
}

static void
pipelines(void **state)
{
	static const struct {
		const char *rules;
		int64_t pipeline, status;
		int rule;
		const char *name;
	} cases[] = {
		{ "{'name':'11','when':{'path':'course_order.user.class','equals':'11 "
		  "а'},'pipeline':1,'status':2},"
		  "{'pipeline':3,'status':4}",
		    1, 2, 0, "11" },
		/* The status of a rule that does not exist is not left to the next. */
		{ "{'name':'x','when':{'amount':{'above':1}},'pipeline':'${UNSET}','status':2},"
		  "{'pipeline':'${FIVE}'}",
		    5, 0, 1, NULL },
		{ "{'pipeline':'${FIVE}','status':'${UNSET}','name':'Все'}", 5, 0, 0, "Все" },
		{ "{'when':{'amount':{'equals':1}},'pipeline':1,'status':2}", 0, 0, -1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		struct rules *mapping;
		struct stage stage;

		assert_true(asprintf(&text, "{'version':1,'pipelines':[%s]}", cases[i].rules) > 0);
		mapping = load(text);
		stage = rules_stage(mapping, paid);
		assert_int_equal(stage.pipeline_id, cases[i].pipeline);
		assert_int_equal(stage.status_id, cases[i].status);
		assert_int_equal(stage.by.rule, cases[i].rule);
		if (cases[i].name == NULL)
			assert_null(stage.by.name);
		else
			assert_string_equal(stage.by.name, cases[i].name);
		rules_free(mapping);
		free(text);
	}
}

static void
excluded_stages(void **state)
{
	struct rules *mapping = load("{'version':1,'excluded_stages':[77,'${FIVE}','${UNSET}']}");

	(void)state;
	assert_true(rules_stage_excluded(mapping, 77));
	assert_true(rules_stage_excluded(mapping, 5));
	assert_true(rules_stage_excluded(mapping, 142));
	assert_true(rules_stage_excluded(mapping, 143));
	assert_false(rules_stage_excluded(mapping, 6));
	assert_false(rules_stage_excluded(mapping, 0));
	rules_free(mapping);
}

static void
extra_fields(void **state)
{
	struct rules *mapping =
	    load("{'version':1,'fields':[{'field':1,'path':'course_order.domain','type':'text'},"
		 "{'field':2,'path':'course_order.level','type':'number'},{'field':1,'value':'x','"
		 "type':'"
		 "text'}]}");
	json_t *fields = rules_extra_fields(mapping, paid),
	       *wanted = rules_json("[{'field_id':1,'values':[{'value':'PL.example.com'}]},"
				    "{'field_id':2,'values':[{'value':'11'}]}]");

	(void)state;
	assert_true(json_equal(fields, wanted));
	json_decref(fields);
	json_decref(wanted);
	rules_free(mapping);
}

/* The webhook may name the lead; whatever is no id names none. */
static void
lead_ids(void **state)
{
	static const struct {
		const char *path;
		int64_t id;
	} cases[] = {
		{ "course_order.amo_payment_id", 10000007 },
		{ "course_order.level", 11 },
		{ "course_order.nothing", 0 },
		{ "course_order.note", 0 },
		{ "course_order.user", 0 },
		{ "course_order.share", 0 },
		{ "course_order.user.class", 0 },
		{ "course_order.domain", 0 },
		{ "course_order.course_order_items[].package_id", 7 },
	};
	struct rules *mapping = load("{'version':1}");

	(void)state;
	assert_int_equal(rules_lead_id(mapping, paid), 0);
	rules_free(mapping);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text;

		assert_true(
		    asprintf(&text, "{'version':1,'lead_id':{'path':'%s'}}", cases[i].path) > 0);
		mapping = load(text);
		assert_int_equal(rules_lead_id(mapping, paid), cases[i].id);
		rules_free(mapping);
		free(text);
	}
}

static void
impossible_lead_ids(void **state)
{
	static const char *const values[] = { "0", "-5", "'-5'", "'99999999999999999999'", "'0x10'",
		"''", "true" };
	struct rules *mapping =
	    load("{'version':1,'lead_id':{'path':'course_order.amo_payment_id'}}");

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct payment *other = rules_payment();

		json_object_set_new(other->order, "amo_payment_id", rules_json(values[i]));
		assert_int_equal(rules_lead_id(mapping, other), 0);
		payment_free(other);
	}
	rules_free(mapping);
}

static void
tasks(void **state)
{
	struct rules *mapping =
	    load("{'version':1,'tasks':["
		 "{'when':{'amount':{'above':1000}},'text':'Большая оплата'},"
		 "{'name':'Доплата','when':{'amount':{'above':100}},'text':'Доплата {amount}',"
		 "'type':'${SIX}','due_hours':2},"
		 "{'text':'Оплата'}]}");
	struct task task = { .text = NULL };

	(void)state;
	assert_true(rules_task(mapping, paid, 1000000, &task));
	assert_string_equal(task.text, "Доплата 150.50 RUB\nPayment ID: pay_1");
	assert_true(note_is_for(task.text, paid));
	assert_int_equal(task.type, 6);
	assert_int_equal(task.due, 1007200);
	assert_int_equal(task.by.rule, 1);
	assert_string_equal(task.by.name, "Доплата");
	free(task.text);
	rules_free(mapping);

	mapping = load("{'version':1,'tasks':[{'text':'Оплата'}]}");
	assert_true(rules_task(mapping, paid, 0, &task));
	assert_int_equal(task.type, 1);
	assert_int_equal(task.due, 86400);
	assert_null(task.by.name);
	free(task.text);
	rules_free(mapping);

	mapping =
	    load("{'version':1,'tasks':[{'when':{'amount':{'above':1000}},'text':'Оплата'}]}");
	assert_false(rules_task(mapping, paid, 0, &task));
	rules_free(mapping);
	mapping = load("{'version':1}");
	assert_false(rules_task(mapping, paid, 0, &task));
	rules_free(mapping);
}

/* A part that a file leaves to the built-in rules is theirs, a part that it has is its own; nothing is left by default. */
static void
extending_the_builtin_rules(void **state)
{
	struct rules *alone = load("{'version':1,'pipelines':[{'pipeline':1}]}"),
		     *extends =
			 load("{'version':1,'extends':'builtin','pipelines':[{'pipeline':1}]}");
	struct payment *unpaid = rules_payment();

	(void)state;
	unpaid->amount = 0;
	assert_null(rules_exclusion(alone, unpaid));
	assert_string_equal(rules_exclusion(extends, unpaid), "the total is zero");
	assert_int_equal(rules_stage(extends, paid).pipeline_id, 1);
	payment_free(unpaid);
	rules_free(alone);
	rules_free(extends);
}

static void
assert_refused(const char *rules, const char *why_text)
{
	struct settings *settings = settings_with(rules);
	struct rules *mapping = NULL;
	json_t *errors = NULL;
	struct fault why;

	assert_int_equal(rules_load(settings, &mapping, &errors, &why), NEVER);
	assert_null(mapping);
	assert_true(json_array_size(errors) > 0);
	assert_string_equal(why.text, why_text);
	json_decref(errors);
	settings_free(settings);
}

/* The fault has the file, the path and the reason of the first mistake. */
static void
refused_files(void **state)
{
	(void)state;
	assert_refused(
	    "", "my.json: This is not JSON: '[' or '{' expected near end of file (line 1).");
	assert_refused("{'version':1,\n 'fields':[}",
	    "my.json: This is not JSON: unexpected token near '}' (line 2).");
	assert_refused("{'version':1,\n 'version':1}",
	    "my.json: This is not JSON: duplicate object key near '\"version\"' (line 2).");
	assert_refused("[]", "my.json: This must be an object.");
	assert_refused("{'extends':'builtin'}", "my.json: version: This must be 1.");
	assert_refused(
	    "{'version':1,'fields':[1,{}]}", "my.json: fields[0]: This must be an object.");
}

static void
warnings(void **state)
{
	struct rules *mapping =
	    load("{'version':1,'subjects':{'Химия':'${AMO_SUBJET_CHEMISTRY}'},"
		 "'directions':[{" IS_YEAR ",'enum':1}],"
		 "'pipelines':[{'when':{'path':'utm.source','equals':'x'},'pipeline':1}]}");
	const json_t *found = rules_warnings(mapping);

	(void)state;
	assert_string_equal(rules_paths(found), "(subjects.Химия)(pipelines[0].when.path)");
	assert_string_equal(json_string_value(json_object_get(json_array_get(found, 0), "message")),
	    "AMO_SUBJET_CHEMISTRY is not set, and no setting is called so: is it misspelt?");
	assert_string_equal(json_string_value(json_object_get(json_array_get(found, 1), "message")),
	    "This does not begin with course_order: will it lead anywhere?");
	rules_free(mapping);
}

/* The built-in rules are valid and beyond warning whatever is set. */
static void
builtin_rules(void **state)
{
	struct rules *mapping = load(NULL);

	(void)state;
	assert_int_equal(json_array_size(rules_warnings(mapping)), 0);
	rules_free(mapping);
	rules_free(NULL);
}

static int
begin(void **state)
{
	(void)state;
	paid = rules_payment();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	payment_free(paid);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest group[] = {
		cmocka_unit_test(exclusions),
		cmocka_unit_test(subjects),
		cmocka_unit_test(directions),
		cmocka_unit_test(pipelines),
		cmocka_unit_test(excluded_stages),
		cmocka_unit_test(extra_fields),
		cmocka_unit_test(lead_ids),
		cmocka_unit_test(impossible_lead_ids),
		cmocka_unit_test(tasks),
		cmocka_unit_test(extending_the_builtin_rules),
		cmocka_unit_test(refused_files),
		cmocka_unit_test(warnings),
		cmocka_unit_test(builtin_rules),
	};

	return cmocka_run_group_tests(group, begin, end);
}
