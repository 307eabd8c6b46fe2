#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_http.c"
#include "fixture.c"

#include "admin/reconcile.h"

static struct settings *settings;
static json_t *differences;

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_http_reset();
	fixture_begin();
	settings = fixture_settings();
	differences = json_array();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	json_decref(differences);
	settings_free(settings);
	fixture_end();
	fake_http_reset();
	return 0;
}

static json_t *
parse(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

/* What differs, as "kind payment_id; kind ..." */
static const char *
kinds(void)
{
	static char text[300];
	const json_t *one;
	size_t i;

	text[0] = '\0';
	json_array_foreach(differences, i, one) {
		const char *key = json_string_value(json_object_get(one, "payment_id"));

		assert_int_equal(json_integer_value(json_object_get(one, "lead_id")), 30);
		sprintf(text + strlen(text), "%s%s %s", i > 0 ? "; " : "",
		    json_string_value(json_object_get(one, "difference")), key != NULL ? key : "-");
	}
	return text;
}

#define NOTE(key) "{\"params\": {\"text\": \"Оплата проведена\\n\\nPayment ID: " key "\"}}"
#define PAYMENT(key, kopecks, asked, dropped)                                                      \
	"{\"payment_id\": \"" key "\", \"kopecks\": " kopecks                                      \
	", \"contact_id\": 9, \"asked\": " asked ", \"dropped\": " dropped "}"

static const char *
compare(const char *total, const char *notes, const char *payments)
{
	json_t *lead = json_pack("{s:i, s:b, s:[{s:i, s:[{s:s}]}]}", "id", 30, "is_deleted", 0,
	    "custom_fields_values", "field_id", FIELD_TOTAL, "values", "value", total);
	json_t *there = parse(notes), *applied = parse(payments);

	json_array_clear(differences);
	reconcile_lead(settings, lead, there, applied, differences);
	json_decref(lead);
	json_decref(there);
	json_decref(applied);
	return kinds();
}

static void
test_same(void **state)
{
	(void)state;
	assert_string_equal(compare("300", "[" NOTE("b") "," NOTE("a") "]",
				"[" PAYMENT("a", "10000", "true", "[]") "," PAYMENT(
				    "b", "20000", "true", "[]") "]"),
	    "");
	/* A lead may show more: it had some before. */
	assert_string_equal(
	    compare("300.50", "[" NOTE("a") "]", "[" PAYMENT("a", "10000", "true", "[]") "]"), "");
}

static void
test_note_missing(void **state)
{
	(void)state;
	assert_string_equal(compare("300", "[" NOTE("a1") "]",
				"[" PAYMENT("a", "10000", "true", "[]") "," PAYMENT(
				    "b", "20000", "false", "[]") "]"),
	    "note_missing a");
}

/* All that was ever added counts, also before the period. */
static void
test_total_low(void **state)
{
	(void)state;
	assert_string_equal(compare("299.99", "[" NOTE("a") "]",
				"[" PAYMENT("a", "10000", "true", "[]") "," PAYMENT(
				    "b", "20000", "false", "[]") "]"),
	    "total_low -");
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(differences, 0), "message")),
	    "the lead's total is 299.99, less than the 300 that were added to it");
	assert_string_equal(
	    compare("many", "[" NOTE("a") "]", "[" PAYMENT("a", "10000", "true", "[]") "]"),
	    "total_low -");
}

/* What amoCRM refused to take cannot be there. */
static void
test_total_was_dropped(void **state)
{
	(void)state;
	assert_string_equal(compare("200", "[" NOTE("a") "]",
				"[" PAYMENT("a", "10000", "true", "[204]") "," PAYMENT(
				    "b", "20000", "false", "[207]") "]"),
	    "");
}

static void
test_total_is_not_configured(void **state)
{
	(void)state;
	settings->lead_field_total_paid = 0;
	assert_string_equal(
	    compare("1", "[" NOTE("a") "]", "[" PAYMENT("a", "10000", "true", "[]") "]"), "");
}

static void
test_in_the_trash(void **state)
{
	json_t *lead = parse("{\"id\": 30, \"is_deleted\": true}"), *none = json_array();

	(void)state;
	reconcile_lead(settings, lead, none, none, differences);
	assert_string_equal(kinds(), "lead_deleted -");
	json_decref(lead);
	json_decref(none);
}

/*
 * Leads that are gone.
 */

static enum outcome
gone(void)
{
	json_t *payments =
	    parse("[" PAYMENT("a", "10000", "true", "[]") "," PAYMENT("b", "1", "false", "[]") "]");
	struct limiter *limiter;
	struct amocrm *crm;
	struct amocrm_context context = { .deadline_ms = clock_mono_ms() + 60 * 1000 };
	struct fault why;
	enum outcome out;

	assert_int_equal(limiter_open(fixture_path("limiter"), 200, &limiter, &why), DONE);
	assert_int_equal(amocrm_open(settings, limiter, &crm, &why), DONE);
	out = reconcile_gone(crm, &context, 30, payments, differences, &why);
	amocrm_close(crm);
	limiter_close(limiter);
	json_decref(payments);
	return out;
}

static void
test_merged(void **state)
{
	(void)state;
	fake_http_answers(200,
	    "{\"id\": 9, \"updated_at\": 1, \"custom_fields_values\": null, \"_embedded\": "
	    "{\"leads\": [{\"id\": 31}, {\"id\": 32}, {\"id\": 33}]}}");
	fake_http_answers(
	    200, "{\"_embedded\": {\"notes\": [{\"id\": 1, \"params\": {\"text\": \"x\"}}]}}");
	fake_http_answers(200,
	    "{\"_embedded\": {\"notes\": [{\"id\": 2, \"params\": {\"text\": \"Payment ID: "
	    "a\"}}]}}");
	assert_int_equal(gone(), DONE);
	assert_string_equal(kinds(), "lead_merged a");
	assert_non_null(
	    strstr(json_string_value(json_object_get(json_array_get(differences, 0), "message")),
		"lead 32"));
	assert_int_equal(fake_http_left(), 0);
}

static void
test_gone(void **state)
{
	(void)state;
	fake_http_answers(200,
	    "{\"id\": 9, \"updated_at\": 1, \"custom_fields_values\": null, \"_embedded\": "
	    "{\"leads\": [{\"id\": 31}]}}");
	fake_http_answers(204, NULL);
	assert_int_equal(gone(), DONE);
	assert_string_equal(kinds(), "lead_gone a");
}

/* Not the contact either. */
static void
test_all_gone(void **state)
{
	(void)state;
	fake_http_answers(204, NULL);
	assert_int_equal(gone(), DONE);
	assert_string_equal(kinds(), "lead_gone a");
}

static void
test_nobody_answers(void **state)
{
	(void)state;
	settings->retry_max_attempts = 1;
	fake_http_answers(200,
	    "{\"id\": 9, \"updated_at\": 1, \"custom_fields_values\": null, \"_embedded\": "
	    "{\"leads\": [{\"id\": 31}]}}");
	fake_http_answers(500, "{}");
	assert_int_equal(gone(), LATER);
	assert_string_equal(kinds(), "");
}

int
main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_same),
		test(test_note_missing),
		test(test_total_low),
		test(test_total_was_dropped),
		test(test_total_is_not_configured),
		test(test_in_the_trash),
		test(test_merged),
		test(test_gone),
		test(test_all_gone),
		test(test_nobody_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
