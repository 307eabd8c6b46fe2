#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"
#include "job_fixture.c"

#include "ledger/attempt.h"
#include "ledger/ledger.h"
#include "ledger/report.h"
#include "monitor/health.h"

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

static void
assert_text(const json_t *report, const char *key, const char *expected)
{
	assert_string_equal(json_string_value(json_object_get(report, key)), expected);
}

static json_t *
report_status(const char *status)
{
	json_t *report = health_report(service, NULL);

	assert_text(report, "status", status);
	return report;
}

static void
test_healthy(void **state)
{
	json_t *report = report_status("healthy");

	(void)state;
	assert_true(json_is_true(json_object_get(report, "ledger_writable")));
	assert_text(report, "version", VERSION);
	assert_true(json_is_null(json_object_get(report, "oldest_undelivered")));
	assert_true(json_is_null(json_object_get(report, "last_success")));
	assert_text(json_object_get(report, "crm_breaker"), "state", "closed");
	assert_int_equal(json_object_size(json_object_get(report, "payments")), PAYMENT_STATUSES);
	/* By a real commit. */
	assert_true(fixture_sql_int(settings->payments_db, "SELECT at_ms FROM heartbeat") >=
	    FAKE_CLOCK_START_MS);
	json_decref(report);
}

static void
test_counts(void **state)
{
	const struct sample first = { .id = "a" }, second = { .id = "b" };
	struct job a, b;
	struct fault why = { "" };
	json_t *report;

	(void)state;
	take_job(&a, &first);
	take_job(&b, &second);
	a.known.at.contact_id = 1;
	a.known.at.lead_id = 2;
	a.known.at.applied = true;
	a.known.at.note_id = 3;
	assert_int_equal(
	    ledger_finish(service->ledger, a.attempt.id, &a.known.at, FAKE_CLOCK_START_MS, &why),
	    DONE);
	report = report_status("healthy");
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(report, "payments"), "success")), 1);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(report, "payments"), "pending")), 1);
	assert_text(report, "last_success", "2025-01-20T12:00:00Z");
	assert_text(report, "oldest_undelivered", "2025-01-20T12:00:00Z");
	json_decref(report);
	drop_job(&a);
	drop_job(&b);
}

static void
test_backlog(void **state)
{
	const struct sample sample = { .id = "a" };
	struct job job;
	json_t *report;

	(void)state;
	take_job(&job, &sample);
	fake_clock_pass((HEALTH_BACKLOG_S - 1) * 1000);
	json_decref(report_status("healthy"));
	fake_clock_pass(5000);
	report = report_status("degraded");
	assert_in_range(json_integer_value(json_object_get(report, "oldest_undelivered_seconds")),
	    HEALTH_BACKLOG_S + 1, HEALTH_BACKLOG_S + 10);
	json_decref(report);

	/* The clock is set back: it was recorded in the future, and no age is negative. */
	fake_clock_pass(-INT64_C(24) * 60 * 60 * 1000);
	report = report_status("healthy");
	assert_int_equal(
	    json_integer_value(json_object_get(report, "oldest_undelivered_seconds")), 0);
	json_decref(report);
	drop_job(&job);
}

static void
test_breaker(void **state)
{
	json_t *report, *breaker;

	(void)state;
	limiter_break(service->limiter, 402);
	report = report_status("degraded");
	breaker = json_object_get(report, "crm_breaker");
	assert_text(breaker, "state", "open");
	assert_int_equal(json_integer_value(json_object_get(breaker, "status")), 402);
	assert_text(breaker, "cause", "payment");
	assert_text(breaker, "since", "2025-01-20T12:00:00Z");
	json_decref(report);
	limiter_close_breaker(service->limiter);
	json_decref(report_status("healthy"));

	limiter_break(service->limiter, 301);
	report = report_status("degraded");
	assert_text(
	    report, "detail", "AMO_BASE_URL leads to no account; payments are recorded and wait");
	assert_text(json_object_get(report, "crm_breaker"), "cause", "address");
	json_decref(report);
	limiter_close_breaker(service->limiter);
}

static void
test_unhealthy(void **state)
{
	const struct fault why = { "the disk is gone" };
	json_t *report = health_report(NULL, &why);

	(void)state;
	assert_text(report, "status", "unhealthy");
	assert_text(report, "detail", "the disk is gone");
	assert_true(json_is_false(json_object_get(report, "ledger_writable")));
	json_decref(report);

	/* An open ledger that cannot commit any more. */
	fixture_sql(settings->payments_db,
	    "CREATE TRIGGER full BEFORE UPDATE ON heartbeat BEGIN"
	    " SELECT raise(ABORT, 'the disk is full'); END");
	json_decref(report_status("unhealthy"));
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_healthy),
		test(test_counts),
		test(test_backlog),
		test(test_breaker),
		test(test_unhealthy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
