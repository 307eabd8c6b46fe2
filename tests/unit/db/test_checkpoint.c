#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/checkpoint.h"
#include "db/copy.h"
#include "db/db.h"
#include "db/gate.h"
#include "db/open.h"
#include "db/query.h"
#include "db/sync.h"

#define OUR_ID 1234

/* With a few pages for the tree: more than DB_CHECKPOINT_PAGES. */
#define LONG_BYTES INT64_C(4200000)

static const char *const steps[] = {
	"CREATE TABLE body (id INTEGER PRIMARY KEY, bytes BLOB) STRICT;"
};

/*
 * The C library's own fdatasync() is replaced, to count, to fail as a broken disk does, and to do something in the middle
 * of whatever syncs; SQLite calls it by name.
 */
static int syncs, fails_at;
static void (*watcher)(void);

int
fdatasync(int fd)
{
	void (*called)(void) = watcher;

	watcher = NULL;
	if (called)
		called();
	watcher = called;
	if (++syncs == fails_at) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static char directory[] = "/tmp/test_db_checkpoint.XXXXXX";
static struct db *db, *other;

/* A file in the directory; lives until the next call. */
static const char *
file(const char *name)
{
	static char path[80];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static struct db *
open_db(void)
{
	struct db *opened = NULL;
	struct fault why;

	if (db_open(file("l"), OUR_ID, steps, 1, &opened, &why) != DONE)
		fail_msg("%s", why.text);
	return opened;
}

/* The next row, in the way of what returns an outcome. */
static enum outcome
row(struct query *query, bool *more, struct fault *why)
{
	enum outcome outcome = DONE;

	*more = db_next(query, &outcome, why);
	return outcome;
}

static int
set_up(void **state)
{
	(void)state;
	db = open_db();
	other = open_db();
	syncs = fails_at = 0;
	return 0;
}

static int
tear_down(void **state)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;

	(void)state;
	db_close(other);
	db_close(db);
	while ((entry = readdir(entries)))
		unlinkat(dirfd(entries), entry->d_name, 0);
	return closedir(entries);
}

static int
set_up_all(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int
tear_down_all(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void
add(struct db *to, int64_t bytes)
{
	struct fault why;

	if (db_begin(to, &why) != DONE ||
	    db_run(to, &why, "INSERT INTO body (bytes) VALUES (zeroblob($1))", bytes) != DONE ||
	    db_commit(to, &why) != DONE)
		fail_msg("%s", why.text);
}

static int64_t
size_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(file(name), &st), 0);
	return st.st_size;
}

/* What the log holds is written over the beginning of its file when it is begun anew: two salts in its head change. */
static uint64_t
log_generation(void)
{
	uint64_t salts;
	int fd = open(file("l-wal"), O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, &salts, sizeof(salts), 16), sizeof(salts));
	close(fd);
	return salts;
}

static int64_t
rows(void)
{
	struct query *query;
	struct fault why;
	bool more = false;
	int64_t count;

	assert_int_equal(db_query(db, &query, &why, "SELECT count(*) FROM body"), DONE);
	assert_int_equal(row(query, &more, &why), DONE);
	count = db_int(query, 0);
	db_done(query);
	return count;
}

/* The lock at that byte: 0 the gate, 1 the turn. */
static bool
is_held(off_t byte)
{
	struct flock wanted = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
	};
	int fd = open(file("l-gate"), O_RDWR | O_CLOEXEC);

	assert_int_equal(fcntl(fd, F_OFD_GETLK, &wanted), 0);
	close(fd);
	return wanted.l_type != F_UNLCK;
}

/* A long log is carried over by whoever has made it long, and then begun anew. */
static void
test_by_the_commit(void **state)
{
	uint64_t generation;

	(void)state;
	add(db, 10);
	generation = log_generation();
	add(db, 10);
	assert_true(size_of("l") < LONG_BYTES);
	add(db, LONG_BYTES);
	assert_true(size_of("l") > LONG_BYTES);
	assert_true(log_generation() == generation);
	assert_false(is_held(0));
	assert_false(is_held(1));
	add(other, 10);
	assert_true(log_generation() != generation);
	assert_int_equal(rows(), 4);
}

static void
commit_nothing(struct db *to)
{
	struct fault why;

	assert_int_equal(db_begin(to, &why), DONE);
	assert_int_equal(db_commit(to, &why), DONE);
}

/* What is in the log may be all copied, and then another's commit may begin it anew at any time. */
static void
test_not_by_an_empty_commit(void **state)
{
	(void)state;
	add(db, LONG_BYTES);
	db_checkpoint_later(db);
	syncs = 0;
	commit_nothing(db);
	assert_false(is_held(1));
	assert_int_equal(syncs, 1);
	add(other, 10);
	commit_nothing(db);
	assert_false(is_held(1));
}

/* Put off, it is nobody else's to do: without the turn, the log might be begun anew under whoever copies it. */
static void
test_later(void **state)
{
	(void)state;
	db_checkpoint_later(db);
	syncs = 0;
	add(db, LONG_BYTES);
	assert_true(is_held(1));
	assert_int_equal(syncs, 1);
	add(other, LONG_BYTES);
	assert_true(size_of("l") < LONG_BYTES);

	db_checkpoint(db);
	assert_true(size_of("l") > 2 * LONG_BYTES);
	assert_false(is_held(1));
	syncs = 0;
	db_checkpoint(db);
	assert_int_equal(syncs, 0);
	assert_int_equal(rows(), 2);
}

static int steps_seen;

/* The first step syncs log and database; then the second does. */
static void
commit_beside(void)
{
	assert_true(is_held(1));
	assert_int_equal(is_held(0), ++steps_seen > 2);
	if (steps_seen == 1)
		add(other, LONG_BYTES);
}

/* Nobody waits for the disk while pages are copied; what is committed meanwhile is copied in the end, inside the gate. */
static void
test_beside_commits(void **state)
{
	uint64_t generation;
	int turn;

	(void)state;
	db_checkpoint_later(db);
	for (turn = 1; turn < 4; turn++) {
		add(db, LONG_BYTES);
		generation = log_generation();
		steps_seen = 0;
		watcher = commit_beside;
		db_checkpoint(db);
		watcher = NULL;
		assert_int_equal(steps_seen, 4);
		assert_true(size_of("l") > 2 * turn * LONG_BYTES);
		assert_true(log_generation() == generation);
		add(other, 10);
		assert_true(log_generation() != generation);
	}
	assert_int_equal(rows(), 9);
	db_close(other);
	assert_int_equal(db_check(db, NULL, NULL, &(struct fault){ "" }), DONE);
	other = open_db();
}

/* Pages that a reader still needs in the log do not cost a sync at every commit. */
static void
test_reader(void **state)
{
	struct query *query;
	struct fault why;
	bool more;

	(void)state;
	add(db, 10);
	assert_int_equal(db_query(other, &query, &why, "SELECT id FROM body"), DONE);
	assert_int_equal(row(query, &more, &why), DONE);
	add(db, LONG_BYTES);
	syncs = 0;
	add(db, 10);
	assert_int_equal(syncs, 1);
	db_done(query);
	add(db, LONG_BYTES);
	assert_true(size_of("l") > 2 * LONG_BYTES);
	assert_int_equal(rows(), 4);
}

/* A failed sync of the database: what was committed is in the log, and the handle is not believed any more. */
static void
test_failed_sync(void **state)
{
	struct fault why;

	(void)state;
	add(db, 10);
	db_checkpoint_later(db);
	add(db, LONG_BYTES);
	fails_at = syncs + 2; /* SQLite syncs the log first. */
	db_checkpoint(db);
	assert_true(syncs >= fails_at);
	assert_false(is_held(1));
	assert_int_equal(db_begin(db, &why), BROKEN);
	assert_non_null(strstr(why.text, "reopen"));
	db_close(db);
	db = open_db();
	add(db, 10);
	assert_int_equal(rows(), 3);
}

/* A handle that is not believed does not keep others from checkpointing. */
static void
test_turn_is_given_back(void **state)
{
	struct fault why;

	(void)state;
	db_checkpoint_later(db);
	assert_int_equal(db_begin(db, &why), DONE);
	assert_int_equal(
	    db_run(db, &why, "INSERT INTO body (bytes) VALUES (zeroblob($1))", LONG_BYTES), DONE);
	fails_at = syncs + 1;
	assert_int_equal(db_commit(db, &why), BROKEN);
	assert_false(is_held(1));
	add(other, 10);
	assert_true(size_of("l") > LONG_BYTES);
}

/* To scrub is to checkpoint: it needs the turn, too. */
static void
test_scrub(void **state)
{
	struct fault why;

	(void)state;
	db_checkpoint_later(db);
	add(db, LONG_BYTES);
	assert_int_equal(db_scrub(other, &why), LATER);
	assert_non_null(strstr(why.text, "busy with the log"));
	assert_false(is_held(0));
	db_checkpoint(db);
	assert_int_equal(db_scrub(other, &why), DONE);
	assert_int_equal(size_of("l-wal"), 0);
	assert_false(is_held(1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_the_commit),
		TEST(test_not_by_an_empty_commit),
		TEST(test_later),
		TEST(test_beside_commits),
		TEST(test_reader),
		TEST(test_failed_sync),
		TEST(test_turn_is_given_back),
		TEST(test_scrub),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
