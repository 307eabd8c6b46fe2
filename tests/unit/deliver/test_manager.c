#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"
#include "job_fixture.c"

#include "deliver/manager.h"

static struct job job;
static int64_t lead;

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	job_fixture_begin();
	take_job(&job, &(struct sample){ .phone = "+79990000001" });
	job.known.at.contact_id = fake_contact("[]");
	lead = job.known.at.lead_id = fake_lead(job.known.at.contact_id, STATUS_ACTIVE, "[]");
	job.known.at.applied = true;
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

static enum outcome
tell_manager(void)
{
	struct fault why = { "" };

	return carry_alone(&job, manager_note, &why);
}

/* Whoever applied the payment itself knows that there is no note yet. */
static void
test_written_at_once(void **state)
{
	(void)state;
	assert_int_equal(tell_manager(), DONE);
	assert_int_equal(account.calls, 1);
	assert_int_equal(fake_notes(lead, "Payment ID: pay_1"), 1);
	assert_int_equal(job.known.at.note_id,
	    json_integer_value(json_object_get(json_array_get(account.notes, 0), "id")));
	assert_int_equal(fake_notes(lead, "5000"), 1);

	/* And once it is known to be there, nothing is asked. */
	assert_int_equal(tell_manager(), DONE);
	assert_int_equal(account.calls, 1);
}

static void
test_found_again(void **state)
{
	int64_t note;

	(void)state;
	account.failures[0].call = 1;
	account.failures[0].when = FAIL_AFTER;
	account.failures[0].outcome = UNSURE;
	assert_int_equal(tell_manager(), UNSURE);
	assert_int_equal(job.known.at.note_id, 0);

	note = json_integer_value(json_object_get(json_array_get(account.notes, 0), "id"));
	job.applied_before = true;
	assert_int_equal(tell_manager(), DONE);
	assert_int_equal(job.known.at.note_id, note);
	assert_int_equal(json_array_size(account.notes), 1);
	assert_int_equal(fake_calls("note "), 1);
}

/* Another payment's note is not ours, nor is one on another lead. */
static void
test_not_mistaken(void **state)
{
	(void)state;
	json_array_append_new(account.notes,
	    json_pack("{s:I, s:I, s:{s:s}}", "id", (json_int_t)7, "entity_id", (json_int_t)lead,
		"params", "text", "Payment ID: pay_10"));
	json_array_append_new(account.notes,
	    json_pack("{s:I, s:I, s:{s:s}}", "id", (json_int_t)8, "entity_id", (json_int_t)lead + 1,
		"params", "text", "Payment ID: pay_1"));
	job.applied_before = true;
	assert_int_equal(tell_manager(), DONE);
	assert_int_equal(fake_calls("notes "), 1);
	assert_int_equal(json_array_size(account.notes), 3);
	assert_int_not_equal(job.known.at.note_id, 7);
	assert_int_not_equal(job.known.at.note_id, 8);
}

/* Notes that could not be read may hold ours. */
static void
test_unknown_writes_nothing(void **state)
{
	(void)state;
	job.applied_before = true;
	account.failures[0].call = 1;
	account.failures[0].outcome = LATER;
	assert_int_equal(tell_manager(), LATER);
	assert_int_equal(json_array_size(account.notes), 0);
	assert_int_equal(fake_calls("note "), 0);
}

static void
test_names_what_is_missing(void **state)
{
	(void)state;
	json_array_append_new(job.known.at.dropped, json_integer(FIELD_INVOICE_ID));
	json_array_append_new(job.known.at.unmapped, json_string("Астрономия"));
	assert_int_equal(tell_manager(), DONE);
	assert_int_equal(fake_notes(lead, "Invoice ID"), 1);
	assert_int_equal(fake_notes(lead, "Астрономия"), 1);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_written_at_once),
		test(test_found_again),
		test(test_not_mistaken),
		test(test_unknown_writes_nothing),
		test(test_names_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
