#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "payment/json_reader.h"

#define MOST 5

static struct json_reader reader;
static json_t *root;

static int
set_up(void **state)
{
	(void)state;
	reader = (struct json_reader){ json_array(), MOST };
	root = NULL;
	return clock_set_zone("UTC") ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	json_decref(reader.errors);
	json_decref(root);
	return 0;
}

/* Read a document that is right, and look things up under the path "at". */
static struct json_place
in(const char *text)
{
	json_decref(root);
	root = json_reader_document(&reader, text, strlen(text), 16);
	assert_non_null(root);
	return (struct json_place){ root, "at" };
}

/* The next mistake that was noted is this one, and it is forgotten. */
static void
assert_noted(const char *path, const char *message)
{
	json_t *mistake = json_array_get(reader.errors, 0);

	assert_non_null(mistake);
	assert_string_equal(json_string_value(json_object_get(mistake, "path")), path);
	assert_string_equal(json_string_value(json_object_get(mistake, "message")), message);
	json_array_remove(reader.errors, 0);
}

static void
assert_nothing_noted(void)
{
	assert_int_equal(json_array_size(reader.errors), 0);
}

static void
documents(void **state)
{
	static const char *const good[] = { "{}", "[]",
		" {\"a\": [1, 2.5, null, true, \"\\u0416\"]}\n", "{\"a\":\"[[[[\\\"{{{{\"}", "[[]]",
		"[{},{},[]]" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		json_t *read = json_reader_document(&reader, good[i], strlen(good[i]), 2);

		assert_non_null(read);
		json_decref(read);
	}
	assert_nothing_noted();
}

/* The message tells what and where, and never repeats the document. */
static void
no_documents(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = { { "", "This is not JSON (line 1," },
		{ "{\"private\":", "This is not JSON (line 1," },
		{ "\n private", "This is not JSON (line 2," },
		{ "{} {}", "This is not JSON (line 1," },
		{ "{'private': 1}", "This is not JSON (line 1," },
		{ "{\"private\": 1, \"private\": 2}", "An object has the same key twice (line 1," },
		{ "[\"\xff\"]", "This is not UTF-8 (line 1," },
		{ "[\"\\u0000\"]", "A text holds a NUL character (line 1," },
		{ "[1e999]", "A number is too large (line 1," },
		{ "[9223372036854775808]", "A number is too large (line 1," },
		{ "[[[]]]", "The nesting is deeper than 2." },
		{ "[[[", "The nesting is deeper than 2." } };

	const char *message;
	json_t *mistake;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(json_reader_document(&reader, bad[i].text, strlen(bad[i].text), 2));
		mistake = json_array_get(reader.errors, 0);
		assert_string_equal(json_string_value(json_object_get(mistake, "path")), "");
		message = json_string_value(json_object_get(mistake, "message"));
		assert_int_equal(strncmp(message, bad[i].message, strlen(bad[i].message)), 0);
		assert_null(strstr(message, "private"));
		json_array_clear(reader.errors);
	}
	assert_null(json_reader_document(&reader, "7", 1, 2));
	assert_int_equal(json_array_size(reader.errors), 1);
}

static void
texts(void **state)
{
	struct json_place here =
	    in("{\"a\":\" \\t b c \\u00a0\\n\", \"empty\":\"\", \"blank\":\"  \", "
	       "\"null\":null}");
	const char *text = json_reader_text(&reader, &here, "a", JSON_FILLED);

	(void)state;
	assert_string_equal(text, "b c");
	assert_ptr_equal(
	    text, json_string_value(json_object_get(root, "a"))); /* It lives in the tree. */
	assert_string_equal(json_reader_text(&reader, &here, "absent", JSON_OPTIONAL), "");
	assert_string_equal(json_reader_text(&reader, &here, "null", JSON_OPTIONAL), "");
	assert_string_equal(json_reader_text(&reader, &here, "empty", JSON_REQUIRED), "");
	assert_string_equal(json_reader_text(&reader, &here, "blank", JSON_REQUIRED), "");
	assert_nothing_noted();

	assert_string_equal(json_reader_text(&reader, &here, "absent", JSON_REQUIRED), "");
	assert_noted("at.absent", "This is required.");
	assert_string_equal(json_reader_text(&reader, &here, "null", JSON_FILLED), "");
	assert_noted("at.null", "This is required.");
	assert_string_equal(json_reader_text(&reader, &here, "empty", JSON_FILLED), "");
	assert_noted("at.empty", "This must not be empty.");
	assert_string_equal(json_reader_text(&reader, &here, "blank", JSON_FILLED), "");
	assert_noted("at.blank", "This must not be empty.");
	assert_string_equal(json_reader_text(&reader, &here, "null", JSON_NOT_EMPTY), "");
	assert_nothing_noted();
	assert_string_equal(json_reader_text(&reader, &here, "blank", JSON_NOT_EMPTY), "");
	assert_noted("at.blank", "This must not be empty.");
	assert_nothing_noted();
}

/* A number or a boolean in a text's place is the text it shows. */
static void
texts_as_numbers(void **state)
{
	static const struct {
		const char *json, *text;
	} shown[] = { { "7", "7" }, { "-9223372036854775808", "-9223372036854775808" },
		{ "123.0", "123" }, { "-0.0", "0" }, { "79990000001.0", "79990000001" },
		{ "1e3", "1000" }, { "1.5", "1.5" }, { "0.1", "0.1" }, { "-0.30", "-0.3" },
		{ "12345.678901", "12345.678901" }, { "1e-7", "1e-07" }, { "1e300", "1e+300" },
		{ "true", "true" }, { "false", "false" }, { "null", "" } };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		struct json_place here;
		const char *read;

		snprintf(text, sizeof(text), "{\"a\":%s}", shown[i].json);
		here = in(text);
		read = json_reader_text(&reader, &here, "a", JSON_OPTIONAL);
		assert_string_equal(read, shown[i].text);
		if (*read != '\0') /* It lives in the tree, where rules read it. */
			assert_ptr_equal(read, json_string_value(json_object_get(root, "a")));
	}
	assert_nothing_noted();
}

static void
no_texts(void **state)
{
	struct json_place here = in("{\"object\":{}, \"array\":[1], \"n\":7}");

	(void)state;
	assert_string_equal(json_reader_text(&reader, &here, "object", JSON_OPTIONAL), "");
	assert_noted("at.object", "This must be a text or a number.");
	assert_string_equal(json_reader_text(&reader, &here, "array", JSON_OPTIONAL), "");
	assert_noted("at.array", "This must be a text or a number.");
	assert_string_equal(json_reader_text(&reader, &here, "n", JSON_FILLED), "");
	assert_noted("at.n", "This must be a string.");
	assert_nothing_noted();
}

static void
times(void **state)
{
	struct json_place here = in(
	    "{\"t\":\" 2025-01-20 14:49:20 \", \"o\":\"2025-01-20T14:49:20+03:00\","
	    " \"empty\":\" \", \"bad\":\"2025-02-30 00:00:00\", \"n\":1737384560123, \"zero\":0}");

	(void)state;
	assert_int_equal(json_reader_time(&reader, &here, "t"), 1737384560);
	assert_int_equal(json_reader_time(&reader, &here, "o"), 1737384560 - 3 * 3600);
	assert_int_equal(json_reader_time(&reader, &here, "empty"), 0);
	assert_int_equal(json_reader_time(&reader, &here, "absent"), 0);
	assert_int_equal(json_reader_time(&reader, &here, "n"), 1737384560);
	assert_int_equal(json_reader_time(&reader, &here, "zero"), 0);
	assert_nothing_noted();
	assert_int_equal(json_reader_time(&reader, &here, "bad"), 0);
	assert_noted("at.bad", "This must be a time like 2025-01-20 14:49:20.");
}

static void
amounts(void **state)
{
	static const struct {
		const char *json;
		int64_t kopecks;
	} good[] = { { "5000", 500000 }, { "0", 0 }, { "19.99", 1999 }, { "1e2", 10000 },
		{ "\" 12.50 \"", 1250 }, { "\"7\"", 700 }, { "\"1,5\"", 150 },
		{ "\"5\u00A0000,00 ₽\"", 500000 }, { "1000000000000", INT64_C(100000000000000) } };
	static const struct {
		const char *json, *message;
	} bad[] = { { "null", "This is required." },
		{ "[]", "This must be a number or a decimal string." },
		{ "true", "This must be a number or a decimal string." },
		{ "0.001", "This must be an amount in roubles with at most two decimals." },
		{ "\"1,234\"", "This must be an amount in roubles with at most two decimals." },
		{ "\"\"", "This must be an amount in roubles with at most two decimals." },
		{ "1000000000001", "This must be an amount in roubles with at most two decimals." },
		{ "-1", "This must not be negative." },
		{ "\"-0.01\"", "This must not be negative." } };
	char text[64];
	struct json_place here;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "{\"cost\":%s}", good[i].json);
		here = in(text);
		assert_true(json_reader_money(&reader, &here, "cost") == good[i].kopecks);
		assert_nothing_noted();
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{\"cost\":%s}", bad[i].json);
		here = in(text);
		assert_int_equal(json_reader_money(&reader, &here, "cost"), 0);
		assert_noted("at.cost", bad[i].message);
	}
}

static void
objects_and_arrays(void **state)
{
	struct json_place here =
	    in("{\"o\":{\"x\":1}, \"none\":[], \"two\":[1, 2], \"null\":null, \"t\":\"\"}");

	(void)state;
	assert_ptr_equal(
	    json_reader_object(&reader, &here, "o", JSON_REQUIRED), json_object_get(root, "o"));
	assert_null(json_reader_object(&reader, &here, "null", JSON_OPTIONAL));
	assert_null(json_reader_object(
	    &reader, &here, "none", JSON_OPTIONAL)); /* PHP's way to write an empty one. */
	assert_ptr_equal(
	    json_reader_array(&reader, &here, "two", 1, 2), json_object_get(root, "two"));
	assert_nothing_noted();

	assert_null(json_reader_object(&reader, &here, "none", JSON_REQUIRED));
	assert_noted("at.none", "This must be an object.");
	assert_null(json_reader_object(&reader, &here, "two", JSON_OPTIONAL));
	assert_noted("at.two", "This must be an object.");
	assert_null(json_reader_object(&reader, &here, "null", JSON_REQUIRED));
	assert_noted("at.null", "This is required.");
	assert_null(json_reader_array(&reader, &here, "none", 1, 2));
	assert_noted("at.none", "This must have 1 to 2 elements.");
	assert_null(json_reader_array(&reader, &here, "two", 0, 1));
	assert_noted("at.two", "This must have 0 to 1 elements.");
	assert_null(json_reader_array(&reader, &here, "o", 0, 9));
	assert_noted("at.o", "This must be an array.");
	assert_null(json_reader_array(&reader, &here, "absent", 0, 9));
	assert_noted("at.absent", "This is required.");
	assert_nothing_noted();
}

/* What should have held it has been reported: its contents are not reported once more. */
static void
nothing_is_said_inside_of_nothing(void **state)
{
	struct json_place nowhere = { NULL, "at" };

	(void)state;
	assert_string_equal(json_reader_text(&reader, &nowhere, "a", JSON_FILLED), "");
	assert_int_equal(json_reader_time(&reader, &nowhere, "a"), 0);
	assert_int_equal(json_reader_money(&reader, &nowhere, "a"), 0);
	assert_null(json_reader_object(&reader, &nowhere, "a", JSON_REQUIRED));
	assert_null(json_reader_array(&reader, &nowhere, "a", 1, 2));
	assert_nothing_noted();
}

static void
mistakes_are_bounded(void **state)
{
	struct json_place here = in("{}");

	(void)state;
	for (int i = 0; i < MOST + 3; i++)
		assert_string_equal(json_reader_text(&reader, &here, "a", JSON_REQUIRED), "");
	assert_int_equal(json_array_size(reader.errors), MOST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(documents),
		TEST(no_documents),
		TEST(texts),
		TEST(texts_as_numbers),
		TEST(no_texts),
		TEST(times),
		TEST(amounts),
		TEST(objects_and_arrays),
		TEST(nothing_is_said_inside_of_nothing),
		TEST(mistakes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
