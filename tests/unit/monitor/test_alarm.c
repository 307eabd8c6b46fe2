#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/alarm.h"
#include "monitor/token.h"

#define NOW    INT64_C(1737374400000) /* 2025-01-20 12:00 UTC, a Monday. */
#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static struct alarm alarms[ALARM_KINDS];

/* All is well. */
static struct alarm_facts
well(void)
{
	struct alarm_facts facts = { .now_ms = NOW,
		.last_arrival_ms = NOW - 3 * HOUR,
		.requests = 100,
		.token_expires = NOW / 1000 + 365 * 86400,
		.backlog = { 0, 0, 0 } };

	return facts;
}

/* Whether this alarm is on, and no other is. */
static bool
only(const struct alarm_facts *facts, enum alarm_kind kind)
{
	int other;

	alarm_judge(facts, alarms);
	for (other = 0; other < ALARM_KINDS; other++) {
		if (alarms[other].on != (alarms[other].text[0] != '\0'))
			return false;
		if (other != (int)kind && alarms[other].on)
			return false;
	}
	return kind == ALARM_KINDS || alarms[kind].on;
}

#define quiet(facts) only(facts, ALARM_KINDS)

static void
test_well(void **state)
{
	struct alarm_facts facts = well(), nothing = { .now_ms = NOW, .backlog = { 0, -1, -1 } };

	(void)state;
	assert_true(quiet(&facts));
	assert_true(quiet(&nothing));
}

static void
test_silence(void **state)
{
	struct alarm_facts facts = well();
	int i;

	(void)state;
	for (i = 0; i < ALARM_DAYS; i++)
		facts.usual[i] = ALARM_USUAL_LEAST;
	assert_true(only(&facts, ALARM_SILENCE));
	assert_int_equal(alarms[ALARM_SILENCE].value, 3 * 3600);
	assert_string_equal(alarms[ALARM_SILENCE].text,
	    "no payment for 3 h 0 min; at these hours on 14 of the last 14 days there were at "
	    "least 12");
	/* One day may have been an outage; two are the habit of some weekday. */
	facts.usual[6] = 0;
	assert_true(only(&facts, ALARM_SILENCE));
	facts.usual[13] = ALARM_USUAL_LEAST - 1;
	assert_true(quiet(&facts));
	/* However busy a shop is, some pause is none. */
	facts.usual[6] = facts.usual[13] = ALARM_USUAL_LEAST;
	facts.last_arrival_ms = NOW - ALARM_SILENCE_MS + 1;
	assert_true(quiet(&facts));
	facts.last_arrival_ms--;
	assert_true(only(&facts, ALARM_SILENCE));
	facts.last_arrival_ms = 0;
	assert_true(quiet(&facts));
}

static void
test_unauthorized(void **state)
{
	struct alarm_facts facts = well();

	(void)state;
	facts.requests = 19;
	facts.unauthorized = 10;
	assert_true(only(&facts, ALARM_UNAUTHORIZED));
	assert_string_equal(alarms[ALARM_UNAUTHORIZED].text,
	    "10 of 19 webhooks of the last 10 minutes had no valid signature");
	facts.requests = 20;
	assert_true(quiet(&facts));
	facts.requests = facts.unauthorized = 9;
	assert_true(quiet(&facts));
}

static void
test_token(void **state)
{
	struct alarm_facts facts = well();

	(void)state;
	facts.token_expires = NOW / 1000 + ALARM_TOKEN_S;
	assert_true(quiet(&facts));
	facts.token_expires--;
	assert_true(only(&facts, ALARM_TOKEN));
	assert_string_equal(alarms[ALARM_TOKEN].text, "the token of amoCRM expires in 13 days");
	facts.token_expires = NOW / 1000 - 3660;
	assert_true(only(&facts, ALARM_TOKEN));
	assert_string_equal(alarms[ALARM_TOKEN].text, "the token of amoCRM expired 1 h 1 min ago");
	facts.token_expires = 0;
	assert_true(quiet(&facts));
}

static void
test_backlog(void **state)
{
	struct alarm_facts facts = well();

	(void)state;
	facts.oldest_ms = NOW - ALARM_BACKLOG_MS;
	assert_true(quiet(&facts));
	facts.oldest_ms--;
	assert_true(only(&facts, ALARM_BACKLOG_AGE));
	facts.oldest_ms = 0;

	memcpy(facts.backlog, (int64_t[]){ 20, 10, 9 }, sizeof(facts.backlog));
	assert_true(only(&facts, ALARM_BACKLOG_GROWTH));
	memcpy(facts.backlog, (int64_t[]){ 20, 10, 10 }, sizeof(facts.backlog));
	assert_true(quiet(&facts));
	memcpy(facts.backlog, (int64_t[]){ 20, 21, 10 }, sizeof(facts.backlog));
	assert_true(quiet(&facts));
	memcpy(facts.backlog, (int64_t[]){ 19, 10, 9 }, sizeof(facts.backlog));
	assert_true(quiet(&facts));
	memcpy(facts.backlog, (int64_t[]){ 40, 10, -1 }, sizeof(facts.backlog));
	assert_true(quiet(&facts));
}

/*
 * Made-up shops: payments by chance, more by day than at night, fewer on some days, over ten weeks.
 */

#define WEEKS        10
#define ARRIVALS_MAX 200000

struct shop {
	double a_day;      /* Payments, on a working day. */
	int opens, closes; /* Hours. */
	double weekend;    /* How many of them come on Saturdays and Sundays. */
};

static int64_t arrivals[ARRIVALS_MAX];
static int arrival_count;

static void
sell(const struct shop *shop, long seed)
{
	int64_t minute;

	arrival_count = 0;
	srand48(seed);
	for (minute = 0; minute < WEEKS * 7 * 24 * 60; minute++) {
		int hour = (int)(minute / 60 % 24), weekday = (int)(minute / 1440 % 7);
		double rate = shop->a_day / ((shop->closes - shop->opens) * 60);

		if (hour < shop->opens || hour >= shop->closes)
			continue;
		if (weekday >= 5)
			rate *= shop->weekend;
		/* As many in this minute as chance will have it. */
		for (double left = exp(-rate), p = drand48();
		    p > left && arrival_count < ARRIVALS_MAX; p *= drand48())
			arrivals[arrival_count++] = minute * MINUTE;
	}
}

/* How many came until then. */
static int
until(int64_t at_ms)
{
	int least = 0, most = arrival_count;

	while (least < most) {
		int middle = (least + most) / 2;

		if (arrivals[middle] <= at_ms)
			least = middle + 1;
		else
			most = middle;
	}
	return least;
}

/* Is it silent at this time, if nothing came after `end_ms`? */
static bool
is_silent(int64_t end_ms, int64_t now_ms)
{
	struct alarm_facts facts = { .now_ms = now_ms, .backlog = { 0, -1, -1 } };
	int seen = until(end_ms < now_ms ? end_ms : now_ms), i;

	facts.last_arrival_ms = seen > 0 ? arrivals[seen - 1] : 0;
	for (i = 0; i < ALARM_DAYS; i++)
		facts.usual[i] =
		    until(now_ms - (i + 1) * DAY) - until(facts.last_arrival_ms - (i + 1) * DAY);
	alarm_judge(&facts, alarms);
	return alarms[ALARM_SILENCE].on;
}

static int
false_alarms(void)
{
	int64_t now;
	int count = 0;

	for (now = 0; now < WEEKS * 7 * DAY; now += 10 * MINUTE)
		count += is_silent(INT64_MAX, now);
	return count;
}

/* How many hours after the last payment the silence is noticed, when the shop stops at this time of the last week. */
static int
hours_until_noticed(int64_t end_ms)
{
	int hours;

	end_ms += (WEEKS - 1) * 7 * DAY;
	for (hours = 0; hours < 48; hours++)
		if (is_silent(end_ms, end_ms + hours * HOUR))
			break;
	return hours;
}

static void
test_shops(void **state)
{
	const struct shop busy = { 2000, 8, 23, 0.5 }, usual = { 150, 9, 22, 0.3 },
			  small = { 12, 10, 20, 0 };
	long seed;

	(void)state;
	for (seed = 1; seed <= 3; seed++) {
		sell(&busy, seed);
		assert_int_equal(false_alarms(), 0);
		/* Wednesday noon; and Wednesday midnight, which is noticed when the shop should be open. */
		assert_in_range(hours_until_noticed(2 * DAY + 12 * HOUR), 1, 1);
		assert_in_range(hours_until_noticed(2 * DAY + 23 * HOUR), 9, 10);

		sell(&usual, seed);
		assert_int_equal(false_alarms(), 0);
		assert_in_range(hours_until_noticed(2 * DAY + 12 * HOUR), 1, 5);

		/* Closed at weekends, with so few payments that half a day says nothing. */
		sell(&small, seed);
		assert_int_equal(false_alarms(), 0);
	}
}

/*
 * The token.
 */

static void
test_log_size(void **state)
{
	struct alarm_facts facts = well();

	(void)state;
	facts.log_bytes = ALARM_LOG_BYTES - 1;
	assert_true(quiet(&facts));
	facts.log_bytes++;
	assert_true(only(&facts, ALARM_LOG_SIZE));
	assert_int_equal(alarms[ALARM_LOG_SIZE].value, 256);
	assert_string_equal(alarms[ALARM_LOG_SIZE].text,
	    "the ledger's log has grown to 256 MiB; some program has been reading the ledger all "
	    "the time");
}

static void
test_token_expiry(void **state)
{
	static const struct {
		const char *token;
		int64_t expires;
	} tokens[] = {
		/* {"alg":"none"} . {"exp":4102444800} */
		{ "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln", 4102444800 },
		/* {"sub":"??>>~~","exp":1800000001}: letters that only base64url has. */
		{ "eyJhbGciOiJub25lIn0.eyJzdWIiOiI_Pz4-fn4iLCJleHAiOjE4MDAwMDAwMDF9.c2ln",
		    1800000001 },
		{ "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln", 0 }, /* {"sub":"x"} */
		{ "eyJhbGciOiJub25lIn0.eyJleHAiOi01fQ.c2ln", 0 },  /* {"exp":-5} */
		{ "eyJhbGciOiJub25lIn0.eyJleHAiOiJ4In0.c2ln", 0 }, /* {"exp":"x"} */
		{ "a.b.c", 0 },
		{ "..", 0 },
		{ "a.eyJleHAiOjE4MDAwMDAwMDB9", 0 },
		{ "plain-token", 0 },
		{ "", 0 },
		{ NULL, 0 },
	};
	char *huge = malloc(100001);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		assert_int_equal(token_expiry(tokens[i].token), tokens[i].expires);
	memset(huge, 'e', 100000);
	huge[10] = huge[99990] = '.';
	huge[100000] = '\0';
	assert_int_equal(token_expiry(huge), 0);
	free(huge);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_unauthorized),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_shops),
		cmocka_unit_test(test_log_size),
		cmocka_unit_test(test_token_expiry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
