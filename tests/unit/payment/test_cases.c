#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/money.h"
#include "config/env_file.h"
#include "payment/note.h"
#include "payment/payment.h"
#include "rules/rules.h"

/*
 * Webhooks and what must come of them.  Each directory in tests/cases is one: body.json is what arrives, byte for byte;
 * expect.json tells either "mistakes", the whole list in order (a message is compared where one is given), or values of
 * the payment and what the built-in rules make of it under tests/cases/settings.env; note.txt, where there is one, is the
 * note with a line's end behind it.
 */
#define CASES "tests/cases"

static struct settings *settings;
static struct rules *mapping;

static char *
path_of(const char *name, const char *file)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s/%s", CASES, name, file) > 0);
	return path;
}

/* The file's content; NULL when there is none. */
static char *
content_of(const char *name, const char *file, size_t *size)
{
	char *path = path_of(name, file), *content = envfile_content(path, size);

	free(path);
	return content;
}

static json_t *
utm_of(const struct payment *paid)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "source", paid->utm_source, "medium",
	    paid->utm_medium, "campaign", paid->utm_campaign, "content", paid->utm_content, "term",
	    paid->utm_term, "ym", paid->ym_uid);
}

/* Everything that expect.json may speak of. */
static json_t *
describe(const struct payment *paid, json_t *subjects, json_t *unmapped)
{
	struct stage stage = rules_stage(mapping, paid);
	char amount[MONEY_TEXT], time[CLOCK_TEXT];
	json_t *known;

	known = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "key", paid->key,
	    "payment_id", paid->payment_id, "invoice_id", paid->invoice_id, "status", paid->status,
	    "promo_code", paid->promo_code, "method", paid->method, "currency", paid->currency,
	    "domain", paid->domain, "amount", money_format(amount, paid->amount));
	json_object_update_new(known,
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "name", paid->name, "telegram_id",
		paid->telegram_id, "telegram_tag", paid->telegram_tag, "phone", paid->phone,
		"email", paid->email, "paid_at",
		paid->paid_at != 0 ? clock_utc(time, paid->paid_at) : "", "utm", utm_of(paid)));
	json_object_update_new(known,
	    json_pack("{s:I, s:O, s:O, s:I, s:[I, I], s:s?}", "items", (json_int_t)paid->item_count,
		"subjects", subjects, "unmapped", unmapped, "direction",
		(json_int_t)rules_direction(mapping, paid).enum_id, "stage",
		(json_int_t)stage.pipeline_id, (json_int_t)stage.status_id, "excluded",
		rules_exclusion(mapping, paid)));
	assert_int_equal(json_object_size(known), 22);
	return known;
}

static void
compare_note(const char *name, const struct payment *paid, const json_t *unmapped)
{
	size_t size;
	char *expected = content_of(name, "note.txt", &size),
	     *text = note_compose(paid, unmapped, NULL), *with_end;

	assert_true(asprintf(&with_end, "%s\n", text) > 0);
	if (expected != NULL)
		assert_string_equal(with_end, expected);
	assert_true(note_is_for(text, paid));
	free(with_end);
	free(text);
	free(expected);
}

static void
compare_payment(const char *name, const struct payment *paid, json_t *expect)
{
	json_t *unmapped = json_array(), *subjects = rules_subjects(mapping, paid, unmapped);
	json_t *known = describe(paid, subjects, unmapped), *value;
	const char *key;

	assert_true(json_object_size(expect) > 0);
	json_object_foreach(expect, key, value)
		if (!json_equal(json_object_get(known, key), value))
			fail_msg("%s: %s is %s", name, key,
			    json_dumps(json_object_get(known, key), JSON_ENCODE_ANY));
	compare_note(name, paid, unmapped);
	json_decref(known);
	json_decref(subjects);
	json_decref(unmapped);
}

static void
compare_mistakes(const char *name, json_t *errors, json_t *expect)
{
	json_t *expected = json_object_get(expect, "mistakes"), *wanted;
	size_t i;

	json_array_foreach(expected, i, wanted) {
		json_t *mistake = json_array_get(errors, i),
		       *message = json_object_get(wanted, "message");

		if (!json_equal(
			json_object_get(mistake, "path"), json_object_get(wanted, "path")) ||
		    (message != NULL && !json_equal(json_object_get(mistake, "message"), message)))
			fail_msg("%s: mistake %zu of %s", name, i, json_dumps(errors, 0));
	}
	if (json_array_size(errors) != json_array_size(expected))
		fail_msg("%s: %s", name, json_dumps(errors, 0));
}

static void
run_case(void **state)
{
	const char *name = *state;
	struct payment *paid = NULL;
	json_t *expect, *errors = NULL;
	char *path = path_of(name, "expect.json"), *body;
	size_t size;

	expect = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	body = content_of(name, "body.json", &size);
	if (expect == NULL || body == NULL)
		fail_msg("%s lacks body.json or a readable expect.json", name);
	/* Exactly as large as it is, so that reading beyond its end is seen. */
	body = realloc(body, size > 0 ? size : 1);
	if (payment_parse(body, size, &paid, &errors) != DONE) {
		compare_mistakes(name, errors, expect);
	} else {
		if (json_object_get(expect, "mistakes") != NULL)
			fail_msg("%s is accepted", name);
		compare_payment(name, paid, expect);
	}
	json_decref(errors);
	json_decref(expect);
	payment_free(paid);
	free(body);
	free(path);
}

static int
begin(void **state)
{
	json_t *warnings = json_array();
	json_t *errors = NULL;
	struct fault why;
	int failed;

	(void)state;
	clearenv();
	setenv("PAYMENT_SYNC_CONFIG", CASES "/settings.env", 1);
	failed = settings_load(SETTINGS_NEED_ALL, &settings, warnings) != DONE ||
	    rules_load(settings, &mapping, &errors, &why) != DONE;
	json_decref(warnings);
	json_decref(errors);
	return failed;
}

static int
end(void **state)
{
	(void)state;
	rules_free(mapping);
	settings_free(settings);
	return 0;
}

static int
is_case(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strchr(entry->d_name, '.') == NULL;
}

int
main(void)
{
	struct dirent **entries;
	int count = scandir(CASES, &entries, is_case, alphasort), failed;
	struct CMUnitTest *tests;

	if (count <= 0) {
		fprintf(stderr, "%s: no cases; run this from the top of the sources\n", CASES);
		return 1;
	}
	tests = calloc((size_t)count, sizeof(tests[0]));
	for (int i = 0; i < count; i++) {
		tests[i].name = entries[i]->d_name;
		tests[i].test_func = run_case;
		tests[i].initial_state = entries[i]->d_name;
	}
	failed = _cmocka_run_group_tests("cases", tests, (size_t)count, begin, end);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	free(tests);
	return failed;
}
