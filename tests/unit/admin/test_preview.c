#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"
#include "job_fixture.c"

#include "account_fixture.c"
#include "admin/change.h"
#include "admin/preview.h"
#include "base/clock.h"
#include "ledger/progress.h"
#include "payment/note.h"

static struct account school;
static struct job job; /* For its row in the ledger. */
static json_t *report;
static struct fault why;

static const struct sample sample = { .name = "Иван",
	.phone = "89991234567",
	.email = "ivan@example.com",
	.telegram = "770077",
	.subject = "Русский" };

#define PHONE                                                                                      \
	"[{\"field_id\": 1, \"field_code\": \"PHONE\", \"values\": [{\"value\": "                  \
	"\"89991234567\"}]}]"
#define TELEGRAM "[{\"field_id\": 101, \"values\": [{\"value\": \"770077\"}]}]"
#define LEAD                                                                                       \
	"[{\"field_id\": 204, \"values\": [{\"value\": \"1000\"}]},"                               \
	" {\"field_id\": 205, \"values\": [{\"value\": \"2\"}]},"                                  \
	" {\"field_id\": 201, \"values\": [{\"value\": \"Физика\", \"enum_id\": 302}]},"           \
	" {\"field_id\": 206, \"values\": [{\"value\": %d}]}]"

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	job_fixture_begin();
	school = account_fixture();
	take_job(&job, &sample);
	report = NULL;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	/* Whatever was found, nothing was touched. */
	assert_int_equal(fake_calls("create") + fake_calls("update") + fake_calls("note "), 0);
	json_decref(report);
	account_clear(&school);
	drop_job(&job);
	job_fixture_end();
	fixture_end();
	fake_amocrm_reset();
	return 0;
}

static void
look(void)
{
	json_decref(report);
	report = NULL;
	assert_int_equal(preview(service, &job.known.context, &school, job.attempt.id,
			     job.known.paid, &report, &why),
	    DONE);
}

static json_int_t
id_of_the(const char *entity)
{
	return json_integer_value(json_object_get(json_object_get(report, entity), "id"));
}

/* "old -> new" of a field; "" when it is not among the changes. */
static const char *
change(const char *list, const char *field)
{
	static char text[300];
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(report, list), i, one) {
		if (strcmp(json_string_value(json_object_get(one, "field")), field) != 0)
			continue;
		snprintf(text, sizeof(text), "%s -> %s",
		    json_string_value(json_object_get(one, "old")),
		    json_string_value(json_object_get(one, "new")));
		return text;
	}
	return "";
}

static const char *
warning(size_t i)
{
	const char *text = json_string_value(json_array_get(json_object_get(report, "remarks"), i));

	return text != NULL ? text : "";
}

static int64_t
lead_with(int64_t contact_id, int last_date)
{
	char fields[600];

	snprintf(fields, sizeof(fields), LEAD, last_date);
	return fake_lead(contact_id, STATUS_ACTIVE, fields);
}

/*
 * What would change.
 */

static void
test_a_known_payer(void **state)
{
	int64_t contact_id = fake_contact(PHONE),
		lead_id = lead_with(contact_id, SAMPLE_TIME - 86400);

	(void)state;
	look();
	assert_int_equal(id_of_the("contact"), contact_id);
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(report, "contact"), "matched_by")),
	    "phone");
	assert_string_equal(change("contact_changes", "Telegram ID"), " -> 770077");
	assert_string_equal(change("contact_changes", "Телефон"), "");
	assert_int_equal(id_of_the("lead"), lead_id);
	assert_string_equal(change("lead_changes", "Общая сумма оплат"), "1000 -> 6000");
	assert_string_equal(change("lead_changes", "Счётчик покупок"), "2 -> 3");
	assert_string_equal(change("lead_changes", "Предметы"), "Физика -> Физика, Русский");
	assert_string_equal(change("lead_changes", "Направление курса"), " -> ЕГЭ");
	assert_string_equal(change("lead_changes", "Дата последней оплаты"),
	    "2025-01-19 14:49:20 -> 2025-01-20 14:49:20");
	assert_string_equal(change("lead_changes", "Payment ID"), " -> pay_1");
	assert_string_equal(warning(0), "");
}

static void
test_a_new_payer(void **state)
{
	(void)state;
	look();
	assert_true(json_is_null(json_object_get(json_object_get(report, "contact"), "id")));
	assert_string_equal(change("contact_changes", "Телефон"), " -> +79991234567");
	assert_string_equal(change("contact_changes", "EMAIL"), " -> ivan@example.com");
	assert_true(json_is_null(json_object_get(json_object_get(report, "lead"), "id")));
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(report, "lead"), "pipeline_id")),
	    PIPELINE_SITE);
	assert_string_equal(change("lead_changes", "Общая сумма оплат"), " -> 5000");
	assert_string_equal(change("lead_changes", "Счётчик покупок"), " -> 1");
}

/* An older payment does not overwrite what a later one showed. */
static void
test_an_older_payment(void **state)
{
	(void)state;
	lead_with(fake_contact(TELEGRAM), SAMPLE_TIME + 86400);
	look();
	assert_string_equal(change("lead_changes", "Общая сумма оплат"), "1000 -> 6000");
	assert_string_equal(change("lead_changes", "Дата последней оплаты"), "");
	assert_string_equal(change("lead_changes", "Payment ID"), "");
	assert_string_equal(change("contact_changes", "Telegram ID"), "");
}

/* Deleted contacts and leads, finished stages and other people's leads do not count; of several the latest does. */
static void
test_which_ones(void **state)
{
	int64_t contact_id, lead_id;
	json_t *gone;

	(void)state;
	fake_contact(TELEGRAM);
	contact_id = fake_contact(TELEGRAM);
	gone = fake_entity(account.contacts, fake_contact(TELEGRAM));
	json_object_set_new(gone, "is_deleted", json_true());
	fake_lead(contact_id, STATUS_ACTIVE, "null");
	lead_id = fake_lead(contact_id, STATUS_ACTIVE, "null");
	fake_lead(contact_id, STATUS_AUTOPAY_SITE, "null");
	fake_lead(contact_id, 142, "null");
	gone = fake_entity(account.leads, fake_lead(contact_id, STATUS_ACTIVE, "null"));
	json_object_set_new(gone, "is_deleted", json_true());
	look();
	assert_int_equal(id_of_the("contact"), contact_id);
	assert_int_equal(id_of_the("lead"), lead_id);

	settings->lead_lookup = LEAD_LOOKUP_QUERY;
	fake_set_field(fake_entity(account.contacts, contact_id), 2, "ivan@example.com");
	look();
	assert_int_equal(id_of_the("lead"), lead_id);
}

/* The search does not know it yet; the ledger does. */
static void
test_remembered(void **state)
{
	int64_t contact_id = fake_contact("null");

	(void)state;
	account.search_lag_ms = INT64_MAX / 2;
	fake_set_field(fake_entity(account.contacts, contact_id), 101, "770077");
	job.known.at.contact_id = contact_id;
	assert_int_equal(ledger_save_contact(service->ledger, job.attempt.id, &job.known.at,
			     job.known.who, job.known.who_count, clock_wall_ms(), &why),
	    DONE);
	fixture_sql(settings->payments_db, "UPDATE delivery SET contact_id = NULL");
	look();
	assert_int_equal(id_of_the("contact"), contact_id);
}

/*
 * What would not.
 */

static void
test_none_may_be_created(void **state)
{
	(void)state;
	settings->create_if_not_found = false;
	look();
	assert_non_null(strstr(warning(0), "no contact is found"));
	assert_null(json_object_get(report, "contact"));

	fake_contact(TELEGRAM);
	look();
	assert_non_null(strstr(warning(0), "no lead is found"));
	assert_null(json_object_get(report, "lead_changes"));
}

static void
test_numbers_nobody_can_add_to(void **state)
{
	(void)state;
	fake_lead(fake_contact(TELEGRAM), STATUS_ACTIVE,
	    "[{\"field_id\": 204, \"values\": [{\"value\": \"много\"}]}]");
	look();
	assert_non_null(
	    strstr(warning(0), "it would fail again: the lead's total paid is not a number"));
	assert_null(json_object_get(report, "lead"));
}

static void
test_applied_already(void **state)
{
	int64_t lead_id = lead_with(fake_contact(TELEGRAM), 0);

	(void)state;
	job.known.at.contact_id = 1000;
	job.known.at.lead_id = lead_id;
	job.known.at.applied = true;
	assert_int_equal(job_save(&job, &why), DONE);
	look();
	assert_int_equal(id_of_the("lead"), lead_id);
	assert_int_equal(json_array_size(json_object_get(report, "lead_changes")), 0);
	assert_non_null(strstr(warning(0), "the amount stands in the lead already"));
}

/* The ledger was restored from an older copy: the lead knows the payment, and we do not. */
static void
test_shown_already(void **state)
{
	char fields[PAYMENT_KEY_SIZE + 100], *key_line;
	int64_t lead_id;

	(void)state;
	snprintf(fields, sizeof(fields), "[{\"field_id\": 207, \"values\": [{\"value\": \"%s\"}]}]",
	    job.known.paid->key);
	lead_id = fake_lead(fake_contact(TELEGRAM), STATUS_ACTIVE, fields);
	key_line = note_key_line(job.known.paid);
	json_array_append_new(account.notes,
	    json_pack("{s:i, s:I, s:{s:s}}", "id", 1, "entity_id", (json_int_t)lead_id, "params",
		"text", key_line));
	free(key_line);
	look();
	assert_int_equal(id_of_the("lead"), lead_id);
	assert_int_equal(json_array_size(json_object_get(report, "lead_changes")), 0);
	assert_non_null(strstr(warning(json_array_size(json_object_get(report, "remarks")) - 1),
	    "shows this payment already; it is not added again"));
}

static void
test_an_open_intent(void **state)
{
	(void)state;
	assert_int_equal(job_intend(&job, INTENT_CONTACT, &why), DONE);
	look();
	assert_non_null(strstr(warning(0), "an earlier attempt may have created a contact"));
}

static void
test_a_contact_that_vanished(void **state)
{
	int64_t contact_id = fake_contact(TELEGRAM);

	(void)state;
	job.known.at.contact_id = 999;
	assert_int_equal(job_save(&job, &why), DONE);
	look();
	assert_string_equal(
	    warning(0), "contact 999 has vanished from amoCRM; another is looked for");
	assert_int_equal(id_of_the("contact"), contact_id);
}

static void
test_unmapped_subject(void **state)
{
	(void)state;
	drop_job(&job);
	take_job(&job, &(struct sample){ .id = "pay_2", .subject = "Этика" });
	look();
	assert_string_equal(warning(0), "no rule for subject \"Этика\"");
}

static void
test_amocrm_fails(void **state)
{
	(void)state;
	account.always = LATER;
	assert_int_equal(preview(service, &job.known.context, &school, job.attempt.id,
			     job.known.paid, &report, &why),
	    LATER);
	assert_null(report);
}

/*
 * Words.
 */

static void
test_words(void **state)
{
	json_t *fields = load("[{'field_id': 206, 'values': [{'value': 1737373760}]},"
			      " {'field_id': 203, 'values': [{'value': 5}]},"
			      " {'field_id': 999, 'values': [{'value': true}]},"
			      " {'field_code': 'UTM_SOURCE', 'values': [{'value': 'vk'}]},"
			      " {'field_code': 'GONE', 'values': [{'value': 'x'}]},"
			      " {'field_id': 202, 'values': [{'enum_id': 888}]}]");
	json_t *lead =
	    load("{'custom_fields_values': [{'field_id': 203, 'values': [{'value': '5'}]},"
		 " {'field_id': 202, 'values': [{'value': 'ЕГЭ', 'enum_id': 351}]}]}");

	(void)state;
	report = json_pack("{s:o}", "changes", change_tell(&school, AMOCRM_LEADS, lead, fields));
	assert_string_equal(change("changes", "Дата последней оплаты"), " -> 2025-01-20 14:49:20");
	/* It stands there already. */
	assert_string_equal(change("changes", "Сумма последней оплаты"), "");
	assert_string_equal(change("changes", "999"), " -> true");
	assert_string_equal(change("changes", "utm_source"), " -> vk");
	assert_string_equal(change("changes", "GONE"), " -> x");
	assert_string_equal(change("changes", "Направление курса"), "ЕГЭ -> 888");
	json_decref(lead);
	json_decref(fields);
}

int
main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_a_known_payer),
		test(test_a_new_payer),
		test(test_an_older_payment),
		test(test_which_ones),
		test(test_remembered),
		test(test_none_may_be_created),
		test(test_numbers_nobody_can_add_to),
		test(test_applied_already),
		test(test_shown_already),
		test(test_an_open_intent),
		test(test_a_contact_that_vanished),
		test(test_unmapped_subject),
		test(test_amocrm_fails),
		test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
