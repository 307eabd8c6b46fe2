#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"
#include "job_fixture.c"

#include "deliver/contact.h"
#include "ledger/attempt.h"

static struct job job;
static struct fault why;

static const struct sample ivan = { .name = "Иван Петров",
	.phone = "8 (999) 123-45-67",
	.email = "Ivan@example.com",
	.telegram = "123456789",
	.tag = "@ivan_petrov" };

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	job_fixture_begin();
	take_job(&job, &ivan);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	drop_job(&job);
	job_fixture_end();
	fixture_end();
	fake_amocrm_reset();
	return 0;
}

#define PHONE(text)                                                                                \
	"{\"field_id\": 5, \"field_code\": \"PHONE\", \"values\": [{\"value\": \"" text "\"}]}"
#define EMAIL(text)                                                                                \
	"{\"field_id\": 6, \"field_code\": \"EMAIL\", \"values\": [{\"value\": \"" text "\"}]}"
#define TG_ID(text)   "{\"field_id\": 101, \"values\": [{\"value\": \"" text "\"}]}"
#define TG_NAME(text) "{\"field_id\": 102, \"values\": [{\"value\": \"" text "\"}]}"
#define OTHER(text)   "{\"field_id\": 9, \"values\": [{\"value\": \"" text "\"}]}"

/* Settle with only these contacts in the account; the id taken. */
static int64_t
settle(void)
{
	assert_int_equal(settle_contact(&job, &why), DONE);
	assert_int_equal(fixture_sql_int(settings->payments_db, "SELECT contact_id FROM delivery"),
	    job.known.at.contact_id);
	assert_int_equal(job.known.at.intent, INTENT_NONE);
	return job.known.at.contact_id;
}

static json_t *
new_contact(void)
{
	assert_int_equal(fake_calls("create contacts"), 1);
	return json_array_get(account.contacts, json_array_size(account.contacts) - 1);
}

static void
test_by_telegram(void **state)
{
	int64_t phone = fake_contact("[" PHONE("89991234567") "]");
	int64_t telegram = fake_contact("[" TG_ID("123456789") "]");

	(void)state;
	assert_int_equal(settle(), telegram);
	assert_int_not_equal(settle(), phone);
	assert_string_equal(job.known.at.matched_by, "telegram");
	/* The phone is not even searched for. */
	assert_int_equal(fake_calls("search contacts 9991234567"), 0);
}

static void
test_by_phone(void **state)
{
	int64_t id = fake_contact("[" PHONE("+7 999 123-45-67") "]");

	(void)state;
	assert_int_equal(settle(), id);
	assert_string_equal(job.known.at.matched_by, "phone");
	assert_int_equal(fake_calls("search contacts 123456789"), 1);
	assert_int_equal(fake_calls("search contacts Ivan"), 0);
}

/* Who cannot be read may be the payer: nobody is created in their place. */
static void
test_not_understood(void **state)
{
	int64_t id = fake_contact("[" PHONE("89991234567") "]");
	json_t *contact = fake_entity(account.contacts, id);
	json_t *fields = json_incref(json_object_get(contact, "custom_fields_values"));

	(void)state;
	json_object_set_new(contact, "custom_fields_values", json_pack("{s:O}", "PHONE", fields));
	assert_int_equal(settle_contact(&job, &why), LATER);
	assert_int_equal(fake_calls("create"), 0);
	json_object_set_new(contact, "custom_fields_values", fields);
	assert_int_equal(settle(), id);
}

static void
test_by_email(void **state)
{
	int64_t id = fake_contact("[" EMAIL("Ivan@example.com") "]");

	(void)state;
	assert_int_equal(settle(), id);
	assert_string_equal(job.known.at.matched_by, "email");
}

static bool
bears(const char *fields, enum identity_kind kind, const char *text)
{
	struct identity who = { .kind = kind, .text = text };
	json_t *contact = json_pack("{s:o}", "custom_fields_values", json_loads(fields, 0, NULL));
	bool it_does;

	if (kind == IDENTITY_PHONE)
		assert_true(phone_next(&text, &who.phone));
	it_does = contact_bears(contact, &who, settings);
	json_decref(contact);
	return it_does;
}

static void
test_exactness(void **state)
{
	(void)state;
	assert_true(bears("[" TG_ID("123456789") "]", IDENTITY_TELEGRAM, "123456789"));
	assert_false(bears("[" TG_ID("1234567890") "]", IDENTITY_TELEGRAM, "123456789"));
	/* Where the field is configured, the id counts in that field alone. */
	assert_false(bears("[" OTHER("123456789") "]", IDENTITY_TELEGRAM, "123456789"));
	settings->contact_field_tg_id = 0;
	assert_true(bears("[" OTHER("123456789") "]", IDENTITY_TELEGRAM, "123456789"));
	assert_false(bears("[" OTHER("id 123456789") "]", IDENTITY_TELEGRAM, "123456789"));
	settings->contact_field_tg_id = FIELD_TG_ID;

	assert_true(bears("[" PHONE("8(999)123-45-67") "]", IDENTITY_PHONE, "9991234567"));
	assert_true(bears("[" PHONE("9991234567") "]", IDENTITY_PHONE, "9991234567"));
	assert_false(bears("[" PHONE("89991234568") "]", IDENTITY_PHONE, "9991234567"));
	assert_false(bears("[" OTHER("89991234567") "]", IDENTITY_PHONE, "9991234567"));

	assert_true(bears("[" EMAIL("IVAN@Example.COM") "]", IDENTITY_EMAIL, "Ivan@example.com"));
	assert_false(bears("[" EMAIL("xIvan@example.com") "]", IDENTITY_EMAIL, "Ivan@example.com"));
	assert_false(bears("[" OTHER("Ivan@example.com") "]", IDENTITY_EMAIL, "Ivan@example.com"));

	/* Any of several values, and none of none. */
	assert_true(bears("[{\"field_code\": \"PHONE\", \"values\": [{\"value\": \"1\"}, "
			  "{\"value\": \"+79991234567\"}]}]",
	    IDENTITY_PHONE, "9991234567"));
	assert_false(bears("[]", IDENTITY_PHONE, "9991234567"));
}

/* Number by number, and with its country where both sides tell it. */
static void
test_phones_in_one_value(void **state)
{
	static const char *const values[] = { "[" PHONE("+7 999 777-88-99, 8 999 123-45-67") "]",
		"[" PHONE("8 999 123-45-67 доб. 12") "]",
		"[" PHONE("89997778899\\n89991234567 (мама)") "]" };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_true(bears(values[i], IDENTITY_PHONE, "+79991234567"));
	assert_false(
	    bears("[" PHONE("8 999 777-88-99 доб. 9991234") "]", IDENTITY_PHONE, "+79991234567"));
	assert_false(bears("[" PHONE("+1 999 123 4567") "]", IDENTITY_PHONE, "+79991234567"));
	assert_true(bears("[" PHONE("999 123 4567") "]", IDENTITY_PHONE, "+79991234567"));
}

/* Each number is searched for, in order; the first is the payer's. */
static void
test_several_phones(void **state)
{
	static const struct sample two = { .id = "pay_2",
		.phone = "8 999 123-45-67 доб. 12, +7 999 777-88-99" };
	int64_t id = fake_contact("[" PHONE("89997778899") "]");

	(void)state;
	drop_job(&job);
	take_job(&job, &two);
	assert_int_equal(settle(), id);
	assert_int_equal(fake_calls("search contacts 9991234567"), 1);
	assert_int_equal(fake_calls("search contacts 9997778899"), 1);

	drop_job(&job);
	json_array_clear(account.contacts);
	take_job(&job, &(struct sample){ .id = "pay_3", .phone = two.phone });
	assert_int_equal(settle_contact(&job, &why), DONE);
	assert_true(contact_bears(new_contact(), &job.known.who[0], settings));
	assert_false(contact_bears(new_contact(), &job.known.who[1], settings));
}

/* Hits that only mention the payer are not the payer. */
static void
test_inexact_hits(void **state)
{
	(void)state;
	fake_contact("[" OTHER("call 9991234567 about 123456789") "]");
	fake_contact("[" PHONE("99912345678") "]");
	settle();
	assert_int_equal(json_array_size(account.contacts), 3);
	assert_string_equal(job.known.at.matched_by, "created");
}

static void
test_deleted_hit(void **state)
{
	int64_t id = fake_contact("[" TG_ID("123456789") "]");

	(void)state;
	json_object_set_new(fake_entity(account.contacts, id), "is_deleted", json_true());
	assert_int_not_equal(settle(), id);
}

static void
test_several_hits(void **state)
{
	int64_t first = fake_contact("[" TG_ID("123456789") "]"), last, third;

	(void)state;
	last = fake_contact("[" TG_ID("123456789") "]");
	third = fake_contact("[" TG_ID("123456789") "]");
	json_object_set_new(
	    fake_entity(account.contacts, last), "updated_at", json_integer(2000000000));
	assert_int_equal(settle(), last);
	assert_true(first != last && third != last);
	assert_true(has_remark(&job, "3 contacts have this telegram"));
	/* No personal data in what is logged. */
	assert_false(has_remark(&job, "123456789"));
}

/* Mother and son have one phone: the son is who has his e-mail, too. */
static void
test_one_phone_for_two(void **state)
{
	int64_t son = fake_contact("[" PHONE("89991234567") "," EMAIL("ivan@example.com") "]"),
		mother = fake_contact("[" PHONE("89991234567") "," EMAIL("olga@example.com") "]");

	(void)state;
	json_object_set_new(
	    fake_entity(account.contacts, mother), "updated_at", json_integer(2000000000));
	assert_int_equal(settle(), son);
	assert_true(has_remark(&job, "2 contacts have this phone"));
	assert_true(has_remark(&job, "which agrees in most"));
}

static void
test_one_phone_for_three(void **state)
{
	int64_t first = fake_contact("[" PHONE("89991234567") "," EMAIL("ivan@example.com") "]"),
		last = fake_contact("[" PHONE("89991234567") "," EMAIL("ivan@example.com") "]"),
		mother = fake_contact("[" PHONE("89991234567") "]");

	(void)state;
	json_object_set_new(
	    fake_entity(account.contacts, mother), "updated_at", json_integer(2000000000));
	assert_int_equal(settle(), last);
	assert_int_not_equal(last, first);
	assert_true(has_remark(&job, "3 contacts have this phone"));
	assert_true(has_remark(&job, "updated last"));
}

static void
test_creating(void **state)
{
	json_t *contact;

	(void)state;
	settle();
	contact = new_contact();
	assert_string_equal(json_string_value(json_object_get(contact, "name")), "Иван Петров");
	assert_string_equal(fake_field(contact, FIELD_TG_ID), "123456789");
	assert_string_equal(fake_field(contact, FIELD_TG_USERNAME), "ivan_petrov");
	assert_true(bears("[" PHONE("+79991234567") "]", IDENTITY_PHONE, "9991234567"));
	assert_true(contact_bears(contact, &job.known.who[1], settings));
	assert_true(contact_bears(contact, &job.known.who[2], settings));
	assert_string_equal(job.known.at.matched_by, "created");
	/* It is remembered by all that it is known by. */
	assert_int_equal(
	    fixture_sql_int(settings->payments_db, "SELECT count(*) FROM known_contact"), 3);
}

/* A nameless payer is called by what is known. */
static void
test_names(void **state)
{
	static const struct {
		struct sample sample;
		const char *name;
	} cases[] = {
		{ { .phone = "89991234567", .email = "anna@example.com" }, "+79991234567" },
		{ { .email = "anna@example.com", .tag = "tag" }, "anna@example.com" },
		{ { .tag = "@tag", .telegram = "500005" }, "tag" },
		{ { .telegram = "500005" }, "500005" },
		{ { .telegram = "1", .phone = "1234567", .email = "none@none" }, "Без имени" },
		{ { .name = NULL }, "Без имени" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tear_down(state);
		fixture_begin();
		fake_amocrm_reset();
		job_fixture_begin();
		take_job(&job, &cases[i].sample);
		settle();
		assert_string_equal(
		    json_string_value(json_object_get(new_contact(), "name")), cases[i].name);
	}
}

static void
test_filling(void **state)
{
	int64_t id = fake_contact("[" PHONE("89991234567") "]");

	(void)state;
	assert_int_equal(settle(), id);
	assert_string_equal(
	    fake_field(fake_entity(account.contacts, id), FIELD_TG_ID), "123456789");
	assert_string_equal(
	    fake_field(fake_entity(account.contacts, id), FIELD_TG_USERNAME), "ivan_petrov");
	assert_int_equal(fake_calls("update contacts"), 1);
	/* The search does not know at once whom it would find by these now. */
	assert_int_equal(
	    fixture_sql_int(settings->payments_db, "SELECT count(*) FROM known_contact"), 3);
}

/* What is filled is never changed. */
static void
test_not_overwriting(void **state)
{
	int64_t id = fake_contact("[" PHONE("89991234567") "," TG_ID("1") "," TG_NAME("other") "]");

	(void)state;
	assert_int_equal(settle(), id);
	assert_string_equal(fake_field(fake_entity(account.contacts, id), FIELD_TG_ID), "1");
	assert_string_equal(
	    fake_field(fake_entity(account.contacts, id), FIELD_TG_USERNAME), "other");
	assert_int_equal(fake_calls("update"), 0);
}

/* Who has this phone and another e-mail may be somebody else of the family. */
static void
test_not_filling_a_stranger(void **state)
{
	static const char *const contacts[] = { "[" PHONE("89991234567") "," EMAIL(
						    "olga@example.com") "]",
		"[" EMAIL("Ivan@example.com") "," PHONE("+1 999 123 4567") "]",
		"[" PHONE("89991234567") "," TG_ID("424242") "]" };

	for (size_t i = 0; i < sizeof(contacts) / sizeof(contacts[0]); i++) {
		int64_t id = fake_contact(contacts[i]);

		assert_int_equal(settle(), id);
		assert_int_equal(fake_calls("update"), 0);
		tear_down(state);
		set_up(state);
	}
}

/* What stands for nothing contradicts nobody, nor does a second value. */
static void
test_filling_beside_placeholders(void **state)
{
	int64_t id = fake_contact("[" PHONE("89991234567") "," EMAIL("-") "]");

	assert_int_equal(settle(), id);
	assert_int_equal(fake_calls("update"), 1);
	tear_down(state);
	set_up(state);

	id = fake_contact("[{\"field_code\": \"EMAIL\", \"values\": [{\"value\": "
			  "\"olga@example.com\"}, {\"value\": \"Ivan@example.com\"}]}]");
	assert_int_equal(settle(), id);
	assert_int_equal(fake_calls("update"), 1);
}

static void
fill_meanwhile(int call, bool after)
{
	(void)call;
	if (after && fake_calls("search contacts 9991234567") == 1)
		fake_set_field(json_array_get(account.contacts, 0), FIELD_TG_ID, "111111");
}

/* Somebody else's payment filled it in after ours had read it, and was put off: the ledger shows
 * nothing of it yet. */
static void
test_filled_meanwhile(void **state)
{
	int64_t id = fake_contact("[" PHONE("89991234567") "]");

	(void)state;
	account.meanwhile = fill_meanwhile;
	assert_int_equal(settle(), id);
	assert_string_equal(fake_field(fake_entity(account.contacts, id), FIELD_TG_ID), "111111");
	assert_string_equal(fake_field(fake_entity(account.contacts, id), FIELD_TG_USERNAME), "");
}

/* An id that is part of thousands of numbers says nothing; the others do, also that they are new. */
static void
test_id_in_thousands(void **state)
{
	int64_t known = fake_contact("[" PHONE("89991234567") "]");

	account.crowded = "123456789";
	assert_int_equal(settle(), known);
	assert_true(has_remark(&job, "tells nothing"));
	tear_down(state);
	set_up(state);

	account.crowded = "123456789";
	settle();
	assert_string_equal(fake_field(new_contact(), FIELD_TG_ID), "123456789");
	assert_true(has_remark(&job, "tells nothing"));
}

/* A refusal of it is no reason to keep the payment back. */
static void
test_filling_refused(void **state)
{
	int64_t id = fake_contact("[" PHONE("89991234567") "]");

	(void)state;
	account.failures[0].call = 4;
	account.failures[0].outcome = NEVER;
	assert_int_equal(settle(), id);
	assert_true(has_remark(&job, "not filled"));
}

/* Unknown creates nothing. */
static void
test_unknown(void **state)
{
	int call;

	(void)state;
	for (call = 1; call <= 3; call++) {
		account.calls = 0;
		account.failures[0].call = call;
		account.failures[0].outcome = LATER;
		assert_int_equal(settle_contact(&job, &why), LATER);
		assert_int_equal(json_array_size(account.contacts), 0);
		retake_job(&job);
	}
}

static void
test_not_found(void **state)
{
	(void)state;
	settings->create_if_not_found = false;
	assert_int_equal(settle_contact(&job, &why), NEVER);
	assert_string_equal(job.not_found, "contact_not_found");
	assert_int_equal(fake_calls("create"), 0);
}

/* Made a moment ago, and not yet in the search. */
static void
test_remembered(void **state)
{
	struct sample again = ivan;
	struct job second;
	int64_t id;

	(void)state;
	account.search_lag_ms = 1000000;
	id = settle();
	again.id = "pay_2";
	again.telegram = NULL;
	take_job(&second, &again);
	assert_int_equal(settle_contact(&second, &why), DONE);
	assert_int_equal(second.known.at.contact_id, id);
	assert_int_equal(json_array_size(account.contacts), 1);
	drop_job(&second);
}

/* A reminder is a reminder: the contact may be gone, or another's by now. */
static void
test_remembered_wrongly(void **state)
{
	int64_t id = fake_contact("[" PHONE("81111111111") "," TG_ID("42") "]");

	(void)state;
	fixture_sql(settings->payments_db,
	    "INSERT INTO known_contact VALUES (%lld, %lld, 1), (%lld, 999999, 1)",
	    (long long)job.known.who[1].hash, (long long)id, (long long)job.known.who[2].hash);
	assert_int_not_equal(settle(), id);
	assert_int_equal(json_array_size(account.contacts), 2);
}

/* A creation whose answer was lost. */
static void
lose_creation(enum fake_when when)
{
	account.failures[0].call = account.calls + (int)job.known.who_count + 1;
	account.failures[0].when = when;
	account.failures[0].outcome = UNSURE;
	assert_int_equal(settle_contact(&job, &why), UNSURE);
	assert_int_equal(fixture_sql_int(settings->payments_db,
			     "SELECT count(*) FROM delivery WHERE intent = 'contact'"),
	    1);
	retake_job(&job);
	assert_int_equal(job.known.at.intent, INTENT_CONTACT);
}

static void
test_lost_and_made(void **state)
{
	(void)state;
	account.search_lag_ms = 1000000;
	lose_creation(FAIL_AFTER);
	assert_int_equal(settle_contact(&job, &why), LATER);
	assert_true(job.wait_until_ms > 0);
	fake_clock_pass(JOB_SETTLE_MS);
	assert_int_equal(settle(), number(json_array_get(account.contacts, 0), "id"));
	assert_int_equal(json_array_size(account.contacts), 1);
	/* And the next payment's search need not know it. */
	assert_int_equal(
	    fixture_sql_int(settings->payments_db, "SELECT count(*) FROM known_contact"), 3);
}

static void
test_lost_and_not_made(void **state)
{
	(void)state;
	lose_creation(FAIL_BEFORE);
	fake_clock_pass(JOB_SETTLE_MS);
	settle();
	assert_int_equal(json_array_size(account.contacts), 1);
}

/* The payment whose creation's answer was lost may have failed since; its contact must still not be made twice. */
static void
test_lost_by_another(void **state)
{
	const struct sample other = {
		.id = "pay_2", .name = "Иван Петров", .phone = "+7 999 123-45-67"
	};
	struct fault unused;

	(void)state;
	account.search_lag_ms = 1000000;
	lose_creation(FAIL_AFTER);
	assert_int_equal(
	    ledger_fail(service->ledger, job.attempt.id, NULL, "refused", clock_wall_ms(), &unused),
	    DONE);
	drop_job(&job);
	take_job(&job, &other);
	assert_int_equal(settle_contact(&job, &why), DONE);
	assert_int_equal(json_array_size(account.contacts), 1);
}

/* Without an identity the lost contact is known by its name and age. */
static void
test_lost_nobody(void **state)
{
	const struct sample nobody = { .id = "pay_2", .name = "Иван Петров" };
	int64_t old;

	(void)state;
	old = fake_contact("[]");
	json_object_set_new(fake_entity(account.contacts, old), "name", json_string("Иван Петров"));
	drop_job(&job);
	take_job(&job, &nobody);
	lose_creation(FAIL_AFTER);
	fake_clock_pass(JOB_SETTLE_MS);
	assert_int_equal(settle_contact(&job, &why), DONE);
	assert_int_not_equal(job.known.at.contact_id, old);
	assert_int_equal(json_array_size(account.contacts), 2);
}

/* What surely did not happen leaves no question open. */
static void
test_surely_not_made(void **state)
{
	static const enum outcome outcomes[] = { LATER, NEVER };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		account.calls = 0;
		account.failures[0].call = 4;
		account.failures[0].outcome = outcomes[i];
		assert_int_equal(settle_contact(&job, &why), outcomes[i]);
		assert_int_equal(fixture_sql_int(settings->payments_db,
				     "SELECT count(*) FROM delivery WHERE intent IS NULL"),
		    1);
		retake_job(&job);
	}
	settle();
	assert_int_equal(json_array_size(account.contacts), 1);
}

/* A contact that is merged away between the search and the filling is looked for again. */
static void
merge_away(int call, bool after)
{
	(void)call;
	if (!after && fake_calls("update contacts") == 1)
		json_array_clear(account.contacts);
}

static void
test_merged_before_it_is_filled(void **state)
{
	(void)state;
	fake_contact("[" PHONE("89991234567") "]");
	account.meanwhile = merge_away;
	assert_int_equal(settle_contact(&job, &why), LATER);
	account.meanwhile = NULL;
	assert_int_equal(job.known.at.contact_id, 0);
	assert_int_equal(fixture_sql_int(settings->payments_db,
			     "SELECT count(*) FROM delivery WHERE contact_id IS NULL"),
	    1);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_by_telegram),
		test(test_by_phone),
		test(test_not_understood),
		test(test_by_email),
		test(test_exactness),
		test(test_phones_in_one_value),
		test(test_several_phones),
		test(test_inexact_hits),
		test(test_deleted_hit),
		test(test_several_hits),
		test(test_one_phone_for_two),
		test(test_one_phone_for_three),
		test(test_creating),
		test(test_names),
		test(test_filling),
		test(test_not_overwriting),
		test(test_not_filling_a_stranger),
		test(test_filling_beside_placeholders),
		test(test_filled_meanwhile),
		test(test_id_in_thousands),
		test(test_filling_refused),
		test(test_unknown),
		test(test_not_found),
		test(test_remembered),
		test(test_remembered_wrongly),
		test(test_lost_and_made),
		test(test_lost_and_not_made),
		test(test_lost_by_another),
		test(test_lost_nobody),
		test(test_surely_not_made),
		test(test_merged_before_it_is_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
