#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/copy.h"
#include "db/db.h"
#include "db/open.h"
#include "db/query.h"

static char directory[] = "/tmp/test_marker.XXXXXX";
static char path[64], gate[80], logs[80], away[80];

static const char *const steps[] = { "CREATE TABLE paid (id INTEGER PRIMARY KEY);" };
static const char insert[] = "INSERT INTO paid DEFAULT VALUES";

static enum outcome
open_at(struct db **db, struct fault *why)
{
	return db_open(path, 77, steps, 1, db, why);
}

static struct db *
open_db(void)
{
	struct db *db = NULL;
	struct fault why;

	if (open_at(&db, &why) != DONE)
		fail_msg("%s", why.text);
	return db;
}

static int64_t
count(struct db *db)
{
	struct fault why;
	int64_t rows = -1;

	assert_int_equal(db_number(db, &rows, &why, "SELECT count(*) FROM paid"), DONE);
	return rows;
}

/* A process that records some and is killed: what it recorded is in the log only. */
static void
record_and_die(int rows)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct db *db = open_db();
		struct fault why;

		while (rows-- > 0)
			if (db_write(db, &why, insert) != DONE)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
refused(enum outcome expected, const char *reason)
{
	struct db *db = NULL;
	struct fault why = { "" };

	assert_int_equal(open_at(&db, &why), expected);
	assert_null(db);
	if (strstr(why.text, reason) == NULL)
		fail_msg("%s", why.text);
	assert_int_equal(db_open_existing(path, 77, steps, 1, &db, &why), expected);
}

static void
test_gone_while_in_use(void **state)
{
	struct db *db = open_db(), *other;
	struct fault why;
	struct stat file;

	(void)state;
	assert_int_equal(db_write(db, &why, insert), DONE);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(db_write(db, &why, insert), BROKEN);
	assert_non_null(strstr(why.text, "moved or removed"));
	refused(BROKEN, "the file is gone, but its log");
	db_close(db);
	refused(BROKEN, "the file is gone");
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(stat(logs, &file), 0);
	assert_true(file.st_size > 0);

	/* What was answered is there when it is back. */
	assert_int_equal(rename(away, path), 0);
	other = open_db();
	assert_int_equal(count(other), 1);
	db_close(other);
}

static void
test_gone_after_a_kill(void **state)
{
	struct db *db;

	(void)state;
	record_and_die(40);
	assert_int_equal(rename(path, away), 0);
	refused(BROKEN, "its log");
	/* Nor is an empty file a ledger, whoever put it there. */
	close(open(path, O_CREAT | O_RDWR, 0600));
	refused(BROKEN, "the file is empty, but its log");
	assert_int_equal(rename(away, path), 0);
	db = open_db();
	assert_int_equal(count(db), 40);
	db_close(db);
}

static void
test_all_gone(void **state)
{
	struct db *db;

	(void)state;
	record_and_die(1);
	unlink(path);
	unlink(logs);
	refused(BROKEN, "to begin with an empty ledger, remove");
	close(open(path, O_CREAT | O_RDWR, 0600));
	refused(BROKEN, "the file is empty; put it back");
	unlink(path);
	/* As it says. */
	unlink(gate);
	db = open_db();
	assert_int_equal(count(db), 0);
	db_close(db);
}

static void
test_log_without_a_marker(void **state)
{
	(void)state;
	record_and_die(1);
	unlink(path);
	unlink(gate);
	refused(BROKEN, "its log");
}

/* A copy that is put over a ledger whose log is still there: SQLite would mix the two. */
static void
test_replaced(void **state)
{
	struct db *db = open_db();
	struct fault why;

	(void)state;
	assert_int_equal(db_write(db, &why, insert), DONE);
	assert_int_equal(db_copy(db, away, NULL, NULL, &why), DONE);
	db_close(db);
	record_and_die(3);
	assert_int_equal(rename(away, path), 0);
	refused(BROKEN, "was replaced");
	unlink(logs);
	db = open_db();
	assert_int_equal(count(db), 1);
	db_close(db);
}

/* A whole directory that was copied has other inodes, and all that belongs together. */
static void
test_copied_with_its_log(void **state)
{
	static const char command[] = "cd %s && mkdir c && cp -p ledger* c/ && mv c/* .";
	char line[200];
	struct db *db;

	(void)state;
	record_and_die(3);
	snprintf(line, sizeof(line), command, directory);
	assert_int_equal(system(line), 0);
	db = open_db();
	assert_int_equal(count(db), 3);
	db_close(db);
}

/* The ledgers of before had a gate with nothing in it. */
static void
test_marked_when_found(void **state)
{
	struct stat file;

	(void)state;
	db_close(open_db());
	assert_int_equal(truncate(gate, 0), 0);
	db_close(open_db());
	assert_int_equal(stat(gate, &file), 0);
	assert_true(file.st_size > 0);
}

static void
test_gate_removed_while_in_use(void **state)
{
	struct db *db = open_db();
	struct fault why;

	(void)state;
	unlink(gate);
	assert_int_equal(db_write(db, &why, insert), BROKEN);
	db_close(db);
	db = open_db();
	assert_int_equal(db_write(db, &why, insert), DONE);
	db_close(db);
}

static void
test_nothing_is_made_by_looking(void **state)
{
	struct db *db = NULL;
	struct fault why;

	(void)state;
	assert_int_equal(db_open_existing(path, 77, steps, 1, &db, &why), NEVER);
	assert_int_equal(access(gate, F_OK), -1);
	/* A gate that nothing was ever made for. */
	close(open(gate, O_CREAT | O_RDWR, 0600));
	assert_int_equal(db_open_existing(path, 77, steps, 1, &db, &why), NEVER);
	assert_int_equal(access(path, F_OK), -1);
}

static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/ledger", directory);
	snprintf(gate, sizeof(gate), "%s-gate", path);
	snprintf(logs, sizeof(logs), "%s-wal", path);
	snprintf(away, sizeof(away), "%s-away", path);
	return 0;
}

static int
teardown(void **state)
{
	char command[80];
	int status;

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	status = system(command);
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	return status;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_gone_while_in_use),
		TEST(test_gone_after_a_kill),
		TEST(test_all_gone),
		TEST(test_log_without_a_marker),
		TEST(test_replaced),
		TEST(test_copied_with_its_log),
		TEST(test_marked_when_found),
		TEST(test_gate_removed_while_in_use),
		TEST(test_nothing_is_made_by_looking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
