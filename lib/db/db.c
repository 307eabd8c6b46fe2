/*
 * SQLite's handle: transactions, durability, and what its codes mean.  The gate is in db_gate.c, checkpoints are in
 * db_checkpoint.c, statements in db_query.c, opening and the schema in db_open.c, checking, scrubbing and copying in db_copy.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "db/db.h"
#include "db/internal.h"

const char db_begin_sql[] = "BEGIN IMMEDIATE";

/*
 * The one place where SQLite's codes become outcomes.  What the data broke (a constraint, a size) is refused for good and
 * says something about the caller; everything else says that this host cannot keep its ledger: full or failing disk,
 * missing permission, corruption, memory, a foreign writer that blocks, or a mistake in our own SQL.  None of it is LATER:
 * whoever waits for a payment to be recorded must be told now that it was not.
 */
enum outcome
db_failed(struct db *db, int code, const char *what, struct fault *why)
{
	const char *said = db->sqlite && sqlite3_extended_errcode(db->sqlite) == code
	    ? sqlite3_errmsg(db->sqlite)
	    : sqlite3_errstr(code);
	enum outcome outcome;

	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
		outcome = NEVER;
		break;
	default:
		outcome = BROKEN;
	}
	return fault_set(why, outcome, "ledger %s: %s (SQLite code %d) at: %.*s", db->path, said,
	    code, SQL_SHOWN, what);
}

enum outcome
db_failed_errno(const char *path, const char *what, struct fault *why)
{
	return fault_set(why, BROKEN, "%s %s: %s", what, path, strerror(errno));
}

enum outcome
db_execute(struct db *db, const char *sql, struct fault *why)
{
	int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? DONE : db_failed(db, code, sql, why);
}

/* Durability. */

/*
 * Through SQLite's own file object: a second descriptor on the file, once closed, would take SQLite's POSIX locks with it.
 */
int
db_sync_file(struct db *db, int pointer_code)
{
	sqlite3_file *file = NULL;
	int code = sqlite3_file_control(db->sqlite, "main", pointer_code, &file);

	if (code != SQLITE_OK)
		return code;
	return file && file->pMethods ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL)
				      : SQLITE_CANTOPEN;
}

/*
 * After a failure the kernel may report the next sync as a success though pages were lost, so none of this handle's later
 * claims could be believed.
 */
enum outcome
db_sync(struct db *db, struct fault *why)
{
	int code;

	if (db->distrusted)
		return fault_set(
		    why, BROKEN, "ledger %s: an earlier sync failed; reopen it", db->path);
	if ((code = db_sync_file(db, SQLITE_FCNTL_JOURNAL_POINTER)) != SQLITE_OK) {
		db->distrusted = true;
		return fault_set(why, BROKEN, "ledger %s: the log cannot be synced: %s", db->path,
		    sqlite3_errstr(code));
	}
	return DONE;
}

enum outcome
db_sync_directory(const char *path, struct fault *why)
{
	enum outcome outcome = DONE;
	char *copy = text_copy(path);
	int fd;

	if ((fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(fd) < 0)
		outcome = db_failed_errno(path, "directory of", why);
	if (fd >= 0)
		close(fd);
	free(copy);
	return outcome;
}

/* Transactions. */

enum outcome
db_begin(struct db *db, struct fault *why)
{
	enum outcome outcome;
	int moved = 0;

	if (db->distrusted)
		return fault_set(
		    why, BROKEN, "ledger %s: an earlier sync failed; reopen it", db->path);
	/* What is written into a file that somebody moved away or replaced is promised and then lost. */
	sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved)
		return fault_set(
		    why, BROKEN, "ledger %s: the file was moved or removed; reopen it", db->path);
	if (db->inside)
		return fault_set(
		    why, BROKEN, "ledger %s: a transaction inside a transaction", db->path);
	if ((outcome = db_gate_enter(db, why)) != DONE)
		return outcome;
	if ((outcome = db_run(db, why, db_begin_sql, "")) != DONE)
		db_gate_leave(db);
	return outcome;
}

enum outcome
db_commit(struct db *db, struct fault *why)
{
	enum outcome outcome;

	if (!db->inside)
		return fault_set(why, BROKEN, "ledger %s: nothing to commit", db->path);
	db->log_pages = 0;
	if ((outcome = db_run(db, why, "COMMIT", "")) != DONE) {
		db_rollback(db);
		return outcome;
	}
	db_checkpoint_claim(db);
	db_gate_leave(db);
	/* Whoever is not believed any more gives the turn back at once. */
	if ((outcome = db_sync(db, why)) != DONE || !db->later)
		db_checkpoint(db);
	return outcome;
}

void
db_rollback(struct db *db)
{
	struct fault ignored;

	if (!db->inside)
		return;
	/* After some errors (disk full, out of memory) SQLite has already rolled back by itself. */
	if (!sqlite3_get_autocommit(db->sqlite) && db_run(db, &ignored, "ROLLBACK", "") != DONE)
		db->distrusted = true;
	db_gate_leave(db);
}
