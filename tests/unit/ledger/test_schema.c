#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "ledger/schema.h"

/* A database of its own for each test. */
static sqlite3 *database;

static int
run(const char *sql)
{
	return sqlite3_exec(database, sql, NULL, NULL, NULL);
}

static void
migrate(int from, int to)
{
	for (int version = from; version < to; version++) {
		assert_int_equal(run("BEGIN"), SQLITE_OK);
		if (run(schema_migrations[version]) != SQLITE_OK)
			fail_msg("version %d: %s", version + 1, sqlite3_errmsg(database));
		assert_int_equal(run("COMMIT"), SQLITE_OK);
	}
}

static int
set_up(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
	assert_int_equal(run("PRAGMA foreign_keys = ON"), SQLITE_OK);
	migrate(0, SCHEMA_VERSION);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return sqlite3_close(database);
}

static void
assert_done(const char *sql)
{
	if (run(sql) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(database));
}

static void
assert_refused(const char *sql)
{
	if (run(sql) != SQLITE_CONSTRAINT)
		fail_msg("%s: %s", sql, sqlite3_errmsg(database));
}

/* The first column of every row, with a space behind each. */
static void
assert_answer(const char *sql, const char *expected)
{
	sqlite3_stmt *statement;
	char rows[1024] = "";
	size_t used = 0;

	assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW && used < sizeof(rows))
		used += (size_t)snprintf(
		    rows + used, sizeof(rows) - used, "%s ", sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	assert_string_equal(rows, expected);
}

/* A payment with this id, status and amount; next_ms as the status demands. */
static const char *
payment(const char *id, const char *status, int kopecks)
{
	static char sql[512];
	bool unfinished = strcmp(status, "pending") == 0 || strcmp(status, "processing") == 0;

	snprintf(sql, sizeof(sql),
	    "INSERT INTO payment_events (payment_id, status, amount, payload, kopecks, paid_at, "
	    "recorded_ms, "
	    "next_ms,"
	    " telegram, phone, email) VALUES ('%s', '%s', %d, '{}', %d, 0, 0, %s, 0, 0, 0)",
	    id, status, kopecks / 100, kopecks, unfinished ? "0" : "NULL");
	return sql;
}

/* What people's SQL relies on: the columns of the service that this one replaces, by name and in their order. */
static void
columns_people_know(void **state)
{
	(void)state;
	assert_answer("SELECT name FROM pragma_table_info('payment_events') WHERE cid < 13",
	    "id payment_id created_at processed_at status amount contact_id lead_id pipeline_id "
	    "lead_created "
	    "payload "
	    "error_message retry_count ");
	assert_done(payment("pay_1", "failed", 500000));
	assert_answer(
	    "SELECT retry_count || ',' || amount || ',' || (created_at > '2025-01-01 00:00:00')"
	    " FROM payment_events",
	    "0,5000,1 ");
	assert_answer("SELECT status || count(*) FROM payment_events GROUP BY status", "failed1 ");
}

/* A ledger of the first version says the same afterwards, each fact in a column of its own. */
static void
second_version(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_close(database), SQLITE_OK);
	assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
	assert_int_equal(run("PRAGMA foreign_keys = ON"), SQLITE_OK);
	migrate(0, 1);
	assert_done(payment("came", "failed", 100));
	assert_done(payment("brought", "failed", 200));
	assert_done(payment("erased", "failed", 300));
	assert_done("UPDATE payment_events SET request_id = 'a', error_message = 'refused'"
		    " WHERE payment_id = 'came'");
	assert_done("UPDATE payment_events SET request_id = 'import',"
		    " error_message = 'the service used before: Ivan'"
		    " WHERE payment_id = 'brought'");
	assert_done("UPDATE payment_events SET request_id = 'import',"
		    " error_message = 'the service used before: purged'"
		    " WHERE payment_id = 'erased'");
	assert_done("INSERT INTO payment_conflict (payment, seen_ms, reason, payload, settled_ms)"
		    " VALUES (1, 5, 'another amount', '{}', NULL),"
		    " (1, 6, 'another payer', 'purged 2', 7)");

	migrate(1, 2);
	assert_answer("SELECT payment_id || ',' || coalesce(request_id, '-') || ',' || imported"
		      " || ',' || reason_private FROM payment_events ORDER BY id",
	    "came,a,0,0 brought,-,1,1 erased,-,1,0 ");
	assert_answer("SELECT id || ',' || payment || ',' || seen_ms || ',' || reason || ',' ||"
		      " coalesce(payload, '-') || ',' || coalesce(settled_ms, '-')"
		      " FROM payment_conflict ORDER BY id",
	    "1,1,5,another amount,{},- 2,1,6,another payer,-,7 ");
	/* What is told again is still told from what was not; what was purged stands in no way. */
	assert_refused("INSERT INTO payment_conflict (payment, seen_ms, reason, payload)"
		       " VALUES (1, 8, '', '{}')");
	assert_done("UPDATE payment_conflict SET payload = NULL");
}

static void
payments_are_told_apart_for_ever(void **state)
{
	(void)state;
	assert_done(payment("pay_1", "success", 100));
	assert_refused(payment("pay_1", "pending", 100));
	assert_done(payment("PAY_1", "pending", 100));
}

static void
a_payment_is_due_exactly_while_it_is_unfinished(void **state)
{
	(void)state;
	assert_refused(payment("pay_1", "duplicate", 100));
	assert_done(payment("pay_1", "processing", 100));
	assert_refused("UPDATE payment_events SET next_ms = NULL");
	assert_refused("UPDATE payment_events SET status = 'success'");
	assert_done("UPDATE payment_events SET status = 'success', next_ms = NULL");
	assert_refused("UPDATE payment_events SET next_ms = 0");
}

static void
progress_that_cannot_be(void **state)
{
	(void)state;
	assert_done(payment("pay_1", "processing", 100));
	assert_refused("INSERT INTO delivery (payment, lead_created, older, applied, rebased, "
		       "dropped, unmapped)"
		       " VALUES (77, 0, 0, 0, 0, '', '')");
	assert_done("INSERT INTO delivery (payment, lead_created, older, applied, rebased, "
		    "dropped, unmapped)"
		    " VALUES (1, 0, 0, 0, 0, '', '')");
	assert_refused("UPDATE delivery SET intent = 'note', intent_ms = 1");
	assert_refused("UPDATE delivery SET intent = 'lead'");
	assert_refused("UPDATE delivery SET intent_ms = 1");
	assert_refused("UPDATE delivery SET intent = 'totals', intent_ms = 1"); /* Of which lead? */
	assert_done("UPDATE delivery SET intent = 'totals', intent_ms = 1, lead_id = 5");
	assert_refused(
	    "UPDATE delivery SET applied = 1"); /* Then there is nothing left to intend. */
	assert_done("UPDATE delivery SET applied = 1, intent = NULL, intent_ms = NULL");
	assert_refused("DELETE FROM payment_events");
}

static void
a_contradiction_is_kept_once(void **state)
{
	(void)state;
	assert_done(payment("pay_1", "success", 100));
	assert_done("INSERT INTO payment_conflict (payment, seen_ms, reason, payload) VALUES (1, "
		    "1, '', 'a')");
	assert_refused("INSERT INTO payment_conflict (payment, seen_ms, reason, payload) VALUES "
		       "(1, 2, '', 'a')");
	assert_done("INSERT INTO payment_conflict (payment, seen_ms, reason, payload) VALUES (1, "
		    "3, '', 'b')");
	assert_refused("INSERT INTO payment_conflict (payment, seen_ms, reason, payload) VALUES "
		       "(7, 1, '', 'a')");
}

/* It says at every moment what counting the finished rows would. */
static void
assert_tally_is_right(void)
{
	assert_answer(
	    "SELECT count(*) FROM (SELECT day, status, count(*), sum(kopecks) FROM payment_events"
	    " WHERE next_ms IS NULL GROUP BY 1, 2 EXCEPT SELECT day, status, payments, kopecks "
	    "FROM tally)",
	    "0 ");
	assert_answer("SELECT sum(payments) = (SELECT count(*) FROM payment_events WHERE next_ms "
		      "IS NULL) FROM tally",
	    "1 ");
	assert_answer(
	    "SELECT sum(kopecks) = (SELECT sum(kopecks) FROM payment_events WHERE next_ms IS NULL) "
	    "FROM tally",
	    "1 ");
}

static void
the_tally_follows(void **state)
{
	(void)state;
	assert_done(payment("pay_1", "pending", 150));
	assert_done(payment("pay_2", "pending", 250));
	assert_done("INSERT INTO payment_events (payment_id, status, payload, kopecks, paid_at, "
		    "recorded_ms, "
		    "telegram, phone,"
		    " email, day) VALUES ('pay_3', 'skipped', '', 0, 0, 0, 0, 0, 0, 7)");
	assert_tally_is_right();
	assert_done("UPDATE payment_events SET status = 'processing' WHERE id = 1");
	assert_done("UPDATE payment_events SET status = 'success', next_ms = NULL WHERE id = 2");
	assert_done("UPDATE payment_events SET status = 'pending', next_ms = 0 WHERE id = 3");
	assert_tally_is_right();
	assert_done("UPDATE payment_events SET kopecks = 300 WHERE id >= 2");
	assert_done("UPDATE payment_events SET duplicates = 7, status = status");
	assert_tally_is_right();
	assert_answer(
	    "SELECT day || status || kopecks FROM tally WHERE payments > 0", "0success300 ");
	assert_done("UPDATE payment_events SET status = 'failed' WHERE id = 2");
	assert_done("UPDATE payment_events SET status = 'skipped', next_ms = NULL WHERE id = 3");
	assert_tally_is_right();
}

/* Looking for work costs as much as there is work, however long the history is.  SQLite refuses to prepare a statement that
 * cannot use the index it names. */
static void
the_backlog_has_an_index(void **state)
{
	(void)state;
	assert_done("EXPLAIN SELECT id FROM payment_events INDEXED BY payment_unfinished"
		    " WHERE next_ms IS NOT NULL AND next_ms <= 1 AND id > 1 ORDER BY id");
	assert_done("EXPLAIN SELECT id FROM payment_events INDEXED BY payment_failed WHERE status "
		    "= 'failed'");
	assert_done("EXPLAIN SELECT payment FROM delivery INDEXED BY delivery_open WHERE intent IS "
		    "NOT NULL");
}

static void
one_heartbeat(void **state)
{
	(void)state;
	assert_answer("SELECT count(*) FROM heartbeat", "1 ");
	assert_refused("INSERT INTO heartbeat (id, at_ms) VALUES (2, 0)");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(columns_people_know),
		TEST(second_version),
		TEST(payments_are_told_apart_for_ever),
		TEST(a_payment_is_due_exactly_while_it_is_unfinished),
		TEST(progress_that_cannot_be),
		TEST(a_contradiction_is_kept_once),
		TEST(the_tally_follows),
		TEST(the_backlog_has_an_index),
		TEST(one_heartbeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
