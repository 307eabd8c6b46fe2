#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"
#include "job_fixture.c"

#include "ledger/history.h"
#include "monitor/alarm_watch.h"
#include "monitor/overview.h"

#define DAY_MS INT64_C(86400000)

static struct fault why;

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	job_fixture_begin();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	job_fixture_end();
	fixture_end();
	fake_amocrm_reset();
	return 0;
}

/* A payment that came at this time, and what became of it. */
static void
insert(const char *key, int64_t at_ms, const char *status, int64_t kopecks)
{
	fixture_sql(settings->payments_db,
	    "INSERT INTO payment_events (payment_id, created_at, status, payload, kopecks, "
	    "paid_at, "
	    "recorded_ms,"
	    " telegram, phone, email, day, next_ms, error_message) VALUES ('%s', datetime(%lld, "
	    "'unixepoch'), '%s',"
	    " 'secret', %lld, 0, %lld, 0, 0, 0, %lld, %s, %s)",
	    key, (long long)(at_ms / 1000), status, (long long)kopecks, (long long)at_ms,
	    (long long)(at_ms / DAY_MS), strcmp(status, "pending") == 0 ? "1" : "NULL",
	    strcmp(status, "failed") == 0 ? "'amoCRM refuses'" : "NULL");
}

static void
test_days(void **state)
{
	int64_t today = FAKE_CLOCK_START_MS / DAY_MS;
	struct ledger_day days[3];

	(void)state;
	insert("a", FAKE_CLOCK_START_MS, "success", 100);
	insert("b", FAKE_CLOCK_START_MS, "success", 200);
	insert("c", FAKE_CLOCK_START_MS - 2 * DAY_MS, "failed", 400);
	insert("d", FAKE_CLOCK_START_MS - 3 * DAY_MS, "success", 800);
	assert_int_equal(ledger_days(service->ledger, today - 2, 3, days, &why), DONE);
	assert_int_equal(days[2].payments[PAYMENT_SUCCESS], 2);
	assert_int_equal(days[2].kopecks[PAYMENT_SUCCESS], 300);
	assert_int_equal(days[1].payments[PAYMENT_SUCCESS], 0);
	assert_int_equal(days[0].payments[PAYMENT_FAILED], 1);
	assert_int_equal(days[0].kopecks[PAYMENT_FAILED], 400);
	assert_int_equal(days[0].payments[PAYMENT_SUCCESS], 0);
}

static void
test_arrivals(void **state)
{
	int64_t at_ms = FAKE_CLOCK_START_MS, count;

	(void)state;
	assert_int_equal(ledger_last_arrival(service->ledger, &count, &why), DONE);
	assert_int_equal(count, 0);
	insert("a", at_ms, "success", 1);
	insert("b", at_ms - 1000, "skipped", 1);
	insert("c", at_ms - 5000, "pending", 1);
	assert_int_equal(ledger_last_arrival(service->ledger, &count, &why), DONE);
	assert_int_equal(count, at_ms);
	assert_int_equal(
	    ledger_arrivals(service->ledger, at_ms - 5000, at_ms, 9, &count, &why), DONE);
	assert_int_equal(count, 2);
	assert_int_equal(
	    ledger_arrivals(service->ledger, at_ms - 9000, at_ms - 1000, 9, &count, &why), DONE);
	assert_int_equal(count, 2);
	assert_int_equal(
	    ledger_arrivals(service->ledger, at_ms - 9000, at_ms, 2, &count, &why), DONE);
	assert_int_equal(count, 2);
}

static void
test_newest(void **state)
{
	json_t *rows = NULL;
	char *text;

	(void)state;
	insert("a", FAKE_CLOCK_START_MS, "failed", 50);
	insert("b", FAKE_CLOCK_START_MS + 1000, "success", 100);
	insert("c", FAKE_CLOCK_START_MS + 2000, "failed", 150);
	assert_int_equal(ledger_newest(service->ledger, 2, &rows, &why), DONE);
	assert_int_equal(json_array_size(rows), 2);
	text = json_dumps(json_array_get(rows, 0), JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text,
	    "{\"at\":1737374402,\"attempts\":0,\"kopecks\":150,\"lead_id\":0,\"payment_id\":\"c\","
	    "\"reason\":\"amoCRM refuses\",\"status\":\"failed\"}");
	free(text);
	json_decref(rows);
	assert_int_equal(ledger_newest_failed(service->ledger, 9, &rows, &why), DONE);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(rows, 1), "payment_id")), "a");
	json_decref(rows);
}

/* One row a payment, with its newest conflict that is not settled; the newest of these first. */
static void
test_newest_conflicts(void **state)
{
	json_t *rows = NULL;
	char *text;

	(void)state;
	insert("a", FAKE_CLOCK_START_MS, "failed", 50);
	insert("b", FAKE_CLOCK_START_MS, "success", 100);
	insert("c", FAKE_CLOCK_START_MS, "success", 150);
	fixture_sql(settings->payments_db,
	    "INSERT INTO payment_conflict (payment, seen_ms, reason, payload, settled_ms) VALUES "
	    "(1, 5000, "
	    "'one', 'a', "
	    "NULL), (1, 9000, 'two', 'b', NULL), (1, 9500, 'three', 'c', 1), (2, 8000, 'four', "
	    "'d', NULL), "
	    "(3, 9900, "
	    "'five', 'e', 1)");
	assert_int_equal(ledger_newest_conflicts(service->ledger, 9, &rows, &why), DONE);
	assert_int_equal(json_array_size(rows), 2);
	text = json_dumps(json_array_get(rows, 0), JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text,
	    "{\"at\":9,\"attempts\":0,\"kopecks\":50,\"lead_id\":0,\"payment_id\":\"a\",\"reason\":"
	    "\"two\","
	    "\"status\":\"failed\"}");
	free(text);
	json_decref(rows);
	assert_int_equal(ledger_newest_conflicts(service->ledger, 1, &rows, &why), DONE);
	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
}

/* What is asked for often must not take longer as the ledger grows: no plan may go through the table. */
static void
test_plans(void **state)
{
	static const char *const queries[] = {
		"SELECT payment_id FROM payment_events WHERE status = 'failed' ORDER BY id DESC "
		"LIMIT 9",
		"SELECT max(created_at) FROM payment_events WHERE next_ms IS NULL",
		"SELECT 1 FROM payment_events WHERE next_ms IS NULL AND created_at > '2025' LIMIT "
		"12",
		"SELECT day, status, payments, kopecks FROM tally WHERE day >= 1 AND day < 9",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		FILE *plan;
		char command[512], line[256];

		snprintf(command, sizeof(command),
		    "sqlite3 -readonly '%s' \"EXPLAIN QUERY PLAN %s\"", settings->payments_db,
		    queries[i]);
		assert_non_null(plan = popen(command, "r"));
		while (fgets(line, sizeof(line), plan) != NULL)
			assert_true(strstr(line, "payment_events") == NULL ||
			    strstr(line, "INDEX") != NULL);
		assert_int_equal(pclose(plan), 0);
	}
}

/*
 * The watch.
 */

static char told[1024];

static void
tell(const char *name, bool begins, const char *text)
{
	assert_true(text[0] != '\0');
	sprintf(told + strlen(told), "%s %s; ", begins ? "begin" : "end", name);
}

static void
watch_says(struct alarm_watch *watch, const char *expected)
{
	told[0] = '\0';
	assert_int_equal(alarm_watch(watch, service, clock_wall_ms(), tell, &why), DONE);
	assert_string_equal(told, expected);
}

static void
test_watch(void **state)
{
	struct alarm_watch watch = { 0 };
	struct metrics_minute minute;

	(void)state;
	watch_says(&watch, "");
	insert("a", clock_wall_ms() - ALARM_BACKLOG_MS - 60000, "pending", 1);
	watch_says(&watch, "begin backlog_age; ");
	watch_says(&watch, "");
	metrics_recent(service->metrics, clock_wall_ms(), 1, &minute);
	assert_int_equal(minute.backlog, 1);
	/* What goes and comes back soon is the same alarm. */
	fixture_sql(
	    settings->payments_db, "UPDATE payment_events SET status = 'success', next_ms = NULL");
	fake_clock_pass(ALARM_OVER_MS / 2);
	watch_says(&watch, "");
	insert("b", clock_wall_ms() - ALARM_BACKLOG_MS - 60000, "pending", 1);
	watch_says(&watch, "");
	fixture_sql(
	    settings->payments_db, "UPDATE payment_events SET status = 'success', next_ms = NULL");
	fake_clock_pass(ALARM_OVER_MS);
	watch_says(&watch, "end backlog_age; ");
	fake_clock_pass(ALARM_OVER_MS);
	watch_says(&watch, "");
}

/* The clock is set back by a day while an alarm is on: it does not last for a day longer. */
static void
test_watch_of_a_clock_set_back(void **state)
{
	struct alarm_watch watch = { 0 };

	(void)state;
	insert("a", clock_wall_ms() - ALARM_BACKLOG_MS - 60000, "pending", 1);
	watch_says(&watch, "begin backlog_age; ");
	fake_clock_pass(-INT64_C(24) * 60 * 60 * 1000);
	watch_says(&watch, "");
	fake_clock_pass(ALARM_OVER_MS);
	watch_says(&watch, "end backlog_age; ");
}

static void
test_watch_sees_growth(void **state)
{
	struct alarm_watch watch = { 0 };
	char key[16];
	int i, n = 0;

	(void)state;
	/* Ten more a minute, none of them old; the first look may have been some minutes late. */
	for (i = 0; i <= 2 * ALARM_GROWTH_MINUTES; i++) {
		for (int k = 0; k < 10; k++) {
			snprintf(key, sizeof(key), "p%d", n++);
			insert(key, clock_wall_ms(), "pending", 1);
		}
		fixture_sql(settings->payments_db, "UPDATE payment_events SET recorded_ms = %lld",
		    (long long)clock_wall_ms());
		watch_says(&watch,
		    i == 2 * ALARM_GROWTH_MINUTES - METRICS_NEAR_MINUTES + 1
			? "begin backlog_growth; "
			: "");
		fake_clock_pass(60000);
	}
}

/* Silence, end to end: two weeks of payments at noon, and none today. */
static void
test_watch_sees_silence(void **state)
{
	struct alarm_watch watch = { 0 };
	char key[32];
	int day, n;

	(void)state;
	for (day = 15; day >= 1; day--)
		for (n = 0; n < 60; n++) {
			snprintf(key, sizeof(key), "d%d_%d", day, n);
			insert(key, FAKE_CLOCK_START_MS - day * DAY_MS + (n - 30) * 60000,
			    "success", 1);
		}
	insert("last", FAKE_CLOCK_START_MS - 60000, "success", 1);
	watch_says(&watch, "");
	fake_clock_pass(10 * 60000);
	watch_says(&watch, "");
	fake_clock_pass(10 * 60000);
	watch_says(&watch, "begin silence; ");
}

static void
test_overview_takes_the_expiry_from_who_knows(void **state)
{
	struct overview_sources from = {
		.settings = settings, .ledger = service->ledger, .metrics = service->metrics
	};
	struct overview seen;
	json_t *listed;

	(void)state;
	metrics_tell_expiry(service->metrics, FAKE_CLOCK_START_MS / 1000 + 3600);
	assert_int_equal(overview_take(&from, clock_wall_ms(), &seen, &why), DONE);
	listed = overview_alarms(&seen);
	assert_int_equal(json_array_size(listed), 1);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(listed, 0), "name")), "token");
	json_decref(listed);
	from.metrics = NULL;
	assert_int_equal(overview_take(&from, clock_wall_ms(), &seen, &why), DONE);
	assert_int_equal(seen.token_expires, 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_days),
		test(test_arrivals),
		test(test_newest),
		test(test_newest_conflicts),
		test(test_plans),
		test(test_watch),
		test(test_watch_of_a_clock_set_back),
		test(test_watch_sees_growth),
		test(test_watch_sees_silence),
		test(test_overview_takes_the_expiry_from_who_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
