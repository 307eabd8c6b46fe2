#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "base/memory.h"
#include "ledger/ledger.h"
#include "ledger/rejected.h"
#include "ledger/report.h"

#define NOW INT64_C(1737374400000) /* 2025-01-20 12:00:00 UTC */

static struct ledger *ledger;

static int
set_up(void **state)
{
	struct fault why = { "" };

	(void)state;
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

static void
reject(const void *body, size_t size)
{
	json_t *errors = json_pack("[{s:s, s:s}]", "path", "", "message", "no");
	struct fault why = { "" };

	if (ledger_reject(ledger, body, size, errors, "req", NOW, &why) != DONE)
		fail_msg("%s", why.text);
	json_decref(errors);
}

static int64_t
number(const char *sql)
{
	return fixture_sql_int(fixture_path("l.sqlite"), "%s", sql);
}

static void
test_body_comes_back(void **state)
{
	struct fault why = { "" };
	char *body;
	size_t size;

	(void)state;
	reject("a\0\xff", 3);
	reject("", 0);
	reject("a\0\xff", 3);
	assert_int_equal(number("SELECT count(*) * 10 + max(times) FROM rejected"), 22);
	assert_int_equal(ledger_rejected_body(ledger, 1, &body, &size, &why), DONE);
	assert_int_equal(size, 3);
	assert_memory_equal(body, "a\0\xff", 3);
	free(body);
	assert_int_equal(ledger_rejected_body(ledger, 9, &body, &size, &why), DONE);
	assert_null(body);
}

/* The newest stay; what goes unseen is counted. */
static void
test_bounds(void **state)
{
	size_t size = 200 * 1024;
	char *body = memory_zeroed(size, 1);
	struct ledger_stats stats;
	struct fault why = { "" };
	bool settled;
	int i;

	(void)state;
	reject("first", 5);
	reject("second", 6);
	assert_int_equal(ledger_rejected_settle(ledger, 1, NOW, &settled, &why), DONE);
	assert_true(settled);
	for (i = 0; i < 330; i++) {
		snprintf(body, size, "%d", i);
		reject(body, size);
	}
	free(body);
	assert_true(number("SELECT sum(size) FROM rejected") <= REJECTED_BYTES_MAX);
	assert_int_equal(number("SELECT count(*) FROM rejected"), REJECTED_BYTES_MAX / size);
	assert_int_equal(number("SELECT max(id) FROM rejected"), 332);
	assert_int_equal(ledger_stats(ledger, &stats, &why), DONE);
	assert_int_equal(stats.rejected, REJECTED_BYTES_MAX / size);
	/* The first had been put aside. */
	assert_int_equal(stats.rejected_lost, 332 - REJECTED_BYTES_MAX / size - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_body_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
