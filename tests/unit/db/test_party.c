#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/db.h"
#include "db/marker.h"
#include "db/open.h"
#include "db/party.h"

static char directory[] = "/tmp/test_party.XXXXXX";
static char path[64], one[64], other[64], alias[64];

static struct db *
open_db(void)
{
	static const char *const steps[] = { "CREATE TABLE paid (id INTEGER PRIMARY KEY);" };
	struct db *db = NULL;
	struct fault why;

	if (db_open(path, 77, steps, 1, &db, &why) != DONE)
		fail_msg("%s", why.text);
	return db;
}

/* One that has joined with this directory. */
static struct db *
joined(const char *with)
{
	struct db *db = open_db();
	struct fault why;

	if (db_join(db, with, &why) != DONE)
		fail_msg("%s", why.text);
	return db;
}

static void
refused(const char *with, const char *in_use)
{
	struct db *db = open_db();
	struct fault why;

	assert_int_equal(db_join(db, with, &why), BROKEN);
	assert_non_null(strstr(why.text, in_use));
	db_close(db);
}

static void
test_one_directory_at_a_time(void **state)
{
	struct db *first = joined(one), *second = joined(one);

	(void)state;
	refused(other, one);
	db_close(first);
	refused(other, one);
	/* Those that do not carry payments keep nobody out. */
	first = open_db();
	db_close(second);
	second = joined(other);
	refused(one, other);
	db_close(second);
	db_close(first);
	db_close(joined(one));
}

static void
test_the_same_by_another_path(void **state)
{
	struct db *first = joined(one), *second;

	(void)state;
	assert_int_equal(symlink(one, alias), 0);
	second = joined(alias);
	refused(other, one);
	db_close(second);
	db_close(first);
}

/* It was removed and made again: who works with it by its path finds that one. */
static void
test_made_anew_in_its_place(void **state)
{
	struct db *first = joined(one), *second;

	(void)state;
	assert_int_equal(rename(one, alias), 0);
	assert_int_equal(mkdir(one, 0700), 0);
	second = joined(one);
	db_close(first);
	refused(other, one);
	db_close(second);
}

static void
test_marker_and_party_share_a_file(void **state)
{
	struct db *first = joined(one);
	struct fault why;

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(db_open(path, 77, NULL, 0, &(struct db *){ NULL }, &why), BROKEN);
	assert_non_null(strstr(why.text, "the file is gone"));
	db_close(first);
}

static void
test_no_directory(void **state)
{
	struct db *db = open_db();
	struct fault why;

	(void)state;
	assert_int_equal(db_join(db, "/nonexistent/run", &why), BROKEN);
	assert_non_null(strstr(why.text, "/nonexistent/run"));
	db_close(db);
}

static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/ledger", directory);
	snprintf(one, sizeof(one), "%s/one", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	snprintf(alias, sizeof(alias), "%s/alias", directory);
	return mkdir(one, 0700) + mkdir(other, 0700);
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
		TEST(test_one_directory_at_a_time),
		TEST(test_the_same_by_another_path),
		TEST(test_made_anew_in_its_place),
		TEST(test_marker_and_party_share_a_file),
		TEST(test_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
