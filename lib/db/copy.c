/*
 * Looking after the ledger's file: checking, scrubbing and copying it while it is in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
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
	int draft;                /* The copy's file. */
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

	if (fstat(watch->draft, &file) < 0)
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

/*
 * The draft has no name if that is possible, so that it goes with its process, whenever that dies:
 * what is in it is personal.  SQLite opens by name only; so while a copy is made some of its system calls are
 * replaced.  They know the draft by a name that no file bears, and its journal by what begins so.
 */
static struct {
	const char *name; /* NULL: no copy is being made. */
	int fd;
	int (*open)(const char *, int, int);
	int (*stat)(const char *, struct stat *);
	int (*unlink)(const char *);
} draft;

/* What follows the draft's name in this one; NULL: it is of another file. */
static const char *
after_draft(const char *name)
{
	size_t length = strlen(draft.name);

	return strncmp(name, draft.name, length) == 0 ? name + length : NULL;
}

static int
open_unnamed(const char *beside)
{
	char *copy = text_copy(beside);
	int fd = open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	free(copy);
	return fd;
}

static int
draft_open(const char *name, int flags, int mode)
{
	const char *rest = after_draft(name);

	if (rest == NULL)
		return draft.open(name, flags, mode);
	return rest[0] == '\0' ? fcntl(draft.fd, F_DUPFD_CLOEXEC, 3) : open_unnamed(name);
}

static int
draft_stat(const char *name, struct stat *file)
{
	const char *rest = after_draft(name);

	return rest != NULL && rest[0] == '\0' ? fstat(draft.fd, file) : draft.stat(name, file);
}

static int
draft_unlink(const char *name)
{
	return after_draft(name) != NULL ? 0 : draft.unlink(name);
}

static sqlite3_syscall_ptr
replace(const char *call, sqlite3_syscall_ptr by)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	sqlite3_syscall_ptr before = vfs->xGetSystemCall(vfs, call);

	vfs->xSetSystemCall(vfs, call, by);
	return before;
}

static void
begin_draft(const char *name, int fd)
{
	draft.name = name;
	draft.fd = fd;
	draft.open =
	    (int (*)(const char *, int, int))replace("open", (sqlite3_syscall_ptr)draft_open);
	draft.stat =
	    (int (*)(const char *, struct stat *))replace("stat", (sqlite3_syscall_ptr)draft_stat);
	draft.unlink = (int (*)(const char *))replace("unlink", (sqlite3_syscall_ptr)draft_unlink);
}

static void
end_draft(void)
{
	(void)replace("open", (sqlite3_syscall_ptr)draft.open);
	(void)replace("stat", (sqlite3_syscall_ptr)draft.stat);
	(void)replace("unlink", (sqlite3_syscall_ptr)draft.unlink);
	draft.name = NULL;
}

/* Verify the copy through a handle of its own, and sync it. */
static enum outcome
verify_copy(const char *name, struct watch *watch, struct fault *why)
{
	struct db copy = { .gate = -1 };
	enum outcome outcome;

	copy.path = text_copy(name);
	watch->began_ms = clock_mono_ms();
	if ((outcome = db_open_sqlite(&copy, name, SQLITE_OPEN_READONLY, why)) == DONE) {
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
	if (outcome == DONE && fsync(watch->draft) < 0)
		outcome = db_failed_errno(name, "copy", why);
	return outcome;
}

static bool
give_name(int fd, const char *draft_name, const char *path)
{
	char link[32];

	if (draft_name != NULL)
		return renameat2(AT_FDCWD, draft_name, AT_FDCWD, path, RENAME_NOREPLACE) == 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
}

/* Give the copy its name unless that is taken. */
static enum outcome
name_copy(int fd, const char *draft_name, const char *path, struct fault *why)
{
	int code;

	if (give_name(fd, draft_name, path))
		return DONE;
	code = errno;
	/* Some network file systems cannot look and rename in one step. */
	if (code == EINVAL && draft_name != NULL && access(path, F_OK) < 0 && errno == ENOENT) {
		if (rename(draft_name, path) == 0)
			return DONE;
		code = errno;
	}
	if (code == EEXIST || access(path, F_OK) == 0)
		return fault_set(why, NEVER, "copy %s: the file exists", path);
	errno = code; /* access() has set its own. */
	return db_failed_errno(path, "copy", why);
}

static enum outcome
write_copy(struct db *db, const char *name, struct watch *watch, struct fault *why)
{
	static const char sql[] = "VACUUM INTO $1";
	sqlite3_stmt *statement;
	enum outcome outcome;
	int code;

	if ((code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL)) != SQLITE_OK)
		return db_failed(db, code, sql, why);
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	watch_steps(db, report_pages, watch);
	code = sqlite3_step(statement);
	end_watch(db);
	outcome = code == SQLITE_DONE ? DONE : db_failed(db, code, sql, why);
	sqlite3_finalize(statement);
	if (outcome != DONE)
		return outcome;
	if (watch->report != NULL)
		watch->report(watch->cookie, "copying pages", watch->pages, watch->pages);
	return verify_copy(name, watch, why);
}

/* Some file systems have no files without a name: there *name becomes one to be removed. */
static int
make_draft(const char *path, char **name)
{
	int fd = open_unnamed(path);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	*name = text_format("%s.XXXXXX", path);
	return mkostemp(*name, O_CLOEXEC);
}

/*
 * VACUUM INTO reads one state of the live file and writes to none of it, so it passes no gate and
 * stops no writer.
 */
static enum outcome
copy_into(
    struct db *db, const char *path, struct watch *watch, const char *draft_name, struct fault *why)
{
	char *unnamed = text_format("%s.draft", path);
	enum outcome outcome;

	if (draft_name == NULL)
		begin_draft(unnamed, watch->draft);
	outcome = write_copy(db, draft_name != NULL ? draft_name : unnamed, watch, why);
	if (draft_name == NULL)
		end_draft();
	free(unnamed);
	if (outcome != DONE || (outcome = name_copy(watch->draft, draft_name, path, why)) != DONE)
		return outcome;
	return db_sync_directory(path, why);
}

enum outcome
db_copy(struct db *db, const char *path, db_progress *report, void *cookie, struct fault *why)
{
	struct watch watch = { .report = report, .cookie = cookie };
	char *draft_name = NULL;
	enum outcome outcome;

	if (access(path, F_OK) == 0)
		return fault_set(why, NEVER, "copy %s: the file exists", path);
	if ((outcome = measure_all(db, &watch, why)) != DONE)
		return outcome;
	watch.draft = make_draft(path, &draft_name);
	outcome = watch.draft < 0 ? db_failed_errno(path, "copy", why)
				  : copy_into(db, path, &watch, draft_name, why);
	if (outcome != DONE && draft_name != NULL)
		(void)unlink(draft_name);
	if (watch.draft >= 0)
		close(watch.draft);
	free(draft_name);
	return outcome;
}
