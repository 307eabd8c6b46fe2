#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "account_fixture.c"
#include "admin/account_guess.h"
#include "admin/discovery.h"
#include "rules/rules.h"

static struct account account;

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	account = account_fixture();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	account_clear(&account);
	fixture_end();
	return 0;
}

/*
 * Guessing.
 */

static const struct crm_field *
setting(const char *name)
{
	size_t i = 0;

	while (strcmp(crm_fields[i].setting, name) != 0)
		i++;
	return &crm_fields[i];
}

static void
assert_called(const char *name, const char *expected)
{
	json_t *field = json_pack("{s:s}", "name", name);
	size_t i;

	for (i = 0; i < CRM_FIELD_COUNT; i++)
		assert_int_equal(guess_field_is_called(field, &crm_fields[i]),
		    expected != NULL && strcmp(crm_fields[i].setting, expected) == 0);
	json_decref(field);
}

/* As people call them; each is taken for one thing only. */
static void
test_names(void **state)
{
	(void)state;
	assert_called("Сумма последней оплаты", "AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT");
	assert_called("СУММА ПОСЛЕДНЕГО ПЛАТЕЖА, руб.", "AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT");
	assert_called("Общий оплаченный итог", "AMO_LEAD_FIELD_TOTAL_PAID");
	assert_called("Общая сумма оплат", "AMO_LEAD_FIELD_TOTAL_PAID");
	assert_called("Всего оплачено", "AMO_LEAD_FIELD_TOTAL_PAID");
	assert_called("Total paid", "AMO_LEAD_FIELD_TOTAL_PAID");
	assert_called("Счётчик покупок", "AMO_LEAD_FIELD_PURCHASE_COUNT");
	assert_called("Счетчик покупок", "AMO_LEAD_FIELD_PURCHASE_COUNT");
	assert_called("Кол-во покупок", "AMO_LEAD_FIELD_PURCHASE_COUNT");
	assert_called("Дата/время последней оплаты", "AMO_LEAD_FIELD_LAST_PAYMENT_DATE");
	assert_called("payment_id", "AMO_LEAD_FIELD_PAYMENT_ID");
	assert_called("ID платежа", "AMO_LEAD_FIELD_PAYMENT_ID");
	assert_called("Номер счёта", "AMO_LEAD_FIELD_INVOICE_ID");
	assert_called("Статус оплаты", "AMO_LEAD_FIELD_PAYMENT_STATUS");
	assert_called("Предмет(ы)", "AMO_LEAD_FIELD_SUBJECTS");
	assert_called("Направление", "AMO_LEAD_FIELD_DIRECTION");
	assert_called("Telegram ID", "AMO_CONTACT_FIELD_TG_ID");
	assert_called("tg_username", "AMO_CONTACT_FIELD_TG_USERNAME");
	assert_called("Видео оплаты", NULL);
	assert_called("Комментарий", NULL);
	assert_called("", NULL);
}

/* The type must fit, and of several the plainest name is taken. */
static void
test_best_field(void **state)
{
	const struct crm_field *count = setting("AMO_LEAD_FIELD_PURCHASE_COUNT");

	(void)state;
	account_spoil(&account, 210, "name", "'Счётчик покупок (список)'");
	assert_int_equal(account_id(guess_field(&account, count)), 205);
	account_spoil(&account, 205, "type", "'checkbox'");
	assert_int_equal(account_id(guess_field(&account, count)), 210);
	account_spoil(&account, 210, "type", "'date'");
	assert_null(guess_field(&account, count));
}

static void
test_marks_go_by_code(void **state)
{
	(void)state;
	account_spoil(&account, 221, "name", "'Источник'");
	account_spoil(&account, 207, "name", "'utm_source'");
	assert_int_equal(
	    account_id(guess_field(&account, setting("AMO_LEAD_FIELD_UTM_SOURCE"))), 221);
}

static void
test_options(void **state)
{
	const json_t *subjects = account_thing(&account, 201),
		     *counts = account_thing(&account, 210);

	(void)state;
	assert_int_equal(account_id(guess_option(subjects, "русский")), 301);
	account_spoil(&account, 301, "value", "'Русский язык'");
	assert_int_equal(account_id(guess_option(subjects, "Русский")), 301);
	account_spoil(&account, 302, "value", "'Русский (Маша)'");
	assert_null(guess_option(subjects, "Русский"));
	/* The very name, though "10" begins with it. */
	assert_int_equal(account_id(guess_option(counts, "1")), 371);
	assert_null(guess_option(counts, ""));
	assert_null(guess_option(account_thing(&account, 207), "1"));
}

/*
 * All of it.
 */

static const json_t *
item(const json_t *items, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(items, i, one) {
		const char *named = json_string_value(json_object_get(one, "setting"));

		if (named != NULL && strcmp(named, name) == 0)
			return one;
	}
	fail_msg("%s is not among them", name);
	return NULL;
}

static void
assert_item(const json_t *items, const char *name, int id, const char *comment)
{
	assert_int_equal(json_integer_value(json_object_get(item(items, name), "id")), id);
	assert_string_equal(
	    json_string_value(json_object_get(item(items, name), "comment")), comment);
}

static json_t *
discover_all(void)
{
	struct settings *settings = fixture_settings();
	json_t *rules = rules_document(settings), *items = discover(settings, rules, &account);

	json_decref(rules);
	settings_free(settings);
	return items;
}

static void
test_discovery(void **state)
{
	json_t *items;

	(void)state;
	json_object_set_new(
	    account_thing(&account, 302), "value", json_string("Математика (база)"));
	/* The second of the names that the rules have for it. */
	json_object_set_new(account_thing(&account, 303), "value", json_string("Биология (Геля)"));
	items = discover_all();
	assert_item(items, "AMO_CONTACT_FIELD_TG_ID", 101, "\"Telegram ID\" (text)");
	assert_item(items, "AMO_LEAD_FIELD_TOTAL_PAID", 204, "\"Общая сумма оплат\" (numeric)");
	assert_item(items, "AMO_SUBJECT_RUSSIAN", 301, "\"Русский\"");
	assert_item(items, "AMO_SUBJECT_MATH_BASE", 302, "\"Математика (база)\"");
	assert_item(items, "AMO_SUBJECT_BIOLOGY_GELYA", 303, "\"Биология (Геля)\"");
	assert_item(items, "AMO_SUBJECT_PHYSICS", 0, "no option is called \"Физика\"");
	assert_item(items, "AMO_DIRECTION_OGE", 352, "\"ОГЭ\"");
	assert_item(items, "AMO_PIPELINE_YANDEX", 10089806, "\"Яндекс\"");
	assert_item(items, "AMO_STATUS_AUTOPAY_YANDEX", 80579130, "\"Автооплаты ООО\" there");
	json_decref(items);
}

static void
test_one_pipeline(void **state)
{
	json_t *items;

	(void)state;
	json_array_remove(account.pipelines, 2);
	json_array_remove(account.pipelines, 1);
	account_spoil(&account, 401, "name", "'Воронка'");
	items = discover_all();
	assert_item(
	    items, "AMO_PIPELINE_YANDEX", 401, "none is called \"Яндекс\"; \"Воронка\" stands in");
	assert_item(items, "AMO_STATUS_AUTOPAY_YANDEX", 411, "\"Автооплаты ООО\" there");
	json_decref(items);

	account_spoil(&account, 411, "name", "'Оплачено'");
	items = discover_all();
	assert_item(
	    items, "AMO_STATUS_AUTOPAY_SITE", 0, "no stage there is for automatic payments");
	json_decref(items);
}

static void
test_counter_with_options(void **state)
{
	json_t *items;

	(void)state;
	account_spoil(&account, 205, "name", "'Что-то'");
	account_spoil(&account, 210, "name", "'Счётчик покупок'");
	items = discover_all();
	assert_item(items, "AMO_PURCHASE_COUNT_2", 372, "2");
	assert_item(items, "AMO_PURCHASE_COUNT_3", 0, "no option is called 3");
	json_decref(items);
}

/* What was not guessed is there to choose from. */
static void
test_the_rest(void **state)
{
	json_t *items = discover_all();
	const json_t *one, *rest = NULL;
	size_t i;

	(void)state;
	json_array_foreach(items, i, one)
		if (json_is_null(json_object_get(one, "setting")) &&
		    json_integer_value(json_object_get(one, "id")) == 210)
			rest = one;
	assert_string_equal(
	    json_string_value(json_object_get(rest, "section")), "Further fields of leads");
	assert_string_equal(json_string_value(json_object_get(rest, "comment")),
	    "210 \"Покупки\" (select): 371 \"1\", 372 \"2\", 373 \"10\"");
	rest = json_array_get(items, json_array_size(items) - 1);
	assert_string_equal(json_string_value(json_object_get(rest, "section")), "Types of tasks");
	assert_string_equal(json_string_value(json_object_get(rest, "comment")), "2 \"Встреча\"");
	json_decref(items);
}

int
main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_names),
		test(test_best_field),
		test(test_marks_go_by_code),
		test(test_options),
		test(test_discovery),
		test(test_one_pipeline),
		test(test_counter_with_options),
		test(test_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
