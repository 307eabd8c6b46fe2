#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"
#include "job_fixture.c"
#include "ledger/progress.h"
#include "ledger/report.h"

static struct job job, other;

static int
set_up(void **state)
{

	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	job_fixture_begin();
	take_job(&job, &(struct sample){ .id = "pay_1", .phone = "+79990000001" });
	take_job(&other, &(struct sample){ .id = "pay_2", .phone = "+79990000001" });
	other.locks = lock_open_again(service->locks);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	lock_close(other.locks);
	drop_job(&job);
	drop_job(&other);
	job_fixture_end();
	fixture_end();
	fake_amocrm_reset();
	return 0;
}

/* Two jobs of one process exclude each other, and being kept waiting is no failure. */
static void
test_lock(void **state)
{
	struct fault why;
	int64_t number = 7;

	(void)state;
	assert_int_equal(job_lock(&job, LOCK_CONTACT, &number, 1, &why), DONE);
	assert_false(job.waiting);
	assert_int_equal(job_lock(&other, LOCK_CONTACT, &number, 1, &why), LATER);
	assert_true(other.waiting);
	lock_drop(job.locks, LOCK_CONTACT);
	other.attempt.lock_deadline_ms = 0;
	assert_int_equal(job_lock(&other, LOCK_CONTACT, &number, 1, &why), DONE);
	assert_false(other.waiting);
}

static void
test_awaits_others(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(job_await_others(&job, 0, &why), DONE);
	assert_int_equal(job_intend(&other, INTENT_CONTACT, &why), DONE);
	assert_int_equal(job_await_others(&job, 0, &why), LATER);
	assert_true(job.waiting);
	/* Nobody waits for an intent of its own. */
	assert_int_equal(job_await_others(&other, 0, &why), DONE);
}

static void
test_intend(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(job_intend(&job, INTENT_LEAD, &why), DONE);
	retake_job(&job);
	assert_int_equal(job.known.at.intent, INTENT_LEAD);
	assert_true(job.known.at.intent_ms > FAKE_CLOCK_START_MS);
	assert_int_equal(job_intend(&job, INTENT_NONE, &why), DONE);
	retake_job(&job);
	assert_int_equal(job.known.at.intent, INTENT_NONE);
	assert_int_equal(job.known.at.intent_ms, 0);
}

/* Only what surely did not happen is taken back. */
static void
test_withdraw(void **state)
{
	static const struct {
		enum outcome out;
		enum intent left;
	} cases[] = { { LATER, INTENT_NONE }, { NEVER, INTENT_NONE }, { UNSURE, INTENT_LEAD },
		{ BROKEN, INTENT_LEAD } };
	struct fault why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(job_intend(&job, INTENT_LEAD, &why), DONE);
		assert_int_equal(job_withdraw(&job, cases[i].out, &why), cases[i].out);
		retake_job(&job);
		assert_int_equal(job.known.at.intent, cases[i].left);
	}
}

static void
test_settled(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(job_intend(&job, INTENT_CONTACT, &why), DONE);
	assert_int_equal(job_settled(&job, &why), LATER);
	assert_int_equal(job.wait_until_ms, job.known.at.intent_ms + JOB_SETTLE_MS);
	assert_false(job.waiting);
	fake_clock_pass(JOB_SETTLE_MS);
	assert_int_equal(job_settled(&job, &why), DONE);
}

/* A clock that was set back since tells nothing of how long ago it was: the time is waited for. */
static void
test_settled_under_another_clock(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(job_intend(&job, INTENT_CONTACT, &why), DONE);
	job.known.at.intent_ms += 24 * 60 * 60 * 1000;
	assert_int_equal(job_settled(&job, &why), DONE);
	assert_in_range(fake_clock_slept(), JOB_SETTLE_MS - 10, JOB_SETTLE_MS);
}

/* What is told stands in the ledger after the next step, once. */
static void
test_tells(void **state)
{
	struct fault why;
	json_t *events = NULL;

	(void)state;
	known_tell(&job.known, "lead %d chosen", 22);
	known_warn(&job.known, "%d contacts have this phone", 2);
	assert_int_equal(json_array_size(job.known.warnings), 1);
	assert_int_equal(job_save(&job, &why), DONE);
	assert_int_equal(job_save(&job, &why), DONE);
	assert_int_equal(ledger_trail(service->ledger, job.attempt.id, &events, &why), DONE);
	assert_int_equal(json_array_size(events), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(events, 1), "what")),
	    "2 contacts have this phone");
	json_decref(events);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_lock),
		test(test_awaits_others),
		test(test_intend),
		test(test_withdraw),
		test(test_settled),
		test(test_settled_under_another_clock),
		test(test_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
