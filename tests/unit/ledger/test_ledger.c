#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "ledger/arrival.h"
#include "ledger/attempt.h"
#include "ledger/integrity.h"
#include "ledger/ledger.h"
#include "ledger/operator.h"
#include "ledger/progress.h"
#include "ledger/related.h"
#include "ledger/report.h"

#define NOW INT64_C(1737374400000) /* 2025-01-20 12:00:00 UTC */

static struct ledger *ledger;

static int
set_up(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_clock_reset();
	fixture_begin();
	if (ledger_open(fixture_path("l.sqlite"), &ledger, &why) != DONE)
		fail_msg("%s", why.text);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ledger_close(ledger);
	fixture_end();
	return 0;
}

static const char *
file(void)
{
	return fixture_path("l.sqlite");
}

/* Identities by their hash; 0 = none. */
struct told {
	const char *key;
	int64_t kopecks;
	int64_t telegram, phone, email;
	const char *payload;
	const char *exclusion;
	int64_t now_ms, next_ms;
	int64_t paid_at; /* 0: SAMPLE_TIME. */
};

static enum outcome
tell(const struct told *told, enum recorded *recorded, struct ledger_row *row, struct fault *why)
{
	struct identity who[IDENTITIES_MAX] = { 0 };
	struct recording recording;
	enum outcome out;
	struct arrival arrival = { .key = told->key,
		.kopecks = told->kopecks,
		.paid_at = told->paid_at != 0 ? told->paid_at : SAMPLE_TIME,
		.who = who,
		.payload = told->payload != NULL ? told->payload : "{}",
		.request_id = "req",
		.exclusion = told->exclusion,
		.now_ms = told->now_ms != 0 ? told->now_ms : NOW,
		.next_ms = told->next_ms != 0 ? told->next_ms : NOW + 10000 };

	arrival.payload_size = strlen(arrival.payload);
	if (told->telegram != 0)
		who[arrival.who_count++] =
		    (struct identity){ .kind = IDENTITY_TELEGRAM, .hash = told->telegram };
	if (told->phone != 0)
		who[arrival.who_count++] =
		    (struct identity){ .kind = IDENTITY_PHONE, .hash = told->phone };
	if (told->email != 0)
		who[arrival.who_count++] =
		    (struct identity){ .kind = IDENTITY_EMAIL, .hash = told->email };
	if ((out = ledger_record(ledger, &arrival, 1, &recording, why)) != DONE)
		return out;
	assert_true((recording.how == RECORDED_SKIPPED) == (recording.reason != NULL));
	free(recording.reason);
	*recorded = recording.how;
	*row = recording.row;
	return DONE;
}

/* Tell, expect this, and give the row's id. */
static int64_t
record(const struct told *told, enum recorded expected)
{
	enum recorded recorded = RECORDED_NEW;
	struct ledger_row row = { 0 };
	struct fault why = { "" };

	if (tell(told, &recorded, &row, &why) != DONE)
		fail_msg("%s", why.text);
	assert_int_equal(recorded, expected);
	return row.id;
}

static int64_t
record_key(const char *key)
{
	return record(&(struct told){ .key = key, .kopecks = 500000, .phone = 7 }, RECORDED_NEW);
}

static int64_t
number_of(const char *expression, int64_t id)
{
	return fixture_sql_int(
	    file(), "SELECT %s FROM payment_events WHERE id = %lld", expression, (long long)id);
}

static void
assert_status(int64_t id, const char *expected)
{
	char *status = fixture_sql_text(
	    file(), "SELECT status FROM payment_events WHERE id = %lld", (long long)id);

	assert_string_equal(status, expected);
	free(status);
}

static struct arrival
arrival_of(const char *key, int64_t kopecks)
{
	return (struct arrival){ .key = key,
		.kopecks = kopecks,
		.payload = "{}",
		.payload_size = 2,
		.request_id = "",
		.now_ms = NOW,
		.next_ms = NOW };
}

static void
test_recorded_together(void **state)
{
	struct arrival arrivals[] = { arrival_of("a", 100), arrival_of("b", 200),
		arrival_of("a", 100), arrival_of("b", 300) };
	static const enum recorded expected[] = { RECORDED_NEW, RECORDED_NEW, RECORDED_IN_HAND,
		RECORDED_CONFLICT };
	struct recording recordings[4];
	struct fault why = { "" };
	size_t i;

	(void)state;
	assert_int_equal(ledger_record(ledger, arrivals, 4, recordings, &why), DONE);
	for (i = 0; i < 4; i++)
		assert_int_equal(recordings[i].how, expected[i]);
	assert_int_equal(recordings[0].row.id, recordings[2].row.id);
	assert_int_equal(recordings[1].row.id, recordings[3].row.id);
	assert_int_equal(number_of("duplicates", recordings[0].row.id), 1);
	/* One that the table refuses takes the others with it: none of them may be answered for. */
	arrivals[0].key = "c";
	arrivals[1].key = NULL;
	assert_int_equal(ledger_record(ledger, arrivals, 4, recordings, &why), NEVER);
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM payment_events"), 2);
	assert_int_equal(ledger_record(ledger, arrivals, 1, recordings, &why), DONE);
	assert_int_equal(recordings[0].how, RECORDED_NEW);
}

static int problems;
static char last_problem[300];

static void
count_problem(void *told, const char *problem)
{
	(void)told;
	problems++;
	snprintf(last_problem, sizeof(last_problem), "%s", problem);
}

static enum outcome
check_ledger(void)
{
	struct fault why = { "" };

	problems = 0;
	return ledger_check(ledger, count_problem, NULL, &why);
}

/* Carry a row to its success. */
static void
finish(int64_t id, int64_t lead_id, int64_t total_before, int64_t kopecks)
{
	struct progress at;
	struct fault why = { "" };
	bool claimed;

	progress_init(&at);
	at.contact_id = 11;
	at.lead_id = lead_id;
	at.pipeline_id = 33;
	at.applied = true;
	at.total_before = total_before;
	at.total_after = total_before + kopecks;
	at.count_before = 1;
	at.count_after = 2;
	at.note_id = 44;
	assert_int_equal(ledger_claim(ledger, id, 0, NOW + 60000, &claimed, &why), DONE);
	assert_true(claimed);
	assert_int_equal(ledger_finish(ledger, id, &at, NOW + 5000, &why), DONE);
	progress_clear(&at);
}

static void
fail_row(int64_t id)
{
	struct fault why = { "" };

	assert_int_equal(ledger_fail(ledger, id, NULL, "refused", NOW + 1000, &why), DONE);
}

/*
 * Arrival.
 */

static void
test_new(void **state)
{
	struct told told = { .key = "pay_1",
		.kopecks = 500000,
		.telegram = 5,
		.phone = 7,
		.email = 9,
		.payload = "{\"a\":1}" };
	enum recorded recorded = RECORDED_AGAIN;
	struct ledger_row row;
	struct fault why = { "" };
	char *text;

	(void)state;
	assert_int_equal(tell(&told, &recorded, &row, &why), DONE);
	assert_int_equal(recorded, RECORDED_NEW);
	assert_int_equal(row.status, PAYMENT_PENDING);
	assert_int_equal(row.contact_id, 0);
	assert_int_equal(row.lead_id, 0);
	assert_status(row.id, "pending");
	assert_int_equal(number_of("kopecks", row.id), 500000);
	assert_int_equal(number_of("amount", row.id), 5000);
	assert_int_equal(number_of("next_ms", row.id), NOW + 10000);
	assert_int_equal(number_of("recorded_ms", row.id), NOW);
	assert_int_equal(number_of("telegram * 100 + phone * 10 + email", row.id), 579);
	assert_int_equal(number_of("retry_count", row.id), 0);
	text = fixture_sql_text(
	    file(), "SELECT created_at || '|' || payload || '|' || request_id FROM payment_events");
	assert_string_equal(text, "2025-01-20 12:00:00|{\"a\":1}|req");
	free(text);
	assert_int_equal(check_ledger(), DONE);
}

/* amount is in roubles: a whole number where there are no kopecks. */
static void
test_amount(void **state)
{
	static const struct {
		int64_t kopecks;
		const char *amount, *type;
	} cases[] = { { 500000, "5000", "integer" }, { 500050, "5000.5", "real" },
		{ 1, "0.01", "real" }, { 0, "0", "integer" }, { 100, "1", "integer" },
		{ INT64_C(100000000000000), "1000000000000", "integer" } };
	char key[8];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *amount, *type;

		snprintf(key, sizeof(key), "p%zu", i);
		record(&(struct told){ .key = key, .kopecks = cases[i].kopecks }, RECORDED_NEW);
		amount = fixture_sql_text(
		    file(), "SELECT amount FROM payment_events WHERE payment_id = '%s'", key);
		type = fixture_sql_text(file(),
		    "SELECT typeof(amount) FROM payment_events WHERE payment_id = '%s'", key);
		assert_string_equal(amount, cases[i].amount);
		assert_string_equal(type, cases[i].type);
		free(amount);
		free(type);
	}
}

static void
test_skipped(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 0, .exclusion = "the total is zero" };
	int64_t id = record(&told, RECORDED_NEW);
	char *reason;

	(void)state;
	assert_status(id, "skipped");
	reason = fixture_sql_text(file(), "SELECT error_message FROM payment_events");
	assert_string_equal(reason, "the total is zero");
	free(reason);
	assert_int_equal(number_of("next_ms IS NULL", id), 1);
	assert_int_equal(check_ledger(), DONE);
}

/* A payment told first as unpaid and then as paid, with other items by then. */
static void
test_skipped_then_taken(void **state)
{
	struct told told = { .key = "pay_1",
		.kopecks = 100,
		.phone = 7,
		.exclusion = "the status is not CONFIRMED" };
	struct ledger_row row;
	enum recorded recorded;
	struct fault why = { "" };
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	/* Skipped again: still skipped, with the new reason. */
	told.exclusion = "another reason";
	assert_int_equal(record(&told, RECORDED_AGAIN), id);
	assert_status(id, "skipped");

	told = (struct told){ .key = "pay_1",
		.kopecks = 700050,
		.phone = 8,
		.payload = "{\"b\":2}",
		.now_ms = NOW + 500 };
	assert_int_equal(tell(&told, &recorded, &row, &why), DONE);
	assert_int_equal(recorded, RECORDED_AGAIN);
	assert_int_equal(row.id, id);
	assert_int_equal(row.status, PAYMENT_PENDING);
	assert_status(id, "pending");
	assert_int_equal(number_of("kopecks", id), 700050);
	assert_int_equal(number_of("phone", id), 8);
	assert_int_equal(number_of("recorded_ms", id), NOW + 500);
	assert_int_equal(
	    number_of("error_message IS NULL AND payload = '{\"b\":2}' AND amount = 7000.5", id),
	    1);
	assert_int_equal(number_of("duplicates", id), 2);
	assert_int_equal(check_ledger(), DONE);
}

static void
test_in_hand(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 500000, .phone = 7 };
	struct fault why = { "" };
	bool claimed;
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	told.payload = "{\"other\":1}";
	told.next_ms = NOW + 99999;
	assert_int_equal(record(&told, RECORDED_IN_HAND), id);
	assert_status(id, "pending");
	assert_int_equal(ledger_claim(ledger, id, 0, NOW + 60000, &claimed, &why), DONE);
	assert_int_equal(record(&told, RECORDED_IN_HAND), id);
	/* Counted, and nothing else changed. */
	assert_status(id, "processing");
	assert_int_equal(number_of("duplicates", id), 2);
	assert_int_equal(number_of("next_ms", id), NOW + 60000);
	assert_int_equal(number_of("payload = '{}'", id), 1);
}

/* Saves how far the delivery of a row got. */
static void
save(int64_t id, struct progress at)
{
	struct fault why = { "" };

	at.dropped = json_array();
	at.unmapped = json_array();
	assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	progress_clear(&at);
}

static bool
may_still_send(int64_t id)
{
	struct fault why = { "" };
	struct progress at;
	bool wanted = false;

	progress_init(&at);
	at.intent = INTENT_LEAD;
	at.intent_ms = NOW;
	assert_int_equal(ledger_intend(ledger, id, &at, &wanted, &why), DONE);
	progress_clear(&at);
	return wanted;
}

/* Nothing can be in amoCRM: it is not delivered, also by the process that has it in hand. */
static void
test_excluded_while_waiting(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 500000, .phone = 7 };
	struct fault why = { "" };
	bool claimed;
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	told.exclusion = "the status is REFUNDED";
	assert_int_equal(record(&told, RECORDED_AGAIN), id);
	assert_status(id, "skipped");
	assert_int_equal(number_of("next_ms IS NULL", id), 1);

	told.exclusion = NULL;
	assert_int_equal(record(&told, RECORDED_AGAIN), id);
	assert_int_equal(ledger_claim(ledger, id, 0, NOW + 60000, &claimed, &why), DONE);
	save(id, (struct progress){ .contact_id = 11, .matched_by = "phone" });
	told.exclusion = "the status is REFUNDED";
	assert_int_equal(record(&told, RECORDED_AGAIN), id);
	assert_status(id, "skipped");
	assert_false(may_still_send(id));
	assert_int_equal(number_of("(SELECT intent IS NULL FROM delivery)", id), 1);
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM payment_conflict"), 0);
	assert_int_equal(check_ledger(), DONE);
}

/* A contact may be there, and no lead: a person is told, and it goes no further. */
static void
test_excluded_after_contact(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 500000, .phone = 7 };
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	save(id, (struct progress){ .intent = INTENT_CONTACT, .intent_ms = NOW });
	told.exclusion = "the status is REFUNDED";
	assert_int_equal(record(&told, RECORDED_CONFLICT), id);
	assert_status(id, "failed");
	assert_int_equal(
	    number_of("error_message = 'came again as: the status is REFUNDED'", id), 1);
	assert_false(may_still_send(id));
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM payment_conflict"), 1);
	assert_int_equal(check_ledger(), DONE);
}

/* The lead may have it already: the delivery is finished, and a person takes it back. */
static void
test_excluded_after_lead(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 500000, .phone = 7 };
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	save(id, (struct progress){ .intent = INTENT_LEAD, .intent_ms = NOW, .contact_id = 11 });
	told.exclusion = "the status is REFUNDED";
	assert_int_equal(record(&told, RECORDED_CONFLICT), id);
	assert_int_equal(record(&told, RECORDED_CONFLICT), id);
	assert_status(id, "pending");
	assert_true(may_still_send(id));
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM payment_conflict"), 1);
	assert_int_equal(check_ledger(), DONE);
}

/* The sender's own time decides what it said last; what came late takes nothing back. */
static void
test_out_of_order(void **state)
{
	struct told told = {
		.key = "pay_1", .kopecks = 500000, .paid_at = 1500, .exclusion = "REFUNDED"
	};
	struct ledger_row row;
	enum recorded recorded;
	struct fault why = { "" };
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	told.exclusion = NULL;
	told.paid_at = 1400;
	assert_int_equal(tell(&told, &recorded, &row, &why), DONE);
	assert_int_equal(recorded, RECORDED_SKIPPED);
	assert_status(id, "skipped");
	assert_int_equal(number_of("duplicates", id), 1);
	assert_int_equal(number_of("paid_at", id), 1500);

	/* At the same time, or without one, it is taken up, as after a change of the rules. */
	told.paid_at = 1500;
	assert_int_equal(record(&told, RECORDED_AGAIN), id);
	assert_status(id, "pending");

	/* An exclusion from before the payment: kept for a person, and it is delivered. */
	told.exclusion = "NEW";
	told.paid_at = 1300;
	assert_int_equal(record(&told, RECORDED_CONFLICT), id);
	assert_status(id, "pending");
	assert_int_equal(check_ledger(), DONE);
}

static void
test_carried(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 500000, .phone = 7 };
	struct ledger_row row;
	enum recorded recorded;
	struct fault why = { "" };
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	finish(id, 22, 0, 500000);
	assert_int_equal(tell(&told, &recorded, &row, &why), DONE);
	assert_int_equal(recorded, RECORDED_CARRIED);
	assert_int_equal(row.id, id);
	assert_int_equal(row.status, PAYMENT_SUCCESS);
	assert_int_equal(row.contact_id, 11);
	assert_int_equal(row.lead_id, 22);
	assert_int_equal(row.pipeline_id, 33);
	assert_false(row.lead_created);
	assert_int_equal(number_of("duplicates", id), 1);
	assert_int_equal(check_ledger(), DONE);
}

/* A refund of what is in amoCRM only a person can make there. */
static void
test_carried_then_excluded(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 500000, .phone = 7 };
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	finish(id, 22, 0, 500000);
	told.exclusion = "the status is REFUNDED";
	assert_int_equal(record(&told, RECORDED_CONFLICT), id);
	assert_int_equal(record(&told, RECORDED_CONFLICT), id);
	assert_status(id, "success");
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM payment_conflict"), 1);
	assert_int_equal(check_ledger(), DONE);
}

static void
test_failed_then_again(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 500000, .phone = 7 };
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	fail_row(id);
	assert_status(id, "failed");
	assert_int_equal(number_of("retry_count", id), 1);

	assert_int_equal(record(&told, RECORDED_AGAIN), id);
	assert_status(id, "pending");
	assert_int_equal(number_of("retry_count", id), 0);
	assert_int_equal(number_of("processed_at IS NULL AND error_message IS NULL", id), 1);
	assert_int_equal(check_ledger(), DONE);
}

/* Nothing of it is in amoCRM, not even if its contact was found there: then it is not to be carried any more. */
static void
test_failed_then_excluded(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 500000, .phone = 7 };
	int64_t id = record(&told, RECORDED_NEW);
	struct fault why = { "" };
	struct progress at;
	json_t *retried, *left;

	(void)state;
	progress_init(&at);
	at.contact_id = 11;
	snprintf(at.matched_by, sizeof(at.matched_by), "phone");
	assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	progress_clear(&at);
	fail_row(id);
	told.exclusion = "the status is REFUNDED";
	assert_int_equal(record(&told, RECORDED_AGAIN), id);
	assert_status(id, "skipped");
	assert_int_equal(number_of("error_message = 'the status is REFUNDED'", id), 1);
	assert_int_equal(ledger_retry_failed(ledger, NOW, &retried, &left, &why), DONE);
	assert_int_equal(json_array_size(retried) + json_object_size(left), 0);
	json_decref(retried);
	json_decref(left);
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM payment_conflict"), 0);

	/* And taken up when it is told without. */
	told.exclusion = NULL;
	assert_int_equal(record(&told, RECORDED_AGAIN), id);
	assert_status(id, "pending");
	assert_int_equal(check_ledger(), DONE);
}

/* A person must take it back there: nothing is changed, and nobody carries it on by the way. */
static void
test_failed_then_excluded_too_late(void **state)
{
	static const struct progress reached[] = {
		{ .intent = INTENT_CONTACT, .intent_ms = NOW },
		{ .intent = INTENT_LEAD, .intent_ms = NOW, .contact_id = 11 },
		{ .contact_id = 11, .matched_by = "created" },
		{ .contact_id = 11, .matched_by = "phone", .lead_id = 22 },
		{ .contact_id = 11,
		    .matched_by = "phone",
		    .lead_id = 22,
		    .applied = true,
		    .total_after = 500000,
		    .count_after = 1 },
	};
	struct told told = { .kopecks = 500000, .phone = 7 };
	struct fault why = { "" };
	struct progress at;
	json_t *retried, *left;
	bool again = false;
	int64_t id = 0, settled = 0;
	char key[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(reached) / sizeof(reached[0]); i++) {
		snprintf(key, sizeof(key), "pay_%zu", i);
		told.key = key;
		told.exclusion = NULL;
		id = record(&told, RECORDED_NEW);
		at = reached[i];
		at.dropped = json_array();
		at.unmapped = json_array();
		at.events = json_array();
		assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
		progress_clear(&at);
		fail_row(id);
		told.exclusion = "the status is REFUNDED";
		assert_int_equal(record(&told, RECORDED_CONFLICT), id);
		assert_status(id, "failed");
		assert_int_equal(fixture_sql_int(file(),
				     "SELECT count(*) FROM payment_conflict WHERE payment = %lld "
				     "AND settled_ms IS"
				     " NULL AND reason = 'came again as: the status is REFUNDED'",
				     (long long)id),
		    1);
	}
	assert_int_equal(ledger_retry_failed(ledger, NOW, &retried, &left, &why), DONE);
	assert_int_equal(json_array_size(retried), 0);
	assert_int_equal(json_object_size(left), i);
	assert_non_null(strstr(json_string_value(json_object_get(left, key)), "conflict"));
	json_decref(retried);
	json_decref(left);

	/* By name it is; and with all others once a person has looked. */
	assert_int_equal(ledger_retry(ledger, "pay_0", NOW, &again, &why), DONE);
	assert_true(again);
	assert_int_equal(ledger_settle(ledger, id, NOW + 7, &settled, &why), DONE);
	assert_int_equal(settled, 1);
	assert_int_equal(ledger_settle(ledger, id, NOW + 8, &settled, &why), DONE);
	assert_int_equal(settled, 0);
	assert_int_equal(
	    fixture_sql_int(
		file(), "SELECT count(*) FROM payment_conflict WHERE settled_ms = %lld", NOW + 7LL),
	    1);
	/* The sender tells it once more: it has been looked at. */
	assert_int_equal(record(&told, RECORDED_CONFLICT), id);
	assert_int_equal(ledger_retry_failed(ledger, NOW, &retried, &left, &why), DONE);
	assert_int_equal(json_array_size(retried), 1);
	assert_string_equal(json_string_value(json_array_get(retried, 0)), key);
	assert_int_equal(json_object_size(left), i - 2);
	json_decref(retried);
	json_decref(left);
	assert_int_equal(check_ledger(), DONE);
}

static void
test_conflict(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 500000, .telegram = 5, .phone = 7 },
		    other = told;
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	other.kopecks = 500001;
	other.payload = "{\"c\":1}";
	assert_int_equal(record(&other, RECORDED_CONFLICT), id);
	/* The sender tells the same again: kept once. */
	assert_int_equal(record(&other, RECORDED_CONFLICT), id);
	other = (struct told){
		.key = "pay_1", .kopecks = 500000, .phone = 8, .email = 9, .payload = "{\"c\":2}"
	};
	assert_int_equal(record(&other, RECORDED_CONFLICT), id);
	assert_int_equal(
	    fixture_sql_int(file(), "SELECT count(*) FROM payment_conflict WHERE payment = 1"), 2);
	assert_int_equal(
	    fixture_sql_int(
		file(), "SELECT count(*) FROM payment_conflict WHERE reason = 'another amount'"),
	    1);
	assert_int_equal(
	    fixture_sql_int(
		file(), "SELECT count(*) FROM payment_conflict WHERE reason = 'another payer'"),
	    1);

	/* Nothing was changed. */
	assert_int_equal(
	    number_of("kopecks = 500000 AND phone = 7 AND email = 0 AND payload = '{}'", id), 1);
	assert_status(id, "pending");

	/* So it is with a failed and with a carried one. */
	fail_row(id);
	other.payload = "{\"c\":3}";
	assert_int_equal(record(&other, RECORDED_CONFLICT), id);
	assert_status(id, "failed");
	assert_int_equal(record(&told, RECORDED_AGAIN), id);
	finish(id, 22, 0, 500000);
	assert_int_equal(record(&other, RECORDED_CONFLICT), id);
	assert_status(id, "success");
	assert_int_equal(check_ledger(), DONE);
}

/* One identity that agrees is enough, and who cannot be compared is no other payer. */
static void
test_same_payer(void **state)
{
	struct told told = { .key = "pay_1", .kopecks = 100, .telegram = 5, .phone = 7 };
	int64_t id = record(&told, RECORDED_NEW);

	(void)state;
	assert_int_equal(
	    record(&(struct told){ .key = "pay_1", .kopecks = 100, .telegram = 6, .phone = 7 },
		RECORDED_IN_HAND),
	    id);
	assert_int_equal(
	    record(&(struct told){ .key = "pay_1", .kopecks = 100, .telegram = 5, .email = 3 },
		RECORDED_IN_HAND),
	    id);
	assert_int_equal(
	    record(&(struct told){ .key = "pay_1", .kopecks = 100 }, RECORDED_IN_HAND), id);
	id = record(&(struct told){ .key = "pay_2", .kopecks = 100 }, RECORDED_NEW);
	assert_int_equal(
	    record(&(struct told){ .key = "pay_2", .kopecks = 100, .phone = 8 }, RECORDED_IN_HAND),
	    id);
}

/*
 * Carrying.
 */

static int64_t
next_due(int64_t after, int64_t now_ms)
{
	struct fault why = { "" };
	struct due due;
	int64_t id;

	assert_int_equal(ledger_next_due(ledger, after, now_ms, &due, &why), DONE);
	id = due.id;
	due_clear(&due);
	return id;
}

static void
test_next_due(void **state)
{
	struct told told = {
		.key = "a", .kopecks = 100, .payload = "{\"имя\":\"Ж\"}", .next_ms = NOW + 300
	};
	struct fault why = { "" };
	struct due due;

	(void)state;
	assert_int_equal(next_due(0, NOW), 0);

	record(&told, RECORDED_NEW);
	record(&(struct told){ .key = "b", .kopecks = 100, .next_ms = NOW + 100 }, RECORDED_NEW);
	record(&(struct told){ .key = "c", .kopecks = 100, .next_ms = NOW + 200 }, RECORDED_NEW);
	record(&(struct told){ .key = "d", .kopecks = 100, .exclusion = "no", .next_ms = NOW + 1 },
	    RECORDED_NEW);

	/* In order of arrival among those whose time has come. */
	assert_int_equal(next_due(0, NOW + 99), 0);
	assert_int_equal(next_due(0, NOW + 100), 2);
	assert_int_equal(next_due(0, NOW + 300), 1);
	assert_int_equal(next_due(1, NOW + 300), 2);
	assert_int_equal(next_due(2, NOW + 300), 3);
	assert_int_equal(next_due(3, NOW + 300), 0);

	assert_int_equal(ledger_postpone(ledger, 1, NULL, "x", true, NOW + 300, &why), DONE);
	assert_int_equal(ledger_next_due(ledger, 0, NOW + 300, &due, &why), DONE);
	assert_string_equal(due.key, "a");
	assert_string_equal(due.payload, "{\"имя\":\"Ж\"}");
	assert_int_equal(due.payload_size, strlen(told.payload));
	assert_int_equal(due.recorded_ms, NOW);
	assert_int_equal(due.attempts, 1);
	due_clear(&due);
}

static void
test_claim(void **state)
{
	int64_t id = record_key("a");
	struct fault why = { "" };
	bool claimed = false;

	(void)state;
	assert_int_equal(ledger_claim(ledger, id, 0, NOW + 60000, &claimed, &why), DONE);
	assert_true(claimed);
	assert_status(id, "processing");
	assert_int_equal(next_due(0, NOW + 59999), 0);
	/* Whose process died falls due again by itself, and may be claimed anew. */
	assert_int_equal(next_due(0, NOW + 60000), id);
	claimed = false;
	assert_int_equal(ledger_claim(ledger, id, 0, NOW + 120000, &claimed, &why), DONE);
	assert_true(claimed);
	/* Whoever saw it due then comes too late. */
	assert_int_equal(ledger_claim(ledger, id, NOW + 60000, NOW + 180000, &claimed, &why), DONE);
	assert_false(claimed);
	assert_int_equal(next_due(0, NOW + 120000), id);
	assert_int_equal(
	    ledger_claim(ledger, id, NOW + 120000, NOW + 180000, &claimed, &why), DONE);
	assert_true(claimed);

	finish(id, 22, 0, 500000);
	assert_int_equal(ledger_claim(ledger, id, 0, NOW + 60000, &claimed, &why), DONE);
	assert_false(claimed);
	assert_status(id, "success");
	claimed = true;
	assert_int_equal(ledger_claim(ledger, 999, 0, NOW + 60000, &claimed, &why), DONE);
	assert_false(claimed);
}

/* A time further ahead than any that is given was written by a clock that was wrong. */
static void
test_time_that_cannot_be(void **state)
{
	int64_t id = record_key("a"), farthest = NOW + LEDGER_AHEAD_MAX_MS;
	struct fault why = { "" };
	bool claimed = false;

	(void)state;
	assert_int_equal(ledger_claim(ledger, id, 0, farthest, &claimed, &why), DONE);
	assert_int_equal(next_due(0, NOW), 0);
	assert_int_equal(ledger_claim(ledger, id, NOW, NOW + 60000, &claimed, &why), DONE);
	assert_false(claimed);
	assert_int_equal(next_due(0, NOW - 1), id);
	assert_int_equal(ledger_claim(ledger, id, NOW - 1, NOW + 60000, &claimed, &why), DONE);
	assert_true(claimed);
	assert_int_equal(next_due(0, NOW), 0);
}

static void
test_finish(void **state)
{
	int64_t id = record_key("a");
	struct ledger_stats stats;
	struct fault why = { "" };
	char *text;

	(void)state;
	assert_int_equal(ledger_postpone(ledger, id, NULL, "slow", true, NOW, &why), DONE);
	finish(id, 22, 100, 500000);
	text = fixture_sql_text(file(),
	    "SELECT status || processed_at || contact_id || lead_id || pipeline_id || lead_created "
	    "FROM "
	    "payment_events");
	assert_string_equal(text, "success2025-01-20 12:00:051122330");
	free(text);
	assert_int_equal(number_of("error_message IS NULL AND next_ms IS NULL", id), 1);
	assert_int_equal(ledger_stats(ledger, &stats, &why), DONE);
	assert_int_equal(stats.last_success_ms, NOW + 5000);
	assert_int_equal(stats.oldest_unfinished_ms, 0);
	assert_int_equal(check_ledger(), DONE);
}

static void
test_fail(void **state)
{
	int64_t id = record_key("a"), done = record_key("b");
	struct fault why = { "" };

	(void)state;
	assert_int_equal(ledger_fail(ledger, id, NULL, "the reason", NOW + 1000, &why), DONE);
	assert_status(id, "failed");
	assert_int_equal(
	    number_of("next_ms IS NULL AND error_message = 'the reason' AND retry_count = 1"
		      " AND processed_at = '2025-01-20 12:00:01'",
		id),
	    1);
	/* A finished payment does not fail any more. */
	finish(done, 22, 0, 500000);
	assert_int_equal(ledger_fail(ledger, done, NULL, "late", NOW, &why), DONE);
	assert_status(done, "success");
	assert_int_equal(check_ledger(), DONE);
}

static void
test_postpone(void **state)
{
	int64_t id = record_key("a"), done = record_key("b");
	struct fault why = { "" };
	bool claimed;

	(void)state;
	assert_int_equal(ledger_claim(ledger, id, 0, NOW + 60000, &claimed, &why), DONE);
	assert_int_equal(ledger_postpone(ledger, id, NULL, "slow", true, NOW + 5000, &why), DONE);
	assert_status(id, "pending");
	assert_int_equal(
	    number_of("retry_count = 1 AND next_ms = 1737374405000 AND error_message = 'slow'", id),
	    1);
	assert_int_equal(
	    ledger_postpone(ledger, id, NULL, "waiting", false, NOW + 6000, &why), DONE);
	assert_int_equal(
	    number_of(
		"retry_count = 1 AND next_ms = 1737374406000 AND error_message = 'waiting'", id),
	    1);

	finish(done, 22, 0, 500000);
	assert_int_equal(ledger_postpone(ledger, done, NULL, "late", true, NOW, &why), DONE);
	assert_status(done, "success");
}

static void
test_progress(void **state)
{
	int64_t id = record_key("a");
	struct progress at, read;
	struct fault why = { "" };

	(void)state;
	/* A row that was never worked on leaves it as it is. */
	progress_init(&read);
	assert_int_equal(ledger_progress(ledger, id, &read, &why), DONE);
	assert_int_equal(read.intent, INTENT_NONE);
	assert_int_equal(read.contact_id, 0);
	assert_int_equal(json_array_size(read.dropped), 0);
	progress_clear(&read);

	progress_init(&at);
	at.intent = INTENT_TOTALS;
	at.intent_ms = NOW;
	at.contact_id = 1;
	strcpy(at.matched_by, "telegram");
	at.lead_id = 2;
	at.pipeline_id = 3;
	at.older = true;
	at.total_before = 100050;
	at.total_after = 600050;
	at.count_before = 4;
	at.count_after = 5;
	at.rebased = 6;
	json_array_append_new(at.dropped, json_integer(201));
	json_array_append_new(at.dropped, json_string("_YM_UID"));
	json_array_append_new(at.unmapped, json_string("Астрономия"));
	assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	progress_init(&read);
	assert_int_equal(ledger_progress(ledger, id, &read, &why), DONE);
	assert_int_equal(read.intent, INTENT_TOTALS);
	assert_int_equal(read.intent_ms, NOW);
	assert_int_equal(read.contact_id, 1);
	assert_string_equal(read.matched_by, "telegram");
	assert_int_equal(read.lead_id, 2);
	assert_int_equal(read.pipeline_id, 3);
	assert_true(read.older);
	assert_false(read.applied);
	assert_false(read.lead_created);
	assert_int_equal(read.total_before, 100050);
	assert_int_equal(read.total_after, 600050);
	assert_int_equal(read.count_before, 4);
	assert_int_equal(read.count_after, 5);
	assert_int_equal(read.rebased, 6);
	assert_int_equal(read.note_id, 0);
	assert_true(json_equal(read.dropped, at.dropped));
	assert_true(json_equal(read.unmapped, at.unmapped));
	progress_clear(&read);

	/* Saved over. */
	at.intent = INTENT_NONE;
	at.intent_ms = 0;
	at.applied = true;
	at.lead_created = true;
	at.note_id = 77;
	assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	progress_init(&read);
	assert_int_equal(ledger_progress(ledger, id, &read, &why), DONE);
	assert_int_equal(read.intent, INTENT_NONE);
	assert_int_equal(read.intent_ms, 0);
	assert_true(read.applied);
	assert_true(read.lead_created);
	assert_int_equal(read.note_id, 77);
	progress_clear(&read);
	progress_clear(&at);
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM delivery"), 1);
}

/* What contradicts itself is not written. */
static void
test_impossible_progress(void **state)
{
	int64_t id = record_key("a");
	struct progress at;
	struct fault why = { "" };

	(void)state;
	progress_init(&at);
	at.intent = INTENT_TOTALS;
	at.intent_ms = NOW;
	assert_int_not_equal(ledger_save(ledger, id, &at, &why), DONE); /* On no lead. */
	at.lead_id = 5;
	at.applied = true;
	assert_int_not_equal(ledger_save(ledger, id, &at, &why), DONE); /* Applied, and yet open. */
	at.applied = false;
	at.intent_ms = 0;
	assert_int_not_equal(ledger_save(ledger, id, &at, &why), DONE); /* Since never. */
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM delivery"), 0);
	at.intent_ms = NOW;
	assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	progress_clear(&at);
}

static void
test_remembered(void **state)
{
	const struct identity who[2] = { { .kind = IDENTITY_TELEGRAM, .hash = 5 },
		{ .kind = IDENTITY_PHONE, .hash = 7 } };
	int64_t id = record_key("a"), contact_id = 99;
	struct progress at;
	struct fault why = { "" };

	(void)state;
	assert_int_equal(ledger_remembered(ledger, 5, &contact_id, &why), DONE);
	assert_int_equal(contact_id, 0);
	progress_init(&at);
	at.contact_id = 11;
	assert_int_equal(ledger_save_contact(ledger, id, &at, who, 2, NOW, &why), DONE);
	assert_int_equal(ledger_remembered(ledger, 5, &contact_id, &why), DONE);
	assert_int_equal(contact_id, 11);
	assert_int_equal(fixture_sql_int(file(), "SELECT contact_id FROM delivery"), 11);
	/* The latest counts. */
	at.contact_id = 12;
	assert_int_equal(ledger_save_contact(ledger, id, &at, who + 1, 1, NOW + 1, &why), DONE);
	assert_int_equal(ledger_remembered(ledger, 7, &contact_id, &why), DONE);
	assert_int_equal(contact_id, 12);
	assert_int_equal(ledger_remembered(ledger, 5, &contact_id, &why), DONE);
	assert_int_equal(contact_id, 11);
	progress_clear(&at);
}

static void
open_intent(int64_t id, enum intent intent, int64_t lead_id)
{
	struct progress at;
	struct fault why = { "" };

	progress_init(&at);
	at.intent = intent;
	at.intent_ms = NOW;
	at.lead_id = lead_id;
	assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	progress_clear(&at);
}

static int64_t
blocker(int64_t id, int64_t lead_id)
{
	struct fault why = { "" };
	int64_t found = 99;

	assert_int_equal(ledger_blocker(ledger, id, lead_id, &found, &why), DONE);
	return found;
}

static void
test_blocker(void **state)
{
	int64_t a = record(
	    &(struct told){ .key = "a", .kopecks = 1, .telegram = 5, .phone = 7, .email = 9 },
	    RECORDED_NEW);
	int64_t by_telegram =
	    record(&(struct told){ .key = "b", .kopecks = 1, .telegram = 5 }, RECORDED_NEW);
	int64_t by_phone =
	    record(&(struct told){ .key = "c", .kopecks = 1, .phone = 7 }, RECORDED_NEW);
	int64_t by_email = record(
	    &(struct told){ .key = "d", .kopecks = 1, .email = 9, .phone = 1 }, RECORDED_NEW);
	int64_t other =
	    record(&(struct told){ .key = "e", .kopecks = 1, .telegram = 6 }, RECORDED_NEW);
	int64_t nobody = record(&(struct told){ .key = "f", .kopecks = 1 }, RECORDED_NEW);
	int64_t nobody_else = record(&(struct told){ .key = "g", .kopecks = 1 }, RECORDED_NEW);

	(void)state;
	assert_int_equal(blocker(by_phone, 0), 0);
	open_intent(a, INTENT_CONTACT, 0);
	assert_int_equal(blocker(by_telegram, 0), a);
	assert_int_equal(blocker(by_phone, 0), a);
	assert_int_equal(blocker(by_email, 0), a);
	assert_int_equal(blocker(a, 0), 0);
	assert_int_equal(blocker(other, 0), 0);

	/* Not to be known is nothing in common. */
	open_intent(nobody, INTENT_LEAD, 0);
	assert_int_equal(blocker(nobody_else, 0), 0);
	assert_int_equal(blocker(other, 0), 0);

	/* Or on the same lead. */
	open_intent(a, INTENT_TOTALS, 22);
	assert_int_equal(blocker(other, 22), a);
	assert_int_equal(blocker(other, 23), 0);

	/* A payment that failed keeps nobody waiting, though it is not known what became of it. */
	fail_row(a);
	assert_int_equal(blocker(other, 22), 0);
	assert_int_equal(blocker(by_phone, 0), 0);
}

static void
test_base_after(void **state)
{
	int64_t a = record_key("a"), b = record_key("b"), total = 7, count = 7, between;
	struct progress at;
	struct fault why = { "" };
	bool known = true;

	(void)state;
	assert_int_equal(ledger_base_after(ledger, 22, 0, &total, &count, &known, &why), DONE);
	assert_false(known);
	assert_int_equal(total, 7);

	finish(a, 22, 1000, 500000);
	between = fixture_sql_int(
	    file(), "SELECT applied_ms FROM delivery WHERE payment = %lld", (long long)a);
	assert_true(between >= NOW);
	fake_clock_pass(1000);
	finish(b, 22, 501000, 500000);
	/* Of all that came after, the first; never what came before. */
	assert_int_equal(
	    ledger_base_after(ledger, 22, between - 1, &total, &count, &known, &why), DONE);
	assert_true(known);
	assert_int_equal(total, 1000);
	assert_int_equal(count, 1);
	assert_int_equal(
	    ledger_base_after(ledger, 22, between + 1, &total, &count, &known, &why), DONE);
	assert_true(known);
	assert_int_equal(total, 501000);
	assert_int_equal(
	    ledger_base_after(ledger, 22, between + 60000, &total, &count, &known, &why), DONE);
	assert_false(known);
	assert_int_equal(ledger_base_after(ledger, 23, 0, &total, &count, &known, &why), DONE);
	assert_false(known);

	/* Saving again does not move the time at which it was applied. */
	progress_init(&at);
	assert_int_equal(ledger_progress(ledger, a, &at, &why), DONE);
	fake_clock_pass(5000);
	assert_int_equal(ledger_save(ledger, a, &at, &why), DONE);
	assert_int_equal(fixture_sql_int(file(),
			     "SELECT applied_ms FROM delivery WHERE payment = %lld", (long long)a),
	    between);
	progress_clear(&at);
}

static void
test_lead_claimed(void **state)
{
	int64_t id = record_key("a");
	struct progress at;
	struct fault why = { "" };
	bool claimed = true;

	(void)state;
	progress_init(&at);
	at.lead_id = 22;
	assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	assert_int_equal(ledger_lead_claimed(ledger, 22, &claimed, &why), DONE);
	assert_false(claimed);
	at.lead_created = true;
	assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	assert_int_equal(ledger_lead_claimed(ledger, 22, &claimed, &why), DONE);
	assert_true(claimed);
	assert_int_equal(ledger_lead_claimed(ledger, 23, &claimed, &why), DONE);
	assert_false(claimed);
	progress_clear(&at);
}

/*
 * Looking.
 */

static void
test_stats(void **state)
{
	struct ledger_stats stats;
	struct fault why = { "" };
	int64_t failed;

	(void)state;
	assert_int_equal(ledger_stats(ledger, &stats, &why), DONE);
	assert_int_equal(stats.payments[PAYMENT_PENDING], 0);
	assert_int_equal(stats.last_success_ms, 0);
	assert_int_equal(stats.oldest_unfinished_ms, 0);

	finish(record(&(struct told){ .key = "a", .kopecks = 100 }, RECORDED_NEW), 22, 0, 100);
	failed = record(&(struct told){ .key = "b", .kopecks = 20 }, RECORDED_NEW);
	record(&(struct told){ .key = "c", .kopecks = 3, .now_ms = NOW + 50 }, RECORDED_NEW);
	record(&(struct told){ .key = "d", .kopecks = 4, .now_ms = NOW + 60 }, RECORDED_NEW);
	record(&(struct told){ .key = "e", .kopecks = 1000, .exclusion = "no" }, RECORDED_NEW);
	fail_row(failed);
	assert_int_equal(ledger_stats(ledger, &stats, &why), DONE);
	assert_int_equal(stats.payments[PAYMENT_SUCCESS], 1);
	assert_int_equal(stats.kopecks[PAYMENT_SUCCESS], 100);
	assert_int_equal(stats.payments[PAYMENT_FAILED], 1);
	assert_int_equal(stats.kopecks[PAYMENT_FAILED], 20);
	assert_int_equal(stats.payments[PAYMENT_PENDING], 2);
	assert_int_equal(stats.kopecks[PAYMENT_PENDING], 7);
	assert_int_equal(stats.payments[PAYMENT_PROCESSING], 0);
	assert_int_equal(stats.payments[PAYMENT_SKIPPED], 1);
	assert_int_equal(stats.kopecks[PAYMENT_SKIPPED], 1000);
	assert_int_equal(stats.oldest_unfinished_ms, NOW + 50);
	assert_int_equal(check_ledger(), DONE);
}

static void
test_retry(void **state)
{
	int64_t a = record_key("a"), b = record_key("b"), c = record_key("c");
	struct fault why = { "" };
	json_t *all, *left;
	bool retried = true;

	(void)state;
	fail_row(a);
	fail_row(b);
	assert_int_equal(ledger_retry(ledger, "nobody", NOW, &retried, &why), DONE);
	assert_false(retried);
	/* Only what failed is put back. */
	assert_int_equal(ledger_retry(ledger, "c", NOW, &retried, &why), DONE);
	assert_false(retried);
	assert_int_equal(ledger_retry(ledger, "a", NOW + 5000, &retried, &why), DONE);
	assert_true(retried);
	assert_status(a, "pending");
	assert_status(b, "failed");
	assert_int_equal(number_of("retry_count = 0 AND processed_at IS NULL", a), 1);
	assert_int_equal(number_of("next_ms", a), NOW + 5000);
	assert_int_equal(number_of("recorded_ms", a), NOW + 5000);
	fail_row(c);
	assert_int_equal(ledger_retry_failed(ledger, NOW, &all, &left, &why), DONE);
	assert_int_equal(json_array_size(all), 2);
	assert_int_equal(json_object_size(left), 0);
	json_decref(all);
	json_decref(left);
	assert_int_equal(check_ledger(), DONE);
}

static void
test_touch(void **state)
{
	struct fault why = { "" };

	(void)state;
	assert_int_equal(ledger_touch(ledger, NOW, &why), DONE);
	assert_int_equal(fixture_sql_int(file(), "SELECT at_ms FROM heartbeat"), NOW);
}

static json_t *
list(int status, const char *key, int64_t since_ms, int64_t limit, bool whole)
{
	json_t *rows = NULL;
	struct fault why = { "" };

	assert_int_equal(
	    ledger_list(ledger, status, key, since_ms, limit, whole, &rows, &why), DONE);
	return rows;
}

static size_t
listed(int status, const char *key, int64_t since_ms, int64_t limit)
{
	json_t *rows = list(status, key, since_ms, limit, false);
	size_t count = json_array_size(rows);

	json_decref(rows);
	return count;
}

static void
test_list(void **state)
{
	json_t *rows, *row;

	(void)state;
	record_key("a");
	fail_row(record_key("b"));
	record(&(struct told){ .key = "c", .kopecks = 1, .now_ms = NOW + 1000 }, RECORDED_NEW);
	assert_int_equal(listed(-1, NULL, 0, 100), 3);
	assert_int_equal(listed(-1, NULL, 0, 2), 2);
	assert_int_equal(listed(PAYMENT_FAILED, NULL, 0, 100), 1);
	assert_int_equal(listed(PAYMENT_SUCCESS, NULL, 0, 100), 0);
	assert_int_equal(listed(-1, "a", 0, 100), 1);
	assert_int_equal(listed(PAYMENT_FAILED, "a", 0, 100), 0);
	assert_int_equal(listed(-1, NULL, NOW + 1, 100), 1);

	rows = list(-1, NULL, 0, 100, false);
	row = json_array_get(rows, 0);
	assert_string_equal(json_string_value(json_object_get(row, "payment_id")), "c");
	assert_null(json_object_get(row, "payload"));
	assert_true(json_is_null(json_object_get(row, "lead_id")));
	row = json_array_get(rows, 1);
	assert_string_equal(json_string_value(json_object_get(row, "status")), "failed");
	assert_string_equal(json_string_value(json_object_get(row, "error_message")), "refused");
	assert_int_equal(json_integer_value(json_object_get(row, "kopecks")), 500000);
	json_decref(rows);
	rows = list(-1, "a", 0, 1, true);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(rows, 0), "payload")), "{}");
	json_decref(rows);
}

/* The SQL that the operators of the service this one replaces have at hand. */
static void
test_operators_sql(void **state)
{
	char *text;

	(void)state;
	finish(record_key("a"), 22, 0, 500000);
	fail_row(record_key("b"));
	record_key("c");
	assert_int_equal(fixture_sql_int(file(),
			     "SELECT count(*) FROM (SELECT status, COUNT(*) FROM payment_events "
			     "GROUP BY status)"),
	    3);
	text = fixture_sql_text(file(),
	    "SELECT payment_id, status, amount, created_at FROM payment_events ORDER BY created_at "
	    "DESC "
	    "LIMIT 10");
	assert_non_null(text);
	free(text);
	text = fixture_sql_text(file(),
	    "SELECT payment_id, error_message, created_at FROM payment_events WHERE status = "
	    "'failed'");
	assert_string_equal(text, "b");
	free(text);
	/* And every column that it had. */
	text = fixture_sql_text(file(),
	    "SELECT id || payment_id || created_at || processed_at || status || amount || "
	    "contact_id"
	    " || lead_id || pipeline_id || lead_created || payload || coalesce(error_message, '')"
	    " || retry_count FROM payment_events WHERE status = 'success'");
	assert_string_equal(text, "1a2025-01-20 12:00:002025-01-20 12:00:05success50001122330{}0");
	free(text);
}

/*
 * Checking: each invariant is broken by hand, past the ledger.
 */

static void
test_check(void **state)
{
	static const struct {
		const char *damage, *told;
	} cases[] = {
		{ "PRAGMA ignore_check_constraints = 1; UPDATE payment_events SET next_ms = 5 "
		  "WHERE status = "
		  "'success'",
		    "a time" },
		{ "PRAGMA ignore_check_constraints = 1; UPDATE payment_events SET next_ms = NULL "
		  "WHERE "
		  "status = 'pending'",
		    "a time" },
		{ "UPDATE delivery SET note_id = NULL", "a note" },
		{ "UPDATE delivery SET applied = 0", "a note" },
		{ "UPDATE delivery SET contact_id = NULL", "a note" },
		{ "UPDATE delivery SET applied = 0, intent = 'totals', intent_ms = 1 WHERE payment "
		  "= 1",
		    "a note" },
		{ "UPDATE delivery SET total_after = total_after + 1", "by its amount" },
		{ "UPDATE delivery SET count_after = count_after + 1", "by its amount" },
		{ "INSERT INTO delivery (payment, intent, intent_ms, lead_id, lead_created, older, "
		  "applied, "
		  "rebased, dropped,"
		  " unmapped) SELECT id, 'totals', recorded_ms, 22, 0, 0, 0, 0, '[]', '[]' FROM "
		  "payment_events WHERE "
		  "status = 'pending'",
		    "open intent" },
		{ "UPDATE tally SET payments = payments + 1 WHERE status = 'success'", "tally" },
		{ "UPDATE tally SET kopecks = kopecks - 1 WHERE status = 'success'", "tally" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		finish(record_key("a"), 22, 0, 500000);
		record_key("b");
		record_key("c");
		assert_int_equal(check_ledger(), DONE);
		assert_int_equal(problems, 0);
		fixture_sql(file(), "%s", cases[i].damage);
		if (check_ledger() != NEVER || problems == 0 ||
		    strstr(last_problem, cases[i].told) == NULL)
			fail_msg("%s: %d problems, %s", cases[i].damage, problems, last_problem);
		tear_down(state);
		set_up(state);
	}
}

/* The schema itself forbids what it can. */
static void
test_schema_forbids(void **state)
{
	int64_t id = record_key("a");
	struct fault why = { "" };

	(void)state;
	/* A lease of no time would leave a processing row that never falls due: it is a time nevertheless. */
	assert_int_equal(ledger_postpone(ledger, id, NULL, "x", false, 0, &why), DONE);
	assert_int_equal(number_of("next_ms IS NOT NULL", id), 1);
}

static void
test_opened_again(void **state)
{
	struct fault why = { "" };

	(void)state;
	record_key("a");
	ledger_close(ledger);
	ledger = NULL;
	assert_int_equal(ledger_open(file(), &ledger, &why), DONE);
	record(&(struct told){ .key = "a", .kopecks = 500000, .phone = 7 }, RECORDED_IN_HAND);
	ledger_close(ledger);
	ledger = NULL;
	fixture_sql(file(), "PRAGMA user_version = 99");
	assert_int_equal(ledger_open(file(), &ledger, &why), NEVER);
	assert_null(ledger);
	assert_int_equal(ledger_open("/nonexistent/l.sqlite", &ledger, &why), BROKEN);
	ledger_close(NULL);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_recorded_together),
		test(test_new),
		test(test_amount),
		test(test_skipped),
		test(test_skipped_then_taken),
		test(test_in_hand),
		test(test_carried),
		test(test_carried_then_excluded),
		test(test_excluded_while_waiting),
		test(test_excluded_after_contact),
		test(test_excluded_after_lead),
		test(test_out_of_order),
		test(test_failed_then_again),
		test(test_failed_then_excluded),
		test(test_failed_then_excluded_too_late),
		test(test_conflict),
		test(test_same_payer),
		test(test_next_due),
		test(test_claim),
		test(test_time_that_cannot_be),
		test(test_finish),
		test(test_fail),
		test(test_postpone),
		test(test_progress),
		test(test_impossible_progress),
		test(test_remembered),
		test(test_blocker),
		test(test_base_after),
		test(test_lead_claimed),
		test(test_stats),
		test(test_retry),
		test(test_touch),
		test(test_list),
		test(test_operators_sql),
		test(test_check),
		test(test_schema_forbids),
		test(test_opened_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
