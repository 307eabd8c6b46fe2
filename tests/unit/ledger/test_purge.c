#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "base/trail.h"
#include "ledger/arrival.h"
#include "ledger/attempt.h"
#include "ledger/ledger.h"
#include "ledger/purge.h"
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

static int64_t
tell(const char *key, int64_t kopecks, int64_t now_ms)
{
	struct arrival arrival = { .key = key,
		.kopecks = kopecks,
		.payload = "{\"who\":\"canary\"}",
		.request_id = "",
		.now_ms = now_ms,
		.next_ms = now_ms };
	struct recording recording;
	struct fault why = { "" };

	arrival.payload_size = strlen(arrival.payload);
	assert_int_equal(ledger_record(ledger, &arrival, 1, &recording, &why), DONE);
	return recording.row.id;
}

/* Told and failed, with an event in its trail. */
static int64_t
failed(const char *key, int64_t now_ms)
{
	int64_t id = tell(key, 100, now_ms);
	json_t *events = json_array();
	struct fault why = { "" };

	trail_add(events, now_ms, "refused");
	assert_int_equal(ledger_fail(ledger, id, events, "refused", now_ms, &why), DONE);
	json_decref(events);
	return id;
}

/* Purge what is older than NOW, to the end. */
static struct purge
purge_all(bool dry_run)
{
	struct purge purge = { .before_ms = NOW, .dry_run = dry_run };
	struct fault why = { "" };
	bool more = true;

	assert_int_equal(purge_begin(ledger, &purge, &why), DONE);
	while (more)
		if (purge_step(ledger, &purge, &more, &why) != DONE)
			fail_msg("%s", why.text);
	assert_int_equal(purge_end(ledger, &why), DONE);
	assert_int_equal(purge.seen, purge.total);
	return purge;
}

static int64_t
payloads(const char *where)
{
	return fixture_sql_int(
	    file(), "SELECT count(*) FROM payment_events WHERE payload <> '' AND %s", where);
}

static void
test_only_what_is_old_and_finished(void **state)
{
	struct purge purge;

	(void)state;
	failed("old", NOW - 1000);
	failed("young", NOW);
	tell("unfinished", 100, NOW - 1000);
	failed("told again", NOW - 1000);
	tell("told again", 100, NOW + 1000);
	fixture_sql(file(),
	    "UPDATE payment_events SET status = 'failed', next_ms = NULL WHERE payment_id = 'told "
	    "again'");
	purge = purge_all(true);
	assert_int_equal(purge.payments, 1);
	assert_int_equal(payloads("1"), 4);
	purge = purge_all(false);
	assert_int_equal(purge.total, 2);
	assert_int_equal(purge.payments, 1);
	assert_int_equal(purge.events, 1);
	assert_int_equal(payloads("payment_id <> 'old'"), 3);
	assert_int_equal(payloads("payment_id = 'old'"), 0);
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM trail"), 2);
	assert_int_equal(purge_all(false).payments, 0);
}

/* More than one step holds, many of one second, and one that is met in the middle of another's step. */
static void
test_many(void **state)
{
	char key[16];
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "p%d", i);
		failed(key, NOW - 5000 + (i / 700) * 2000);
	}
	assert_int_equal(purge_all(true).payments, 1000);
	assert_int_equal(purge_all(false).payments, 1000);
	assert_int_equal(payloads("1"), 0);
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM trail"), 0);
}

/* Several contradict one payment; their payloads go by their own age, and each stays known as one. */
static void
test_conflicts(void **state)
{
	int64_t id = tell("a", 100, NOW - 9000);
	json_t *conflicts = NULL;
	struct purge purge;
	struct fault why = { "" };
	int i;

	(void)state;
	for (i = 0; i < 500; i++)
		fixture_sql(file(),
		    "INSERT INTO payment_conflict (payment, seen_ms, reason, payload) VALUES "
		    "(%lld, %lld, "
		    "'x', 'canary %d')",
		    (long long)id, (long long)NOW - 250 + i, i);
	assert_int_equal(purge_all(true).conflicts, 250);
	purge = purge_all(false);
	assert_int_equal(purge.conflicts, 250);
	assert_int_equal(purge.payments, 0);
	assert_int_equal(fixture_sql_int(file(),
			     "SELECT count(*) FROM payment_conflict WHERE payload LIKE 'canary%%'"),
	    250);
	assert_int_equal(ledger_conflicts(ledger, id, false, &conflicts, &why), DONE);
	assert_int_equal(json_array_size(conflicts), 500);
	json_decref(conflicts);
	assert_int_equal(purge_all(false).conflicts, 0);
}

/* The text of another program's errors goes too, ours stays. */
static void
test_reasons(void **state)
{
	char *reason;

	(void)state;
	failed("ours", NOW - 1000);
	failed("theirs", NOW - 1000);
	fixture_sql(file(),
	    "UPDATE payment_events SET error_message = 'the service used before: canary',"
	    " reason_private = 1 WHERE payment_id = 'theirs'");
	purge_all(false);
	reason =
	    fixture_sql_text(file(), "SELECT group_concat(error_message, '|') FROM payment_events");
	assert_string_equal(reason, "refused|the service used before: purged");
	free(reason);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_only_what_is_old_and_finished, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_conflicts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reasons, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
