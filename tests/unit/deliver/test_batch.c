#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"
#include "job_fixture.c"

#include "deliver/batch.h"

#define JOBS 4

static struct job jobs[JOBS];
static struct batch batch;

static int
set_up(void **state)
{
	static const char *const ids[JOBS] = { "pay_0", "pay_1", "pay_2", "pay_3" };
	int i;

	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	job_fixture_begin();
	for (i = 0; i < JOBS; i++)
		take_job(&jobs[i], &(struct sample){ .id = ids[i] });
	batch = (struct batch){ .with = service, .jobs = jobs, .count = JOBS };
	return 0;
}

static int
tear_down(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < JOBS; i++) {
		json_decref(jobs[i].leads);
		drop_job(&jobs[i]);
	}
	job_fixture_end();
	fixture_end();
	fake_amocrm_reset();
	return 0;
}

/*
 * Steps.
 */

static int taken; /* How many had their turn. */

static enum outcome
note_turn(struct job *job, struct fault *why)
{
	(void)job, (void)why;
	taken++;
	return DONE;
}

static enum outcome
refuse_second(struct job *job, struct fault *why)
{
	return ++taken == 2 ? fault_set(why, NEVER, "refused") : job->out;
}

static void
test_only_those_under_way(void **state)
{
	(void)state;
	jobs[0].over = true;
	jobs[2].out = NEVER;
	taken = 0;
	batch_each(&batch, note_turn);
	assert_int_equal(taken, 2);
	assert_int_equal(jobs[2].out, NEVER);
	taken = 0;
	jobs[0].over = false;
	jobs[2].out = DONE;
	batch_each(&batch, refuse_second);
	assert_int_equal(taken, JOBS);
	assert_int_equal(jobs[1].out, NEVER);
	assert_string_equal(jobs[1].why.text, "refused");
	batch_each(&batch, note_turn);
	assert_int_equal(taken, 2 * JOBS - 1);
}

static bool
two_turns(void *asked)
{
	return ++*(int *)asked <= 2;
}

static void
assert_put_back(const struct job *job)
{
	assert_int_equal(job->out, LATER);
	assert_true(job->waiting);
	assert_string_not_equal(job->why.text, "");
}

static void
test_told_to_stop(void **state)
{
	int asked = 0;

	(void)state;
	taken = 0;
	batch.go_on = two_turns;
	batch.context = &asked;
	batch_each(&batch, note_turn);
	assert_int_equal(taken, 2);
	assert_int_equal(jobs[1].out, DONE);
	assert_put_back(&jobs[2]);
	assert_put_back(&jobs[3]);
}

static enum outcome
fail_to_search(struct job *job, struct fault *why)
{
	json_t *found = NULL;
	enum outcome out =
	    amocrm_search(job->with->crm, &job->context, AMOCRM_CONTACTS, "x", &found, why);

	json_decref(found);
	return out;
}

/* A failure without a call in between, as of a payer in another's hand, says nothing of amoCRM. */
static void
test_two_failures_in_a_row(void **state)
{
	(void)state;
	account.failures[0].call = 1;
	account.failures[0].outcome = LATER;
	account.failures[1].call = 3;
	account.failures[1].outcome = UNSURE;
	batch_each(&batch, fail_to_search);
	assert_int_equal(account.calls, JOBS);
	assert_int_equal(jobs[0].out, LATER);
	assert_false(jobs[0].waiting);
	assert_int_equal(jobs[1].out, DONE);
	assert_int_equal(jobs[2].out, LATER);
	assert_int_equal(jobs[3].out, DONE);

	jobs[0].out = jobs[2].out = DONE;
	account.always = LATER;
	batch_each(&batch, fail_to_search);
	assert_int_equal(account.calls, JOBS + 2);
	assert_false(jobs[1].waiting);
	assert_put_back(&jobs[2]);
	assert_put_back(&jobs[3]);
}

static enum outcome
take_a_quarter(struct job *job, struct fault *why)
{
	fake_clock_pass(15 * 1000);
	return note_turn(job, why);
}

static void
test_half_of_the_time(void **state)
{
	(void)state;
	taken = 0;
	batch_each(&batch, take_a_quarter);
	assert_int_equal(taken, 2);
	assert_put_back(&jobs[2]);
	/* Somebody has a turn however late it is. */
	jobs[2].out = jobs[3].out = DONE;
	fake_clock_pass(60 * 1000);
	batch_each(&batch, note_turn);
	assert_int_equal(taken, 3);
	assert_put_back(&jobs[1]);
}

/*
 * Sending.
 */

/* What each job was told; an id of -1 is none. */
static struct {
	int calls;
	enum outcome out;
	int64_t id;
} told[JOBS];

static enum outcome
hear(struct job *job, enum outcome out, int64_t id, struct fault *why)
{
	size_t index = (size_t)(job - jobs);

	(void)why;
	told[index].calls++;
	told[index].out = out;
	told[index].id = id;
	return out;
}

static void
prepare(size_t index, int64_t id, enum intent intent)
{
	memset(&told[index], 0, sizeof(told[index]));
	jobs[index].request =
	    (struct request){ .entity = json_pack("{s:s}", "name", jobs[index].paid->key),
		    .id = id,
		    .intent = intent,
		    .then = hear };
}

static void
test_creations_and_changes(void **state)
{
	int64_t one = fake_contact("[]"), other = fake_contact("[]");

	(void)state;
	prepare(0, 0, INTENT_NONE);
	prepare(1, one, INTENT_NONE);
	prepare(2, 0, INTENT_NONE);
	prepare(3, other, INTENT_NONE);
	batch_send(&batch, AMOCRM_CONTACTS);
	assert_int_equal(account.calls, 2);
	assert_int_equal(fake_calls("update 2 contacts"), 1);
	assert_int_equal(fake_calls("create 2 contacts"), 1);
	assert_int_equal(told[1].id, one);
	assert_int_equal(told[3].id, other);
	assert_string_equal(
	    json_string_value(json_object_get(fake_entity(account.contacts, told[0].id), "name")),
	    "pay_0");
	assert_string_equal(
	    json_string_value(json_object_get(fake_entity(account.contacts, told[2].id), "name")),
	    "pay_2");
	/* What was sent is not sent again. */
	batch_send(&batch, AMOCRM_CONTACTS);
	assert_int_equal(account.calls, 2);
	assert_int_equal(told[0].calls, 1);
}

static void
test_only_what_was_prepared(void **state)
{
	(void)state;
	batch_send(&batch, AMOCRM_LEADS);
	assert_int_equal(account.calls, 0);
	prepare(0, 0, INTENT_NONE);
	prepare(1, 0, INTENT_NONE);
	jobs[1].out = LATER;
	batch_send(&batch, AMOCRM_LEADS);
	assert_int_equal(json_array_size(account.leads), 1);
	assert_int_equal(told[1].calls, 0);
	assert_int_equal(jobs[1].out, LATER);
}

/* What the ledger says of intents when amoCRM is called. */
static int64_t intents_seen[8];

static void
look_at_intents(int call, bool after)
{
	if (!after)
		intents_seen[call] = fixture_sql_int(settings->payments_db,
		    "SELECT count(*) FROM delivery WHERE intent IS NOT NULL");
}

static void
test_intents_before_sending(void **state)
{
	int64_t lead = fake_lead(fake_contact("[]"), STATUS_ACTIVE, "[]");

	(void)state;
	prepare(0, 0, INTENT_LEAD);
	prepare(1, 0, INTENT_LEAD);
	prepare(2, 0, INTENT_LEAD);
	prepare(3, lead, INTENT_TOTALS);
	jobs[3].at.lead_id = lead;
	account.meanwhile = look_at_intents;
	batch_send(&batch, AMOCRM_LEADS);
	/* Of the creations nothing is written down before it is their turn. */
	assert_int_equal(intents_seen[1], 1);
	assert_int_equal(intents_seen[2], 4);
}

/* Whose intent cannot be written down is not sent; the others are. */
static void
test_one_broken(void **state)
{
	(void)state;
	prepare(0, 0, INTENT_LEAD);
	prepare(1, 0, INTENT_LEAD);
	prepare(2, 0, INTENT_LEAD);
	fixture_sql(settings->payments_db,
	    "CREATE TRIGGER full_disk BEFORE INSERT ON delivery WHEN new.payment = %lld "
	    "BEGIN SELECT abs(-9223372036854775807 - 1); END",
	    (long long)jobs[1].id);
	batch_send(&batch, AMOCRM_LEADS);
	assert_int_equal(jobs[0].out, DONE);
	assert_int_equal(jobs[1].out, BROKEN);
	assert_string_not_equal(jobs[1].why.text, "");
	assert_int_equal(jobs[2].out, DONE);
	assert_int_equal(told[1].calls, 0);
	assert_int_equal(fake_calls("create 2 leads"), 1);
}

static void
test_answer_lost(void **state)
{
	(void)state;
	prepare(0, 0, INTENT_CONTACT);
	prepare(1, 0, INTENT_CONTACT);
	account.failures[0].call = 1;
	account.failures[0].when = FAIL_AFTER;
	account.failures[0].outcome = UNSURE;
	batch_send(&batch, AMOCRM_CONTACTS);
	assert_int_equal(jobs[0].out, UNSURE);
	assert_int_equal(told[1].out, UNSURE);
	assert_string_not_equal(jobs[1].why.text, "");
	assert_int_equal(jobs[2].out, DONE);
}

static void
test_apart(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < JOBS; i++)
		prepare((size_t)i, 0, INTENT_NONE);
	jobs[0].apart = jobs[2].apart = true;
	batch_send(&batch, AMOCRM_CONTACTS);
	assert_int_equal(account.calls, 3);
	assert_int_equal(fake_calls("create 2 contacts"), 1);
	for (i = 0; i < JOBS; i++)
		assert_int_equal(told[i].calls, 1);
}

/*
 * Reading.
 */

static bool
wanted_by_all(const struct job *job)
{
	(void)job;
	return true;
}

static bool
wanted_but_by_last(const struct job *job)
{
	return job != &jobs[JOBS - 1];
}

/* The contact of a job, as amoCRM would give it. */
static void
meet(size_t index, int leads)
{
	int64_t id = fake_contact("[]");

	while (leads-- > 0)
		fake_lead(id, STATUS_ACTIVE, "[]");
	jobs[index].contact = given(AMOCRM_CONTACTS, fake_entity(account.contacts, id));
}

static void
test_leads_of_several(void **state)
{
	(void)state;
	meet(0, 2);
	meet(1, 0);
	meet(2, 3);
	meet(3, 1);
	batch_read_leads(&batch, wanted_but_by_last);
	assert_int_equal(account.calls, 1);
	assert_int_equal(fake_calls("read 5 leads"), 1);
	assert_int_equal(json_array_size(jobs[0].leads), 2);
	assert_int_equal(json_array_size(jobs[1].leads), 0);
	assert_non_null(jobs[1].leads);
	assert_int_equal(json_array_size(jobs[2].leads), 3);
	assert_true(is_linked(json_array_get(jobs[2].leads, 0), number(jobs[2].contact, "id")));
	assert_null(jobs[3].leads);
}

static void
test_leads_of_nobody(void **state)
{
	(void)state;
	jobs[0].out = NEVER;
	batch_read_leads(&batch, wanted_by_all);
	assert_int_equal(account.calls, 0);
	assert_null(jobs[1].leads);
	assert_int_equal(jobs[1].out, DONE);
}

/* Unknown is not absent, for nobody; but what is refused to all may be one's alone. */
static void
test_leads_unknown(void **state)
{
	(void)state;
	meet(0, 2);
	meet(1, 1);
	account.always = NEVER;
	batch_read_leads(&batch, wanted_by_all);
	assert_int_equal(jobs[0].out, DONE);
	assert_null(jobs[0].leads);
	assert_null(jobs[1].leads);
	account.always = LATER;
	batch_read_leads(&batch, wanted_by_all);
	assert_int_equal(jobs[0].out, LATER);
	assert_int_equal(jobs[1].out, LATER);
	assert_null(jobs[1].leads);
	assert_string_not_equal(jobs[1].why.text, "");
	jobs[0].out = DONE;
	account.always = NEVER;
	batch_read_leads(&batch, wanted_by_all);
	assert_int_equal(jobs[0].out, NEVER);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_only_those_under_way),
		test(test_told_to_stop),
		test(test_two_failures_in_a_row),
		test(test_half_of_the_time),
		test(test_creations_and_changes),
		test(test_only_what_was_prepared),
		test(test_intents_before_sending),
		test(test_one_broken),
		test(test_answer_lost),
		test(test_apart),
		test(test_leads_of_several),
		test(test_leads_of_nobody),
		test(test_leads_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
