#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "deliver/lead_story.h"

static struct settings *settings;

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	fixture_set("AMO_LEAD_FIELD_TOTAL_PAID", "101");
	fixture_set("AMO_LEAD_FIELD_SUBJECTS", "102");
	fixture_set("AMO_LEAD_FIELD_PAYMENT_ID", "103");
	fixture_set("AMO_LEAD_FIELD_INVOICE_ID", "104");
	settings = fixture_settings();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	settings_free(settings);
	fixture_end();
	return 0;
}

static void
assert_story(const char *lead, const char *request, const char *expected)
{
	json_t *before = lead != NULL ? json_loads(lead, 0, NULL) : NULL,
	       *sent = json_loads(request, 0, NULL);
	char *story = lead_story(settings, before, sent);

	assert_non_null(sent);
	assert_string_equal(story, expected);
	free(story);
	json_decref(before);
	json_decref(sent);
}

static const char request[] =
    "{\"custom_fields_values\": ["
    "{\"field_id\": 102, \"values\": [{\"enum_id\": 7}, {\"enum_id\": 8}]},"
    "{\"field_id\": 101, \"values\": [{\"value\": 8490.5}]},"
    "{\"field_id\": 103, \"values\": [{\"value\": \"pay_1\"}]}]}";

static void
test_change(void **state)
{
	(void)state;
	assert_story("{\"custom_fields_values\": ["
		     "{\"field_id\": 102, \"values\": [{\"value\": \"Физика\", \"enum_id\": 7}]},"
		     "{\"field_id\": 101, \"values\": [{\"value\": \"1000\"}]}]}",
	    request, "subjects 7 -> 7+8, total_paid 1000 -> 8490.5, payment_id nothing -> pay_1");
}

static void
test_new(void **state)
{
	(void)state;
	assert_story(NULL, request, "subjects 7+8, total_paid 8490.5, payment_id pay_1");
}

/* What the rules took from anywhere in the webhook may be a person's. */
static void
test_values_of_other_fields_are_not_told(void **state)
{
	(void)state;
	assert_story(NULL,
	    "{\"name\": \"canary\", \"custom_fields_values\": [{\"field_id\": 999, \"values\": "
	    "[{\"value\": "
	    "\"canary\"}]},"
	    "{\"field_code\": \"UTM_SOURCE\", \"values\": [{\"value\": \"canary\"}]}]}",
	    "field 999, UTM_SOURCE");
	assert_story(NULL,
	    "{\"custom_fields_values\": [{\"field_id\": 104, \"values\": [{\"value\": "
	    "\"canary\"}]}]}",
	    "invoice_id");
	assert_story(NULL, "{\"name\": \"canary\"}", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_change, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_values_of_other_fields_are_not_told, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
