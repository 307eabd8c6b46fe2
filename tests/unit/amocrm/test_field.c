#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "amocrm/field.h"
#include "base/money.h"

static json_t *
parse(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

/* Whether a JSON value is what this text says; takes the value over. */
static void
assert_json(json_t *json, const char *expected)
{
	json_t *wanted = parse(expected);

	if (!json_equal(json, wanted)) {
		char *text = json_dumps(json, JSON_COMPACT);

		print_error("%s\nis not\n%s\n", text, expected);
		free(text);
		fail();
	}
	json_decref(json);
	json_decref(wanted);
}

static json_t *
entity_with(const char *fields)
{
	json_t *entity = parse("{}");

	json_object_set_new(
	    entity, "custom_fields_values", json_loads(fields, JSON_DECODE_ANY, NULL));
	return entity;
}

static void
test_finding(void **state)
{
	json_t *entity = entity_with(
	    "[{\"field_id\": 1, \"field_code\": null, \"values\": [{\"value\": \"a\"}]},"
	    " {\"field_id\": 2, \"field_code\": \"PHONE\", \"values\": [{\"value\": \"b\"}]}]");
	char room[FIELD_ROOM];

	(void)state;
	assert_string_equal(field_value(field_by_id(entity, 1), 0, room), "a");
	assert_string_equal(field_value(field_by_code(entity, "PHONE"), 0, room), "b");
	assert_ptr_equal(field_by_id(entity, 2), field_by_code(entity, "PHONE"));
	assert_null(field_by_id(entity, 3));
	assert_null(field_by_code(entity, "EMAIL"));
	/* An id that is not configured is no field, even where one has no id. */
	assert_null(field_by_id(entity, 0));
	json_decref(entity);
}

/* Nothing filled may come as null or as an empty list. */
static void
test_nothing_filled(void **state)
{
	static const char *const forms[] = { "null", "[]" };
	json_t *entity;
	int64_t value = 7;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		entity = entity_with(forms[i]);
		assert_null(field_by_id(entity, 1));
		assert_null(field_by_code(entity, "PHONE"));
		assert_true(field_money(entity, 1, &value));
		assert_int_equal(value, 0);
		json_decref(entity);
	}
	assert_null(field_by_id(NULL, 1));
	assert_int_equal(field_enum(NULL, 0), 0);
}

/* What comes in a form that is not understood is not nothing. */
static void
test_unreadable(void **state)
{
	static const char *const fields[] = { "{}", "true", "\"\"", "[5]",
		"[{\"field_id\": \"5\"}]", "[{\"values\": []}]", "[{\"field_id\": 5}]",
		"[{\"field_id\": 5, \"values\": {\"value\": \"1\"}}]",
		"[{\"field_id\": 5, \"values\": [\"1\"]}]", "[{\"field_id\": 5, \"values\": [{}]}]",
		"[{\"field_id\": 5, \"values\": [{\"value\": true}]}]",
		"[{\"field_id\": 5, \"values\": [{\"value\": {\"amount\": 1}}]}]",
		"[{\"field_id\": 5, \"values\": [{\"value\": [1]}]}]",
		"[{\"field_id\": 5, \"values\": [{\"value\": \"1\", \"enum_id\": \"7\"}]}]" };
	json_t *none = parse("{}"), *entity;
	int64_t value = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		entity = entity_with(fields[i]);
		assert_false(field_is_readable(entity, 5));
		assert_false(field_money(entity, 5, &value));
		assert_false(field_integer(entity, 5, &value));
		json_decref(entity);
	}
	/* An entity that does not say what fields it has. */
	assert_false(field_is_readable(none, 5));
	assert_false(field_money(none, 5, &value));
	assert_int_equal(value, 7);
	json_decref(none);

	/* A neighbour's form is of no concern. */
	entity = entity_with("[{\"field_id\": 6, \"values\": [{\"value\": true}]}]");
	assert_true(field_is_readable(entity, 5));
	assert_true(field_money(entity, 5, &value));
	assert_int_equal(value, 0);
	json_decref(entity);
}

static void
test_values(void **state)
{
	json_t *item =
	    parse("{\"values\": [{\"value\": \"text\"}, {\"value\": 14012}, {\"value\": 10.5},"
		  " {\"value\": true}, {\"enum_id\": 77, \"value\": \"x\"}]}");
	char room[FIELD_ROOM];

	(void)state;
	assert_string_equal(field_value(item, 0, room), "text");
	assert_string_equal(field_value(item, 1, room), "14012");
	assert_string_equal(field_value(item, 2, room), "10.50");
	assert_null(field_value(item, 3, room));
	assert_string_equal(field_value(item, 4, room), "x");
	assert_null(field_value(item, 5, room));
	assert_int_equal(field_enum(item, 4), 77);
	assert_int_equal(field_enum(item, 0), 0);
	assert_int_equal(field_enum(item, 5), 0);
	json_decref(item);
}

static void
test_money(void **state)
{
	static const struct {
		const char *value;
		bool good;
		int64_t kopecks;
	} cases[] = {
		{ "\"14012\"", true, 1401200 },
		{ "\"10.5\"", true, 1050 },
		{ "1500", true, 150000 },
		{ "99.99", true, 9999 },
		{ "\"\"", true, 0 },
		{ "null", true, 0 },
		{ "\"-5\"", true, -500 },
		{ "\"abc\"", false, 0 },
		{ "\"1 000\"", false, 0 },
		{ "\"10,5\"", false, 0 },
		{ "\"10.555\"", false, 0 },
		{ "\"99999999999999999\"", false, 0 },
		{ "10.555", false, 0 },
	};
	char fields[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t kopecks = 7;
		json_t *entity;

		snprintf(fields, sizeof(fields),
		    "[{\"field_id\": 5, \"values\": [{\"value\": %s}]}]", cases[i].value);
		entity = entity_with(fields);
		assert_int_equal(field_money(entity, 5, &kopecks), cases[i].good);
		assert_int_equal(kopecks, cases[i].good ? cases[i].kopecks : 7);
		json_decref(entity);
	}
}

static void
test_integer(void **state)
{
	json_t *entity = entity_with("[{\"field_id\": 1, \"values\": [{\"value\": \"3\"}]},"
				     " {\"field_id\": 2, \"values\": [{\"value\": \"3.5\"}]},"
				     " {\"field_id\": 3, \"values\": [{\"value\": 1737373760}]},"
				     " {\"field_id\": 4, \"values\": [{\"value\": \"3.00\"}]}]");
	int64_t value = 7;

	(void)state;
	assert_true(field_integer(entity, 1, &value));
	assert_int_equal(value, 3);
	assert_false(field_integer(entity, 2, &value));
	assert_int_equal(value, 3);
	assert_true(field_integer(entity, 3, &value));
	assert_int_equal(value, 1737373760);
	assert_true(field_integer(entity, 4, &value));
	assert_int_equal(value, 3);
	assert_true(field_integer(entity, 9, &value));
	assert_int_equal(value, 0);
	json_decref(entity);
}

static void
test_adding(void **state)
{
	json_t *fields = json_array(), *enums = parse("[17, 19]");

	(void)state;
	field_add_text(fields, 1, "text");
	field_add_money(fields, 2, 1050);
	field_add_money(fields, 3, 500000);
	field_add_integer(fields, 4, 12);
	field_add_time(fields, 5, 1737373760);
	field_add_enum(fields, 6, 77);
	field_add_enums(fields, 7, enums);
	field_add_code(fields, "UTM_SOURCE", "vk");
	field_add_contact(fields, "PHONE", "+79991234567");
	assert_json(fields,
	    "[{\"field_id\": 1, \"values\": [{\"value\": \"text\"}]},"
	    " {\"field_id\": 2, \"values\": [{\"value\": \"10.50\"}]},"
	    " {\"field_id\": 3, \"values\": [{\"value\": \"5000\"}]},"
	    " {\"field_id\": 4, \"values\": [{\"value\": \"12\"}]},"
	    " {\"field_id\": 5, \"values\": [{\"value\": 1737373760}]},"
	    " {\"field_id\": 6, \"values\": [{\"enum_id\": 77}]},"
	    " {\"field_id\": 7, \"values\": [{\"enum_id\": 17}, {\"enum_id\": 19}]},"
	    " {\"field_code\": \"UTM_SOURCE\", \"values\": [{\"value\": \"vk\"}]},"
	    " {\"field_code\": \"PHONE\", \"values\": [{\"value\": \"+79991234567\", "
	    "\"enum_code\": "
	    "\"WORK\"}]}]");
	json_decref(enums);
}

/* What is not configured or not known is not written: an empty value could clear what stands there. */
static void
test_adding_nothing(void **state)
{
	json_t *fields = json_array(), *none = json_array(), *one = parse("[1]");

	(void)state;
	field_add_text(fields, 0, "text");
	field_add_text(fields, 1, "");
	field_add_money(fields, 0, 100);
	field_add_integer(fields, 0, 1);
	field_add_time(fields, 0, 1);
	field_add_enum(fields, 0, 1);
	field_add_enum(fields, 1, 0);
	field_add_enums(fields, 0, one);
	field_add_enums(fields, 1, none);
	field_add_code(fields, "UTM_SOURCE", "");
	field_add_contact(fields, "PHONE", "");
	assert_json(fields, "[]");
	json_decref(none);
	json_decref(one);
}

static void
test_cutting(void **state)
{
	char longer[2 * 300 + 1];
	json_t *fields = json_array(), *cut;
	size_t i;

	(void)state;
	assert_json(json_pack("[o]", field_cut("Оплата", 3)), "[\"Опл\"]");
	assert_json(json_pack("[o]", field_cut("Оплата", 6)), "[\"Оплата\"]");
	assert_json(json_pack("[o]", field_cut("Оплата", 99)), "[\"Оплата\"]");
	assert_json(
	    json_pack("[o]", field_cut("a\xf0\x9f\x98\x80z", 2)), "[\"a\xf0\x9f\x98\x80\"]");
	assert_json(json_pack("[o]", field_cut("", 5)), "[\"\"]");
	assert_json(json_pack("[o]", field_cut("x", 0)), "[\"\"]");

	/* amoCRM counts characters, not bytes. */
	for (i = 0; i < 300; i++)
		memcpy(longer + 2 * i, "ж", 2);
	longer[600] = '\0';
	field_add_text(fields, 1, longer);
	cut = json_object_get(
	    json_array_get(json_object_get(json_array_get(fields, 0), "values"), 0), "value");
	assert_int_equal(json_string_length(cut), 2 * FIELD_TEXT_MAX);
	json_decref(fields);
}

/* What is written can be read again. */
static void
test_round_trip(void **state)
{
	static const int64_t amounts[] = { 0, 1, 99, 100, 1050, 500000, MONEY_MAX };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		json_t *fields = json_array(), *entity;
		int64_t kopecks = -1;

		field_add_money(fields, 5, amounts[i]);
		entity = json_pack("{s:o}", "custom_fields_values", fields);
		assert_true(field_money(entity, 5, &kopecks));
		assert_int_equal(kopecks, amounts[i]);
		json_decref(entity);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finding),
		cmocka_unit_test(test_nothing_filled),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_money),
		cmocka_unit_test(test_integer),
		cmocka_unit_test(test_adding),
		cmocka_unit_test(test_adding_nothing),
		cmocka_unit_test(test_cutting),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
