#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/money.h"
#include "payment/payment.h"

/* What whole webhooks give is in tests/cases; here stand the identities and what needs a generated body. */
#define ITEM                                                                                       \
	"{\"cost\":1,\"course\":{\"name\":\"К\",\"subject\":{\"name\":\"С\",\"project\":\"\"}}}"

static struct payment *
parse_user(const char *user)
{
	struct payment *paid = NULL;
	json_t *errors = NULL;
	char *body;

	assert_true(asprintf(&body,
			"{\"course_order\":{\"status\":\"CONFIRMED\",\"course_order_items\":[" ITEM
			"],\"user\":%s}}",
			user) > 0);
	assert_int_equal(payment_parse(body, strlen(body), &paid, &errors), DONE);
	free(body);
	return paid;
}

/* The identities of both users, by kind; the hash of a kind that is missing is -1. */
static void
hashes(const char *user, int64_t hash[IDENTITY_KINDS])
{
	struct payment *paid = parse_user(user);
	struct identity who[IDENTITIES_MAX];
	size_t count = payment_identities(paid, who);

	for (size_t i = 0; i < IDENTITY_KINDS; i++)
		hash[i] = -1;
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || who[i].kind > who[i - 1].kind);
		assert_true(who[i].hash >= 0 && who[i].hash < INT64_C(1) << 62);
		hash[who[i].kind] = who[i].hash;
	}
	payment_free(paid);
}

static void
spellings_that_agree(void **state)
{
	int64_t a[IDENTITY_KINDS], b[IDENTITY_KINDS];

	(void)state;
	hashes("{\"telegram_id\":1234567,\"phone\":\"8 999 000 00 "
	       "01\",\"email\":\"Anna@Example.COM\"}",
	    a);
	hashes("{\"telegram_id\":\"1234567 \",\"phone\":\"+79990000001\",\"email\":\" "
	       "anna@example.com\"}",
	    b);
	assert_memory_equal(a, b, sizeof(a));
	assert_true(a[IDENTITY_TELEGRAM] != a[IDENTITY_PHONE] &&
	    a[IDENTITY_PHONE] != a[IDENTITY_EMAIL] && a[IDENTITY_TELEGRAM] != -1);
	hashes("{\"telegram_id\":12345678,\"phone\":\"8 999 000 00 "
	       "02\",\"email\":\"anne@example.com\"}",
	    b);
	for (int kind = 0; kind < IDENTITY_KINDS; kind++)
		assert_true(a[kind] != b[kind]);
}

/* The same text means another person in another kind. */
static void
kind_is_part_of_the_hash(void **state)
{
	int64_t a[IDENTITY_KINDS], b[IDENTITY_KINDS];

	(void)state;
	hashes("{\"telegram_id\":\"9990000001\"}", a);
	hashes("{\"phone\":\"9990000001\"}", b);
	assert_true(a[IDENTITY_TELEGRAM] != b[IDENTITY_PHONE]);
	assert_true(
	    a[IDENTITY_PHONE] == -1 && a[IDENTITY_EMAIL] == -1 && b[IDENTITY_TELEGRAM] == -1);
}

/* Ledgers hold these numbers; they must not change from one version to the next.  Computed with Python's hashlib. */
static void
hash_is_lasting(void **state)
{
	int64_t a[IDENTITY_KINDS];

	(void)state;
	hashes("{\"telegram_id\":1234567,\"phone\":\"89990000001\",\"email\":\"Anna@example.com\"}",
	    a);
	assert_true(a[IDENTITY_TELEGRAM] == INT64_C(3239280372170844174));
	assert_true(a[IDENTITY_PHONE] == INT64_C(1163863334979668342));
	assert_true(a[IDENTITY_EMAIL] == INT64_C(1438887017755997740));
}

static void
placeholders_are_nobody(void **state)
{
	static const char *const users[] = { "{}", "{\"telegram_id\":0}", "{\"telegram_id\":\"0\"}",
		"{\"telegram_id\":\"00\"}", "{\"telegram_id\":\"\"}", "{\"telegram_id\":\"none\"}",
		"{\"telegram_id\":null}", "{\"phone\":\"нет\"}", "{\"phone\":\"123\"}",
		"{\"phone\":\"\"}", "{\"email\":\"\"}", "{\"email\":\"-\"}", "{\"email\":\"@\"}",
		"{\"email\":\"anna@\"}", "{\"email\":\"@example.com\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		struct payment *paid = parse_user(users[i]);
		struct identity who[IDENTITIES_MAX];

		assert_int_equal(payment_identities(paid, who), 0);
		payment_free(paid);
	}
}

static void
texts_to_search_for(void **state)
{
	struct payment *paid = parse_user("{\"telegram_id\":\"1234567\",\"phone\":\"+375 29 "
					  "000-00-01\",\"email\":\" Anna@Example.com \"}");
	struct identity who[IDENTITIES_MAX];

	(void)state;
	assert_int_equal(payment_identities(paid, who), 3);
	assert_string_equal(identity_name(who[0].kind), "telegram");
	assert_string_equal(who[0].text, "1234567");
	assert_string_equal(identity_name(who[1].kind), "phone");
	assert_string_equal(who[1].text, "5290000001");
	assert_string_equal(identity_name(who[2].kind), "email");
	assert_string_equal(who[2].text, "Anna@Example.com");
	payment_free(paid);
	payment_free(NULL);
}

static struct payment *
parse_id(const char *id)
{
	struct payment *paid = NULL;
	json_t *errors = NULL;
	char *body;

	assert_true(asprintf(&body,
			"{\"course_order\":{\"status\":\"CONFIRMED\",\"user\":{},\"course_order_"
			"items\":[" ITEM "],\"payment_id\":%s,\"invoice_id\":%s}}",
			id, id) > 0);
	assert_int_equal(payment_parse(body, strlen(body), &paid, &errors), DONE);
	free(body);
	return paid;
}

/* One key, however it is written. */
static void
ids_that_agree(void **state)
{
	static const char *const ids[] = { "777", "\"777\"", "\" 777\"", "\"777\\u00a0\\n\"",
		"777.0", "7.77e2" };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct payment *paid = parse_id(ids[i]);

		assert_string_equal(paid->key, "777");
		assert_string_equal(paid->payment_id, "777");
		assert_string_equal(paid->invoice_id, "777");
		payment_free(paid);
	}
}

/* What stands where there is no id must not make one payment of many. */
static void
placeholders_are_no_ids(void **state)
{
	static const char *const none[] = { "null", "0", "0.0", "-0.0", "false", "true", "\"\"",
		"\" \"", "\"0\"", "\"000\"", "\"0.00\"", "\"null\"", "\" NULL \"", "\"None\"",
		"\"nil\"", "\"undefined\"", "\"NaN\"", "\"-\"", "\"--\"", "\"_\"", "\"—\"" };
	static const char *const some[] = { "1", "-8", "\"0a\"", "\"00-10\"", "\"nullable\"",
		"\"none_1\"", "\"Ж\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct payment *paid = parse_id(none[i]);

		assert_string_equal(paid->payment_id, "");
		assert_string_equal(paid->invoice_id, "");
		assert_int_equal(strncmp(paid->key, "sha256:", 7), 0);
		payment_free(paid);
	}
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		struct payment *paid = parse_id(some[i]);

		assert_string_not_equal(paid->payment_id, "");
		assert_string_equal(paid->key, paid->payment_id);
		payment_free(paid);
	}
}

/* Signed webhook ids, where the body has no id of its own. */
static void
webhook_id_is_the_key(void **state)
{
	static const char *const none[] = { NULL, "", "0", "null", "a b", "a\tb", "ж" };
	char longest[PAYMENT_ID_MAX], longer[PAYMENT_ID_MAX + 1];
	struct payment *paid = parse_id("777");

	(void)state;
	payment_received(paid, "msg_1", 1737373760);
	assert_string_equal(paid->key, "777");
	payment_free(paid);

	paid = parse_id("null");
	payment_received(paid, "msg_1", 1737373760);
	assert_string_equal(paid->key, "webhook:msg_1");
	assert_string_equal(paid->payment_id, "");
	payment_free(paid);

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		paid = parse_id("null");
		payment_received(paid, none[i], 1737373760);
		assert_int_equal(strncmp(paid->key, "sha256:", 7), 0);
		payment_free(paid);
	}

	/* The key keeps to its bound. */
	memset(longest, 'x', sizeof(longest));
	longest[PAYMENT_ID_MAX - strlen("webhook:")] = '\0';
	snprintf(longer, sizeof(longer), "%sx", longest);
	paid = parse_id("null");
	payment_received(paid, longer, 1737373760);
	assert_int_equal(strncmp(paid->key, "sha256:", 7), 0);
	payment_received(paid, longest, 1737373760);
	assert_int_equal(strlen(paid->key), PAYMENT_ID_MAX);
	payment_free(paid);
}

static struct payment *
parse_times(const char *created, const char *updated)
{
	struct payment *paid = NULL;
	json_t *errors = NULL;
	char *body;

	assert_true(asprintf(&body,
			"{\"course_order\":{\"status\":\"CONFIRMED\",\"user\":{},\"course_order_"
			"items\":[" ITEM "],\"invoice_id\":7,\"created_at\":%s,\"updated_at\":%s}}",
			created, updated) > 0);
	assert_int_equal(payment_parse(body, strlen(body), &paid, &errors), DONE);
	free(body);
	return paid;
}

/* A payment of the year 2099 would be the lead's last one for ever. */
static void
times_ahead_are_not_told(void **state)
{
	static const struct {
		const char *created, *updated;
		int64_t paid_at;
		bool ahead;
	} cases[] = { { "null", "null", 0, false },
		{ "1737373000", "1737373760", 1737373760, false },
		{ "1737373000", "1737460160", 1737460160, false },
		{ "1737373000", "1737460161", 1737373000, true },
		{ "null", "\"2099-01-01 00:00:00\"", 1737373760, true },
		{ "4070908800000", "4070908800", 1737373760, true },
		{ "\"2099-01-01 00:00:00\"", "null", 1737373760, true },
		{ "\"2099-01-01 00:00:00\"", "1737373700", 1737373700, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct payment *paid = parse_times(cases[i].created, cases[i].updated);

		payment_received(paid, NULL, 1737373760);
		assert_int_equal(paid->paid_at, cases[i].paid_at);
		assert_int_equal(paid->ahead, cases[i].ahead);
		payment_free(paid);
		/* Read again from its row, it says the same. */
		paid = parse_times(cases[i].created, cases[i].updated);
		payment_recorded(paid, "webhook:msg_1", 1737373760);
		assert_int_equal(paid->paid_at, cases[i].paid_at);
		assert_string_equal(paid->key, "webhook:msg_1");
		payment_free(paid);
	}
}

static json_t *
reject(const char *body, size_t size)
{
	struct payment *paid = NULL;
	json_t *errors = NULL;

	assert_int_equal(payment_parse(body, size, &paid, &errors), NEVER);
	assert_null(paid);
	assert_true(json_array_size(errors) > 0);
	return errors;
}

static void
mistakes_are_bounded(void **state)
{
	json_t *items = json_array(), *body, *errors;
	char *text;

	(void)state;
	for (int i = 0; i < PAYMENT_ITEMS_MAX; i++)
		json_array_append_new(items, json_integer(i));
	body = json_pack("{s:{s:s, s:{}, s:o}}", "course_order", "status", "CONFIRMED", "user",
	    "course_order_items", items);
	text = json_dumps(body, 0);
	errors = reject(text, strlen(text));
	assert_int_equal(json_array_size(errors), PAYMENT_ERRORS_MAX);
	json_decref(errors);
	json_decref(body);
	free(text);
}

/* Every single byte missing or replaced: an answer, never a crash, and a mistake never repeats what was sent. */
static void
damaged_bodies(void **state)
{
	static const char body[] =
	    "{\"course_order\":{\"status\":\"CONFIRMED\",\"payment_id\":\"pay_1\",\"utm\":{"
	    "\"source\":"
	    "\"x\"},\"user\":{\"phone\":\"\\u0041\",\"email\":\"secret@example.com\"},"
	    "\"course_order_items\":[" ITEM "]}}";
	static const char replacements[] = { '\0', '"', '{', ']', '\\', '\xff', 'a', ',' };
	char damaged[sizeof(body)];

	(void)state;
	for (size_t i = 0; i < sizeof(body) - 1; i++) {
		for (size_t r = 0; r <= sizeof(replacements); r++) {
			size_t size = r < sizeof(replacements) ? sizeof(body) - 1 : i;
			struct payment *paid = NULL;
			json_t *errors = NULL;
			char *text;

			memcpy(damaged, body, sizeof(body));
			if (r < sizeof(replacements))
				damaged[i] = replacements[r];
			if (payment_parse(damaged, size, &paid, &errors) == DONE) {
				payment_free(paid);
				continue;
			}
			text = json_dumps(errors, 0);
			assert_null(strstr(text, "secret"));
			free(text);
			json_decref(errors);
		}
	}
}

static void
huge_sum(void **state)
{
	json_t *item = json_loads(ITEM, 0, NULL), *items = json_array(), *body, *errors;
	char *text;

	(void)state;
	json_object_set_new(item, "cost", json_integer(MONEY_MAX / 100));
	json_array_append(items, item);
	json_array_append(items, item);
	body = json_pack("{s:{s:s, s:{}, s:o}}", "course_order", "status", "CONFIRMED", "user",
	    "course_order_items", items);
	text = json_dumps(body, 0);
	errors = reject(text, strlen(text));
	assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 0), "path")),
	    "course_order.course_order_items");
	json_decref(errors);
	json_decref(body);
	json_decref(item);
	free(text);
}

static int
in_moscow(void **state)
{
	(void)state;
	return clock_set_zone("Europe/Moscow") ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings_that_agree),
		cmocka_unit_test(kind_is_part_of_the_hash),
		cmocka_unit_test(hash_is_lasting),
		cmocka_unit_test(placeholders_are_nobody),
		cmocka_unit_test(texts_to_search_for),
		cmocka_unit_test(ids_that_agree),
		cmocka_unit_test(placeholders_are_no_ids),
		cmocka_unit_test(webhook_id_is_the_key),
		cmocka_unit_test(times_ahead_are_not_told),
		cmocka_unit_test(mistakes_are_bounded),
		cmocka_unit_test(damaged_bodies),
		cmocka_unit_test(huge_sum),
	};

	return cmocka_run_group_tests(tests, in_moscow, NULL);
}
