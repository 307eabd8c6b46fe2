/* Several payments carried together, by deliver_together(): what one meets must not be another's. */
#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"

#include "job_fixture.c"

#include "deliver/deliver.h"
#include "ledger/attempt.h"

/* Payments that were recorded, and what came of carrying them. */
static struct delivery deliveries[BATCH_MAX];
static size_t count;

/* Made-up people, told apart by their numbers. */
static struct sample
person(int number)
{
	static char ids[BATCH_MAX][32], phones[BATCH_MAX][32];

	snprintf(ids[number], sizeof(ids[number]), "pay_%d", number);
	snprintf(phones[number], sizeof(phones[number]), "+799900000%02d", number);
	return (struct sample){ .id = ids[number], .phone = phones[number], .name = "Иван" };
}

static int64_t
known(int number)
{
	char fields[128];

	snprintf(fields, sizeof(fields),
	    "[{\"field_code\": \"PHONE\", \"values\": [{\"value\": \"%s\"}]}]",
	    person(number).phone);
	return fake_contact(fields);
}

static int64_t
known_with_lead(int number)
{
	return fake_lead(known(number), STATUS_ACTIVE, "[]");
}

static void
add(const struct sample *sample)
{
	struct job job;

	take_job(&job, sample);
	deliveries[count++] = (struct delivery){ .paid = job.known.paid,
		.attempt = { .id = job.attempt.id, .recorded_ms = clock_wall_ms() } };
	clear_job(&job);
}

static void
add_person(int number)
{
	struct sample sample = person(number);

	add(&sample);
}

static void
forget_deliveries(void)
{
	size_t i;

	for (i = 0; i < count; i++)
		delivery_result_clear(&deliveries[i].result);
}

static void
carry_while(bool (*go_on)(void *))
{
	size_t i;

	forget_deliveries();
	for (i = 0; i < count; i++)
		deliveries[i].attempt.lock_deadline_ms = deliveries[i].attempt.deadline_ms =
		    clock_mono_ms();
	deliveries[0].attempt.deadline_ms += 80 * 1000;
	deliver_together(service, deliveries, count, go_on, NULL);
}

static void
carry(void)
{
	carry_while(NULL);
}

/* Leave only what is not carried yet. */
static void
forget_carried(void)
{
	size_t i, left = 0;

	forget_deliveries();
	for (i = 0; i < count; i++) {
		if (deliveries[i].out == DONE)
			payment_free((struct payment *)deliveries[i].paid);
		else
			deliveries[left++] = deliveries[i];
	}
	count = left;
}

static size_t
carried(void)
{
	size_t i, done = 0;

	for (i = 0; i < count; i++)
		done += deliveries[i].out == DONE;
	return done;
}

static int64_t
ledger_int(const char *sql)
{
	return fixture_sql_int(settings->payments_db, "%s", sql);
}

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	job_fixture_begin();
	count = 0;
	return 0;
}

static int
tear_down(void **state)
{
	size_t i;

	(void)state;
	forget_deliveries();
	for (i = 0; i < count; i++)
		payment_free((struct payment *)deliveries[i].paid);
	job_fixture_end();
	fixture_end();
	fake_amocrm_reset();
	return 0;
}

/*
 * When all goes well.
 */

static void
test_one_request_for_all(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		if (i % 2 == 0)
			known_with_lead(i);
		add_person(i);
	}
	carry();
	assert_int_equal(carried(), 8);
	assert_int_equal(json_array_size(account.contacts), 8);
	assert_int_equal(json_array_size(account.leads), 8);
	for (i = 0; i < 8; i++) {
		assert_int_equal(deliveries[i].result.lead_created, i % 2 == 1);
		assert_string_equal(
		    fake_field(
			fake_entity(account.leads, deliveries[i].result.lead_id), FIELD_PAYMENT_ID),
		    person(i).id);
		assert_int_equal(fake_notes(deliveries[i].result.lead_id, person(i).id), 1);
	}
	/* The new contacts; the leads of the known ones; their change, the new ones' creation; the notes. */
	assert_int_equal(account.calls - fake_calls("search"), 5);
	assert_int_equal(fake_calls("create 4 contacts"), 1);
	assert_int_equal(fake_calls("update 4 leads"), 1);
	assert_int_equal(fake_calls("create 4 leads"), 1);
}

/* What amoCRM refused of one stands in its own trail, with its calls. */
static void
test_trail_tells_what_was_refused(void **state)
{
	(void)state;
	json_array_append_new(account.refused, json_integer(FIELD_INVOICE_ID));
	add_person(0);
	add(&(struct sample){ .id = "pay_1", .phone = "+79990000001", .invoice = "inv_1" });
	carry();
	assert_int_equal(carried(), 2);
	assert_int_equal(
	    ledger_int(
		"SELECT count(*) FROM trail JOIN payment_events ON payment_events.id = payment"
		" WHERE payment_id = 'pay_1' AND what LIKE 'amoCRM refused fields%'"),
	    1);
	assert_int_equal(
	    ledger_int("SELECT count(*) FROM trail WHERE what LIKE 'amoCRM refused fields%'"), 1);
}

/* Of one payer's payments one goes; the others are left for the next batch. */
static void
test_two_of_one_payer(void **state)
{
	struct sample again = person(0);

	(void)state;
	add_person(0);
	again.id = "pay_again";
	add(&again);
	add_person(1);
	carry();
	assert_int_equal(deliveries[0].out, DONE);
	assert_int_equal(deliveries[1].out, LATER);
	assert_int_equal(deliveries[1].result.next_ms, 0);
	assert_int_equal(deliveries[2].out, DONE);
	assert_int_equal(json_array_size(account.contacts), 2);
	/* The next batch. */
	forget_carried();
	carry();
	assert_int_equal(carried(), 1);
	assert_int_equal(json_array_size(account.contacts), 2);
	assert_int_equal(json_array_size(account.notes), 3);
}

/* Two payers who are one contact to amoCRM, and two contacts of one lead: the additions do not overlap. */
static void
test_two_on_one_lead(void **state)
{
	int64_t one, other, lead;
	json_t *links;

	(void)state;
	one = known(0);
	other = known(1);
	lead = fake_lead(one, STATUS_ACTIVE, "[]");
	links = json_object_get(
	    json_object_get(fake_entity(account.leads, lead), "_embedded"), "contacts");
	json_array_append_new(links, json_pack("{s:I}", "id", (json_int_t)other));
	add_person(0);
	add_person(1);
	carry();
	assert_int_equal(deliveries[0].out, DONE);
	assert_int_equal(deliveries[1].out, LATER);
	carry();
	assert_int_equal(carried(), 2);
	assert_string_equal(fake_field(fake_entity(account.leads, lead), FIELD_TOTAL), "10000");
	assert_string_equal(fake_field(fake_entity(account.leads, lead), FIELD_COUNT), "2");
}

/*
 * Being told to stop.
 */

/* Until the notes are written. */
static bool
until_noted(void *unused)
{
	(void)unused;
	return json_array_size(account.notes) == 0;
}

/* What was written needs only to be put down; to leave that to another attempt costs a search for each note. */
static void
test_stopping_puts_down_what_was_done(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		add_person(i);
	carry_while(until_noted);
	assert_int_equal(carried(), 3);
	assert_int_equal(
	    ledger_int("SELECT count(*) FROM payment_events WHERE status = 'success'"), 3);
}

/*
 * When amoCRM is slow or unwell.
 */

/* Every call takes two seconds: searching for all of them leaves no time for anything else. */
static void
take_long(int call, bool after)
{
	(void)call;
	if (after)
		fake_clock_pass(2000);
}

static void
test_slow_searches_leave_time(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < BATCH_MAX; i++)
		add_person(i);
	account.meanwhile = take_long;
	carry();
	assert_in_range(carried(), 15, BATCH_MAX - 1);
	assert_int_equal(
	    carried(), ledger_int("SELECT count(*) FROM payment_events WHERE status = 'success'"));
	/* The others are free again, and nothing is held against them. */
	assert_int_equal(carried() +
		ledger_int("SELECT count(*) FROM payment_events WHERE status = 'pending'"
			   " AND retry_count = 0"),
	    BATCH_MAX);
	assert_int_equal(deliveries[BATCH_MAX - 1].out, LATER);
	assert_int_not_equal(deliveries[BATCH_MAX - 1].result.next_ms, 0);
}

static void
fail_call(int slot, int call, enum outcome out)
{
	account.failures[slot].call = call;
	account.failures[slot].when = FAIL_BEFORE;
	account.failures[slot].outcome = out;
}

/* amoCRM answers to everything but one payment's search. */
static void
test_one_failing_search_keeps_nobody(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		add_person(i);
	fail_call(0, 2, LATER);
	fail_call(1, 4, LATER);
	carry();
	assert_int_equal(carried(), 3);
	assert_int_equal(deliveries[1].out, LATER);
	assert_int_equal(deliveries[3].out, LATER);
	assert_int_equal(ledger_int("SELECT sum(retry_count) FROM payment_events"), 2);
}

/* Two that fail one after the other are enough; only what was tried counts as an attempt. */
static void
test_unwell_keeps_everybody(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		add_person(i);
	account.always = LATER;
	carry();
	assert_int_equal(carried(), 0);
	assert_int_equal(account.calls, 2);
	assert_int_equal(ledger_int("SELECT sum(retry_count) FROM payment_events"), 2);
	assert_int_equal(
	    ledger_int("SELECT count(*) FROM payment_events WHERE status = 'pending'"), 5);
}

/*
 * When one of them is what amoCRM cannot bear.
 */

static void
test_refused_reading_is_each_ones_own(void **state)
{
	int64_t lead = 0;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		lead = known_with_lead(i);
		add_person(i);
	}
	/* After four searches all are asked for together, then each asks for its own. */
	fail_call(0, 5, NEVER);
	fail_call(1, 9, NEVER);
	carry();
	assert_int_equal(carried(), 3);
	assert_int_equal(deliveries[3].out, NEVER);
	assert_string_equal(fake_field(fake_entity(account.leads, lead), FIELD_TOTAL), "");
	assert_int_equal(fake_calls("read 4 leads"), 1);
	assert_int_equal(fake_calls("read 1 leads"), 4);
}

/* Whoever has failed often goes by itself, and takes nobody along. */
static void
test_one_that_failed_often_is_kept_apart(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		add_person(i);
	known_with_lead(4);
	add_person(4);
	deliveries[1].attempt.failed = deliveries[4].attempt.failed = 3;
	/* Five searches; a contact by itself after those that go together. */
	fail_call(0, 7, UNSURE);
	carry();
	assert_int_equal(fake_calls("create 3 contacts"), 1);
	assert_int_equal(fake_calls("create contacts"), 1);
	assert_int_equal(fake_calls("create 3 leads"), 1);
	assert_int_equal(fake_calls("read 1 leads"), 1);
	assert_int_equal(carried(), 4);
	assert_int_equal(deliveries[1].out, LATER);
	assert_int_equal(ledger_int("SELECT count(*) FROM delivery WHERE intent = 'contact'"), 1);
}

/* Somebody else tried it since it was seen due, and put it off: what got no answer then may be carried out yet. */
static void
test_put_off_meanwhile(void **state)
{
	struct fault why = { "" };

	(void)state;
	add_person(0);
	add_person(1);
	deliveries[0].attempt.due_ms = deliveries[1].attempt.due_ms = clock_wall_ms();
	assert_int_equal(ledger_postpone(service->ledger, deliveries[0].attempt.id, NULL, "unsure",
			     true, clock_wall_ms() + JOB_SETTLE_MS, &why),
	    DONE);
	carry();
	assert_int_equal(deliveries[0].out, LATER);
	assert_int_equal(deliveries[0].result.next_ms, 0);
	assert_int_equal(deliveries[1].out, DONE);
	assert_int_equal(json_array_size(account.contacts), 1);
	assert_int_equal(
	    ledger_int("SELECT count(*) FROM payment_events WHERE status = 'pending'"), 1);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_one_request_for_all),
		test(test_trail_tells_what_was_refused),
		test(test_two_of_one_payer),
		test(test_two_on_one_lead),
		test(test_stopping_puts_down_what_was_done),
		test(test_slow_searches_leave_time),
		test(test_one_failing_search_keeps_nobody),
		test(test_unwell_keeps_everybody),
		test(test_refused_reading_is_each_ones_own),
		test(test_one_that_failed_often_is_kept_apart),
		test(test_put_off_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
