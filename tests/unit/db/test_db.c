#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/checkpoint.h"
#include "db/copy.h"
#include "db/db.h"
#include "db/gate.h"
#include "db/open.h"
#include "db/query.h"
#include "db/sync.h"

#define OUR_ID 0x54455354

static char directory[] = "/tmp/test_db.XXXXXX";
static char path[64], gate[80], copy[64];

static const char *const steps[] = {
	"CREATE TABLE paid (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, amount INTEGER, body "
	"BLOB) "
	"STRICT;"
	"CREATE TABLE note (id INTEGER PRIMARY KEY, paid_id INTEGER NOT NULL REFERENCES paid (id)) "
	"STRICT;",
	"ALTER TABLE paid ADD COLUMN remark TEXT; CREATE INDEX paid_by_amount ON paid (amount);",
};

static const char insert[] = "INSERT INTO paid (key, amount) VALUES ($1, $2)";

/*
 * The C library's own fdatasync() and write calls are replaced, to be able to fail as a broken or full disk does; SQLite
 * calls them by name.
 */
static bool disk_is_broken, disk_is_full;
static int syncs;

int
fdatasync(int fd)
{
	syncs++;
	if (disk_is_broken) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* Some file systems have no files without a name. */
static bool no_unnamed_files;

int
open(const char *name, int flags, ...)
{
	va_list arguments;
	int mode;

	va_start(arguments, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, int) : 0;
	va_end(arguments);
	if (no_unnamed_files && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode);
}

static ssize_t
write_or_fail(int fd, const void *bytes, size_t size, off_t offset)
{
	if (disk_is_full) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

static void
replace_writes(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)write_or_fail);
	vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)write_or_fail);
}

static struct db *
open_db(void)
{
	struct db *db = NULL;
	struct fault why = { "untouched" };

	if (db_open(path, OUR_ID, steps, 2, &db, &why) != DONE)
		fail_msg("%s", why.text);
	assert_string_equal(why.text, "untouched");
	return db;
}

/* The next row, in the way of what returns an outcome. */
static enum outcome
row(struct query *query, bool *more, struct fault *why)
{
	enum outcome outcome = DONE;

	*more = db_next(query, &outcome, why);
	return outcome;
}

static int64_t
number(struct db *db, const char *sql)
{
	struct query *query;
	struct fault why;
	int64_t value;
	bool more = false;

	if (db_query(db, &query, &why, sql) != DONE || row(query, &more, &why) != DONE)
		fail_msg("%s", why.text);
	assert_true(more);
	value = db_int(query, 0);
	db_done(query);
	return value;
}

static void
add(struct db *db, const char *key, int64_t amount)
{
	struct fault why;

	if (db_begin(db, &why) != DONE || db_run(db, &why, insert, key, amount) != DONE ||
	    db_commit(db, &why) != DONE)
		fail_msg("%s", why.text);
}

/* Ask for the gate through another open file; true if somebody is inside. */
static bool
gate_is_held(void)
{
	struct flock wanted = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int fd = open(gate, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_GETLK, &wanted), 0);
	close(fd);
	return wanted.l_type != F_UNLCK;
}

/* Do something through SQLite alone, as another program would. */
static void
as_stranger(const char *file, const char *sql)
{
	sqlite3 *sqlite;

	assert_int_equal(sqlite3_open(file, &sqlite), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sqlite);
}

static void
test_open(void **state)
{
	struct db *db;
	struct stat st;
	struct fault why;
	mode_t mask = umask(0);

	(void)state;
	db = open_db();
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(gate, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(number(db, "PRAGMA application_id"), OUR_ID);
	assert_int_equal(number(db, "PRAGMA user_version"), 2);
	assert_int_equal(number(db, "PRAGMA synchronous"), 1);
	assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);
	assert_int_equal(number(db, "PRAGMA trusted_schema"), 0);
	assert_int_equal(number(db, "PRAGMA cell_size_check"), 1);
	assert_int_equal(number(db, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(number(db, "PRAGMA temp_store"), 2);
	assert_int_equal(number(db, "PRAGMA journal_size_limit"), 64 * 1024 * 1024);
	assert_int_equal(number(db, "PRAGMA busy_timeout"), DB_BUSY_MS);
	assert_int_equal(number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	assert_false(gate_is_held());
	db_close(db);
	db_close(NULL);
	assert_int_equal(db_open("/nonexistent/ledger", OUR_ID, steps, 2, &db, &why), BROKEN);
	assert_non_null(strstr(why.text, "/nonexistent/ledger"));
}

static void
test_migrations(void **state)
{
	const char *const failing[] = { steps[0], steps[1],
		"CREATE TABLE more (id INTEGER); NONSENSE;" };
	struct db *db;
	struct fault why;

	(void)state;
	assert_int_equal(db_open(path, OUR_ID, steps, 1, &db, &why), DONE);
	assert_int_equal(number(db, "PRAGMA user_version"), 1);
	add(db, "kept", 1);
	db_close(db);
	db_close(open_db());
	/* A step that fails leaves the file as it was. */
	assert_int_equal(db_open(path, OUR_ID, failing, 3, &db, &why), BROKEN);
	assert_false(gate_is_held());
	db = open_db();
	assert_int_equal(number(db, "PRAGMA user_version"), 2);
	assert_int_equal(number(db, "SELECT count(*) FROM paid WHERE remark IS NULL"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'more'"), 0);
	db_close(db);
}

static void
test_refused_files(void **state)
{
	struct db *db = NULL;
	struct fault why;

	(void)state;
	db_close(open_db());
	assert_int_equal(db_open(path, OUR_ID, steps, 1, &db, &why), NEVER);
	assert_non_null(strstr(why.text, "version 2"));
	assert_int_equal(db_open(path, OUR_ID + 1, steps, 2, &db, &why), NEVER);
	assert_non_null(strstr(why.text, "another program"));

	unlink(path);
	as_stranger(path, "CREATE TABLE theirs (id INTEGER)");
	assert_int_equal(db_open(path, OUR_ID, steps, 2, &db, &why), NEVER);
	as_stranger(path, "SELECT 1 FROM theirs; DROP TABLE theirs; PRAGMA user_version = 1");
	assert_int_equal(db_open(path, OUR_ID, steps, 2, &db, &why), NEVER);
	assert_null(db);
}

static void
overwrite(const char *file, off_t offset, const char *bytes)
{
	int fd = open(file, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, strlen(bytes), offset), strlen(bytes));
	close(fd);
}

static void
count_problem(void *context, const char *text)
{
	assert_non_null(text);
	++*(int *)context;
}

static void
test_corrupt_files(void **state)
{
	struct db *db = NULL;
	struct fault why;
	char filling[4096];
	int problems = 0;

	(void)state;
	memset(filling, 'x', sizeof(filling));
	filling[sizeof(filling) - 1] = '\0';
	overwrite(path, 0, filling);
	assert_int_equal(db_open(path, OUR_ID, steps, 2, &db, &why), BROKEN);
	assert_non_null(strstr(why.text, "not a database"));
	assert_false(gate_is_held());
	assert_null(db);

	/* The schema's page is destroyed behind the file's header. */
	unlink(path);
	unlink(gate);
	db_close(open_db());
	overwrite(path, 100, filling);
	assert_int_equal(db_open(path, OUR_ID, steps, 2, &db, &why), BROKEN);

	/* Another page: opening does not see it, the check does. */
	unlink(path);
	unlink(gate);
	db = open_db();
	assert_int_equal(db_check(db, count_problem, &problems, &why), DONE);
	assert_int_equal(problems, 0);
	add(db, "a", 1);
	db_close(db);
	overwrite(path, 4096 + 8, "xxxxxxxxxxxxxxxxxxxxxxxxxx");
	db = open_db();
	assert_int_not_equal(db_check(db, count_problem, &problems, &why), DONE);
	assert_int_equal(db_copy(db, copy, NULL, NULL, &why) == DONE, false);
	assert_int_not_equal(access(copy, F_OK), 0);
	db_close(db);
}

static void
test_foreign_keys_are_checked(void **state)
{
	struct db *db;
	struct fault why;
	int problems = 0;

	(void)state;
	db_close(open_db());
	as_stranger(path, "INSERT INTO note (paid_id) VALUES (77)");
	db = open_db();
	assert_int_equal(db_check(db, count_problem, &problems, &why), NEVER);
	assert_int_equal(problems, 1);
	assert_int_equal(db_check(db, NULL, NULL, &why), NEVER);
	db_close(db);
}

static void
test_arguments(void **state)
{
	static const char reversed[] = "SELECT $3, $1, $2, $1 IS NULL, length($4), $4 IS NULL";
	struct db *db = open_db();
	struct query *query, *same;
	struct fault why;
	bool more;
	char word[] = "word";

	(void)state;
	assert_int_equal(db_query(db, &query, &why, reversed, word, INT64_MIN, "тест",
			     ((struct db_blob){ "a\0b", 3 })),
	    DONE);
	memset(word, 'x', 4); /* It was copied. */
	assert_int_equal(row(query, &more, &why), DONE);
	assert_true(more);
	assert_string_equal(db_text(query, 0), "тест");
	assert_string_equal(db_text(query, 1), "word");
	assert_true(db_int(query, 2) == INT64_MIN);
	assert_int_equal(db_int(query, 3), 0);
	assert_int_equal(db_int(query, 4), 3);
	assert_int_equal(row(query, &more, &why), DONE);
	assert_false(more);
	/* Beyond the end there is nothing, and nothing runs again. */
	assert_int_equal(row(query, &more, &why), DONE);
	assert_false(more);

	assert_int_equal(db_query(db, &same, &why, reversed, (const char *)NULL, INT64_C(0),
			     (const char *)NULL, ((struct db_blob){ NULL, 0 })),
	    DONE);
	assert_ptr_equal(same, query);
	assert_int_equal(row(query, &more, &why), DONE);
	assert_true(db_null(query, 0));
	assert_null(db_text(query, 1));
	assert_false(db_null(query, 2));
	assert_int_equal(db_int(query, 5), 1);
	db_done(query);
	db_done(NULL);

	assert_int_equal(db_query(db, &query, &why, reversed, "a", INT64_C(1)), BROKEN);
	assert_int_equal(db_query(db, &query, &why, "SELECT $1", "x", 1), BROKEN);
	assert_int_equal(db_query(db, &query, &why, "SELECT nonsense"), BROKEN);
	assert_int_equal(db_run(db, &why, "SELECT $1", "a", "b"), BROKEN);
	db_close(db);
}

/* More statements than the cache begins with, each looked up again. */
static void
test_cache_grows(void **state)
{
	static char texts[100][32];
	struct db *db = open_db();
	int i, round;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 100; i++) {
			snprintf(texts[i], sizeof(texts[i]), "SELECT %d", i);
			assert_int_equal(number(db, texts[i]), i);
		}
	}
	db_close(db);
}

static void
test_transaction(void **state)
{
	struct db *db = open_db(), *other = open_db();
	struct fault why;

	(void)state;
	assert_int_equal(db_begin(db, &why), DONE);
	assert_true(gate_is_held());
	assert_int_equal(db_begin(db, &why), BROKEN);
	assert_int_equal(db_run(db, &why, insert, "a", INT64_C(1)), DONE);
	assert_int_equal(number(other, "SELECT count(*) FROM paid"), 0);
	syncs = 0;
	assert_int_equal(db_commit(db, &why), DONE);
	assert_int_equal(syncs, 1);
	assert_false(gate_is_held());
	assert_int_equal(number(other, "SELECT count(*) FROM paid"), 1);
	/* The first sync of a handle includes the directory. */
	assert_int_equal(db_sync(other, &why), DONE);
	assert_true(syncs >= 2);

	assert_int_equal(db_begin(db, &why), DONE);
	assert_int_equal(db_run(db, &why, insert, "b", INT64_C(1)), DONE);
	db_rollback(db);
	db_rollback(db);
	assert_false(gate_is_held());
	assert_int_equal(number(other, "SELECT count(*) FROM paid"), 1);
	assert_int_equal(db_commit(db, &why), BROKEN);

	/* Writing past the gate is refused. */
	assert_int_equal(db_run(db, &why, insert, "c", INT64_C(1)), BROKEN);
	assert_non_null(strstr(why.text, "no transaction"));
	assert_int_equal(number(db, "SELECT count(*) FROM paid"), 1);

	/* Closing in the middle is giving up. */
	assert_int_equal(db_begin(other, &why), DONE);
	assert_int_equal(db_run(other, &why, insert, "d", INT64_C(1)), DONE);
	db_close(other);
	assert_false(gate_is_held());
	assert_int_equal(number(db, "SELECT count(*) FROM paid"), 1);
	db_close(db);
}

static void
test_constraint_is_never(void **state)
{
	struct db *db = open_db();
	struct fault why;

	(void)state;
	add(db, "private", 1);
	assert_int_equal(db_begin(db, &why), DONE);
	assert_int_equal(db_run(db, &why, insert, "private", INT64_C(1)), NEVER);
	assert_non_null(strstr(why.text, "paid.key"));
	assert_null(strstr(why.text, "private"));
	/* The transaction goes on, as the caller may know better. */
	assert_int_equal(db_run(db, &why, insert, "other", INT64_C(1)), DONE);
	assert_int_equal(db_commit(db, &why), DONE);
	assert_int_equal(number(db, "SELECT count(*) FROM paid"), 2);
	db_close(db);
}

static void
test_returning(void **state)
{
	struct db *db = open_db();
	struct query *query;
	struct fault why;
	bool more;

	(void)state;
	assert_int_equal(db_begin(db, &why), DONE);
	assert_int_equal(
	    db_query(db, &query, &why,
		"INSERT INTO paid (key) VALUES ($1) ON CONFLICT (key) DO NOTHING RETURNING id",
		"k"),
	    DONE);
	assert_int_equal(row(query, &more, &why), DONE);
	assert_true(more);
	assert_int_equal(db_int(query, 0), 1);
	assert_int_equal(row(query, &more, &why), DONE);
	assert_false(more);
	assert_int_equal(db_commit(db, &why), DONE);
	db_close(db);
}

/* Whether a row was added is not told by what an earlier statement, or a trigger, did. */
static void
test_added(void **state)
{
	static const char sql[] = "INSERT INTO paid (key) VALUES ($1) ON CONFLICT (key) DO NOTHING";
	struct db *db = open_db();
	struct fault why;

	(void)state;
	assert_int_equal(db_begin(db, &why), DONE);
	assert_int_equal(
	    db_run(db, &why, "CREATE TABLE echo (id INTEGER PRIMARY KEY, key TEXT)"), DONE);
	assert_int_equal(db_run(db, &why, "INSERT INTO echo VALUES (100, 'x')"), DONE);
	assert_int_equal(db_run(db, &why,
			     "CREATE TRIGGER echo AFTER INSERT ON paid BEGIN"
			     " INSERT INTO echo (key) VALUES (NEW.key); END"),
	    DONE);
	assert_int_equal(db_run(db, &why, sql, "a"), DONE);
	assert_int_equal(db_added(db), 1);
	assert_int_equal(db_run(db, &why, sql, "a"), DONE);
	assert_int_equal(db_added(db), 0);
	assert_int_equal(db_run(db, &why, sql, "b"), DONE);
	assert_int_equal(db_added(db), 2);
	assert_int_equal(db_commit(db, &why), DONE);
	db_close(db);
}

/* A stranger who writes past the gate is waited for a while, and then it is said. */
static void
test_stranger_blocks(void **state)
{
	struct db *db = open_db();
	struct fault why;
	sqlite3 *stranger;

	(void)state;
	assert_int_equal(sqlite3_open(path, &stranger), SQLITE_OK);
	assert_int_equal(sqlite3_exec(stranger, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(db_begin(db, &why), BROKEN);
	assert_non_null(strstr(why.text, "locked"));
	assert_false(gate_is_held());
	assert_int_equal(sqlite3_exec(stranger, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(stranger);
	add(db, "a", 1);
	db_close(db);
}

static void
test_full_disk(void **state)
{
	struct db *db = open_db();
	struct fault why;
	enum outcome outcome;

	(void)state;
	add(db, "before", 1);
	disk_is_full = true;
	assert_int_equal(db_begin(db, &why), DONE);
	if ((outcome = db_run(db, &why, insert, "during", INT64_C(2))) == DONE)
		outcome = db_commit(db, &why);
	else
		db_rollback(db);
	disk_is_full = false;
	assert_int_equal(outcome, BROKEN);
	assert_non_null(strstr(why.text, "full"));
	assert_non_null(strstr(why.text, path));
	assert_false(gate_is_held());
	assert_int_equal(number(db, "SELECT count(*) FROM paid"), 1);
	/* With space it goes on without being reopened. */
	add(db, "after", 3);
	assert_int_equal(db_check(db, NULL, NULL, &why), DONE);
	db_close(db);
}

/* The same by the kernel: no file may grow any further.  A child, since the limit cannot be lifted again by everybody. */
static void
test_file_limit(void **state)
{
	struct rlimit limit = { .rlim_cur = 16384, .rlim_max = RLIM_INFINITY };
	struct db *db;
	struct fault why;
	pid_t child;
	int status, i;

	(void)state;
	db_close(open_db());
	if ((child = fork()) == 0) {
		enum outcome outcome = DONE;

		signal(SIGXFSZ, SIG_IGN);
		db = open_db();
		setrlimit(RLIMIT_FSIZE, &limit);
		for (i = 0; i < 1000 && outcome == DONE; i++) {
			if ((outcome = db_begin(db, &why)) != DONE)
				break;
			outcome = db_run(
			    db, &why, "INSERT INTO paid (key) VALUES (hex(randomblob(400)))");
			if (outcome == DONE)
				outcome = db_commit(db, &why);
			else
				db_rollback(db);
		}
		limit.rlim_cur = RLIM_INFINITY;
		setrlimit(RLIMIT_FSIZE, &limit);
		if (outcome != BROKEN || db_begin(db, &why) != DONE ||
		    db_run(db, &why, insert, "after", INT64_C(1)) != DONE ||
		    db_commit(db, &why) != DONE)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	db = open_db();
	assert_int_equal(number(db, "SELECT count(*) FROM paid WHERE key = 'after'"), 1);
	assert_int_equal(db_check(db, NULL, NULL, &why), DONE);
	db_close(db);
}

/* What a failed sync may have lost is not vouched for by a later one that succeeds. */
static void
test_failed_sync(void **state)
{
	struct db *db = open_db();
	struct fault why;

	(void)state;
	assert_int_equal(db_begin(db, &why), DONE);
	assert_int_equal(db_run(db, &why, insert, "a", INT64_C(1)), DONE);
	disk_is_broken = true;
	assert_int_equal(db_commit(db, &why), BROKEN);
	disk_is_broken = false;
	assert_non_null(strstr(why.text, "sync"));
	assert_false(gate_is_held());
	assert_int_equal(db_begin(db, &why), BROKEN);
	assert_non_null(strstr(why.text, "reopen"));
	assert_int_equal(db_sync(db, &why), BROKEN);
	assert_false(gate_is_held());
	assert_int_equal(number(db, "SELECT 1"), 1);
	db_close(db);
	db = open_db();
	add(db, "b", 1);
	db_close(db);
}

#define WRITERS 4
#define ROWS    100

static void
write_rows(int writer, bool reopening)
{
	struct db *db = NULL;
	struct fault why;
	char key[32];
	int i;

	for (i = 0; i < ROWS; i++) {
		snprintf(key, sizeof(key), "%d-%d", writer, i);
		if (!db && db_open(path, OUR_ID, steps, 2, &db, &why) != DONE)
			_exit(1);
		if (db_begin(db, &why) != DONE ||
		    db_run(db, &why, insert, key, (int64_t)i) != DONE ||
		    db_commit(db, &why) != DONE)
			_exit(2);
		if (reopening && i % 10 == 0) {
			db_close(db);
			db = NULL;
		}
	}
	db_close(db);
	_exit(0);
}

/* All at once, from a file that does not exist yet: one of them makes it. */
static void
test_many_writers(void **state)
{
	struct db *db;
	struct fault why;
	pid_t children[WRITERS];
	int i, status;

	(void)state;
	for (i = 0; i < WRITERS; i++) {
		if ((children[i] = fork()) == 0)
			write_rows(i, i % 2 == 1);
	}
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	db = open_db();
	assert_int_equal(number(db, "SELECT count(*) FROM paid"), WRITERS * ROWS);
	assert_int_equal(db_check(db, NULL, NULL, &why), DONE);
	db_close(db);
}

/* Who dies inside the gate leaves it free, and nothing of his transaction. */
static void
test_death_inside(void **state)
{
	struct db *db;
	struct fault why;
	int ready[2];
	char byte;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	if ((child = fork()) == 0) {
		db = open_db();
		if (db_begin(db, &why) == DONE &&
		    db_run(db, &why, insert, "lost", INT64_C(1)) == DONE &&
		    write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_true(gate_is_held());
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	db = open_db();
	add(db, "kept", 1);
	assert_int_equal(number(db, "SELECT count(*) FROM paid"), 1);
	db_close(db);
	close(ready[0]);
	close(ready[1]);
}

/* Somebody else inside, until the descriptor is closed. */
static int
hold_gate(void)
{
	struct flock wanted = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int fd = open(gate, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &wanted), 0);
	return fd;
}

/* Who never leaves is not waited for for ever, and is not waited for twice. */
static void
test_stuck_inside(void **state)
{
	struct timespec moment = { .tv_nsec = 200 * 1000 * 1000 };
	struct db *db = open_db(), *other = NULL;
	int64_t began_ms;
	struct fault why;
	int holder;

	(void)state;
	add(db, "a", 1);
	holder = hold_gate();
	began_ms = clock_mono_ms();
	assert_int_equal(db_begin(db, &why), BROKEN);
	assert_in_range(clock_mono_ms() - began_ms, DB_GATE_MS, DB_GATE_MS + 2000);
	assert_non_null(strstr(why.text, "the ledger is busy: "));
	assert_non_null(strstr(why.text, gate));
	/* Nothing rings any more. */
	assert_int_equal(nanosleep(&moment, NULL), 0);

	/* The handle is as good as before. */
	close(holder);
	add(db, "b", 1);
	holder = hold_gate();
	assert_int_equal(db_begin(db, &why), BROKEN);
	began_ms = clock_mono_ms();
	db_close(db);
	assert_in_range(clock_mono_ms() - began_ms, 0, DB_GATE_MS / 2);
	assert_int_equal(db_open(path, OUR_ID, steps, 2, &other, &why), BROKEN);
	assert_non_null(strstr(why.text, "the ledger is busy: "));
	assert_null(other);
	close(holder);
	db = open_db();
	assert_int_equal(number(db, "SELECT count(*) FROM paid"), 2);
	db_close(db);
}

static void
ignore(int number)
{
	(void)number;
}

/* Who is inside for a while is waited for, whatever other signals come meanwhile. */
static void
test_wait_for_gate(void **state)
{
	struct sigaction action = { .sa_handler = ignore };
	struct timespec moment = { .tv_nsec = 50 * 1000 * 1000 };
	struct db *db = open_db();
	int64_t began_ms;
	int holder, i, ready[2];
	char byte;
	pid_t child;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	assert_int_equal(pipe(ready), 0);
	if ((child = fork()) == 0) {
		holder = hold_gate();
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (i = 0; i < 6; i++) {
			nanosleep(&moment, NULL);
			kill(getppid(), SIGUSR1);
		}
		close(holder);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	began_ms = clock_mono_ms();
	add(db, "a", 1);
	assert_in_range(clock_mono_ms() - began_ms, 200, DB_GATE_MS / 2);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	db_close(db);
}

static void
test_copy(void **state)
{
	struct db *db = open_db(), *copied;
	struct stat st;
	struct fault why;
	DIR *entries;
	struct dirent *entry;

	no_unnamed_files = *state != NULL;
	add(db, "a", 1);
	assert_int_equal(db_copy(db, copy, NULL, NULL, &why), DONE);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	add(db, "b", 1);
	assert_int_equal(db_copy(db, copy, NULL, NULL, &why), NEVER);
	assert_non_null(strstr(why.text, "exists"));
	assert_int_equal(db_copy(db, "/nonexistent/copy", NULL, NULL, &why), BROKEN);
	disk_is_full = true;
	unlink(copy);
	assert_int_equal(db_copy(db, copy, NULL, NULL, &why), BROKEN);
	disk_is_full = false;
	assert_int_equal(db_copy(db, copy, NULL, NULL, &why), DONE);
	db_close(db);
	/* No draft is left behind. */
	assert_non_null(entries = opendir(directory));
	while ((entry = readdir(entries)))
		assert_true(strncmp(entry->d_name, "copy.", 5) != 0);
	closedir(entries);
	assert_int_equal(db_open(copy, OUR_ID, steps, 2, &copied, &why), DONE);
	assert_int_equal(number(copied, "SELECT count(*) FROM paid"), 2);
	db_close(copied);
	no_unnamed_files = false;
}

static void
test_copy_without_unnamed_files(void **state)
{
	*state = directory;
	test_copy(state);
	*state = NULL;
}

static void
die_in_the_middle(void *told, const char *what, int64_t done, int64_t total)
{
	(void)told, (void)what;
	if (done < total || total == 0)
		_exit(9);
}

/* Nothing of people is left by one that dies, however far it was. */
static void
test_killed_copy(void **state)
{
	static const char fill[] =
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
	    "INSERT INTO paid (key, amount) SELECT printf('%060d', i), i FROM n";
	struct db *db = open_db();
	struct fault why;
	struct dirent *entry;
	DIR *entries;
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(db_write(db, &why, fill), DONE);
	db_close(db);
	if ((child = fork()) == 0) {
		db = open_db();
		(void)!db_copy(db, copy, die_in_the_middle, NULL, &why);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 9);
	assert_non_null(entries = opendir(directory));
	while ((entry = readdir(entries)))
		assert_true(strncmp(entry->d_name, "copy", 4) != 0);
	closedir(entries);
}

struct heard {
	int calls, ends;
	int64_t done, total;
};

/* More and more of the same, and the end once. */
static void
hear(void *told, const char *what, int64_t done, int64_t total)
{
	struct heard *heard = told;

	if (strcmp(what, "copying pages") != 0)
		return;
	assert_int_equal(heard->ends, 0);
	assert_in_range(done, heard->done, total);
	assert_true(heard->total == 0 || heard->total == total);
	*heard = (struct heard){ heard->calls + 1, done == total, done, total };
}

/* Of long work it is told how far it is. */
static void
test_copy_tells_how_far(void **state)
{
	static const char fill[] =
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
	    "INSERT INTO paid (key, amount) SELECT printf('%060d', i), i FROM n";
	struct db *db = open_db();
	struct heard heard = { 0 };
	struct fault why;

	(void)state;
	assert_int_equal(db_begin(db, &why), DONE);
	assert_int_equal(db_run(db, &why, fill), DONE);
	assert_int_equal(db_commit(db, &why), DONE);
	assert_int_equal(db_copy(db, copy, hear, &heard, &why), DONE);
	assert_true(heard.calls >= 3);
	assert_int_equal(heard.ends, 1);
	assert_int_equal(heard.total, number(db, "PRAGMA page_count"));
	db_close(db);
}

/* Only what is there is opened, and nothing is left behind by looking. */
static void
test_open_existing(void **state)
{
	struct db *db = NULL;
	struct fault why;

	(void)state;
	assert_int_equal(db_open_existing(path, OUR_ID, steps, 2, &db, &why), NEVER);
	assert_non_null(strstr(why.text, "there is none"));
	assert_int_equal(access(gate, F_OK), -1);
	assert_int_equal(access(path, F_OK), -1);
	db_close(open_db());
	assert_int_equal(db_open_existing(path, OUR_ID, steps, 2, &db, &why), DONE);
	add(db, "a", 1);
	db_close(db);
}

/* Another program's file can be read and not written, nor is a gate made beside it. */
static void
test_open_foreign(void **state)
{
	static const char read[] = "SELECT n FROM t";
	struct db *db = NULL;
	struct fault why;
	sqlite3 *file;

	(void)state;
	assert_int_equal(db_open_foreign(path, &db, &why), BROKEN);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(file, "CREATE TABLE t (n); INSERT INTO t VALUES (7)", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(db_open_foreign(path, &db, &why), DONE);
	assert_int_equal(number(db, read), 7);
	assert_int_equal(db_run(db, &why, "DELETE FROM t"), BROKEN);
	/* Its owner goes on writing. */
	assert_int_equal(sqlite3_exec(file, "UPDATE t SET n = 8", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(number(db, read), 8);
	db_close(db);
	sqlite3_close(file);
	assert_int_equal(access(gate, F_OK), -1);
}

static bool
holds(const char *name, const char *word)
{
	static char bytes[1 << 20];
	FILE *file = fopen(name, "r");
	size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (file)
		fclose(file);
	return memmem(bytes, size, word, strlen(word)) != NULL;
}

/* What was deleted is neither in the file nor, once it is scrubbed, in the log. */
static void
test_scrub(void **state)
{
	static const char erase[] = "DELETE FROM paid WHERE amount = 2";
	char song[9000] = "";
	struct db *db = open_db(), *reader = open_db();
	struct query *query;
	struct fault why;
	char wal[80];
	bool more;

	(void)state;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	while (strlen(song) < sizeof(song) - 8)
		strcat(song, "canary ");
	add(db, "a", 1);
	add(db, song, 2);
	assert_true(holds(wal, "canary") || holds(path, "canary"));
	assert_int_equal(db_begin(db, &why), DONE);
	assert_int_equal(db_run(db, &why, erase), DONE);
	assert_int_equal(db_commit(db, &why), DONE);
	assert_true(holds(wal, "canary"));
	/* A reader needs the log as it is. */
	assert_int_equal(db_query(reader, &query, &why, "SELECT id FROM paid"), DONE);
	assert_int_equal(row(query, &more, &why), DONE);
	assert_int_equal(db_scrub(db, &why), LATER);
	db_done(query);
	assert_int_equal(db_scrub(db, &why), DONE);
	assert_false(holds(wal, "canary"));
	assert_false(holds(path, "canary"));
	assert_false(gate_is_held());
	add(db, "b", 1);
	db_close(reader);
	db_close(db);
}

/* Empty the directory. */
static int
set_up(void **state)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;

	(void)state;
	if (!entries)
		return -1;
	while ((entry = readdir(entries)))
		unlinkat(dirfd(entries), entry->d_name, 0);
	return closedir(entries);
}

static int
set_up_all(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/ledger", directory);
	snprintf(gate, sizeof(gate), "%s-gate", path);
	snprintf(copy, sizeof(copy), "%s/copy", directory);
	replace_writes();
	return 0;
}

static int
tear_down_all(void **state)
{
	return set_up(state) == 0 ? rmdir(directory) : -1;
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open),
		TEST(test_migrations),
		TEST(test_refused_files),
		TEST(test_corrupt_files),
		TEST(test_foreign_keys_are_checked),
		TEST(test_arguments),
		TEST(test_cache_grows),
		TEST(test_transaction),
		TEST(test_constraint_is_never),
		TEST(test_returning),
		TEST(test_added),
		TEST(test_stranger_blocks),
		TEST(test_full_disk),
		TEST(test_file_limit),
		TEST(test_failed_sync),
		TEST(test_many_writers),
		TEST(test_death_inside),
		TEST(test_stuck_inside),
		TEST(test_wait_for_gate),
		TEST(test_copy),
		TEST(test_copy_without_unnamed_files),
		TEST(test_killed_copy),
		TEST(test_copy_tells_how_far),
		TEST(test_open_existing),
		TEST(test_open_foreign),
		TEST(test_scrub),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
