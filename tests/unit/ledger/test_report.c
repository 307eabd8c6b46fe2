#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "base/text.h"

/* Its statements are looked at as well as run. */
#include "ledger/arrival.h"
#include "ledger/attempt.h"
#include "ledger/operator.h"
#include "ledger/report.c"
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

/* A webhook of this payment; its row. */
static int64_t
tell(const char *key, int64_t kopecks, const char *exclusion, int64_t now_ms)
{
	struct arrival arrival = { .key = key,
		.kopecks = kopecks,
		.payload = "{}",
		.payload_size = 2,
		.request_id = "",
		.exclusion = exclusion,
		.now_ms = now_ms,
		.next_ms = now_ms };
	struct recording recording;
	struct fault why = { "" };

	assert_int_equal(ledger_record(ledger, &arrival, 1, &recording, &why), DONE);
	return recording.row.id;
}

static int64_t
failed(const char *key)
{
	int64_t id = tell(key, 100, NULL, NOW);
	struct fault why = { "" };

	assert_int_equal(ledger_fail(ledger, id, NULL, "refused", NOW, &why), DONE);
	return id;
}

/* How SQLite would run a statement. */
static char *
plan_of(const char *sql)
{
	char *explain = text_format("EXPLAIN QUERY PLAN %s", sql), *plan = text_copy(""), *longer;
	sqlite3_stmt *statement;
	sqlite3 *database;

	assert_int_equal(sqlite3_open(file(), &database), SQLITE_OK);
	if (sqlite3_prepare_v2(database, explain, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(database));
	while (sqlite3_step(statement) == SQLITE_ROW) {
		longer =
		    text_format("%s%s\n", plan, (const char *)sqlite3_column_text(statement, 3));
		free(plan);
		plan = longer;
	}
	sqlite3_finalize(statement);
	sqlite3_close(database);
	free(explain);
	return plan;
}

static void
assert_plan(const char *sql, const char *expected)
{
	char *plan = plan_of(sql);

	assert_string_equal(plan, expected);
	free(plan);
}

/* Of each row that is given. */
#define ASKED(number, next)                                                                        \
	"CORRELATED SCALAR SUBQUERY " number                                                       \
	"\nSEARCH payment_conflict USING INDEX conflict_unsettled (payment=?)\n"                   \
	"CORRELATED SCALAR SUBQUERY " next                                                         \
	"\nSEARCH delivery USING INTEGER PRIMARY KEY (rowid=?)\n"

/* Whichever way rows are asked for, an index leads to them: there may be millions.  The two that are scanned hold nothing but
 * what is asked for. */
static void
test_an_index_for_every_question(void **state)
{
	(void)state;
	/* What is sorted here is no more than is asked for, and the backlog. */
	assert_plan(any_status,
	    "MERGE (UNION ALL)\nLEFT\nCO-ROUTINE (subquery-3)\n"
	    "SEARCH payment_events USING INDEX payment_finished (created_at>?)\n" ASKED(
		"1", "2") "SCAN (subquery-3)\nUSE TEMP B-TREE FOR ORDER BY\nRIGHT\nCO-ROUTINE "
			  "(subquery-7)\n"
			  "SCAN payment_events USING INDEX payment_unfinished\n" ASKED(
			      "5", "6") "USE TEMP B-TREE FOR ORDER BY\n"
					"SCAN (subquery-7)\nUSE TEMP B-TREE FOR ORDER BY\n");
	assert_plan(by_status[PAYMENT_SUCCESS],
	    "SEARCH payment_events USING INDEX payment_finished (created_at>?)\n" ASKED("1", "2"));
	assert_plan(by_status[PAYMENT_SKIPPED],
	    "SEARCH payment_events USING INDEX payment_skipped (created_at>?)\n" ASKED("1", "2"));
	assert_plan(by_status[PAYMENT_FAILED],
	    "SCAN payment_events USING INDEX payment_failed\n" ASKED(
		"1", "2") "USE TEMP B-TREE FOR ORDER BY\n");
	assert_plan(by_status[PAYMENT_PENDING],
	    "SCAN payment_events USING INDEX payment_unfinished\n" ASKED(
		"1", "2") "USE TEMP B-TREE FOR ORDER BY\n");
	assert_plan(by_status[PAYMENT_PROCESSING],
	    "SCAN payment_events USING INDEX payment_unfinished\n" ASKED(
		"1", "2") "USE TEMP B-TREE FOR ORDER BY\n");
	assert_plan(by_key,
	    "SEARCH payment_events USING INDEX sqlite_autoindex_payment_events_1 "
	    "(payment_id=?)\n" ASKED("1", "2"));
	assert_plan(
	    by_id, "SEARCH payment_events USING INTEGER PRIMARY KEY (rowid=?)\n" ASKED("1", "2"));
	assert_plan(unsettled, "SCAN payment_conflict USING INDEX conflict_unsettled\n");
	assert_plan(all_duplicates,
	    "SEARCH payment_events USING COVERING INDEX payment_repeated (duplicates>?)\n");
	assert_plan(oldest_unfinished, "SCAN payment_events USING INDEX payment_unfinished\n");
	assert_plan(counts_by_status,
	    "COMPOUND QUERY\nLEFT-MOST SUBQUERY\nSCAN tally\nUSE TEMP B-TREE FOR GROUP BY\nUNION "
	    "ALL\n"
	    "SCAN payment_events USING INDEX payment_unfinished\nUSE TEMP B-TREE FOR GROUP BY\n");
}

static size_t
listed(int status, const char *key, int64_t since_ms)
{
	json_t *rows = NULL;
	struct fault why = { "" };
	size_t count;

	if (ledger_list(ledger, status, key, since_ms, 100, false, &rows, &why) != DONE)
		fail_msg("%s", why.text);
	count = json_array_size(rows);
	json_decref(rows);
	return count;
}

static void
test_list_by_status_and_time(void **state)
{
	int64_t id;

	(void)state;
	tell("skipped", 0, "zero", NOW);
	tell("pending", 100, NULL, NOW + 60000);
	id = failed("failed");
	assert_int_equal(listed(-1, NULL, 0), 3);
	assert_int_equal(listed(-1, NULL, NOW), 3);
	assert_int_equal(listed(-1, NULL, NOW + 1), 1);
	assert_int_equal(listed(PAYMENT_SKIPPED, NULL, NOW), 1);
	assert_int_equal(listed(PAYMENT_SKIPPED, NULL, NOW + 1), 0);
	assert_int_equal(listed(PAYMENT_FAILED, NULL, NOW), 1);
	assert_int_equal(listed(PAYMENT_FAILED, NULL, NOW + 1), 0);
	assert_int_equal(listed(PAYMENT_PENDING, NULL, NOW + 60000), 1);
	assert_int_equal(listed(PAYMENT_PENDING, NULL, NOW + 60001), 0);
	assert_int_equal(listed(PAYMENT_PROCESSING, NULL, 0), 0);
	assert_int_equal(listed(PAYMENT_SUCCESS, NULL, 0), 0);
	assert_int_equal(id, 3);
	assert_int_equal(listed(-1, "#3", 0), 1);
	assert_int_equal(listed(-1, "#4", 0), 0);
	assert_int_equal(listed(-1, "3", 0), 0);
	/* Whoever has such an id is meant first. */
	tell("#3", 100, NULL, NOW);
	assert_int_equal(listed(PAYMENT_FAILED, "#3", 0), 1);
	assert_int_equal(listed(PAYMENT_PENDING, "#3", 0), 1);
}

static void
test_repeats_and_conflicts(void **state)
{
	int64_t id, duplicates = -1, conflicts = -1;
	struct fault why = { "" };
	json_t *all = NULL;

	(void)state;
	assert_int_equal(ledger_repeats(ledger, &duplicates, &conflicts, &why), DONE);
	assert_int_equal(duplicates + conflicts, 0);
	id = tell("a", 100, NULL, NOW);
	tell("a", 100, NULL, NOW);
	tell("a", 100, NULL, NOW);
	tell("a", 200, NULL, NOW + 5);
	tell("b", 100, NULL, NOW);
	tell("b", 100, NULL, NOW);
	assert_int_equal(ledger_repeats(ledger, &duplicates, &conflicts, &why), DONE);
	assert_int_equal(duplicates, 3);
	assert_int_equal(conflicts, 1);
	assert_int_equal(ledger_conflicts(ledger, id, false, &all, &why), DONE);
	assert_int_equal(json_array_size(all), 1);
	assert_int_equal(
	    json_integer_value(json_object_get(json_array_get(all, 0), "seen_ms")), NOW + 5);
	assert_null(json_object_get(json_array_get(all, 0), "payload"));
	json_decref(all);
	assert_int_equal(ledger_conflicts(ledger, id, true, &all, &why), DONE);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(all, 0), "payload")), "{}");
	json_decref(all);
}

static struct ledger_stats
stats(void)
{
	struct ledger_stats seen;
	struct fault why = { "" };

	assert_int_equal(ledger_stats(ledger, &seen, &why), DONE);
	return seen;
}

/* The payments with conflicts since then, newest first, as "c a". */
static void
assert_conflicts(int64_t since_ms, int64_t limit, const char *expected)
{
	char keys[64] = "";
	struct fault why = { "" };
	json_t *rows = NULL, *row;
	size_t i;

	assert_int_equal(ledger_list_conflicts(ledger, since_ms, limit, &rows, &why), DONE);
	json_array_foreach(rows, i, row) {
		snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s%s", i > 0 ? " " : "",
		    json_string_value(json_object_get(row, "payment_id")));
		assert_true(json_integer_value(json_object_get(row, "unsettled_conflicts")) > 0);
	}
	json_decref(rows);
	assert_string_equal(keys, expected);
}

/* They are shown until a person has settled them, and a new one of the same payment is shown again. */
static void
test_settle(void **state)
{
	int64_t a = tell("a", 100, NULL, NOW), count = -1;
	struct fault why = { "" };
	json_t *all = NULL;

	(void)state;
	tell("b", 100, NULL, NOW + 1000);
	tell("c", 100, NULL, NOW + 2000);
	assert_int_equal(stats().conflicts, 0);
	assert_conflicts(0, 10, "");
	tell("a", 200, NULL, NOW + 5000);
	tell("c", 200, NULL, NOW + 3000);
	assert_int_equal(stats().conflicts, 2);
	assert_conflicts(0, 10, "c a");
	assert_conflicts(0, 1, "c");
	assert_conflicts(NOW + 5000, 10, "a");
	assert_int_equal(ledger_settle(ledger, a, NOW + 6000, &count, &why), DONE);
	assert_int_equal(count, 1);
	assert_int_equal(stats().conflicts, 1);
	assert_conflicts(0, 10, "c");
	assert_int_equal(ledger_conflicts(ledger, a, false, &all, &why), DONE);
	assert_int_equal(
	    json_integer_value(json_object_get(json_array_get(all, 0), "settled_ms")), NOW + 6000);
	json_decref(all);
	assert_int_equal(ledger_settle(ledger, 99, NOW, &count, &why), DONE);
	assert_int_equal(count, 0);
	/* One that was kept once is not kept again, so it stays settled. */
	tell("a", 200, NULL, NOW + 7000);
	assert_conflicts(0, 10, "c");
}

static int64_t
retried(const char *key)
{
	struct fault why = { "" };
	json_t *all, *left;
	bool done = false;
	int64_t count;

	if (key != NULL) {
		assert_int_equal(ledger_retry(ledger, key, NOW, &done, &why), DONE);
		return done;
	}
	assert_int_equal(ledger_retry_failed(ledger, NOW, &all, &left, &why), DONE);
	assert_int_equal(json_object_size(left), 3);
	assert_non_null(
	    strstr(json_string_value(json_object_get(left, "purged")), "payload is gone"));
	assert_non_null(strstr(json_string_value(json_object_get(left, "imported")), "imported"));
	assert_non_null(strstr(json_string_value(json_object_get(left, "doubtful")), "conflict"));
	count = (int64_t)json_array_size(all);
	json_decref(all);
	json_decref(left);
	return count;
}

/* Without a payload there is nothing to carry; what another service began is carried only when a person says so. */
static void
test_retry_leaves_some(void **state)
{
	(void)state;
	failed("plain");
	failed("purged");
	failed("imported");
	failed("doubtful");
	fixture_sql(file(),
	    "UPDATE payment_events SET payload = '' WHERE payment_id = 'purged';"
	    "UPDATE payment_events SET imported = 1 WHERE payment_id = 'imported';"
	    "INSERT INTO payment_conflict (payment, seen_ms, reason, payload) VALUES (4, 1, '', "
	    "'')");
	assert_int_equal(retried(NULL), 1);
	assert_int_equal(retried("purged"), 0);
	assert_int_equal(retried("imported"), 1);
	assert_int_equal(retried("doubtful"), 1);
	assert_int_equal(listed(PAYMENT_FAILED, NULL, 0), 1);
}

/* A text that is not UTF-8 takes neither the row nor the others with it. */
static void
test_broken_text(void **state)
{
	json_t *rows = NULL;
	struct fault why = { "" };

	(void)state;
	failed("a");
	fixture_sql(file(), "UPDATE payment_events SET error_message = CAST(x'ff' AS TEXT)");
	assert_int_equal(ledger_list(ledger, -1, NULL, 0, 10, false, &rows, &why), DONE);
	assert_true(json_is_null(json_object_get(json_array_get(rows, 0), "error_message")));
	json_decref(rows);
}

/* Looking makes no ledger. */
static void
test_open_existing(void **state)
{
	struct ledger *other = NULL;
	struct fault why = { "" };

	(void)state;
	assert_int_equal(ledger_open_existing(fixture_path("none.sqlite"), &other, &why), NEVER);
	assert_int_equal(
	    ledger_open_existing(fixture_path("none/none.sqlite"), &other, &why), NEVER);
	assert_int_equal(access(fixture_path("none.sqlite"), F_OK), -1);
	assert_int_equal(access(fixture_path("none.sqlite-gate"), F_OK), -1);
	assert_int_equal(ledger_open_existing(file(), &other, &why), DONE);
	ledger_close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_an_index_for_every_question, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_list_by_status_and_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_repeats_and_conflicts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_settle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_retry_leaves_some, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_open_existing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
