#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "base/clock.h"
#include "ledger/arrival.h"
#include "ledger/import.h"
#include "ledger/integrity.h"

static struct ledger *ledger;

static int
set_up(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_clock_reset();
	fixture_begin();
	assert_true(clock_set_zone("Europe/Moscow"));
	if (ledger_open(fixture_path("l.sqlite"), &ledger, &why) != DONE)
		fail_msg("%s", why.text);
	fixture_sql(fixture_path("old.sqlite"),
	    "CREATE TABLE payment_events (payment_id TEXT, created_at, processed_at, status TEXT, "
	    "amount,"
	    " lead_id INTEGER, lead_created INTEGER, payload TEXT, error_message TEXT)");
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

#define OLD(values)                                                                                \
	fixture_sql(fixture_path("old.sqlite"), "INSERT INTO payment_events VALUES " values)

static struct import
import_all(void)
{
	struct import import;
	struct fault why = { "" };
	bool more = true;

	if (import_open(fixture_path("old.sqlite"), &import, &why) != DONE)
		fail_msg("%s", why.text);
	while (more)
		if (import_step(ledger, &import, &more, &why) != DONE)
			fail_msg("%s", why.text);
	import_close(&import);
	assert_int_equal(import.seen, import.total);
	if (ledger_check(ledger, NULL, NULL, &why) != DONE)
		fail_msg("%s", why.text);
	return import;
}

static void
assert_row(const char *key, const char *expression, const char *expected)
{
	char *found = fixture_sql_text(
	    file(), "SELECT %s FROM payment_events WHERE payment_id = '%s'", expression, key);

	assert_non_null(found);
	assert_string_equal(found, expected);
	free(found);
}

static void
test_statuses(void **state)
{
	struct import import;

	(void)state;
	OLD("('done', NULL, NULL, 'success', 1, 5, 0, '', 'old noise'), ('no', NULL, NULL, "
	    "'skipped', 1, "
	    "NULL, NULL, '', NULL),"
	    "('bad', NULL, NULL, 'failed', 1, NULL, NULL, '', 'why'), ('wait', NULL, NULL, "
	    "'pending', 1, "
	    "NULL, NULL, '', 'x'),"
	    "('hang', NULL, NULL, 'processing', 1, 6, 1, '', NULL), ('again', NULL, NULL, "
	    "'duplicate', 1, 7, "
	    "0, '', NULL),"
	    "('odd', NULL, NULL, 'duplicate', 1, NULL, NULL, '', NULL), ('what', NULL, NULL, "
	    "'nonsense', 1, "
	    "NULL, NULL, '', NULL),"
	    "('null', NULL, NULL, NULL, 1, NULL, NULL, '', NULL)");
	import = import_all();
	assert_int_equal(import.added[PAYMENT_SUCCESS], 2);
	assert_int_equal(import.added[PAYMENT_SKIPPED], 1);
	assert_int_equal(import.added[PAYMENT_FAILED], 6);
	assert_int_equal(import.added[PAYMENT_PENDING] + import.added[PAYMENT_PROCESSING], 0);
	assert_int_equal(import.doubtful, 5);
	assert_row("done", "status || coalesce(error_message, '')", "success");
	assert_row("again", "status", "success");
	assert_row("bad", "error_message", "the service used before: why");
	assert_row("no", "error_message", "the service used before: no reason was kept");
	assert_row(
	    "wait", "status || retry_count || (error_message LIKE '%%look whether%%')", "failed01");
	/* Whatever may be in amoCRM is looked for before anything is added. */
	assert_int_equal(fixture_sql_int(file(),
			     "SELECT count(*) FROM delivery JOIN payment_events ON id = payment "
			     "WHERE intent = 'lead'"
			     " AND status = 'failed'"),
	    6);
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM delivery"), 6);
}

/* UTC, however it was written; what is not known is told from what is. */
static void
test_times(void **state)
{
	(void)state;
	OLD("('text', '2025-01-20 21:30:00', '2025-01-20T21:30:07.5+00:00', 'success', 1, 5, 0, "
	    "'', NULL),"
	    "('number', 1737408600, 1737408607.5, 'success', 1, 5, 0, '', NULL),"
	    "('zone', '2025-01-21T00:30:00+03:00', NULL, 'success', 1, 5, 0, '', NULL),"
	    "('processed', 'nonsense', '2025-01-20 21:30:00', 'success', 1, 5, 0, '', NULL),"
	    "('none', NULL, NULL, 'success', 1, 5, 0, '', NULL)");
	import_all();
	assert_row(
	    "text", "created_at || ' ' || processed_at", "2025-01-20 21:30:00 2025-01-20 21:30:07");
	assert_row("number", "created_at || ' ' || processed_at",
	    "2025-01-20 21:30:00 2025-01-20 21:30:07");
	assert_row("zone", "created_at", "2025-01-20 21:30:00");
	assert_row("processed", "created_at", "2025-01-20 21:30:00");
	assert_row("none", "created_at", "2025-01-20 12:00:00");
	/* Half past nine in the evening is the next day in Moscow. */
	assert_row("text", "(day - 20108) || ' ' || recorded_ms", "1 1737408600000");
}

static void
test_amounts_and_payers(void **state)
{
	struct sample sample = { .id = "told", .cost = "5000.50", .phone = "89990000001" };
	char *body = sample_body(&sample);

	(void)state;
	OLD("('whole', NULL, NULL, 'success', 7000, 5, 0, '{}', NULL), ('real', NULL, NULL, "
	    "'success', "
	    "7000.5, 5, 0, '', NULL),"
	    "('words', NULL, NULL, 'success', 'a lot', 5, 0, '', NULL), (' spaced ', NULL, NULL, "
	    "'success', "
	    "NULL, 5, 0, NULL, NULL)");
	fixture_sql(fixture_path("old.sqlite"),
	    "INSERT INTO payment_events VALUES ('told', NULL, NULL, 'success', 1, 5, 0, '%s', "
	    "NULL)",
	    body);
	free(body);
	assert_int_equal(import_all().unread, 4);
	assert_row("whole", "kopecks || ' ' || amount", "700000 7000");
	assert_row("real", "kopecks || ' ' || amount", "700050 7000.5");
	/* NULL is "unknown", which 0 is not. */
	assert_row("words", "kopecks || (amount IS NULL)", "01");
	assert_row("spaced", "kopecks || (amount IS NULL) || payload", "01");
	assert_row("told", "kopecks || ' ' || paid_at || ' ' || (phone > 0) || (email = 0)",
	    "500050 1737373760 11");
}

static enum recorded
told_again(const char *key, int64_t kopecks)
{
	struct arrival arrival = { .key = key,
		.kopecks = kopecks,
		.payload = "{}",
		.payload_size = 2,
		.request_id = "",
		.now_ms = 1,
		.next_ms = 1 };
	struct recording recording;
	struct fault why = { "" };

	assert_int_equal(ledger_record(ledger, &arrival, 1, &recording, &why), DONE);
	return recording.how;
}

/* An amount that nobody knows cannot be contradicted; one of nothing can. */
static void
test_unknown_amount(void **state)
{
	struct fault why = { "" };

	(void)state;
	OLD("('unknown', NULL, NULL, 'success', NULL, 5, 0, NULL, NULL),"
	    "('nothing', NULL, NULL, 'success', 0, 5, 0, NULL, NULL),"
	    "('failed', NULL, NULL, 'failed', NULL, NULL, NULL, NULL, NULL)");
	import_all();
	assert_int_equal(told_again("unknown", 500000), RECORDED_CARRIED);
	assert_int_equal(told_again("unknown", 700000), RECORDED_CARRIED);
	assert_row("unknown", "amount IS NULL", "1");
	assert_int_equal(told_again("nothing", 500000), RECORDED_CONFLICT);

	/* What is taken up is known from then on, also to what looks whether its lead is there. */
	assert_int_equal(told_again("failed", 500000), RECORDED_AGAIN);
	assert_row("failed", "amount || ' ' || kopecks", "5000 500000");
	assert_int_equal(
	    fixture_sql_int(file(), "SELECT total_after FROM delivery WHERE intent = 'lead'"),
	    500000);
	assert_int_equal(told_again("failed", 700000), RECORDED_CONFLICT);
	assert_int_equal(ledger_check(ledger, NULL, NULL, &why), DONE);
}

/* Texts that cannot be shown do no harm; a payment that cannot be named is left out. */
static void
test_broken_texts(void **state)
{
	struct import import;

	(void)state;
	OLD("('bad', NULL, NULL, 'failed', 1, NULL, NULL, CAST(x'7bff7d' AS TEXT), CAST(x'ff' AS "
	    "TEXT)),"
	    "(CAST(x'ff' AS TEXT), NULL, NULL, 'success', 1, NULL, NULL, '', NULL), ('', NULL, "
	    "NULL, "
	    "'success', 1, 5, 0, '', NULL)");
	import = import_all();
	assert_int_equal(import.nameless, 2);
	assert_row(
	    "bad", "payload || error_message", "the service used before: no reason was kept");
}

/* When the ledger fails, what was not committed is not counted, and is taken the next time. */
static void
test_again_after_a_failure(void **state)
{
	struct import import;
	struct fault why = { "" };
	bool more = true;
	int i;

	(void)state;
	for (i = 0; i < 150; i++)
		fixture_sql(fixture_path("old.sqlite"),
		    "INSERT INTO payment_events (payment_id, status) VALUES ('p%d', 'success')", i);
	assert_int_equal(import_open(fixture_path("old.sqlite"), &import, &why), DONE);
	assert_int_equal(import_step(ledger, &import, &more, &why), DONE);
	assert_true(more);
	assert_int_equal(import.seen, 100);
	fixture_sql(file(),
	    "CREATE TRIGGER no BEFORE INSERT ON payment_events WHEN NEW.payment_id = 'p120' BEGIN "
	    "SELECT "
	    "raise(ABORT, 'no'); END");
	assert_int_not_equal(import_step(ledger, &import, &more, &why), DONE);
	assert_int_equal(import.seen, 100);
	assert_int_equal(import.added[PAYMENT_SUCCESS], 100);
	import_close(&import);
	assert_int_equal(fixture_sql_int(file(), "SELECT count(*) FROM payment_events"), 100);
	fixture_sql(file(), "DROP TRIGGER no");
	import = import_all();
	assert_int_equal(import.known, 100);
	assert_int_equal(import.added[PAYMENT_SUCCESS], 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_statuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_times, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_amounts_and_payers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_amount, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_texts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_again_after_a_failure, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
