#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static int
in_moscow(void **state)
{
	(void)state;
	return clock_set_zone("Europe/Moscow") ? 0 : -1;
}

static void
good_times(void **state)
{
	static const struct {
		const char *text, *utc;
	} good[] = { { "2025-01-20 14:49:20", "2025-01-20T11:49:20Z" },
		{ "2025-01-20T14:49:20", "2025-01-20T11:49:20Z" },
		{ "2025-01-20 14:49:20.123456", "2025-01-20T11:49:20Z" },
		{ "2025-01-20T14:49:20Z", "2025-01-20T14:49:20Z" },
		{ "2025-01-20T14:49:20.5+05:00", "2025-01-20T09:49:20Z" },
		{ "2025-01-20 14:49:20-0330", "2025-01-20T18:19:20Z" },
		{ "2025-01-20 14:49:20+03", "2025-01-20T11:49:20Z" },
		{ "2025-01-20T14:49:20,5-01", "2025-01-20T15:49:20Z" },
		{ "2024-02-29 00:00:00", "2024-02-28T21:00:00Z" },
		{ "2000-02-29 12:00:00Z", "2000-02-29T12:00:00Z" },
		{ "2025-12-31 23:59:59", "2025-12-31T20:59:59Z" },
		{ "1970-01-01 00:00:00Z", "1970-01-01T00:00:00Z" },
		/* Moscow was four hours ahead of Greenwich then. */
		{ "2012-07-01 12:00:00", "2012-07-01T08:00:00Z" } };
	char text[CLOCK_TEXT];
	int64_t when;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(clock_parse(good[i].text, &when));
		assert_string_equal(clock_utc(text, when), good[i].utc);
	}
}

static void
bad_times(void **state)
{
	static const char *const bad[] = { "", "2025", "2025-01-20", "2025-01-20 14:49",
		"2025-1-20 14:49:20", "2025-01-20  14:49:20", " 2025-01-20 14:49:20",
		"2025-01-20 14:49:20 ", "2025-02-30 14:49:20", "2025-02-29 00:00:00",
		"1900-02-29 00:00:00", "2025-04-31 00:00:00", "2025-13-01 00:00:00",
		"2025-00-01 00:00:00", "2025-01-00 00:00:00", "0000-00-00 00:00:00",
		"2025-01-20 24:00:00", "2025-01-20 25:00:00", "2025-01-20 14:60:00",
		"2025-01-20 14:49:60", "2025-01-20 14:49:20.", "2025-01-20 14:49:20.Z",
		"2025-01-20 14:49:20+3", "2025-01-20 14:49:20+03:", "2025-01-20 14:49:20+03:60",
		"2025-01-20 14:49:20+24:00", "2025-01-20 14:49:20+03:00x", "2025-01-20 14:49:20ZZ",
		"2025-01-20t14:49:20", "2025/01/20 14:49:20", "20.01.2025 14:49:20", "1737373760",
		"-025-01-20 14:49:20", "2025-01-20 14:49:20 (Moscow)" };
	int64_t when;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(clock_parse(bad[i], &when));
}

/* One instant, and the edges between seconds, milliseconds and what is neither. */
static void
unix_times(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = { { "2025-01-20 14:49:20", 1737373760 }, { "2025-01-20T11:49:20Z", 1737373760 },
		{ "1737373760", 1737373760 }, { "1737373760123", 1737373760 },
		{ "1737373760.999", 1737373760 }, { "1737373760999.5", 1737373760 },
		{ "100000000", 100000000 }, { "99999999999", INT64_C(99999999999) },
		{ "100000000000", 100000000 }, { "99999999999999", INT64_C(99999999999) } };
	static const char *const bad[] = { "", "0", "99999999", "20250120", "100000000000000",
		"-1737373760", "+1737373760", "1737373760.", "1.737373760e9", "1737373760Z",
		"9999999999999999999999" };
	int64_t when = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(clock_read(bad[i], &when));
	assert_int_equal(when, 42);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(clock_read(good[i].text, &when));
		assert_int_equal(when, good[i].seconds);
	}
}

static void
written_in_the_zone(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	assert_string_equal(clock_local(text, 1737373760), "2025-01-20 14:49:20");
	assert_string_equal(clock_utc(text, 1737373760), "2025-01-20T11:49:20Z");
	assert_string_equal(clock_zone_label(), "Moscow");
	/* No calendar holds this. */
	assert_string_equal(clock_local(text, INT64_MAX), "");
	assert_string_equal(clock_utc(text, INT64_MAX), "");
}

static void
zones(void **state)
{
	static const char *const bad[] = { "", "Europe/Moskau", "Mars/Base",
		"/usr/share/zoneinfo/Europe/Moscow", "../zoneinfo/UTC", "Europe", "zone.tab",
		":Europe/Moscow" };
	char text[CLOCK_TEXT];
	int64_t when;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(clock_set_zone(bad[i]));
	assert_string_equal(clock_zone_label(), "Moscow");

	assert_true(clock_set_zone("America/New_York"));
	assert_string_equal(clock_zone_label(), "New York");
	assert_true(clock_parse("2025-07-01 08:00:00", &when));
	assert_string_equal(clock_utc(text, when), "2025-07-01T12:00:00Z");
	assert_true(clock_parse("2025-01-01 08:00:00", &when));
	assert_string_equal(clock_utc(text, when), "2025-01-01T13:00:00Z");

	assert_true(clock_set_zone("UTC"));
	assert_string_equal(clock_zone_label(), "UTC");
	assert_true(clock_parse("2025-07-01 08:00:00", &when));
	assert_string_equal(clock_local(text, when), "2025-07-01 08:00:00");
	assert_true(clock_set_zone("Europe/Moscow"));
}

static void
sleeping(void **state)
{
	int64_t begin = clock_mono_ms();

	(void)state;
	clock_sleep_until(begin + 20);
	assert_true(clock_mono_ms() >= begin + 20);
	clock_sleep_until(begin);
	clock_sleep_until(0);
	clock_sleep_until(-1000);
	/* After 2020, in milliseconds. */
	assert_true(clock_wall_ms() > INT64_C(1577836800000));
}

static void
days_of_the_zone(void **state)
{
	(void)state;
	assert_true(clock_set_zone("Europe/Moscow"));
	assert_int_equal(clock_day(0), 0);
	assert_int_equal(clock_day(20 * 3600 + 3599), 0);
	assert_int_equal(clock_day(21 * 3600), 1);
	assert_int_equal(clock_day(-3 * 3600), 0);
	assert_int_equal(clock_day(-3 * 3600 - 1), -1);
}

/* The data are gone, as after the removal of tzdata: what was read before is known still. */
static void
zone_data_gone(void **state)
{
	int64_t at = 0;

	(void)state;
	assert_true(clock_set_zone("Europe/Moscow"));
	assert_int_equal(setenv("TZDIR", "/nonexistent", 1), 0);
	assert_true(clock_set_zone("Europe/Moscow"));
	assert_true(clock_parse("2025-01-20 14:49:20", &at));
	assert_int_equal(at, 1737373760);
	assert_false(clock_set_zone("Asia/Tokyo"));
	assert_true(clock_set_zone("UTC"));
	assert_false(clock_set_zone("Europe/Moscow"));
	assert_int_equal(unsetenv("TZDIR"), 0);
	assert_true(clock_set_zone("Europe/Moscow"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_times),
		cmocka_unit_test(bad_times),
		cmocka_unit_test(unix_times),
		cmocka_unit_test(written_in_the_zone),
		cmocka_unit_test(days_of_the_zone),
		cmocka_unit_test(zones),
		cmocka_unit_test(zone_data_gone),
		cmocka_unit_test(sleeping),
	};

	return cmocka_run_group_tests(tests, in_moscow, NULL);
}
