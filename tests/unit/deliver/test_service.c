#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "fixture.c"

#include "base/clock.h"
#include "deliver/service.h"

static struct settings *settings;

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	settings = fixture_settings();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	settings_free(settings);
	fixture_end();
	return 0;
}

/* Settings of which one is another. */
static void
change(const char *name, const char *value)
{
	settings_free(settings);
	fixture_set(name, value);
	settings = fixture_settings();
}

static struct service *
open_carrier(void)
{
	struct service *service = NULL;
	struct fault why = { "untouched" };

	if (service_open(settings, &service, &why) != DONE)
		fail_msg("%s", why.text);
	assert_string_equal(why.text, "untouched");
	return service;
}

/* It does not open, and says so. */
static void
assert_closed(enum outcome expected, const char *said)
{
	struct service *service = NULL;
	struct fault why;

	assert_int_equal(service_open(settings, &service, &why), expected);
	if (strstr(why.text, said) == NULL)
		fail_msg("%s", why.text);
	assert_null(service);
}

static int
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(fixture_path(name), &st), 0);
	return st.st_mode & 0777;
}

static void
everything_is_there(void **state)
{
	struct service *service = open_carrier();

	(void)state;
	assert_ptr_equal(service->settings, settings);
	assert_non_null(service->rules);
	assert_non_null(service->limiter);
	assert_non_null(service->locks);
	assert_non_null(service->ledger);
	assert_non_null(service->crm);
	/* Nobody else on the host may read, hold or break what is shared. */
	assert_int_equal(mode_of("run"), 0700);
	assert_int_equal(mode_of("run/limiter"), 0600);
	assert_int_equal(mode_of("run/locks"), 0600);
	assert_int_equal(mode_of("payments.sqlite"), 0600);
	service_close(service);
	service_close(NULL);
}

/* Two carriers, as of two processes, share the locks and amoCRM's patience. */
static void
two_share_what_is_shared(void **state)
{
	const int64_t customer = 1;
	struct service *one, *other;
	struct fault why;

	(void)state;
	change("AMO_RATE_LIMIT", "1");
	one = open_carrier();
	other = open_carrier();
	assert_int_equal(lock_take(one->locks, LOCK_CUSTOMER, &customer, 1, 0, &why), DONE);
	assert_int_equal(lock_take(other->locks, LOCK_CUSTOMER, &customer, 1, 0, &why), LATER);
	assert_int_equal(limiter_wait(one->limiter, INT64_MAX, &why), DONE);
	assert_int_equal(limiter_wait(other->limiter, clock_mono_ms(), &why), LATER);
	service_close(one);
	/* Closing gives back what was held. */
	assert_int_equal(lock_take(other->locks, LOCK_CUSTOMER, &customer, 1, 0, &why), DONE);
	service_close(other);
}

/* What no waiting cures. */
static void
never(void **state)
{
	FILE *rules = fopen(fixture_path("rules.json"), "w");

	(void)state;
	assert_non_null(rules);
	assert_true(fputs("{\"subjects\": 7}", rules) >= 0);
	assert_int_equal(fclose(rules), 0);
	change("PAYMENT_MAPPING", fixture_path("rules.json"));
	assert_closed(NEVER, "rules.json");
	change("PAYMENT_MAPPING", NULL);

	fixture_sql(fixture_path("payments.sqlite"), "CREATE TABLE theirs (id INTEGER)");
	assert_closed(NEVER, "another program");
	assert_int_equal(
	    fixture_sql_int(fixture_path("payments.sqlite"), "SELECT count(*) FROM sqlite_schema"),
	    1);
}

/* What an admin cures while the process goes on trying. */
static void
broken_until_the_host_is_well(void **state)
{
	(void)state;
	change("PAYMENTS_DB", fixture_path("later/payments.sqlite"));
	assert_closed(BROKEN, "later/payments.sqlite");
	assert_int_equal(mkdir(fixture_path("later"), 0700), 0);
	service_close(open_carrier());

	change("PAYMENTS_RUN_DIR", fixture_path("parent/run"));
	assert_closed(BROKEN, "PAYMENTS_RUN_DIR");
	assert_int_equal(mkdir(fixture_path("parent"), 0700), 0);
	service_close(open_carrier());

	/* A file where the directory should be. */
	change("PAYMENTS_RUN_DIR", fixture_path("later/payments.sqlite"));
	assert_closed(BROKEN, "limiter");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* All its files are gone, the marker beside it too: the run directory knows that there was one. */
static void
a_ledger_that_vanished_is_not_made_anew(void **state)
{
	char ledger[200], gate[220];

	(void)state;
	service_close(open_carrier());
	snprintf(ledger, sizeof(ledger), "%s", settings->payments_db);
	snprintf(gate, sizeof(gate), "%s-gate", ledger);
	assert_int_equal(unlink(ledger), 0);
	assert_closed(BROKEN, "to begin with an empty ledger, remove");
	assert_int_equal(unlink(gate), 0);
	assert_closed(BROKEN, "all its files are gone");
	assert_int_equal(access(ledger, F_OK), -1);
	/* Another ledger is not this one. */
	change("PAYMENTS_DB", fixture_path("another.sqlite"));
	service_close(open_carrier());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_is_there),
		TEST(two_share_what_is_shared),
		TEST(never),
		TEST(broken_until_the_host_is_well),
		TEST(a_ledger_that_vanished_is_not_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
