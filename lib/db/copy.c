/*
 * Looking after the ledger's file: checking, scrubbing and copying it while it is in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "db/copy.h"
#include "db/error.h"
#include "db/gate.h"
#include "db/handle.h"
#include "db/open.h"
#include "db/query.h"
#include "db/sync.h"

/* Run a check whose rows are problems, except for a single "ok". */
static enum outcome
check_with(struct db *db, const char *sql, void (*report)(void *, const char *), void *cookie,
    int *problems, struct fault *why)
{
	struct query *query = NULL;
	enum outcome outcome = db_query(db, &query, why, sql);
	const char *text;

	while (db_next(query, &outcome, why)) {
		if (!(text = db_text(query, 0)) || strcmp(text, "ok") == 0)
			continue;
		(*problems)++;
		if (report)
			report(cookie, text);
	}
	return outcome;
}

enum outcome
db_check(struct db *db, void (*report)(void *, const char *), void *cookie, struct fault *why)
{
	enum outcome outcome;
	int problems = 0;

	if ((outcome = check_with(db, "PRAGMA integrity_check", report, cookie, &problems, why)) !=
	    DONE)
		return outcome;
	outcome = check_with(db,
	    "SELECT printf('row %s of %s refers to a missing row of %s', rowid, \"table\", parent) "
	    "FROM pragma_foreign_key_check",
	    report, cookie, &problems, why);
	if (outcome == DONE && problems > 0)
		return fault_set(why, NEVER, "ledger %s: %d problems found", db->path, problems);
	return outcome;
}

/*
 * The database itself holds nothing deleted, see secure_delete in open.c; the log holds every page
 * as it once was until it is cut off.  This is a checkpoint, so it needs the turn and the gate.
 */
enum outcome
db_scrub(struct db *db, struct fault *why)
{
	enum outcome outcome;
	int code;

	if (!db_turn_take(db))
		return errno == EAGAIN || errno == EACCES
		    ? fault_set(
			  why, LATER, "ledger %s: another process is busy with the log", db->path)
		    : db_failed_errno(db->path, "log of", why);
	if ((outcome = db_gate_enter(db, why)) != DONE) {
		db_turn_give(db);
		return outcome;
	}
	/* Waiting for a reader in here would keep every writer waiting too. */
	sqlite3_busy_timeout(db->sqlite, 0);
	code = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(db->sqlite, DB_BUSY_MS);
	db_gate_leave(db);
	db_turn_give(db);
	if (code == SQLITE_BUSY)
		return fault_set(
		    why, LATER, "ledger %s: a reader keeps the log from being cut", db->path);
	return code == SQLITE_OK ? DONE : db_failed(db, code, "checkpoint", why);
}

/*
 * Progress of a copy.  A statement that works for minutes says nothing, but it calls back
 * after so many steps.
 */
#define STEPS 100000 /* Some milliseconds of work. */

struct watch {
	db_progress *report; /* NULL: not wanted. */
	void *cookie;
	const char *draft;
	int64_t page_size, pages; /* Of what is copied. */
	int64_t began_ms;
	int64_t seconds; /* What was reported last. */
};

/* The copy grows while it is written. */
static int
report_pages(void *context)
{
	const struct watch *watch = context;
	struct stat file;
	int64_t done;

	if (stat(watch->draft, &file) < 0)
		return 0;
	done = file.st_size / watch->page_size;
	watch->report(watch->cookie, "copying pages", done < watch->pages ? done : watch->pages - 1,
	    watch->pages);
	return 0;
}

/* A check goes to and fro, so that only its time can be reported. */
static int
report_seconds(void *context)
{
	struct watch *watch = context;
	int64_t seconds = (clock_mono_ms() - watch->began_ms) / 1000;

	if (seconds > watch->seconds)
		watch->report(watch->cookie, "verifying the copy, seconds", seconds, 0);
	watch->seconds = seconds;
	return 0;
}

static void
watch_steps(struct db *db, int (*report)(void *), struct watch *watch)
{
	if (watch->report != NULL)
		sqlite3_progress_handler(db->sqlite, STEPS, report, watch);
}

static void
end_watch(struct db *db)
{
	sqlite3_progress_handler(db->sqlite, 0, NULL, NULL);
}

/* Free pages are not copied. */
static enum outcome
measure_all(struct db *db, struct watch *watch, struct fault *why)
{
	int64_t unused = 0;
	enum outcome outcome;

	if ((outcome = db_number(db, &watch->page_size, why, "PRAGMA page_size")) != DONE ||
	    (outcome = db_number(db, &watch->pages, why, "PRAGMA page_count")) != DONE ||
	    (outcome = db_number(db, &unused, why, "PRAGMA freelist_count")) != DONE)
		return outcome;
	watch->pages -= unused;
	return DONE;
}

/* Verify the copy through a handle of its own, and sync it. */
static enum outcome
verify_copy(const char *path, struct watch *watch, struct fault *why)
{
	struct db copy = { .gate = -1 };
	enum outcome outcome;
	int fd;

	copy.path = text_copy(path);
	watch->began_ms = clock_mono_ms();
	if ((outcome = db_open_sqlite(&copy, path, SQLITE_OPEN_READONLY, why)) == DONE) {
		watch_steps(&copy, report_seconds, watch);
		outcome = db_check(&copy, NULL, NULL, why);
	}
	if (watch->report != NULL && watch->seconds > 0)
		watch->report(
		    watch->cookie, "verifying the copy, seconds", watch->seconds, watch->seconds);
	while (copy.count > 0)
		db_query_free(copy.queries[--copy.count]);
	free(copy.queries);
	free(copy.path);
	sqlite3_close(copy.sqlite);
	if (outcome != DONE)
		return outcome;
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) < 0 || fsync(fd) < 0)
		outcome = db_failed_errno(path, "copy", why);
	if (fd >= 0)
		close(fd);
	return outcome;
}

/* Give the copy its name unless that is taken. */
static enum outcome
name_copy(const char *from, const char *to, struct fault *why)
{
	int code;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return DONE;
	code = errno;
	/* Some network file systems cannot look and rename in one step. */
	if (code == EINVAL && access(to, F_OK) < 0 && errno == ENOENT) {
		if (rename(from, to) == 0)
			return DONE;
		code = errno;
	}
	if (code == EEXIST || access(to, F_OK) == 0)
		return fault_set(why, NEVER, "copy %s: the file exists", to);
	errno = code; /* access() has set its own. */
	return db_failed_errno(to, "copy", why);
}

static enum outcome
copy_into(struct db *db, const char *path, struct watch *watch, struct fault *why)
{
	static const char sql[] = "VACUUM INTO $1";
	sqlite3_stmt *statement;
	enum outcome outcome;
	int code;

	if ((code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL)) != SQLITE_OK)
		return db_failed(db, code, sql, why);
	sqlite3_bind_text(statement, 1, watch->draft, -1, SQLITE_STATIC);
	watch_steps(db, report_pages, watch);
	code = sqlite3_step(statement);
	end_watch(db);
	outcome = code == SQLITE_DONE ? DONE : db_failed(db, code, sql, why);
	sqlite3_finalize(statement);
	if (outcome != DONE)
		return outcome;
	if (watch->report != NULL)
		watch->report(watch->cookie, "copying pages", watch->pages, watch->pages);
	if ((outcome = verify_copy(watch->draft, watch, why)) != DONE ||
	    (outcome = name_copy(watch->draft, path, why)) != DONE)
		return outcome;
	return db_sync_directory(path, why);
}

/*
 * VACUUM INTO reads one state of the live file and writes to none of it, so it passes no gate and
 * stops no writer.
 */
enum outcome
db_copy(struct db *db, const char *path, db_progress *report, void *cookie, struct fault *why)
{
	struct watch watch = { .report = report, .cookie = cookie };
	enum outcome outcome;
	char *draft;
	int fd;

	if (access(path, F_OK) == 0)
		return fault_set(why, NEVER, "copy %s: the file exists", path);
	if ((outcome = measure_all(db, &watch, why)) != DONE)
		return outcome;
	draft = text_format("%s.XXXXXX", path);
	/* SQLite accepts an empty file as the target, and this one has mode 0600. */
	if ((fd = mkostemp(draft, O_CLOEXEC)) < 0) {
		outcome = db_failed_errno(draft, "copy", why);
		free(draft);
		return outcome;
	}
	close(fd);
	watch.draft = draft;
	if ((outcome = copy_into(db, path, &watch, why)) != DONE)
		(void)unlink(draft);
	free(draft);
	return outcome;
}
