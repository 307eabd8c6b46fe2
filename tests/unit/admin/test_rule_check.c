#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "account_fixture.c"
#include "admin/rule_check.h"
#include "rules/rules.h"

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

/* Compare the built-in rules, or those given as JSON with ' for ". */
static void
check(const char *given)
{
	struct settings *settings = fixture_settings();
	json_t *rules = given != NULL ? load(given) : rules_document(settings);

	json_array_clear(findings);
	rule_check(settings, rules, &account, findings);
	json_decref(rules);
	settings_free(settings);
}

#define assert_about(setting, finding)                                                             \
	assert_string_equal(finding_about(findings, setting), finding)

static void
test_all_is_well(void **state)
{
	const json_t *finding;
	size_t i, right = 0;

	(void)state;
	check(NULL);
	json_array_foreach(findings, i, finding) {
		const char *is = json_string_value(json_object_get(finding, "state"));

		right += strcmp(is, "ok") == 0;
		assert_true(strcmp(is, "ok") == 0 || strcmp(is, "unset") == 0);
	}
	/* Two subjects and two directions, three pipelines with their stages, won and lost. */
	assert_int_equal(right, 12);
	assert_about("AMO_SUBJECT_RUSSIAN", "ok: option \"Русский\" of \"Предметы\"");
	assert_about(
	    "AMO_STATUS_AUTOPAY_SITE", "ok: stage \"Автооплаты ООО\" of the pipeline \"Сайт\"");
	assert_about("STATUS_SUCCESS", "ok: stage \"Успех\"");
	assert_about("AMO_SUBJECT_CHEMISTRY",
	    "unset: not set, so the rules that name it do nothing; \"Химия\" is 303");
	assert_about("AMO_SUBJECT_ENGLISH", "unset: not set, so the rules that name it do nothing");
}

static void
test_options(void **state)
{
	(void)state;
	fixture_set("AMO_SUBJECT_RUSSIAN", "351");
	fixture_set("AMO_SUBJECT_PHYSICS", "999");
	fixture_set("AMO_DIRECTION_EGE", "352");
	fixture_set("AMO_DIRECTION_OGE", "351");
	check(NULL);
	assert_about("AMO_SUBJECT_RUSSIAN",
	    "wrong: this is an option of \"Направление курса\", not of \"Предметы\"; \"Русский\" "
	    "is 301");
	assert_about(
	    "AMO_SUBJECT_PHYSICS", "wrong: \"Предметы\" has no such option; \"Физика\" is 302");
	assert_about(
	    "AMO_DIRECTION_EGE", "odd: the option \"ОГЭ\" is what AMO_DIRECTION_OGE is for");
	assert_about(
	    "AMO_DIRECTION_OGE", "odd: the option \"ЕГЭ\" is what AMO_DIRECTION_EGE is for");
}

/* That it is not there has been said of the field itself. */
static void
test_options_of_no_field(void **state)
{
	(void)state;
	fixture_set("AMO_LEAD_FIELD_SUBJECTS", "999");
	check(NULL);
	assert_about("AMO_SUBJECT_RUSSIAN", "");
}

static void
test_pipelines(void **state)
{
	(void)state;
	fixture_set("AMO_PIPELINE_SITE", "402");
	account_spoil(&account, 8598230, "is_archive", "true");
	check(NULL);
	assert_about(
	    "AMO_PIPELINE_SITE", "wrong: the account has no such pipeline; \"Сайт\" is 401");
	assert_about("AMO_PIPELINE_PARTNERS", "wrong: the pipeline \"Партнеры\" is archived");

	fixture_set("AMO_PIPELINE_SITE", "10089806");
	fixture_set("AMO_PIPELINE_YANDEX", "401");
	check(NULL);
	assert_about(
	    "AMO_PIPELINE_SITE", "odd: the pipeline \"Яндекс\" is what AMO_PIPELINE_YANDEX is for");
}

static void
test_stages(void **state)
{
	(void)state;
	fixture_set("AMO_STATUS_AUTOPAY_SITE", "80579130");
	fixture_set("AMO_STATUS_AUTOPAY_YANDEX", "999");
	fixture_set("STATUS_CLOSED", "144");
	check(NULL);
	assert_about("AMO_STATUS_AUTOPAY_SITE",
	    "wrong: this is a stage of the pipeline \"Яндекс\", not of \"Сайт\"; \"Автооплаты "
	    "ООО\" (411) "
	    "looks "
	    "like it");
	assert_about("AMO_STATUS_AUTOPAY_YANDEX",
	    "wrong: the pipeline \"Яндекс\" has no such stage; \"Автооплаты ООО\" (80579130) looks "
	    "like it");
	assert_about("STATUS_CLOSED", "wrong: no pipeline has such a stage");

	fixture_set("AMO_STATUS_AUTOPAY_SITE", "410");
	check(NULL);
	assert_about("AMO_STATUS_AUTOPAY_SITE",
	    "wrong: \"Неразобранное\" of the pipeline \"Сайт\" is for unsorted leads, and none can "
	    "be "
	    "created "
	    "there; \"Автооплаты ООО\" (411) looks like it");
}

/* Ids that stand in the rules themselves are named by their place. */
static void
test_further_fields(void **state)
{
	(void)state;
	fixture_set("MY_DATE", "211");
	check("{'subjects': {'Химия': 303, 'Этика': 305},"
	      " 'fields': [{'field': 212, 'path': 'a', 'type': 'text'},"
	      " {'field': 212, 'path': 'a', 'type': 'date'},"
	      " {'field': 999, 'path': 'a', 'type': 'text'},"
	      " {'field': 210, 'path': 'a', 'type': 'enum', 'map': {'раз': 371, 'ДВИ': 374}},"
	      " {'field': 210, 'value': 351, 'type': 'enum'},"
	      " {'field': 208, 'path': 'a', 'type': 'text'},"
	      " {'field': '${MY_DATE}', 'path': 'a', 'type': 'date'}]}");
	assert_about("subjects.Химия", "ok: option \"Химия\" of \"Предметы\"");
	assert_about("subjects.Этика", "wrong: \"Предметы\" has no such option");
	assert_about("fields[0].field", "ok: \"Откуда\" (text)");
	assert_about("fields[1].field",
	    "wrong: \"Откуда\" is a field of type text; the rule writes one of type date_time, "
	    "date");
	assert_about("fields[2].field", "wrong: the account has no such lead field");
	assert_about("fields[3].map.раз", "ok: option \"1\" of \"Покупки\"");
	assert_about("fields[3].map.ДВИ", "wrong: \"Покупки\" has no such option");
	assert_about("fields[4].value",
	    "wrong: this is an option of \"Направление курса\", not of \"Покупки\"");
	assert_about("fields[5].field",
	    "odd: \"Invoice ID\" is written for AMO_LEAD_FIELD_INVOICE_ID already");
	assert_about("MY_DATE", "ok: \"Когда\" (date)");
}

static void
test_types_of_tasks(void **state)
{
	(void)state;
	fixture_set("MY_TYPE", "3");
	check("{'tasks': [{'text': 'a', 'type': 2, 'when': {}}, {'text': 'a', 'type': "
	      "'${MY_TYPE}', 'when': "
	      "{}},"
	      " {'text': 'a', 'type': '${NO_TYPE}', 'when': {}}, {'text': 'a'}]}");
	assert_about("tasks[0].type", "ok: type of task \"Встреча\"");
	assert_about("MY_TYPE",
	    "wrong: the account has no such type of task; it has 1 \"Связаться\", 2 \"Встреча\"");
	assert_about("NO_TYPE", "unset: not set, so the task is of type 1, follow-up");
	assert_about("tasks[3].type", "");

	json_object_del(account.info, "_embedded");
	check("{'tasks': [{'text': 'a', 'type': 2}]}");
	assert_about("tasks[0].type", "");
}

int
main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_all_is_well),
		test(test_options),
		test(test_options_of_no_field),
		test(test_pipelines),
		test(test_stages),
		test(test_further_fields),
		test(test_types_of_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
