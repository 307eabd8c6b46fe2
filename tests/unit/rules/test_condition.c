#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/condition.h"
#include "rules_fixture.c"

static struct payment *paid;

/* Whether a condition holds for the payment; item: for its item of that number, -1 for the order. */
static bool
holds_for(const char *text, int item)
{
	struct rule_reader file = rulefile_new();
	struct condition_subject subject = { .root = paid->root, .amount = paid->amount };
	json_t *json = rules_json(text);
	struct condition *condition = condition_read(&file, json, "when");
	bool held;

	if (condition == NULL)
		fail_msg("%s: %s", text, rules_message(file.errors));
	/* Conditions must not live on the document they were read from. */
	json_decref(json);
	rulefile_clear(&file);
	if (item >= 0)
		subject.item = paid->items[item].json;
	held = condition_holds(condition, &subject);
	condition_free(condition);
	return held;
}

#define STATUS  "'path':'course_order.status'"
#define NAMES   "'path':'course_order.course_order_items[].course.subject.name'"
#define NOTHING "'path':'course_order.nothing'"

static void
conditions_that_hold(void **state)
{
	static const char *const good[] = {
		"{" STATUS ",'equals':'confirmed'}",
		"{" STATUS ",'equals':['x','CONFIRMED']}",
		"{" STATUS ",'not_equals':'x'}",
		"{" STATUS ",'contains':'Firm'}",
		"{" STATUS ",'begins_with':['x','con']}",
		"{" STATUS ",'ends_with':'ED'}",
		"{" STATUS ",'exists':true}",
		"{'comment':'x'," STATUS ",'exists':true}",
		"{'$comment':'x'," STATUS ",'exists':true}",
		"{" NOTHING ",'exists':false}",
		"{" NOTHING ",'not_equals':'x'}",
		"{'path':'course_order.note','exists':false}",
		"{'path':'course_order.user','exists':true}",
		"{'path':'course_order.gift','equals':true}",
		"{'path':'course_order.user.is_parent','equals':'false'}",
		"{'path':'course_order.level','equals':11}",
		"{'path':'course_order.level','equals':'11'}",
		"{'path':'course_order.share','equals':0.5}",
		"{'path':'course_order.domain','equals':['pl.EXAMPLE.com']}",
		"{'path':'course_order.user.email','ends_with':'@test.example.com'}",
		"{'path':'course_order.utm.source','contains':'${LIST}'}",
		"{'path':'course_order.utm.source','begins_with':['zzz','${LIST}']}",
		"{" NAMES ",'equals':'ФИЗИКА'}",
		"{" NAMES ",'equals':' русский '}",
		"{" NAMES ",'every':true,'equals':['русский','физика']}",
		"{" NAMES ",'not_equals':'Химия'}",
		"{'path':'course_order.course_order_items[].package_id','exists':true}",
		"{'amount':{'equals':150.5}}",
		"{'amount':{'below':151}}",
		"{'amount':{'$comment':'a week','above':150}}",
		"{'all':[{" STATUS ",'exists':true},{'amount':{'above':0}}]}",
		"{'any':[{" STATUS ",'exists':false},{'amount':{'above':0}}]}",
		"{'not':{" STATUS ",'equals':'x'}}",
		"{'not':{'all':[{'any':[{'amount':{'equals':0}}]}]},'comment':1,'$comment':2}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!holds_for(good[i], -1))
			fail_msg("does not hold: %s", good[i]);
}

static void
conditions_that_do_not_hold(void **state)
{
	static const char *const bad[] = {
		"{" STATUS ",'equals':'CONFIRM'}",
		"{" STATUS ",'not_equals':['x','Confirmed']}",
		"{" STATUS ",'contains':'x'}",
		"{" STATUS ",'begins_with':'onfirmed'}",
		"{" STATUS ",'ends_with':'xCONFIRMED'}",
		"{" STATUS ",'exists':false}",
		"{" NOTHING ",'equals':''}",
		"{" NOTHING ",'exists':true}",
		"{'path':'nothing.at.all','exists':true}",
		"{'path':'nothing[].at.all[]','exists':true}",
		"{'path':'course_order.status.deeper','exists':true}",
		"{'path':'course_order.user','equals':''}",
		"{'path':'course_order.nothing[]','every':true,'exists':true}",
		"{'path':'course_order.course_order_items[].package_id','every':true,'exists':"
		"true}",
		"{" NAMES ",'every':true,'equals':'русский'}",
		"{" NAMES ",'not_equals':'Физика'}",
		"{'path':'course_order.course_order_items.course.name','exists':true}",
		/* Against a setting that is not set nothing holds, or an exclusion would take all. */
		"{" STATUS ",'equals':'${UNSET}'}",
		"{" STATUS ",'not_equals':'${UNSET}'}",
		"{" STATUS ",'contains':'${UNSET}'}",
		"{'amount':{'equals':0}}",
		"{'amount':{'below':150.5}}",
		"{'amount':{'above':150.5}}",
		"{'all':[{" STATUS ",'exists':true},{'amount':{'above':1000}}]}",
		"{'any':[{" STATUS ",'exists':false},{'amount':{'above':1000}}]}",
		"{'not':{" STATUS ",'equals':'CONFIRMED'}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (holds_for(bad[i], -1))
			fail_msg("holds: %s", bad[i]);
}

/* Paths begin at the item, but for those that begin with course_order. */
static void
conditions_of_items(void **state)
{
	(void)state;
	assert_true(holds_for("{'path':'course.name','contains':'годовой'}", 0));
	assert_false(holds_for("{'path':'course.name','contains':'годовой'}", 1));
	assert_false(holds_for("{'path':'course.name','contains':'годовой'}", -1));
	assert_true(holds_for("{" NAMES ",'equals':'физика'}", 0));
	assert_true(holds_for("{'path':'course_order.user.class','begins_with':'11'}", 1));
	assert_false(holds_for("{'path':'course_orders.user.class','exists':true}", 1));
}

static void
no_condition_holds_always(void **state)
{
	struct condition_subject subject = { .root = paid->root };

	(void)state;
	assert_true(condition_holds(NULL, &subject));
	condition_free(NULL);
}

/* The path, below "when", and the message of the one mistake in a condition. */
static void
errors(void **state)
{
#define NO_CONDITION                                                                               \
	"This must be a condition: an object with path and a test, or with all, any, not or "      \
	"amount alone."
#define ONE_TEST                                                                                   \
	"Beside path this needs exactly one of exists, equals, not_equals, contains, begins_with " \
	"and "                                                                                     \
	"ends_with."
#define NO_PATH "This must be keys joined by points, [] behind the key of an array."
#define NO_WORD "This must be a string, a number, true or false, or an array of them."
	static const char *const cases[][3] = {
		{ "1", "", NO_CONDITION },
		{ "[]", "", NO_CONDITION },
		{ "{}", "", NO_CONDITION },
		{ "{'$comment':1}", "", NO_CONDITION },
		{ "{'equals':1}", "", NO_CONDITION },
		{ "{'all':[1],'any':[1]}", "", NO_CONDITION },
		{ "{'path':'a'}", "", ONE_TEST },
		{ "{'path':'a','equals':1,'contains':'b'}", "", ONE_TEST },
		{ "{'path':'','equals':1}", ".path", "This must be a string that is not empty." },
		{ "{'path':1,'equals':1}", ".path", "This must be a string that is not empty." },
		{ "{'path':'a.','equals':1}", ".path", NO_PATH },
		{ "{'path':'a[0]','equals':1}", ".path", NO_PATH },
		{ "{'path':'[]','equals':1}", ".path", NO_PATH },
		{ "{'path':'a b','equals':1}", ".path", NO_PATH },
		{ "{'path':'a','equals':null}", ".equals", NO_WORD },
		{ "{'path':'a','equals':[1,{}]}", ".equals[1]", NO_WORD },
		{ "{'path':'a','contains':''}", ".contains",
		    "An empty text would fit everything." },
		{ "{'path':'a','contains':'  '}", ".contains",
		    "An empty text would fit everything." },
		{ "{'path':'a','begins_with':['a','']}", ".begins_with",
		    "An empty text would fit everything." },
		{ "{'path':'a','exists':1}", ".exists", "This must be true or false." },
		{ "{'path':'a','equals':1,'every':1}", ".every", "This must be true or false." },
		{ "{'path':'a','equals':1,'any':[]}", ".any",
		    "This key is unknown; known here: path, exists, equals, not_equals, contains, "
		    "begins_with, "
		    "ends_with, every." },
		{ "{'path':'a','equals':'a${B}'}", ".equals",
		    "A setting must stand alone, as in \"${NAME}\"." },
		{ "{'all':[]}", ".all", "This must be an array of conditions that is not empty." },
		{ "{'any':{}}", ".any", "This must be an array of conditions that is not empty." },
		{ "{'all':[{'path':'a','exists':true},{}]}", ".all[1]", NO_CONDITION },
		{ "{'not':1}", ".not", NO_CONDITION },
		{ "{'not':{'any':[{'not':{}}]}}", ".not.any[0].not", NO_CONDITION },
		{ "{'amount':0}", ".amount", "This must be an object." },
		{ "{'amount':{}}", ".amount",
		    "This needs exactly one of equals, below and above." },
		{ "{'amount':{'equals':'0'}}", ".amount", "This must be an amount in roubles." },
		{ "{'amount':{'equals':0,'below':1}}", ".amount",
		    "This needs exactly one of equals, below and above." },
		{ "{'amount':{'equals':0.001}}", ".amount", "This must be an amount in roubles." },
		{ "{'amount':{'equals':0,'equal':1}}", ".amount.equal",
		    "This key is unknown; known here: equals, below, above." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_reader file = rulefile_new();
		json_t *json = rules_json(cases[i][0]);
		char path[100];

		condition_free(condition_read(&file, json, "when"));
		snprintf(path, sizeof(path), "(when%s)", cases[i][1]);
		if (strcmp(rules_paths(file.errors), path) != 0)
			fail_msg("%s: %s", cases[i][0], rules_paths(file.errors));
		assert_string_equal(rules_message(file.errors), cases[i][2]);
		json_decref(json);
		rulefile_clear(&file);
	}
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_that_hold),
		cmocka_unit_test(conditions_that_do_not_hold),
		cmocka_unit_test(conditions_of_items),
		cmocka_unit_test(no_condition_holds_always),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
