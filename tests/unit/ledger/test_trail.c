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
#include "ledger/progress.h"
#include "ledger/report.h"

#define NOW INT64_C(1737374400000) /* 2025-01-20 12:00:00 UTC */

static struct ledger *ledger;

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fixture_begin();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ledger_close(ledger);
	ledger = NULL;
	fixture_end();
	return 0;
}

static void
open_ledger(void)
{
	struct fault why = { "" };

	if (ledger_open(fixture_path("l.sqlite"), &ledger, &why) != DONE)
		fail_msg("%s", why.text);
}

static int64_t
record(const char *key)
{
	struct arrival arrival = { .key = key,
		.kopecks = 100,
		.payload = "{}",
		.payload_size = 2,
		.request_id = "",
		.now_ms = NOW,
		.next_ms = NOW };
	struct recording recording;
	struct fault why = { "" };

	assert_int_equal(ledger_record(ledger, &arrival, 1, &recording, &why), DONE);
	return recording.row.id;
}

static json_t *
trail(int64_t id)
{
	json_t *events = NULL;
	struct fault why = { "" };

	assert_int_equal(ledger_trail(ledger, id, &events, &why), DONE);
	return events;
}

/* Events are written with the step that is saved next, in order, and each to its own payment. */
static void
test_written_with_the_next_step(void **state)
{
	struct progress at;
	struct fault why = { "" };
	int64_t id, other;
	json_t *events, *expected;

	(void)state;
	open_ledger();
	id = record("a");
	other = record("b");
	progress_init(&at);
	trail_add(at.events, NOW + 1, "contact 7 found by phone");
	trail_add_call(at.events, NOW + 2, "GET leads", 200, 140, "r-1");
	assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	assert_int_equal(json_array_size(at.events), 0);
	trail_add_call(at.events, NOW + 3, "POST note", 0, 10000, "");
	assert_int_equal(
	    ledger_postpone(ledger, id, at.events, "no answer", true, NOW, &why), DONE);
	assert_int_equal(json_array_size(at.events), 0);
	assert_int_equal(ledger_fail(ledger, other, NULL, "refused", NOW, &why), DONE);

	expected = json_pack("[{s:I s:s} {s:I s:s s:i s:i s:s} {s:I s:s s:i s:i s:n}]", "at_ms",
	    (json_int_t)(NOW + 1), "what", "contact 7 found by phone", "at_ms",
	    (json_int_t)(NOW + 2), "what", "GET leads", "status", 200, "took_ms", 140, "request_id",
	    "r-1", "at_ms", (json_int_t)(NOW + 3), "what", "POST note", "status", 0, "took_ms",
	    10000, "request_id");
	events = trail(id);
	assert_true(json_equal(events, expected));
	json_decref(events);
	json_decref(expected);
	events = trail(other);
	assert_int_equal(json_array_size(events), 0);
	json_decref(events);
	progress_clear(&at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_written_with_the_next_step, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
