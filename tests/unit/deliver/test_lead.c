#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"
#include "job_fixture.c"

#include "base/clock.h"
#include "deliver/lead.h"

static struct job job;
static struct fault why;
static int64_t contact_id;

static const struct sample sample = {
	.name = "Иван", .phone = "89991234567", .email = "ivan@example.com"
};

#define CONTACT_FIELDS                                                                             \
	"[{\"field_id\": 5, \"field_code\": \"PHONE\", \"values\": [{\"value\": "                  \
	"\"89991234567\"}]}]"
#define TOTAL(text) "[{\"field_id\": 204, \"values\": [{\"value\": \"" text "\"}]}]"

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	job_fixture_begin();
	contact_id = fake_contact(CONTACT_FIELDS);
	take_job(&job, &sample);
	job.known.at.contact_id = contact_id;
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

static json_t *
lead(int64_t id)
{
	return fake_entity(account.leads, id);
}

static int64_t
settle(void)
{
	assert_int_equal(settle_lead(&job, &why), DONE);
	assert_true(job.known.at.applied);
	assert_int_equal(fixture_sql_int(settings->payments_db,
			     "SELECT lead_id FROM delivery WHERE applied AND payment = %lld",
			     (long long)job.attempt.id),
	    job.known.at.lead_id);
	return job.known.at.lead_id;
}

static void
fail_call(int call, enum fake_when when, enum outcome outcome)
{
	account.failures[0].call = account.calls + call;
	account.failures[0].when = when;
	account.failures[0].outcome = outcome;
}

/* The active lead that was updated last, in whatever pipeline; never moved. */
static void
test_choosing(void **state)
{
	int64_t first = fake_lead(contact_id, STATUS_ACTIVE, "null"),
		last = fake_lead(contact_id, STATUS_ACTIVE + 1, "null");
	int64_t third = fake_lead(contact_id, STATUS_ACTIVE, "null"),
		finished = fake_lead(contact_id, 142, "null");

	(void)state;
	json_object_set_new(lead(first), "updated_at", json_integer(10));
	json_object_set_new(lead(last), "updated_at", json_integer(30));
	json_object_set_new(lead(third), "updated_at", json_integer(20));
	json_object_set_new(lead(finished), "updated_at", json_integer(40));
	assert_int_equal(settle(), last);
	assert_int_equal(number(lead(last), "status_id"), STATUS_ACTIVE + 1);
	assert_false(job.known.at.lead_created);
	assert_int_equal(job.known.at.pipeline_id, 400);
}

static void
test_creating(void **state)
{
	int64_t finished = fake_lead(contact_id, STATUS_AUTOPAY_SITE, TOTAL("7")), made;

	(void)state;
	made = settle();
	assert_int_not_equal(made, finished);
	assert_true(job.known.at.lead_created);
	assert_int_equal(job.known.at.pipeline_id, PIPELINE_SITE);
	assert_int_equal(job.known.at.total_before, 0);
	assert_int_equal(job.known.at.total_after, 500000);
	assert_string_equal(fake_field(lead(made), FIELD_TOTAL), "5000");
	assert_true(is_linked(lead(made), contact_id));
	assert_int_equal(fake_calls("create leads"), 1);
	assert_int_equal(fake_calls("update"), 0);
}

static void
test_not_found(void **state)
{
	(void)state;
	settings->create_if_not_found = false;
	assert_int_equal(settle_lead(&job, &why), NEVER);
	assert_string_equal(job.not_found, "lead_not_found");
	assert_int_equal(fake_calls("create"), 0);
}

/* Unknown creates nothing. */
static void
test_unknown(void **state)
{
	int call;

	(void)state;
	fake_lead(contact_id, STATUS_ACTIVE, "null");
	for (call = 1; call <= 2; call++) {
		fail_call(call, FAIL_BEFORE, LATER);
		assert_int_equal(settle_lead(&job, &why), LATER);
		assert_int_equal(fake_calls("create"), 0);
		json_decref(job.known.contact);
		job.known.contact = NULL;
	}
}

/* AMO_LEAD_LOOKUP=query: a hit counts only when it is linked to the contact. */
static void
test_query(void **state)
{
	int64_t other = fake_contact(CONTACT_FIELDS),
		theirs = fake_lead(other, STATUS_ACTIVE, "null");
	int64_t ours = fake_lead(contact_id, STATUS_ACTIVE, "null");

	(void)state;
	json_object_set_new(lead(theirs), "updated_at", json_integer(2000000000));
	settings->lead_lookup = LEAD_LOOKUP_QUERY;
	assert_int_equal(settle(), ours);
	assert_int_equal(fake_calls("search leads 9991234567"), 1);
	assert_int_equal(fake_calls("search leads ivan@example.com"), 1);
	assert_int_equal(fake_calls("read"), 0);
}

/* A contact that is gone is forgotten, so that the next attempt looks again. */
static void
test_contact_gone(void **state)
{
	(void)state;
	json_array_clear(account.contacts);
	assert_int_equal(settle_lead(&job, &why), LATER);
	assert_int_equal(job.known.at.contact_id, 0);
	assert_int_equal(fixture_sql_int(settings->payments_db,
			     "SELECT count(*) FROM delivery WHERE contact_id IS NULL"),
	    1);
}

/* Another payer's payments may reach a lead of several contacts: it is read again under its lock. */
static void
raise_total(int call, bool after)
{
	(void)call;
	if (after && fake_calls("read 1 leads") == 1 && fake_calls("read leads") == 0)
		fake_set_field(json_array_get(account.leads, 0), FIELD_TOTAL, "300");
}

static void
test_lead_of_two(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100"));

	(void)state;
	json_array_append_new(json_object_get(json_object_get(lead(id), "_embedded"), "contacts"),
	    json_pack("{s:i}", "id", 5));
	settle();
	assert_int_equal(fake_calls("read leads"), 1);
	assert_string_equal(fake_field(lead(id), FIELD_TOTAL), "5100");
}

static void
test_lead_of_two_changed(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100"));

	(void)state;
	json_array_append_new(json_object_get(json_object_get(lead(id), "_embedded"), "contacts"),
	    json_pack("{s:i}", "id", 5));
	account.meanwhile = raise_total;
	settle();
	account.meanwhile = NULL;
	/* The first look had 100 or 300; what counts is what stood there under the lock. */
	assert_int_equal(job.known.at.total_before, 30000);
	assert_string_equal(fake_field(lead(id), FIELD_TOTAL), "5300");
}

/* Nor need others be linked with a lead: a webhook may name it.  One was applied between our read
 * and our lock. */
static void
apply_another(int call, bool after)
{
	const struct sample other = { .id = "pay_2", .phone = "81111111111" };
	struct job second;

	(void)call;
	if (!after || fake_calls("read 1 leads") != 1 || fake_calls("read leads") != 0)
		return;
	raise_total(call, after);
	take_job(&second, &other);
	second.known.at.lead_id = number(json_array_get(account.leads, 0), "id");
	second.known.at.applied = true;
	known_tell(&second.known, "applied");
	assert_int_equal(job_save(&second, &why), DONE);
	known_clear(&second.known);
	payment_free((struct payment *)second.known.paid);
}

static void
test_lead_named_by_another(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100"));

	(void)state;
	account.meanwhile = apply_another;
	settle();
	account.meanwhile = NULL;
	assert_int_equal(fake_calls("read leads"), 1);
	assert_int_equal(job.known.at.total_before, 30000);
	assert_string_equal(fake_field(lead(id), FIELD_TOTAL), "5300");
}

/* What was applied before we read is in what we read: nothing is asked twice. */
static void
test_lead_read_once(void **state)
{
	const struct sample other = { .id = "pay_2", .phone = "81111111111" };
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100"));
	struct job second;

	(void)state;
	take_job(&second, &other);
	second.known.at.lead_id = id;
	second.known.at.applied = true;
	known_tell(&second.known, "applied");
	assert_int_equal(job_save(&second, &why), DONE);
	drop_job(&second);
	settle();
	assert_int_equal(fake_calls("read leads"), 0);
	assert_string_equal(fake_field(lead(id), FIELD_TOTAL), "5100");
}

static void
test_lead_in_hand(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, "null");
	struct locks *others = NULL;

	(void)state;
	assert_int_equal(lock_open(fixture_path("run/locks"), &others, &why), DONE);
	assert_int_equal(lock_take(others, LOCK_LEAD, &id, 1, clock_mono_ms(), &why), DONE);
	assert_int_equal(settle_lead(&job, &why), LATER);
	assert_true(job.waiting);
	assert_int_equal(fake_calls("update"), 0);
	lock_close(others);
	retake_job(&job);
	job.known.at.contact_id = contact_id;
	settle();
}

/* While another payment's intent on the lead is open, ours waits. */
static void
test_lead_with_an_open_intent(void **state)
{
	const struct sample other = { .id = "pay_2", .phone = "81111111112" };
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, "null");
	struct job second;

	(void)state;
	take_job(&second, &other);
	second.known.at.lead_id = id;
	assert_int_equal(job_intend(&second, INTENT_TOTALS, &why), DONE);
	assert_int_equal(settle_lead(&job, &why), LATER);
	assert_true(job.waiting);
	assert_int_equal(fake_calls("update"), 0);
	drop_job(&second);
}

/*
 * Lost answers.
 */

static void
lose_creation(enum fake_when when)
{
	/* The contact is read, which has no leads; then comes the creation. */
	fail_call(2, when, UNSURE);
	assert_int_equal(settle_lead(&job, &why), UNSURE);
	retake_job(&job);
	assert_int_equal(job.known.at.intent, INTENT_LEAD);
	assert_int_equal(settle_lead(&job, &why), LATER);
	assert_true(job.wait_until_ms > 0);
	fake_clock_pass(JOB_SETTLE_MS);
}

static void
test_lost_and_made(void **state)
{
	(void)state;
	account.search_lag_ms = 1000000;
	lose_creation(FAIL_AFTER);
	settle();
	assert_int_equal(json_array_size(account.leads), 1);
	assert_true(job.known.at.lead_created);
	assert_int_equal(job.known.at.pipeline_id, PIPELINE_SITE);
	assert_int_equal(job.known.at.total_after, 500000);
	assert_int_equal(job.known.at.count_after, 1);
}

static void
test_lost_and_not_made(void **state)
{
	(void)state;
	lose_creation(FAIL_BEFORE);
	settle();
	assert_int_equal(json_array_size(account.leads), 1);
	assert_int_equal(fake_calls("create leads"), 2);
}

/* Where leads carry no payment id, ours is known by name, price and age, unless another payment claims it. */
static void
test_lost_without_id(void **state)
{
	(void)state;
	settings->lead_field_payment_id = 0;
	lose_creation(FAIL_AFTER);
	settle();
	assert_int_equal(json_array_size(account.leads), 1);
	assert_int_equal(fake_calls("create leads"), 1);
}

/* amoCRM's clock, not ours, tells what was created since. */
static void
test_lost_by_another_clock(void **state)
{
	(void)state;
	settings->lead_field_payment_id = 0;
	account.clock_ahead_ms = -2 * 60 * 60 * 1000;
	lose_creation(FAIL_AFTER);
	settle();
	assert_int_equal(json_array_size(account.leads), 1);
	assert_int_equal(fake_calls("create leads"), 1);
}

/* A lead of the same name and price that was there long before is another's. */
static void
test_lost_beside_an_older_one(void **state)
{
	(void)state;
	settings->lead_field_payment_id = 0;
	account.clock_ahead_ms = 2 * 60 * 60 * 1000;
	lose_creation(FAIL_AFTER);
	json_object_set_new(
	    json_array_get(account.leads, 0), "created_at", json_integer(clock_wall_ms() / 1000));
	settle();
	assert_int_equal(json_array_size(account.leads), 2);
}

static void
test_lost_without_id_beside_a_twin(void **state)
{
	struct sample twin = sample;
	struct job second;
	int64_t theirs;

	(void)state;
	settings->lead_field_payment_id = 0;
	twin.id = "pay_2";
	take_job(&second, &twin);
	second.known.at.contact_id = contact_id;
	assert_int_equal(settle_lead(&second, &why), DONE);
	theirs = second.known.at.lead_id;
	drop_job(&second);

	fail_call(3, FAIL_BEFORE, UNSURE);
	assert_int_equal(settle_lead(&job, &why), UNSURE);
	retake_job(&job);
	fake_clock_pass(JOB_SETTLE_MS);
	assert_int_not_equal(settle(), theirs);
	assert_int_equal(json_array_size(account.leads), 2);
}

static void
test_surely_not_made(void **state)
{
	static const enum outcome outcomes[] = { LATER, NEVER };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fail_call(2, FAIL_BEFORE, outcomes[i]);
		assert_int_equal(settle_lead(&job, &why), outcomes[i]);
		assert_int_equal(fixture_sql_int(settings->payments_db,
				     "SELECT count(*) FROM delivery WHERE intent IS NULL"),
		    1);
		retake_job(&job);
	}
	settle();
	assert_int_equal(json_array_size(account.leads), 1);
}

/* An open intent on a lead that is gone by now: another is looked for. */
static void
test_lead_vanishes(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100"));

	(void)state;
	fail_call(3, FAIL_AFTER, UNSURE);
	assert_int_equal(settle_lead(&job, &why), UNSURE);
	assert_string_equal(fake_field(lead(id), FIELD_TOTAL), "5100");
	json_array_clear(account.leads);
	retake_job(&job);
	assert_int_not_equal(settle(), id);
	assert_true(job.known.at.lead_created);
	assert_true(has_remark(&job, "vanished"));
}

/* Older than what the vanished lead showed, but not than a new one, which has its id and date. */
static void
test_lead_vanishes_from_an_older_payment(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE,
	    "[{\"field_id\": 206, \"values\": [{\"value\": 1800000000}]}]");

	(void)state;
	fail_call(3, FAIL_AFTER, UNSURE);
	assert_int_equal(settle_lead(&job, &why), UNSURE);
	assert_string_equal(fake_field(lead(id), FIELD_PAYMENT_ID), "");
	json_array_clear(account.leads);
	retake_job(&job);
	assert_true(job.known.at.older);
	assert_string_equal(fake_field(lead(settle()), FIELD_PAYMENT_ID), "pay_1");
	assert_string_equal(fake_field(lead(job.known.at.lead_id), FIELD_LAST_DATE), "1737373760");
	assert_false(job.known.at.older);
}

/* The lead is resumed where it is, even when a person finished it meanwhile. */
static void
test_lead_finished_meanwhile(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100"));

	(void)state;
	fail_call(3, FAIL_AFTER, UNSURE);
	assert_int_equal(settle_lead(&job, &why), UNSURE);
	json_object_set_new(lead(id), "status_id", json_integer(142));
	retake_job(&job);
	assert_int_equal(settle(), id);
	assert_string_equal(fake_field(lead(id), FIELD_TOTAL), "5100");
	assert_int_equal(json_array_size(account.leads), 1);
}

/*
 * The lead that was chosen is not there any more when it is to be written.
 */

/* Just before the change of the first lead, somebody deletes it. */
static void
delete_first(int call, bool after)
{
	(void)call;
	if (!after && fake_calls("update leads") == 1) {
		json_array_remove(account.leads, 0);
		account.meanwhile = NULL;
	}
}

static void
test_deleted_when_written(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100"));

	(void)state;
	account.meanwhile = delete_first;
	assert_int_not_equal(settle(), id);
	assert_true(job.known.at.lead_created);
	assert_true(has_remark(&job, "deleted or finished meanwhile"));
	assert_int_equal(job.known.at.total_after, 500000);
	assert_int_equal(json_array_size(account.leads), 1);
}

/* The contact has another one. */
static void
test_deleted_beside_another(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100")),
		second = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("7"));

	(void)state;
	json_object_set_new(lead(id), "updated_at", json_integer(2000000000));
	account.meanwhile = delete_first;
	assert_int_equal(settle(), second);
	assert_false(job.known.at.lead_created);
	assert_string_equal(fake_field(lead(second), FIELD_TOTAL), "5007");
}

/* A lead of two people, read again under its lock, was finished since. */
static void
finish_first(int call, bool after)
{
	(void)call;
	if (after && fake_calls("read 1 leads") == 1 && fake_calls("read leads") == 0)
		json_object_set_new(
		    json_array_get(account.leads, 0), "status_id", json_integer(142));
}

static void
test_finished_when_written(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100"));

	(void)state;
	json_array_append_new(json_object_get(json_object_get(lead(id), "_embedded"), "contacts"),
	    json_pack("{s:i}", "id", 5));
	account.meanwhile = finish_first;
	assert_int_not_equal(settle(), id);
	account.meanwhile = NULL;
	assert_string_equal(fake_field(lead(id), FIELD_TOTAL), "100");
	assert_true(job.known.at.lead_created);
}

/* What is refused about a lead that is there stays refused. */
static void
test_refused(void **state)
{
	int64_t id = fake_lead(contact_id, STATUS_ACTIVE, TOTAL("100"));

	(void)state;
	fail_call(3, FAIL_BEFORE, NEVER);
	assert_int_equal(settle_lead(&job, &why), NEVER);
	assert_string_equal(why.text, "the account fails on command");
	assert_string_equal(fake_field(lead(id), FIELD_TOTAL), "100");
}

/* The contact was merged away between the search and the creation of the lead. */
static void
delete_contact(int call, bool after)
{
	(void)call;
	if (!after && fake_calls("create leads") == 1)
		json_array_clear(account.contacts);
}

static void
test_contact_gone_when_created(void **state)
{
	(void)state;
	fail_call(2, FAIL_BEFORE, NEVER);
	account.meanwhile = delete_contact;
	assert_int_equal(settle_lead(&job, &why), LATER);
	account.meanwhile = NULL;
	assert_int_equal(job.known.at.contact_id, 0);
	assert_int_equal(fixture_sql_int(settings->payments_db,
			     "SELECT count(*) FROM delivery WHERE contact_id IS NULL AND intent "
			     "IS NULL"),
	    1);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_choosing),
		test(test_creating),
		test(test_not_found),
		test(test_unknown),
		test(test_query),
		test(test_contact_gone),
		test(test_lead_of_two),
		test(test_lead_of_two_changed),
		test(test_lead_named_by_another),
		test(test_lead_read_once),
		test(test_lead_in_hand),
		test(test_lead_with_an_open_intent),
		test(test_lost_and_made),
		test(test_lost_and_not_made),
		test(test_lost_without_id),
		test(test_lost_by_another_clock),
		test(test_lost_beside_an_older_one),
		test(test_lost_without_id_beside_a_twin),
		test(test_surely_not_made),
		test(test_lead_vanishes),
		test(test_lead_vanishes_from_an_older_payment),
		test(test_lead_finished_meanwhile),
		test(test_deleted_when_written),
		test(test_deleted_beside_another),
		test(test_finished_when_written),
		test(test_refused),
		test(test_contact_gone_when_created),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
