#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "account_fixture.c"
#include "admin/field_check.h"

static struct account account;
static json_t *findings;

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	account = account_fixture();
	findings = json_array();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	account_clear(&account);
	json_decref(findings);
	fixture_end();
	return 0;
}

static void
check(void)
{
	struct settings *settings = fixture_settings();

	json_array_clear(findings);
	field_check(settings, &account, findings);
	settings_free(settings);
}

#define assert_about(setting, finding)                                                             \
	assert_string_equal(finding_about(findings, setting), finding)

static void
test_all_is_well(void **state)
{
	const json_t *finding;
	size_t i;

	(void)state;
	check();
	json_array_foreach(findings, i, finding)
		assert_string_equal(json_string_value(json_object_get(finding, "state")), "ok");
	assert_int_equal(json_array_size(findings), 17);
	assert_about("AMO_LEAD_FIELD_TOTAL_PAID", "ok: \"Общая сумма оплат\" (numeric)");
	assert_about("AMO_LEAD_FIELD_UTM_SOURCE", "ok: the standard field UTM_SOURCE");
}

static void
test_absent(void **state)
{
	(void)state;
	fixture_set("AMO_LEAD_FIELD_TOTAL_PAID", "123");
	check();
	assert_about("AMO_LEAD_FIELD_TOTAL_PAID",
	    "wrong: the account has no such lead field; \"Общая сумма оплат\" (204, numeric) looks "
	    "like it");
}

static void
test_of_another_entity(void **state)
{
	(void)state;
	fixture_set("AMO_LEAD_FIELD_PAYMENT_ID", "102");
	fixture_set("AMO_CONTACT_FIELD_TG_ID", "207");
	check();
	assert_about("AMO_LEAD_FIELD_PAYMENT_ID",
	    "wrong: \"Telegram username\" is a contact's field, not a lead's; \"Payment ID\" (207, "
	    "text) "
	    "looks "
	    "like it");
	assert_about("AMO_CONTACT_FIELD_TG_ID",
	    "wrong: \"Payment ID\" is a lead's field, not a contact's; \"Telegram ID\" (101, text) "
	    "looks "
	    "like it");
}

static void
test_types(void **state)
{
	static const char *const right[][2] = { { "201", "multiselect" }, { "202", "select" },
		{ "202", "multiselect" }, { "203", "monetary" }, { "204", "price" },
		{ "204", "text" }, { "205", "text" }, { "206", "date" }, { "207", "textarea" } };
	static const char *const wrong[][2] = { { "201", "select" }, { "202", "text" },
		{ "203", "select" }, { "204", "checkbox" }, { "204", "numeri" },
		{ "204", "numerical" }, { "205", "checkbox" }, { "206", "numeric" },
		{ "207", "select" }, { "208", "numeric" } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		json_object_set_new(
		    account_thing(&account, atoi(right[i][0])), "type", json_string(right[i][1]));
		check();
		assert_int_equal(json_array_size(findings), 17);
		assert_null(strstr(finding_about(findings, "AMO_LEAD_FIELD_TOTAL_PAID"), "wrong"));
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const json_t *finding;
		size_t j, bad = 0;

		account_clear(&account);
		account = account_fixture();
		json_object_set_new(
		    account_thing(&account, atoi(wrong[i][0])), "type", json_string(wrong[i][1]));
		check();
		json_array_foreach(findings, j, finding)
			bad += strcmp(json_string_value(json_object_get(finding, "state")),
				   "wrong") == 0;
		assert_int_equal(bad, 1);
	}
}

static void
test_wrong_type_says_what_is_needed(void **state)
{
	(void)state;
	account_spoil(&account, 204, "type", "'checkbox'");
	check();
	assert_about("AMO_LEAD_FIELD_TOTAL_PAID",
	    "wrong: \"Общая сумма оплат\" is a field of type checkbox; one of type numeric, "
	    "monetary, price, "
	    "text "
	    "is needed");
}

static void
test_one_id_for_two(void **state)
{
	(void)state;
	fixture_set("AMO_LEAD_FIELD_INVOICE_ID", "207");
	check();
	assert_about("AMO_LEAD_FIELD_PAYMENT_ID",
	    "wrong: AMO_LEAD_FIELD_INVOICE_ID has the same id: they overwrite each other");
	assert_about("AMO_LEAD_FIELD_INVOICE_ID",
	    "wrong: AMO_LEAD_FIELD_PAYMENT_ID has the same id: they overwrite each other");
}

/* amoCRM would take them; who is paid what would be nonsense. */
static void
test_swapped(void **state)
{
	(void)state;
	fixture_set("AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT", "204");
	fixture_set("AMO_LEAD_FIELD_TOTAL_PAID", "203");
	check();
	assert_about("AMO_LEAD_FIELD_TOTAL_PAID",
	    "odd: \"Сумма последней оплаты\" looks rather like AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT; "
	    "\"Общая "
	    "сумма "
	    "оплат\" (204, numeric) looks like it");
	assert_string_equal(finding_about(findings, "AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT"),
	    "odd: \"Общая сумма оплат\" looks rather like AMO_LEAD_FIELD_TOTAL_PAID; \"Сумма "
	    "последней "
	    "оплаты\" "
	    "(203, numeric) looks like it");
}

static void
test_unset(void **state)
{
	(void)state;
	fixture_set("AMO_LEAD_FIELD_INVOICE_ID", NULL);
	json_object_del(account_thing(&account, 226), "code");
	check();
	assert_about("AMO_LEAD_FIELD_INVOICE_ID",
	    "unset: not set, so it is not written; \"Invoice ID\" (208, text) looks like it");
	assert_about("AMO_LEAD_FIELD_YM_UID",
	    "wrong: not set, and the account has no standard field _YM_UID to write it into");
}

/*
 * The purchase counter.
 */

static void
test_counter_lists(void **state)
{
	(void)state;
	fixture_set("AMO_LEAD_FIELD_PURCHASE_COUNT", "210");
	check();
	assert_about("AMO_PURCHASE_COUNT_1",
	    "wrong: \"Покупки\" is a field of type select: set AMO_PURCHASE_COUNT_1 and following "
	    "to its "
	    "options");

	fixture_set("AMO_PURCHASE_COUNT_1", "371");
	fixture_set("AMO_PURCHASE_COUNT_2", "372");
	check();
	assert_about("AMO_PURCHASE_COUNT_2", "ok: option \"2\" of \"Покупки\"");
	assert_about("AMO_PURCHASE_COUNT_3", "unset: not set, so the counter stays at 2");

	fixture_set("AMO_LEAD_FIELD_PURCHASE_COUNT", "205");
	check();
	assert_about("AMO_LEAD_FIELD_PURCHASE_COUNT", "ok: \"Счётчик покупок\" (numeric)");
	assert_int_equal(json_array_size(findings), 18); /* And the same setting once more: */
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(findings, 17), "state")), "wrong");
}

static void
test_counter_options_in_disorder(void **state)
{
	(void)state;
	fixture_set("AMO_LEAD_FIELD_PURCHASE_COUNT", "210");
	fixture_set("AMO_PURCHASE_COUNT_1", "372");
	fixture_set("AMO_PURCHASE_COUNT_2", "371");
	fixture_set("AMO_PURCHASE_COUNT_4", "301");
	check();
	assert_about("AMO_PURCHASE_COUNT_1", "wrong: this is the option \"2\"; \"1\" is 371");
	assert_about("AMO_PURCHASE_COUNT_2", "wrong: this is the option \"1\"; \"2\" is 372");
	assert_about("AMO_PURCHASE_COUNT_3",
	    "wrong: not set, though AMO_PURCHASE_COUNT_4 is: the counter would stay at 2");
	assert_about("AMO_PURCHASE_COUNT_4", "wrong: \"Покупки\" has no such option");
}

int
main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_all_is_well),
		test(test_absent),
		test(test_of_another_entity),
		test(test_types),
		test(test_wrong_type_says_what_is_needed),
		test(test_one_id_for_two),
		test(test_swapped),
		test(test_unset),
		test(test_counter_lists),
		test(test_counter_options_in_disorder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
