#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "admin/replay.h"

static struct settings *settings;
static struct rules *mapping;

/* Rules as JSON with ' for "; NULL: the built-in ones. */
static void
use_rules(const char *rules)
{
	json_t *errors = NULL;
	struct fault why = { "" };
	FILE *file;
	const char *c;

	rules_free(mapping);
	mapping = NULL;
	settings_free(settings);
	if (rules != NULL) {
		assert_non_null(file = fopen(fixture_path("rules.json"), "w"));
		for (c = rules; *c != '\0'; c++)
			fputc(*c == '\'' ? '"' : *c, file);
		fclose(file);
		fixture_set("PAYMENT_MAPPING", fixture_path("rules.json"));
	}
	settings = fixture_settings();
	if (rules_load(settings, &mapping, &errors, &why) != DONE)
		fail_msg("%s", why.text);
}

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	use_rules(NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rules_free(mapping);
	mapping = NULL;
	settings_free(settings);
	settings = NULL;
	fixture_end();
	return 0;
}

static json_t *
verdict(const struct sample *sample)
{
	struct payment *paid = sample_payment(sample);
	json_t *judged = replay_verdict(settings, mapping, paid);

	payment_free(paid);
	return judged;
}

/* A value as JSON text; lives until the next call. */
static const char *
value(const json_t *object, const char *key)
{
	static char text[400];
	char *dump = json_dumps(json_object_get(object, key), JSON_ENCODE_ANY | JSON_COMPACT);

	snprintf(text, sizeof(text), "%s", dump != NULL ? dump : "absent");
	free(dump);
	return text;
}

/* A difference as JSON text with ' for "; takes its arguments over. */
static const char *
difference(json_t *diff(const json_t *, const json_t *), json_t *before, json_t *after)
{
	static char text[1000];
	json_t *found = diff(before, after);
	char *dump = json_dumps(found, JSON_COMPACT | JSON_SORT_KEYS), *c;

	for (c = dump; *c != '\0'; c++)
		if (*c == '"')
			*c = '\'';
	snprintf(text, sizeof(text), "%s", dump);
	free(dump);
	json_decref(found);
	json_decref(before);
	json_decref(after);
	return text;
}

static void
test_verdict(void **state)
{
	json_t *judged = verdict(&(struct sample){ .subject = "Русский" });

	(void)state;
	assert_string_equal(value(judged, "skipped"), "null");
	assert_string_equal(value(judged, "pipeline"), "401");
	assert_string_equal(value(judged, "stage"), "411");
	assert_string_equal(value(judged, "unmapped"), "[]");
	assert_string_equal(value(judged, "Предметы (201)"), "[301]");
	assert_string_equal(value(judged, "Направление курса (202)"), "[351]");
	assert_string_equal(value(judged, "Общий оплаченный итог (204)"), "\"5000\"");
	json_decref(judged);

	judged = verdict(&(struct sample){ .status = "NEW" });
	assert_string_equal(value(judged, "skipped"), "\"the status is not CONFIRMED\"");
	assert_string_equal(value(judged, "pipeline"), "absent");
	json_decref(judged);
}

#define RULES(subject, more)                                                                       \
	"{'version': 1, 'subjects': {'Русский': " subject                                          \
	"}, 'pipelines': [{'pipeline': 401, 'status': 411}]"                                       \
	", 'exclude': [{'when': {'path': 'course_order.status', 'not_equals': 'CONFIRMED'}, "      \
	"'reason': "                                                                               \
	"'no'}]" more "}"

static void
test_other_rules(void **state)
{
	static const struct sample sample = { .subject = "Русский" };
	json_t *before;

	(void)state;
	use_rules(RULES("301", ""));
	before = verdict(&sample);
	assert_string_equal(difference(replay_diff, json_incref(before), verdict(&sample)), "{}");

	use_rules(RULES(
	    "302", ", 'fields': [{'field': 230, 'path': 'course_order.status', 'type': 'text'}]"));
	assert_string_equal(difference(replay_diff, json_incref(before), verdict(&sample)),
	    "{'230':[null,'CONFIRMED'],'Предметы (201)':[[301],[302]]}");

	use_rules("{'version': 1, 'exclude': [{'when': {'path': 'course_order.status', 'equals': "
		  "'CONFIRMED'},"
		  " 'reason': 'we do not'}]}");
	assert_string_equal(
	    difference(replay_diff, before, verdict(&sample)), "{'skipped':[null,'we do not']}");
}

/*
 * Compared with what was done.
 */

static json_t *
done(const char *status, const char *reason, const char *rest)
{
	json_t *told = json_loads(rest, 0, NULL), *judged;

	assert_non_null(told);
	json_object_set_new(told, "status", json_string(status));
	json_object_set_new(told, "reason", json_string(reason));
	judged = replay_done(told);
	json_decref(told);
	return judged;
}

#define CREATED(pipeline, unmapped)                                                                \
	"{\"lead_created\": true, \"pipeline_id\": " pipeline ", \"unmapped\": " unmapped "}"
#define FOUND "{\"lead_created\": false, \"pipeline_id\": 7, \"unmapped\": []}"

static const char *
since_done(const char *status, const char *reason, const char *rest, const struct sample *sample)
{
	return difference(replay_diff_known, done(status, reason, rest), verdict(sample));
}

static void
test_rules_of_today(void **state)
{
	static const struct sample sample = { .subject = "Русский" }, new = { .status = "NEW" };

	(void)state;
	assert_string_equal(since_done("success", "", CREATED("401", "[]"), &sample), "{}");
	assert_string_equal(
	    since_done("success", "", CREATED("400", "[]"), &sample), "{'pipeline':[400,401]}");
	assert_string_equal(since_done("success", "", CREATED("401", "[\"Русский\"]"), &sample),
	    "{'unmapped':[['Русский'],[]]}");
	/* A lead that was found stands where it stood. */
	assert_string_equal(since_done("success", "", FOUND, &sample), "{}");

	assert_string_equal(
	    since_done("skipped", "the status is not CONFIRMED", FOUND, &new), "{}");
	assert_string_equal(
	    since_done("skipped", "we did not", FOUND, &sample), "{'skipped':['we did not',null]}");
	assert_string_equal(since_done("failed", "contact_not_found", FOUND, &sample), "{}");
	assert_string_equal(since_done("failed", "contact_not_found", FOUND, &new),
	    "{'skipped':[null,'the status is not CONFIRMED']}");
}

int
main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_verdict),
		test(test_other_rules),
		test(test_rules_of_today),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
