#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "ledger/arrival.h"
#include "ledger/attempt.h"
#include "ledger/audit.h"
#include "ledger/progress.h"

#define NOW INT64_C(1737374400000) /* 2025-01-20 12:00:00 UTC */
#define DAY INT64_C(86400000)

static struct ledger *ledger;
static struct fault why;

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fixture_begin();
	assert_int_equal(ledger_open(fixture_path("l.sqlite"), &ledger, &why), DONE);
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

static int64_t
record(const char *key, int64_t kopecks, int64_t now_ms)
{
	struct arrival arrival = { .key = key,
		.kopecks = kopecks,
		.payload = "{\"told\": 1}",
		.payload_size = 11,
		.request_id = "",
		.now_ms = now_ms,
		.next_ms = now_ms };
	struct recording recording;

	assert_int_equal(ledger_record(ledger, &arrival, 1, &recording, &why), DONE);
	return recording.row.id;
}

/* Carry it, as far as a note or only to the amount. */
static void
carry(int64_t id, int64_t lead_id, bool whole)
{
	struct progress at;
	bool claimed;

	progress_init(&at);
	at.contact_id = 9;
	at.lead_id = lead_id;
	at.applied = true;
	at.note_id = whole ? 7 : 0;
	json_array_append_new(at.dropped, json_integer(204));
	assert_int_equal(ledger_claim(ledger, id, 0, NOW + DAY, &claimed, &why), DONE);
	if (whole)
		assert_int_equal(ledger_finish(ledger, id, &at, NOW, &why), DONE);
	else
		assert_int_equal(ledger_save(ledger, id, &at, &why), DONE);
	progress_clear(&at);
}

/* A list as text; takes it over. */
static const char *
dumped(json_t *list)
{
	static char text[2000];
	char *dump = json_dumps(list, JSON_COMPACT);

	snprintf(text, sizeof(text), "%s", dump);
	free(dump);
	json_decref(list);
	return text;
}

static const char *
leads(int64_t since_ms, int64_t until_ms, int64_t after, int64_t limit)
{
	struct period period = { since_ms, until_ms };
	json_t *ids = NULL;

	assert_int_equal(ledger_leads(ledger, &period, after, limit, &ids, &why), DONE);
	return dumped(ids);
}

static void
test_leads(void **state)
{
	struct period all = { 0, 0 };
	int64_t count;

	(void)state;
	carry(record("a", 100, NOW - 2 * DAY), 30, true);
	carry(record("b", 200, NOW - DAY), 20, true);
	carry(record("c", 300, NOW), 30, true);
	carry(record("d", 400, NOW), 40, false);
	assert_string_equal(leads(0, 0, 0, 10), "[20,30]");
	assert_string_equal(leads(0, 0, 20, 10), "[30]");
	assert_string_equal(leads(0, 0, 0, 1), "[20]");
	assert_string_equal(leads(NOW, 0, 0, 10), "[30]");
	assert_string_equal(leads(NOW - DAY, NOW, 0, 10), "[20]");
	assert_string_equal(leads(NOW + 1000, 0, 0, 10), "[]");
	assert_int_equal(ledger_lead_count(ledger, &all, &count, &why), DONE);
	assert_int_equal(count, 2);
}

/* Whatever was ever added to a lead counts; only what lies in the period is asked about. */
static void
test_applied(void **state)
{
	struct period today = { NOW, 0 };
	json_t *payments = NULL;

	(void)state;
	carry(record("a", 100, NOW - DAY), 30, true);
	carry(record("b", 200, NOW), 30, true);
	carry(record("c", 300, NOW), 30, false);
	carry(record("d", 400, NOW), 31, true);
	assert_int_equal(ledger_applied(ledger, 30, &today, &payments, &why), DONE);
	assert_string_equal(dumped(payments),
	    "[{\"payment_id\":\"a\",\"kopecks\":100,\"contact_id\":9,\"asked\":false,\"dropped\":["
	    "204]},"
	    "{\"payment_id\":\"b\",\"kopecks\":200,\"contact_id\":9,\"asked\":true,\"dropped\":["
	    "204]},"
	    "{\"payment_id\":\"c\",\"kopecks\":300,\"contact_id\":9,\"asked\":false,\"dropped\":["
	    "204]}]");
}

static void
test_told(void **state)
{
	struct period all = { 0, 0 }, today = { NOW, 0 };
	json_t *payments = NULL;
	int64_t count;

	(void)state;
	carry(record("a", 100, NOW - DAY), 30, true);
	record("b", 200, NOW);
	fixture_sql(
	    fixture_path("l.sqlite"), "UPDATE payment_events SET payload = '' WHERE id = 1");
	assert_int_equal(ledger_received(ledger, &all, 0, 1, &payments, &why), DONE);
	assert_string_equal(dumped(payments),
	    "[{\"id\":1,\"payment_id\":\"a\",\"status\":\"success\",\"reason\":\"\",\"payload\":"
	    "\"\","
	    "\"lead_created\":false,\"pipeline_id\":0,\"unmapped\":[]}]");
	assert_int_equal(ledger_received(ledger, &today, 0, 10, &payments, &why), DONE);
	assert_string_equal(dumped(payments),
	    "[{\"id\":2,\"payment_id\":\"b\",\"status\":\"pending\",\"reason\":\"\",\"payload\":\"{"
	    "\\\"told\\\": "
	    "1}\",\"lead_created\":false,\"pipeline_id\":0,\"unmapped\":[]}]");
	assert_int_equal(ledger_received_count(ledger, &all, &count, &why), DONE);
	assert_int_equal(count, 2);
}

int
main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_leads),
		test(test_applied),
		test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
