#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"
#include "job_fixture.c"

#include "base/trail.h"
#include "deliver/totals.h"

static struct job job;
static struct fault why;
static int64_t lead_id;

static const struct sample sample = { .name = "Иван", .phone = "89991234567", .invoice = "inv_1" };

#define LEAD_FIELDS                                                                                \
	"[{\"field_id\": 204, \"values\": [{\"value\": \"1000\"}]}, {\"field_id\": 205, "          \
	"\"values\": "                                                                             \
	"[{\"value\": \"2\"}]},"                                                                   \
	" {\"field_id\": 206, \"values\": [{\"value\": 1700000000}]}, {\"field_id\": 207, "        \
	"\"values\": "                                                                             \
	"[{\"value\": \"old\"}]}]"

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	job_fixture_begin();
	lead_id = fake_lead(7, STATUS_ACTIVE, LEAD_FIELDS);
	take_job(&job, &sample);
	job.known.at.contact_id = 7;
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
lead(void)
{
	return fake_entity(account.leads, lead_id);
}

static const json_t *lead_read; /* What the step of the test is given. */

static enum outcome
apply_step(struct job *carried, struct fault *reason)
{
	return totals_apply(carried, lead_read, reason);
}

static enum outcome
apply_to_lead(struct job *carried, const json_t *read, struct fault *reason)
{
	lead_read = read;
	return carry_alone(carried, apply_step, reason);
}

static enum outcome
resume_step(struct job *carried, struct fault *reason)
{
	return totals_resume(carried, lead_read, reason);
}

static enum outcome
resume_on_lead(struct job *carried, const json_t *read, struct fault *reason)
{
	lead_read = read;
	return carry_alone(carried, resume_step, reason);
}

static enum outcome
apply(void)
{
	json_t *copy = json_deep_copy(lead());
	enum outcome out = apply_to_lead(&job, copy, &why);

	json_decref(copy);
	return out;
}

static enum outcome
resume(void)
{
	json_t *copy;
	enum outcome out;

	retake_job(&job);
	assert_int_equal(job.known.at.intent, INTENT_TOTALS);
	copy = json_deep_copy(lead());
	out = resume_on_lead(&job, copy, &why);
	json_decref(copy);
	return out;
}

static void
assert_lead(const char *total, const char *count, const char *payment_id)
{
	assert_string_equal(fake_field(lead(), FIELD_TOTAL), total);
	assert_string_equal(fake_field(lead(), FIELD_COUNT), count);
	assert_string_equal(fake_field(lead(), FIELD_PAYMENT_ID), payment_id);
}

/* Applied, saved so, and moved from these values. */
static void
assert_applied(int64_t before, int64_t count_before)
{
	assert_true(job.known.at.applied);
	assert_int_equal(job.known.at.total_before, before);
	assert_int_equal(job.known.at.total_after, before + 500000);
	assert_int_equal(job.known.at.count_before, count_before);
	assert_int_equal(job.known.at.count_after, count_before + 1);
	assert_int_equal(fixture_sql_int(settings->payments_db,
			     "SELECT total_after FROM delivery WHERE applied AND intent IS NULL "
			     "AND payment = %lld",
			     (long long)job.attempt.id),
	    before + 500000);
}

static void
lose(enum fake_when when)
{
	account.failures[0].call = account.calls + 1;
	account.failures[0].when = when;
	account.failures[0].outcome = UNSURE;
	assert_int_equal(apply(), UNSURE);
	assert_false(job.known.at.applied);
	assert_int_equal(fixture_sql_int(settings->payments_db,
			     "SELECT count(*) FROM delivery WHERE intent = 'totals'"),
	    1);
}

static void
test_apply(void **state)
{
	(void)state;
	assert_int_equal(apply(), DONE);
	assert_lead("6000", "3", "pay_1");
	assert_applied(100000, 2);
	assert_int_equal(job.known.at.lead_id, lead_id);
	assert_int_equal(job.known.at.pipeline_id, 400);
	assert_false(job.known.at.lead_created);
	assert_false(job.known.at.older);
}

/* The intent is in the ledger before amoCRM is told. */
static int64_t intents_seen;

static void
look_into_ledger(int call, bool after)
{
	(void)call, (void)after;
	intents_seen = fixture_sql_int(settings->payments_db,
	    "SELECT count(*) FROM delivery WHERE intent = 'totals' AND total_before = 100000 AND "
	    "total_after "
	    "= 600000");
}

static void
test_written_down_first(void **state)
{
	(void)state;
	intents_seen = 0;
	account.meanwhile = look_into_ledger;
	assert_int_equal(apply(), DONE);
	assert_int_equal(intents_seen, 1);
}

static void
test_empty_lead(void **state)
{
	(void)state;
	json_object_set_new(lead(), "custom_fields_values", json_null());
	assert_int_equal(apply(), DONE);
	assert_lead("5000", "1", "pay_1");
	assert_applied(0, 0);
}

static void
test_unreadable(void **state)
{
	(void)state;
	fake_set_field(lead(), FIELD_TOTAL, "много");
	assert_int_equal(apply(), NEVER);
	fake_set_field(lead(), FIELD_TOTAL, "1000");
	fake_set_field(lead(), FIELD_COUNT, "много");
	assert_int_equal(apply(), NEVER);
	assert_int_equal(fake_calls("update"), 0);
}

/* What comes in a form that is not understood is not nothing: the payment waits. */
static void
test_not_understood(void **state)
{
	static const int fields[] = { FIELD_TOTAL, FIELD_COUNT, FIELD_LAST_DATE, FIELD_PAYMENT_ID };
	static const char *const values[] = { "true", "{}", "[]", "{\"value\": 1}" };
	json_t *good = json_deep_copy(json_object_get(lead(), "custom_fields_values")), *odd;
	size_t i, j;

	(void)state;
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++) {
			odd = json_deep_copy(good);
			assert_int_equal(
			    json_integer_value(json_object_get(json_array_get(odd, i), "field_id")),
			    fields[i]);
			json_object_set_new(
			    json_array_get(json_object_get(json_array_get(odd, i), "values"), 0),
			    "value", json_loads(values[j], JSON_DECODE_ANY, NULL));
			json_object_set_new(lead(), "custom_fields_values", odd);
			assert_int_equal(apply(), LATER);
		}
	}
	json_object_set_new(lead(), "custom_fields_values", json_object());
	assert_int_equal(apply(), LATER);
	json_object_del(lead(), "custom_fields_values");
	assert_int_equal(apply(), LATER);
	assert_int_equal(fake_calls("update"), 0);

	json_object_set_new(lead(), "custom_fields_values", good);
	assert_int_equal(apply(), DONE);
	assert_lead("6000", "3", "pay_1");
}

/* amoCRM answers 500 to this lead, and to no other: one of its fields provokes that. */
static void
test_five_hundred(void **state)
{
	static const char *const kept[] = { "inv_1", "inv_1", "" };
	int errors, i;

	for (errors = 2; errors <= 4; errors++) {
		for (i = 0; i < errors; i++)
			trail_add_call(job.known.at.events, 1, "change lead", 500, 1, "");
		trail_add_call(job.known.at.events, 1, "change leads", 500, 1, "");
		assert_int_equal(job_save(&job, &why), DONE);
		job.attempt.failed = errors;
		assert_int_equal(apply(), DONE);
		assert_string_equal(fake_field(lead(), FIELD_INVOICE_ID), kept[errors - 2]);
		assert_lead("6000", "3", "pay_1");
		assert_int_equal(has_remark(&job, "amoCRM answered 500 to this lead"), errors > 2);
		tear_down(state);
		set_up(state);
	}
}

/* Row one of the table: our payment id stands there. */
static void
test_resume_ours(void **state)
{
	(void)state;
	lose(FAIL_AFTER);
	assert_int_equal(resume(), DONE);
	assert_int_equal(fake_calls("update"), 1);
	assert_lead("6000", "3", "pay_1");
	assert_applied(100000, 2);
	assert_int_equal(job.known.at.rebased, 0);
}

/* Even when a person has corrected the total since: ours is in it. */
static void
test_resume_ours_and_changed(void **state)
{
	(void)state;
	lose(FAIL_AFTER);
	fake_set_field(lead(), FIELD_TOTAL, "9000");
	assert_int_equal(resume(), DONE);
	assert_lead("9000", "3", "pay_1");
}

/* amoCRM shows our id otherwise than it was written. */
static void
test_resume_ours_in_another_form(void **state)
{
	static const char *const forms[] = { "PAY_1", " pay_1 ", "unknown to us" };
	size_t i;

	for (i = 0; i < 3; i++) {
		lose(FAIL_AFTER);
		fake_set_field(lead(), FIELD_PAYMENT_ID, forms[i]);
		assert_int_equal(resume(), DONE);
		assert_lead("6000", "3", forms[i]);
		assert_int_equal(job.known.at.rebased, 0);
		tear_down(state);
		set_up(state);
	}
	/* Known in spite of a person's change, but where it is not known, that person decides. */
	lose(FAIL_AFTER);
	fake_set_field(lead(), FIELD_PAYMENT_ID, "PAY_1");
	fake_set_field(lead(), FIELD_TOTAL, "9000");
	assert_int_equal(resume(), DONE);
	assert_lead("9000", "3", "PAY_1");
	tear_down(state);
	set_up(state);
	lose(FAIL_AFTER);
	fake_set_field(lead(), FIELD_PAYMENT_ID, "unknown to us");
	fake_set_field(lead(), FIELD_TOTAL, "9000");
	assert_int_equal(resume(), NEVER);
	assert_lead("9000", "3", "unknown to us");
}

/* A person had written our id there before: it does not tell, the values do. */
static void
test_resume_id_written_before(void **state)
{
	static const enum fake_when when[] = { FAIL_BEFORE, FAIL_AFTER };
	size_t i;

	for (i = 0; i < 2; i++) {
		fake_set_field(lead(), FIELD_PAYMENT_ID, "pay_1");
		lose(when[i]);
		assert_int_equal(resume(), DONE);
		assert_lead("6000", "3", "pay_1");
		tear_down(state);
		set_up(state);
	}
	fake_set_field(lead(), FIELD_PAYMENT_ID, "pay_1");
	lose(FAIL_BEFORE);
	fake_set_field(lead(), FIELD_TOTAL, "7777");
	assert_int_equal(resume(), NEVER);
	assert_lead("7777", "2", "pay_1");
}

/* Row two: the values before. */
static void
test_resume_before(void **state)
{
	(void)state;
	lose(FAIL_BEFORE);
	assert_int_equal(resume(), DONE);
	assert_int_equal(fake_calls("update"), 2);
	assert_lead("6000", "3", "pay_1");
	assert_applied(100000, 2);
	assert_int_equal(job.known.at.rebased, 0);
}

/* Row three: the values after, where we leave no id. */
static void
test_resume_after_without_id(void **state)
{
	(void)state;
	settings->lead_field_payment_id = 0;
	lose(FAIL_AFTER);
	assert_int_equal(resume(), DONE);
	assert_int_equal(fake_calls("update"), 1);
	assert_lead("6000", "3", "old");
	assert_applied(100000, 2);
}

static void
make_older(void)
{
	fake_set_field(lead(), FIELD_LAST_DATE, "1800000000");
}

static void
test_older(void **state)
{
	(void)state;
	make_older();
	assert_int_equal(apply(), DONE);
	assert_true(job.known.at.older);
	assert_lead("6000", "3", "old");
	assert_string_equal(fake_field(lead(), FIELD_LAST_DATE), "1800000000");
	assert_string_equal(fake_field(lead(), FIELD_LAST_AMOUNT), "");
	assert_string_equal(fake_field(lead(), FIELD_INVOICE_ID), "");
	assert_applied(100000, 2);
}

/*
 * Another currency.
 */

static void
take_dollars(void)
{
	struct sample dollars = sample;

	dollars.currency = "usd";
	dollars.id = "pay_usd";
	drop_job(&job);
	take_job(&job, &dollars);
	job.known.at.contact_id = 7;
}

/* The total is what it was, and nothing that shows money was written. */
static void
assert_only_counted(void)
{
	assert_lead("1000", "3", "pay_usd");
	assert_string_equal(fake_field(lead(), FIELD_LAST_AMOUNT), "");
	assert_string_equal(fake_field(lead(), FIELD_LAST_DATE), "1737373760");
	assert_true(job.known.at.applied);
	assert_int_equal(job.known.at.total_before, 100000);
	assert_int_equal(job.known.at.total_after, 100000);
	assert_int_equal(job.known.at.count_after, 3);
	assert_int_equal(
	    fixture_sql_int(settings->payments_db,
		"SELECT count(*) FROM delivery WHERE applied AND foreign_currency = 'usd'"),
	    1);
}

static void
test_foreign(void **state)
{
	(void)state;
	take_dollars();
	assert_int_equal(apply(), DONE);
	assert_only_counted();
	assert_true(has_remark(&job, "paid in usd, not in RUB"));
}

static void
test_foreign_beside_no_number(void **state)
{
	(void)state;
	take_dollars();
	fake_set_field(lead(), FIELD_TOTAL, "много");
	assert_int_equal(apply(), DONE);
	assert_lead("много", "3", "pay_usd");
}

/* Each way in which an answer can be lost counts once, also when the settings say otherwise by then. */
static void
test_resume_foreign(void **state)
{
	static const enum fake_when ways[] = { FAIL_BEFORE, FAIL_AFTER };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		fake_set_field(lead(), FIELD_COUNT, "2");
		fake_set_field(lead(), FIELD_PAYMENT_ID, "old");
		if (i > 0)
			fixture_sql(settings->payments_db,
			    "DELETE FROM trail; DELETE FROM delivery; "
			    "DELETE FROM payment_events");
		take_dollars();
		lose(ways[i]);
		settings->payment_currency[0] = '\0';
		assert_int_equal(resume(), DONE);
		strcpy(settings->payment_currency, "RUB");
		assert_only_counted();
	}
}

static void
test_resume_foreign_without_id(void **state)
{
	(void)state;
	settings->lead_field_payment_id = 0;
	take_dollars();
	lose(FAIL_AFTER);
	assert_int_equal(resume(), DONE);
	assert_int_equal(fake_calls("update"), 1);
	assert_lead("1000", "3", "old");
}

/* An empty setting takes whatever is paid. */
static void
test_any_currency(void **state)
{
	(void)state;
	settings->payment_currency[0] = '\0';
	take_dollars();
	assert_int_equal(apply(), DONE);
	assert_lead("6000", "3", "pay_usd");
}

/* A mistaken date on the lead does not make older payments of all that follow. */
static void
test_last_payment_of_2099(void **state)
{
	(void)state;
	fake_set_field(lead(), FIELD_LAST_DATE, "4070908800");
	assert_int_equal(apply(), DONE);
	assert_false(job.known.at.older);
	assert_lead("6000", "3", "pay_1");
	assert_string_equal(fake_field(lead(), FIELD_LAST_DATE), "1737373760");
}

static void
test_resume_older(void **state)
{
	(void)state;
	make_older();
	lose(FAIL_AFTER);
	assert_int_equal(resume(), DONE);
	assert_int_equal(fake_calls("update"), 1);
	assert_lead("6000", "3", "old");
	assert_applied(100000, 2);
}

static void
test_resume_older_before(void **state)
{
	(void)state;
	make_older();
	lose(FAIL_BEFORE);
	assert_int_equal(resume(), DONE);
	assert_int_equal(fake_calls("update"), 2);
	assert_lead("6000", "3", "old");
}

/* Row four: somebody wrote in between; we begin from what stands there. */
static void
test_resume_changed(void **state)
{
	(void)state;
	lose(FAIL_BEFORE);
	fake_set_field(lead(), FIELD_TOTAL, "1500");
	assert_int_equal(resume(), DONE);
	assert_lead("6500", "3", "pay_1");
	assert_applied(150000, 2);
	assert_int_equal(job.known.at.rebased, 1);
	assert_true(has_remark(&job, "changed by someone else"));
}

static void
test_resume_count_changed(void **state)
{
	(void)state;
	lose(FAIL_BEFORE);
	fake_set_field(lead(), FIELD_COUNT, "7");
	assert_int_equal(resume(), DONE);
	assert_lead("6000", "8", "pay_1");
	assert_int_equal(job.known.at.rebased, 1);
}

/* The values after, but without our id, where we would have left one: not ours. */
static void
test_resume_after_by_chance(void **state)
{
	(void)state;
	lose(FAIL_BEFORE);
	fake_set_field(lead(), FIELD_TOTAL, "6000");
	fake_set_field(lead(), FIELD_COUNT, "3");
	assert_int_equal(resume(), DONE);
	assert_lead("11000", "4", "pay_1");
	assert_int_equal(job.known.at.rebased, 1);
}

/* The last: no id of ours, and neither value: a person decides. */
static void
test_resume_nobody_knows(void **state)
{
	(void)state;
	make_older();
	lose(FAIL_AFTER);
	fake_set_field(lead(), FIELD_TOTAL, "7777");
	assert_int_equal(resume(), NEVER);
	assert_non_null(strstr(why.text, "by hand"));
	assert_int_equal(fake_calls("update"), 1);
	assert_lead("7777", "3", "old");
	/* And the question stays open: when the person has put things right, it can be answered. */
	assert_int_equal(fixture_sql_int(settings->payments_db,
			     "SELECT count(*) FROM delivery WHERE intent = 'totals'"),
	    1);
	fake_set_field(lead(), FIELD_TOTAL, "6000");
	assert_int_equal(resume(), DONE);
	assert_applied(100000, 2);
}

/* Another payment of ours was applied while this one waited for a person; what it found tells. */
static void
apply_another(const char *id)
{
	struct sample other = sample;
	struct job second;
	json_t *copy = json_deep_copy(lead());

	other.id = id;
	other.cost = "10";
	other.time = "2025-01-20 15:00:00";
	take_job(&second, &other);
	second.known.at.contact_id = 7;
	assert_int_equal(apply_to_lead(&second, copy, &why), DONE);
	json_decref(copy);
	drop_job(&second);
}

static void
test_witness_applied(void **state)
{
	(void)state;
	lose(FAIL_AFTER);
	apply_another("pay_2");
	apply_another("pay_3");
	assert_lead("6020", "5", "pay_3");
	assert_int_equal(resume(), DONE);
	/* Ours was in what they found. */
	assert_lead("6020", "5", "pay_3");
	assert_applied(100000, 2);
}

static void
test_witness_not_applied(void **state)
{
	(void)state;
	lose(FAIL_BEFORE);
	apply_another("pay_2");
	apply_another("pay_3");
	assert_lead("1020", "4", "pay_3");
	assert_int_equal(resume(), DONE);
	/* It is added to what stands there now, not to what stood there then; theirs is the last. */
	assert_string_equal(fake_field(lead(), FIELD_TOTAL), "6020");
	assert_string_equal(fake_field(lead(), FIELD_COUNT), "5");
	assert_applied(102000, 4);
}

static void
test_witness_older(void **state)
{
	(void)state;
	make_older();
	lose(FAIL_BEFORE);
	apply_another("pay_2");
	assert_int_equal(resume(), DONE);
	assert_string_equal(fake_field(lead(), FIELD_TOTAL), "6010");
	assert_int_equal(job.known.at.rebased, 1);
}

static void
test_witness_older_applied(void **state)
{
	(void)state;
	make_older();
	lose(FAIL_AFTER);
	apply_another("pay_2");
	assert_int_equal(resume(), DONE);
	assert_string_equal(fake_field(lead(), FIELD_TOTAL), "6010");
	assert_applied(100000, 2);
}

/* A refusal leaves the question open too: perhaps an earlier try of it had its effect. */
static void
test_refused(void **state)
{
	(void)state;
	account.failures[0].call = 1;
	account.failures[0].outcome = NEVER;
	assert_int_equal(apply(), NEVER);
	assert_int_equal(fixture_sql_int(settings->payments_db,
			     "SELECT count(*) FROM delivery WHERE intent = 'totals'"),
	    1);
	assert_int_equal(resume(), DONE);
	assert_lead("6000", "3", "pay_1");
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_apply),
		test(test_written_down_first),
		test(test_empty_lead),
		test(test_unreadable),
		test(test_not_understood),
		test(test_five_hundred),
		test(test_resume_ours),
		test(test_resume_ours_and_changed),
		test(test_resume_ours_in_another_form),
		test(test_resume_id_written_before),
		test(test_resume_before),
		test(test_resume_after_without_id),
		test(test_older),
		test(test_last_payment_of_2099),
		test(test_foreign),
		test(test_foreign_beside_no_number),
		test(test_resume_foreign),
		test(test_resume_foreign_without_id),
		test(test_any_currency),
		test(test_resume_older),
		test(test_resume_older_before),
		test(test_resume_changed),
		test(test_resume_count_changed),
		test(test_resume_after_by_chance),
		test(test_resume_nobody_knows),
		test(test_witness_applied),
		test(test_witness_not_applied),
		test(test_witness_older),
		test(test_witness_older_applied),
		test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
