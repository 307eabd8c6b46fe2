#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/extra_field.h"
#include "rules_fixture.c"

static struct payment *paid;

/* Read the rule and let it write. */
static void
write_field(const char *text, json_t *fields)
{
	struct rule_reader file = rulefile_new();
	struct condition_subject subject = { .root = paid->root, .amount = paid->amount };
	json_t *json = rules_json(text);
	struct extra_field *extra = extra_field_read(&file, json, "fields[0]");

	if (json_array_size(file.errors) > 0)
		fail_msg("%s: %s", text, rules_message(file.errors));
	/* Rules must not live on the document they were read from. */
	json_decref(json);
	rulefile_clear(&file);
	if (extra != NULL)
		extra_field_write(extra, &subject, fields);
	extra_field_free(extra);
}

#define ITEMS "'path':'course_order.course_order_items[]."

/* What a rule writes: the values of field 1; NULL for nothing. */
static void
values(void **state)
{
	static const struct {
		const char *rule, *values;
	} cases[] = {
		/* A role out of a boolean. */
		{ "'path':'course_order.user.is_parent','type':'enum','map':{'true':10,'False':11}",
		    "[{'enum_id':11}]" },
		{ "'path':'course_order.user.is_parent','type':'text','map':{'$comment':'who','"
		  "true':'"
		  "Родитель',"
		  "'false':'Ученик'}",
		    "[{'value':'Ученик'}]" },
		{ "'path':'course_order.gift','type':'checkbox'", "[{'value':true}]" },
		{ "'path':'course_order.user.is_parent','type':'checkbox'", "[{'value':false}]" },
		{ "'path':'course_order.level','type':'checkbox'", NULL },
		{ "'path':'course_order.domain','type':'text'", "[{'value':'PL.example.com'}]" },
		{ ITEMS "course.name','type':'text'",
		    "[{'value':'Годовой курс ЕГЭ, Летний интенсив'}]" },
		{ ITEMS "course.subject.project','type':'enum','map':{' егэ "
			"':'${FIVE}','огэ':'${SIX}'}",
		    "[{'enum_id':5},{'enum_id':6}]" },
		{ ITEMS "course.subject.project','type':'enum','map':{'ЕГЭ':5,'ОГЭ':5}",
		    "[{'enum_id':5}]" },
		{ ITEMS "course.subject.project','type':'enum','map':{'ЕГЭ':'${UNSET}'}", NULL },
		{ ITEMS "number_lessons','type':'number'", "[{'value':'10'}]" },
		{ "'path':'course_order.share','type':'number'", "[{'value':'0.5'}]" },
		{ "'path':'course_order.user.class','type':'number'", NULL },
		{ "'path':'course_order.created_at','type':'date'", "[{'value':1737373760}]" },
		{ "'path':'course_order.level','type':'date'", "[{'value':11}]" },
		{ "'path':'course_order.domain','type':'date'", NULL },
		{ "'path':'course_order.nothing','type':'text'", NULL },
		{ "'path':'course_order.note','type':'text'", NULL },
		{ "'path':'course_order.user','type':'text'", NULL },
		{ "'path':'course_order.domain','type':'text','when':{'amount':{'equals':0}}",
		    NULL },
		{ "'path':'course_order.domain','type':'text','when':{'amount':{'above':0}}",
		    "[{'value':'PL.example.com'}]" },
		/* What the rule itself says. */
		{ "'value':' Сайт ','type':'text'", "[{'value':'Сайт'}]" },
		{ "'value':12.5,'type':'number'", "[{'value':'12.5'}]" },
		{ "'value':'12.50','type':'number'", "[{'value':'12.50'}]" },
		{ "'value':true,'type':'checkbox'", "[{'value':true}]" },
		{ "'value':'2025-01-20 14:49:20','type':'date'", "[{'value':1737373760}]" },
		{ "'value':'${SIX}','type':'enum'", "[{'enum_id':6}]" },
		{ "'value':'${UNSET}','type':'enum'", NULL },
		{ "'value':7,'type':'enum','when':{" ITEMS "course.name','contains':'интенсив'}",
		    "[{'enum_id':7}]" },
		{ "'value':7,'type':'enum','when':{" ITEMS "course.name','contains':'марафон'}",
		    NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *fields = json_array(), *wanted = json_array();
		char *rule;

		assert_true(asprintf(&rule, "{'field':1,%s}", cases[i].rule) > 0);
		if (cases[i].values != NULL)
			json_array_append_new(wanted,
			    json_pack("{s:i, s:o}", "field_id", 1, "values",
				rules_json(cases[i].values)));
		write_field(rule, fields);
		if (!json_equal(fields, wanted))
			fail_msg("%s gives %s", rule, json_dumps(fields, JSON_ENCODE_ANY));
		json_decref(fields);
		json_decref(wanted);
		free(rule);
	}
}

/* Of several rules for one field the first that finds something writes it. */
static void
first_value_stays(void **state)
{
	json_t *fields = json_array(), *wanted;

	(void)state;
	write_field("{'field':'${UNSET}','path':'course_order.domain','type':'text'}", fields);
	write_field("{'field':1,'path':'course_order.nothing','type':'text'}", fields);
	write_field("{'field':1,'path':'course_order.level','type':'text'}", fields);
	write_field("{'field':1,'value':'otherwise','type':'text'}", fields);
	write_field("{'field':2,'path':'course_order.level','type':'number'}", fields);
	wanted = rules_json(
	    "[{'field_id':1,'values':[{'value':'11'}]},{'field_id':2,'values':[{'value':'11'}]}]");
	assert_true(json_equal(fields, wanted));
	json_decref(wanted);
	json_decref(fields);
}

/* The paths, below the rule, and the first message. */
static void
errors(void **state)
{
	static const char *const cases[][3] = {
		{ "1", "(r)", "This must be an object." },
		{ "{}", "(r.field)(r.type)(r.path)",
		    "This must be a positive integer or \"${NAME}\"." },
		{ "{'field':1,'path':'a','type':'string'}", "(r.type)",
		    "This must be text, number, checkbox, date or enum." },
		{ "{'field':1,'path':'a..b','type':'text','when':{}}", "(r.path)(r.when)",
		    "This must be keys joined by points, [] behind the key of an array." },
		{ "{'field':1,'path':'a','type':'enum'}", "(r.map)", "An enum field needs this." },
		{ "{'field':1,'path':'a','type':'enum','map':1}", "(r.map)",
		    "This must be an object." },
		{ "{'field':1,'path':'a','type':'text','map':{'x':1}}", "(r.map.x)",
		    "This must be a string." },
		{ "{'field':1,'path':'a','type':'enum','map':{'x':'y'}}", "(r.map.x)",
		    "This must be a positive integer or \"${NAME}\"." },
		{ "{'field':1,'path':'a','type':'enum','map':{'Да':1,'да ':2}}", "(r.map.да )",
		    "This value occurs twice." },
		{ "{'field':1,'path':'a','type':'date','map':{}}", "(r.map)",
		    "Only text and enum fields have a map." },
		{ "{'field':1,'path':'a','type':'text','maps':{}}", "(r.maps)",
		    "This key is unknown; known here: field, path, value, type, map, when." },
		{ "{'field':1,'path':'a','value':'b','type':'text'}", "(r)",
		    "This can have path, perhaps with map, or value, not both." },
		{ "{'field':1,'value':'b','type':'text','map':{'b':'c'}}", "(r)",
		    "This can have path, perhaps with map, or value, not both." },
		{ "{'field':1,'value':'x','type':'number'}", "(r.value)",
		    "This cannot be written into a field of type number." },
		{ "{'field':1,'value':{},'type':'text'}", "(r.value)",
		    "This cannot be written into a field of type text." },
		{ "{'field':1,'value':'x','type':'enum'}", "(r.value)",
		    "This must be a positive integer or \"${NAME}\"." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_reader file = rulefile_new();
		json_t *json = rules_json(cases[i][0]), *first;

		assert_null(extra_field_read(&file, json, "r"));
		if (strcmp(rules_paths(file.errors), cases[i][1]) != 0)
			fail_msg("%s: %s", cases[i][0], rules_paths(file.errors));
		first = json_object_get(json_array_get(file.errors, 0), "message");
		assert_string_equal(json_string_value(first), cases[i][2]);
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
		cmocka_unit_test(values),
		cmocka_unit_test(first_value_stays),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
