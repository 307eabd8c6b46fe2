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
static struct job_batch batch;
static json_t *leads[JOBS]; /* What each job read. */

static size_t
index_of(const struct job *job)
{
	return (size_t)(job - jobs);
}

/* What each job sends (an id of -1: nothing), and what it heard. */
static struct {
	int64_t id;
	enum intent intent;
	enum amocrm_kind kind;
	int answers;
	enum outcome out;
} told[JOBS];

static enum outcome
send_what_was_prepared(struct job *job, struct fault *why)
{
	size_t i = index_of(job);

	if (told[i].id == -1)
		return DONE;
	told[i].out = batch_send(job, told[i].intent, told[i].kind, &told[i].id,
	    json_pack("{s:s}", "name", job->known.paid->key), why);
	told[i].answers++;
	/* A further stop, at which nothing may be sent again. */
	return told[i].out == DONE ? batch_turn(job, why) : told[i].out;
}

static void
prepare(size_t i, int64_t id, enum intent intent)
{
	told[i].id = id;
	told[i].intent = intent;
}

static void
prepare_nothing(void)
{
	size_t i;

	memset(told, 0, sizeof(told));
	for (i = 0; i < JOBS; i++)
		told[i].id = -1;
}

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
	prepare_nothing();
	batch = (struct job_batch){ .service = service, .jobs = jobs, .count = JOBS };
	return 0;
}

static int
tear_down(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < JOBS; i++) {
		json_decref(leads[i]);
		leads[i] = NULL;
		drop_job(&jobs[i]);
	}
	job_fixture_end();
	fixture_end();
	fake_amocrm_reset();
	return 0;
}

/*
 * Turns.
 */

static int taken; /* How many turns were had. */

static enum outcome
have_a_turn(struct job *job, struct fault *why)
{
	enum outcome out = batch_turn(job, why);

	if (out == DONE)
		taken++;
	return out;
}

/* The second of all turns ends in a refusal; a job whose row is in another hand ends well. */
static enum outcome
refuse_second(struct job *job, struct fault *why)
{
	enum outcome out = have_a_turn(job, why);

	if (out == DONE && taken == 2)
		return fault_set(why, NEVER, "refused");
	if (out != DONE || job->applied_before)
		return out;
	return have_a_turn(job, why);
}

static void
test_only_those_under_way(void **state)
{
	(void)state;
	jobs[0].applied_before = true;
	jobs[2].out = NEVER;
	taken = 0;
	batch_carry(&batch, have_a_turn);
	assert_int_equal(taken, JOBS - 1);
	assert_int_equal(jobs[2].out, NEVER);
	taken = 0;
	jobs[2].out = DONE;
	batch_carry(&batch, refuse_second);
	/* The first ended by itself, the second was refused, the others had both. */
	assert_int_equal(taken, JOBS + 2);
	assert_int_equal(jobs[0].out, DONE);
	assert_int_equal(jobs[1].out, NEVER);
	assert_string_equal(jobs[1].why.text, "refused");
	assert_int_equal(jobs[3].out, DONE);
}

/* Which job had which of its turns, in order. */
static char order[32];

static enum outcome
note_order(struct job *job, struct fault *why)
{
	enum outcome out;
	int turn;

	for (turn = 0; turn < 2; turn++) {
		if ((out = batch_turn(job, why)) != DONE)
			return out;
		snprintf(order + strlen(order), sizeof(order) - strlen(order), "%zu%c ",
		    index_of(job), 'a' + turn);
	}
	return DONE;
}

/* Nobody's next turn begins before all had theirs. */
static void
test_turns_in_order(void **state)
{
	(void)state;
	order[0] = '\0';
	batch_carry(&batch, note_order);
	assert_string_equal(order, "0a 1a 2a 3a 0b 1b 2b 3b ");
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
	batch.cookie = &asked;
	batch_carry(&batch, have_a_turn);
	assert_int_equal(taken, 2);
	assert_int_equal(jobs[1].out, DONE);
	assert_put_back(&jobs[2]);
	assert_put_back(&jobs[3]);
}

static enum outcome
fail_to_search(struct job *job, struct fault *why)
{
	json_t *found = NULL;
	enum outcome out;

	if ((out = batch_turn(job, why)) != DONE)
		return out;
	out = amocrm_search(service->crm, &job->known.context, AMOCRM_CONTACTS, "x", &found, why);
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
	batch_carry(&batch, fail_to_search);
	assert_int_equal(account.calls, JOBS);
	assert_int_equal(jobs[0].out, LATER);
	assert_false(jobs[0].waiting);
	assert_int_equal(jobs[1].out, DONE);
	assert_int_equal(jobs[2].out, LATER);
	assert_int_equal(jobs[3].out, DONE);

	jobs[0].out = jobs[2].out = DONE;
	account.always = LATER;
	batch_carry(&batch, fail_to_search);
	assert_int_equal(account.calls, JOBS + 2);
	assert_false(jobs[1].waiting);
	assert_put_back(&jobs[2]);
	assert_put_back(&jobs[3]);
}

static enum outcome
take_a_quarter(struct job *job, struct fault *why)
{
	enum outcome out = have_a_turn(job, why);

	if (out == DONE)
		fake_clock_pass(15 * 1000);
	return out;
}

static void
test_half_of_the_time(void **state)
{
	(void)state;
	taken = 0;
	batch_carry(&batch, take_a_quarter);
	assert_int_equal(taken, 2);
	assert_put_back(&jobs[2]);
	/* The first has a turn however late it is. */
	jobs[2].out = jobs[3].out = DONE;
	fake_clock_pass(60 * 1000);
	batch_carry(&batch, have_a_turn);
	assert_int_equal(taken, 3);
	assert_put_back(&jobs[1]);
}

/*
 * Sending.
 */

static void
send_all_of(enum amocrm_kind kind)
{
	size_t i;

	for (i = 0; i < JOBS; i++)
		told[i].kind = kind;
	batch_carry(&batch, send_what_was_prepared);
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
	send_all_of(AMOCRM_CONTACTS);
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
	/* What was sent is not sent again when the jobs stop once more. */
	assert_int_equal(json_array_size(account.contacts), 4);
	assert_int_equal(told[0].answers, 1);
}

static void
test_only_what_was_prepared(void **state)
{
	(void)state;
	send_all_of(AMOCRM_LEADS);
	assert_int_equal(account.calls, 0);
	prepare(0, 0, INTENT_NONE);
	prepare(1, 0, INTENT_NONE);
	jobs[1].out = LATER;
	send_all_of(AMOCRM_LEADS);
	assert_int_equal(json_array_size(account.leads), 1);
	assert_int_equal(told[1].answers, 0);
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
	jobs[3].known.at.lead_id = lead;
	account.meanwhile = look_at_intents;
	send_all_of(AMOCRM_LEADS);
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
	    (long long)jobs[1].attempt.id);
	send_all_of(AMOCRM_LEADS);
	assert_int_equal(jobs[0].out, DONE);
	assert_int_equal(jobs[1].out, BROKEN);
	assert_string_not_equal(jobs[1].why.text, "");
	assert_int_equal(jobs[2].out, DONE);
	assert_int_equal(told[1].out, BROKEN);
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
	send_all_of(AMOCRM_CONTACTS);
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
	send_all_of(AMOCRM_CONTACTS);
	assert_int_equal(account.calls, 3);
	assert_int_equal(fake_calls("create 2 contacts"), 1);
	for (i = 0; i < JOBS; i++)
		assert_int_equal(told[i].answers, 1);
}

/*
 * Reading.
 */

static enum outcome
read_leads(struct job *job, struct fault *why)
{
	if (job->known.contact == NULL)
		return DONE;
	return batch_read_leads(job, &leads[index_of(job)], why);
}

static enum outcome
read_leads_but_last(struct job *job, struct fault *why)
{
	return job == &jobs[JOBS - 1] ? DONE : read_leads(job, why);
}

/* The contact of a job, as amoCRM would give it. */
static void
meet(size_t index, int lead_count)
{
	int64_t id = fake_contact("[]");

	while (lead_count-- > 0)
		fake_lead(id, STATUS_ACTIVE, "[]");
	jobs[index].known.contact = given(AMOCRM_CONTACTS, fake_entity(account.contacts, id));
}

static void
test_leads_of_several(void **state)
{
	(void)state;
	meet(0, 2);
	meet(1, 0);
	meet(2, 3);
	meet(3, 1);
	batch_carry(&batch, read_leads_but_last);
	assert_int_equal(account.calls, 1);
	assert_int_equal(fake_calls("read 5 leads"), 1);
	assert_int_equal(json_array_size(leads[0]), 2);
	assert_int_equal(json_array_size(leads[1]), 0);
	assert_non_null(leads[1]);
	assert_int_equal(json_array_size(leads[2]), 3);
	assert_true(is_linked(json_array_get(leads[2], 0), number(jobs[2].known.contact, "id")));
	assert_null(leads[3]);
}

static void
test_leads_of_nobody(void **state)
{
	(void)state;
	jobs[0].out = NEVER;
	batch_carry(&batch, read_leads);
	assert_int_equal(account.calls, 0);
	assert_null(leads[1]);
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
	batch_carry(&batch, read_leads);
	assert_int_equal(jobs[0].out, DONE);
	assert_null(leads[0]);
	assert_null(leads[1]);
	account.always = LATER;
	batch_carry(&batch, read_leads);
	assert_int_equal(jobs[0].out, LATER);
	assert_int_equal(jobs[1].out, LATER);
	assert_null(leads[1]);
	assert_string_not_equal(jobs[1].why.text, "");
	jobs[0].out = DONE;
	account.always = NEVER;
	batch_carry(&batch, read_leads);
	assert_int_equal(jobs[0].out, NEVER);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_only_those_under_way),
		test(test_turns_in_order),
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
