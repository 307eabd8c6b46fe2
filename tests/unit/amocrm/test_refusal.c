#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amocrm/refusal.h"

static json_t *
parse(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(json);
	return json;
}

/* An answer that complains of these paths, the last being NULL. */
static json_t *
complaining(const char *const paths[])
{
	json_t *errors = json_array();
	size_t i;

	for (i = 0; paths[i] != NULL; i++)
		json_array_append_new(errors,
		    json_pack("{s:s, s:s, s:s}", "code", "NotSupportedChoice", "path", paths[i],
			"detail", "secret value"));
	return json_pack("{s:[{s:s, s:o}], s:i}", "validation-errors", "request_id", "0", "errors",
	    errors, "status", 400);
}

/* Fields with ids 10, 11, 12 (three values) and the code PHONE. */
static json_t *
an_entity(void)
{
	return parse("{\"custom_fields_values\": ["
		     "{\"field_id\": 10, \"values\": [{\"value\": \"a\"}]},"
		     "{\"field_id\": 11, \"values\": [{\"value\": \"b\"}]},"
		     "{\"field_id\": 12, \"values\": [{\"enum_id\": 1}, {\"enum_id\": 2}, "
		     "{\"enum_id\": 3}]},"
		     "{\"field_code\": \"PHONE\", \"values\": [{\"value\": \"c\"}]}]}");
}

/* What is left, as "10 11 12:1,2,3 PHONE". */
static char *
rest_of(const json_t *entity)
{
	json_t *field, *value;
	char *text = NULL;
	size_t size, i, j;
	FILE *out = open_memstream(&text, &size);

	json_array_foreach(json_object_get(entity, "custom_fields_values"), i, field) {
		json_t *values = json_object_get(field, "values");
		const char *code = json_string_value(json_object_get(field, "field_code"));

		fprintf(out, "%s", i > 0 ? " " : "");
		if (code != NULL)
			fprintf(out, "%s", code);
		else
			fprintf(
			    out, "%d", (int)json_integer_value(json_object_get(field, "field_id")));
		json_array_foreach(values, j, value)
			if (json_object_get(value, "enum_id") != NULL)
				fprintf(out, "%c%d", j > 0 ? ',' : ':',
				    (int)json_integer_value(json_object_get(value, "enum_id")));
	}
	fclose(out);
	return text;
}

static void
check_drop(const char *const paths[], bool helps, const char *rest, const char *dropped)
{
	json_t *answer = complaining(paths), *entity = an_entity(), *names = json_array(),
	       *wanted = parse(dropped);
	char *left;

	assert_int_equal(refusal_drop_fields(answer, entity, names), helps);
	if (helps) {
		left = rest_of(entity);
		assert_string_equal(left, rest);
		free(left);
		assert_true(json_equal(names, wanted));
	}
	json_decref(answer);
	json_decref(entity);
	json_decref(names);
	json_decref(wanted);
}

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define FIELD(n)   "custom_fields_values." #n

static void
test_a_field(void **state)
{
	(void)state;
	check_drop(PATHS(FIELD(0) ".field_id"), true, "11 12:1,2,3 PHONE", "[10]");
	check_drop(PATHS(FIELD(1)), true, "10 12:1,2,3 PHONE", "[11]");
	check_drop(PATHS(FIELD(3) ".field_code"), true, "10 11 12:1,2,3", "[\"PHONE\"]");
}

static void
test_a_value(void **state)
{
	(void)state;
	check_drop(PATHS(FIELD(2) ".values.1.enum_id"), true, "10 11 12:1,3 PHONE", "[12]");
	check_drop(PATHS(FIELD(2) ".values.1"), true, "10 11 12:1,3 PHONE", "[12]");
	/* A field whose only value is refused goes whole. */
	check_drop(PATHS(FIELD(0) ".values.0.value"), true, "11 12:1,2,3 PHONE", "[10]");
}

/* Taking one out moves those behind it. */
static void
test_several(void **state)
{
	(void)state;
	check_drop(
	    PATHS(FIELD(0) ".field_id", FIELD(1) ".field_id"), true, "12:1,2,3 PHONE", "[11, 10]");
	check_drop(PATHS(FIELD(3) ".field_id", FIELD(0) ".values.0.value"), true, "11 12:1,2,3",
	    "[\"PHONE\", 10]");
	check_drop(PATHS(FIELD(2) ".values.0.enum_id", FIELD(2) ".values.2.enum_id"), true,
	    "10 11 12:2 PHONE", "[12]");
	check_drop(PATHS(FIELD(2) ".values.0.value", FIELD(2) ".values.1.value",
		       FIELD(2) ".values.2.value"),
	    true, "10 11 PHONE", "[12]");
}

/* The same said twice must not take out a neighbour. */
static void
test_twice(void **state)
{
	(void)state;
	check_drop(
	    PATHS(FIELD(0) ".field_id", FIELD(0) ".field_id"), true, "11 12:1,2,3 PHONE", "[10]");
	check_drop(PATHS(FIELD(0) ".field_id", FIELD(0) ".values.0.value"), true,
	    "11 12:1,2,3 PHONE", "[10]");
	check_drop(PATHS(FIELD(2) ".values.1.value", FIELD(2) ".values.1.enum_id"), true,
	    "10 11 12:1,3 PHONE", "[12]");
}

/* A field of several values that is refused itself, beside some of its values. */
static void
test_field_and_value(void **state)
{
	(void)state;
	check_drop(
	    PATHS(FIELD(2) ".values.1.value", FIELD(2) ".field_id"), true, "10 11 PHONE", "[12]");
}

/* A stage, a pipeline or a user that is gone: amoCRM has a default for them. */
static void
test_members(void **state)
{
	json_t *answer = complaining(PATHS("status_id", FIELD(0) ".field_id")),
	       *names = json_array(), *wanted = parse("[\"status_id\", 10]"), *entity = an_entity();

	(void)state;
	json_object_set_new(entity, "status_id", json_integer(7));
	json_object_set_new(entity, "pipeline_id", json_integer(8));
	assert_true(refusal_drop_fields(answer, entity, names));
	assert_null(json_object_get(entity, "status_id"));
	assert_int_equal(json_integer_value(json_object_get(entity, "pipeline_id")), 8);
	assert_true(json_equal(names, wanted));
	json_decref(answer);
	json_decref(names);
	json_decref(wanted);
	json_decref(entity);
}

/* Anything that dropping fields does not cure: the rest would be refused again. */
static void
test_no_cure(void **state)
{
	(void)state;
	check_drop(PATHS("status_id"), false, "", "[]");
	check_drop(PATHS(FIELD(0) ".field_id", "name"), false, "", "[]");
	check_drop(PATHS("custom_fields_values"), false, "", "[]");
	check_drop(PATHS(FIELD(9) ".field_id"), false, "", "[]");
	check_drop(PATHS("custom_fields_values.-1.field_id"), false, "", "[]");
	check_drop(PATHS("custom_fields_values.x"), false, "", "[]");
	check_drop(PATHS(""), false, "", "[]");
}

static void
test_other_answers(void **state)
{
	static const char *const answers[] = { "null", "{}", "[]", "{\"validation-errors\": []}",
		"{\"validation-errors\": [{\"errors\": []}]}",
		"{\"validation-errors\": [{\"errors\": [{}]}]}",
		"{\"validation-errors\": [{\"errors\": [{\"path\": 1}]}]}",
		"{\"validation-errors\": \"no\"}" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		json_t *answer = parse(answers[i]), *entity = an_entity(), *names = json_array();

		assert_false(refusal_drop_fields(answer, entity, names));
		assert_int_equal(json_array_size(names), 0);
		json_decref(answer);
		json_decref(entity);
		json_decref(names);
	}
}

/* A second round must not name a field again. */
static void
test_named_once(void **state)
{
	json_t *answer = complaining(PATHS(FIELD(2) ".values.0.value")), *entity = an_entity(),
	       *names = parse("[12]");

	(void)state;
	assert_true(refusal_drop_fields(answer, entity, names));
	assert_int_equal(json_array_size(names), 1);
	json_decref(answer);
	json_decref(entity);
	json_decref(names);
}

static void
test_describing(void **state)
{
	json_t *answer = complaining(PATHS(FIELD(0) ".field_id", "name"));
	char text[160];

	(void)state;
	refusal_describe(answer, text, sizeof(text));
	assert_string_equal(text,
	    "NotSupportedChoice at custom_fields_values.0.field_id, NotSupportedChoice at name");
	json_decref(answer);
	refusal_describe(NULL, text, sizeof(text));
	assert_string_equal(text, "");
}

/* Room for a part only: what fits is said, and it ends. */
static void
test_describing_cut(void **state)
{
	json_t *answer = complaining(PATHS("a", "b", "c", "d", "e", "f"));
	char text[40];

	(void)state;
	memset(text, 'x', sizeof(text));
	refusal_describe(answer, text, sizeof(text));
	assert_true(strlen(text) < sizeof(text));
	assert_int_equal(strncmp(text, "NotSupportedChoice at a", 23), 0);
	json_decref(answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_field),
		cmocka_unit_test(test_a_value),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_field_and_value),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_no_cure),
		cmocka_unit_test(test_other_answers),
		cmocka_unit_test(test_named_once),
		cmocka_unit_test(test_describing),
		cmocka_unit_test(test_describing_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
