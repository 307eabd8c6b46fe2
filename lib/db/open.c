/*
 * Opening the ledger's file, bringing its schema up to date, and closing it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/private_file.h"
#include "base/text.h"
#include "db/checkpoint.h"
#include "db/db.h"
#include "db/error.h"
#include "db/gate.h"
#include "db/handle.h"
#include "db/marker.h"
#include "db/open.h"
#include "db/query.h"
#include "db/sync.h"

static const char settings[] =
    "PRAGMA synchronous = NORMAL;" /* db_commit() syncs by itself, outside the gate. */
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA secure_delete = ON;" /* What is purged is overwritten. */
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA journal_size_limit = 67108864;"; /* 64 MiB: a log swollen by a long reader shrinks again. */

/*
 * Make the file, so that its mode is ours and not SQLite's 0644; the log takes the mode from it.
 * Only when it is new: closing a descriptor of an existing file would drop the locks that another
 * handle of this process has on it.
 */
static enum outcome
create_file(const char *path, struct fault *why)
{
	int fd;

	if ((fd = private_file_open(path, O_EXCL)) < 0)
		return errno == EEXIST ? DONE : db_failed_errno(path, "ledger", why);
	close(fd);
	return db_sync_directory(path, why);
}

static sqlite3_mem_methods sqlite_memory; /* SQLite's own functions. */

static void *
sqlite_allocate(int size)
{
	void *memory = sqlite_memory.xMalloc(size);

	return memory != NULL ? memory : (memory_exhausted(), NULL);
}

static void *
sqlite_resize(void *old, int size)
{
	void *memory = sqlite_memory.xRealloc(old, size);

	return memory != NULL ? memory : (memory_exhausted(), NULL);
}

/*
 * Once in a process, before SQLite's first allocation.  No thread but one ever comes here, so
 * SQLite need not lock each allocation, nor count it; and one that fails aborts, as everywhere
 * (base/memory.h).
 */
static void
set_up_sqlite(void)
{
	sqlite3_mem_methods checked;

	if (sqlite_memory.xMalloc != NULL)
		return;
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory);
	checked = sqlite_memory;
	checked.xMalloc = sqlite_allocate;
	checked.xRealloc = sqlite_resize;
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &checked);
}

enum outcome
db_open_sqlite(struct db *db, const char *path, int flags, struct fault *why)
{
	int code;

	set_up_sqlite();
	code = sqlite3_open_v2(path, &db->sqlite, flags | SQLITE_OPEN_EXRESCODE, NULL);
	if (code != SQLITE_OK)
		return db_failed(db, code, "opening", why);
	sqlite3_busy_timeout(db->sqlite, DB_BUSY_MS);
	code = sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (code != SQLITE_OK)
		return db_failed(db, code, "defensive mode", why);
	return DONE;
}

/* Read the one number that a statement yields, without leaving anything in the cache. */
static enum outcome
read_number(struct db *db, const char *sql, int64_t *number, struct fault *why)
{
	sqlite3_stmt *statement;
	enum outcome outcome = DONE;
	int code;

	if ((code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL)) != SQLITE_OK)
		return db_failed(db, code, sql, why);
	if ((code = sqlite3_step(statement)) == SQLITE_ROW)
		*number = sqlite3_column_int64(statement, 0);
	else
		outcome = db_failed(db, code, sql, why);
	sqlite3_finalize(statement);
	return outcome;
}

/* Whose file is it, and how old?  Nothing may have been written to it before this is known. */
static enum outcome
read_version(struct db *db, int32_t application_id, int count, int64_t *version, struct fault *why)
{
	int64_t id = 0, found = 0, tables = 0;
	enum outcome outcome;

	if ((outcome = read_number(db, "PRAGMA application_id", &id, why)) != DONE ||
	    (outcome = read_number(db, "PRAGMA user_version", &found, why)) != DONE ||
	    (outcome = read_number(db, "SELECT count(*) FROM sqlite_schema", &tables, why)) != DONE)
		return outcome;
	if (id != application_id && !(id == 0 && found == 0 && tables == 0))
		return fault_set(
		    why, NEVER, "ledger %s: the database of another program", db->path);
	if (found > count)
		return fault_set(why, NEVER,
		    "ledger %s: version %" PRId64 ", but this program knows only up to %d",
		    db->path, found, count);
	/*
	 * A file that was made and not yet filled has no version, but it must still be marked as
	 * ours.
	 */
	*version = id == application_id ? found : -1;
	return DONE;
}

static enum outcome
use_wal(struct db *db, struct fault *why)
{
	static const char sql[] = "PRAGMA journal_mode = WAL";
	sqlite3_stmt *statement;
	enum outcome outcome = DONE;
	const char *mode;
	int code;

	if ((code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL)) != SQLITE_OK)
		return db_failed(db, code, sql, why);
	if ((code = sqlite3_step(statement)) != SQLITE_ROW)
		outcome = db_failed(db, code, sql, why);
	else if (!(mode = (const char *)sqlite3_column_text(statement, 0)) ||
	    strcmp(mode, "wal") != 0)
		outcome = fault_set(
		    why, BROKEN, "ledger %s: write-ahead logging is not possible there", db->path);
	sqlite3_finalize(statement);
	return outcome;
}

/*
 * Take the steps from `version` on and write down how far that got, inside the transaction that is
 * open.
 */
static enum outcome
take_steps(struct db *db, int32_t application_id, const char *const migrations[], int count,
    int64_t version, struct fault *why)
{
	enum outcome outcome = DONE;
	char stamp[96];

	for (version = version < 0 ? 0 : version; outcome == DONE && version < count; version++)
		outcome = db_execute(db, migrations[version], why);
	if (outcome != DONE)
		return outcome;
	snprintf(stamp, sizeof(stamp),
	    "PRAGMA application_id = %" PRId32 "; PRAGMA user_version = %d", application_id, count);
	return db_execute(db, stamp, why);
}

/*
 * Bring the schema up to date; called inside the gate, so that of several processes that start at
 * once the first does it and the others find it done.
 */
static enum outcome
migrate(struct db *db, int32_t application_id, const char *const migrations[], int count,
    struct fault *why)
{
	int64_t version = -1;
	enum outcome outcome;

	if ((outcome = read_version(db, application_id, count, &version, why)) != DONE)
		return outcome;
	if ((outcome = use_wal(db, why)) != DONE ||
	    (outcome = db_execute(db, settings, why)) != DONE)
		return outcome;
	db_checkpoint_watch(db);
	/* The log is opened by the first read in the new mode; db_sync() needs it. */
	if ((outcome = read_number(
		 db, "SELECT count(*) FROM sqlite_schema", &(int64_t){ 0 }, why)) != DONE)
		return outcome;
	if (version == count)
		return DONE;
	if ((outcome = db_execute(db, db_begin_sql, why)) != DONE)
		return outcome;
	if ((outcome = take_steps(db, application_id, migrations, count, version, why)) == DONE)
		outcome = db_execute(db, "COMMIT", why);
	if (outcome == DONE)
		return db_sync(db, why);
	if (!sqlite3_get_autocommit(db->sqlite))
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	return outcome;
}

static struct db *
new_handle(const char *path)
{
	struct db *opened = memory_zeroed(1, sizeof(*opened));

	opened->path = text_copy(path);
	opened->gate = -1;
	return opened;
}

static enum outcome
open_database(struct db *db, bool create, int32_t application_id, const char *const migrations[],
    int count, struct fault *why)
{
	enum outcome outcome;

	if ((outcome = db_marker_check(db, create, why)) != DONE ||
	    (create && (outcome = create_file(db->path, why)) != DONE) ||
	    (outcome = db_open_sqlite(db, db->path, SQLITE_OPEN_READWRITE, why)) != DONE ||
	    (outcome = migrate(db, application_id, migrations, count, why)) != DONE)
		return outcome;
	return db_marker_write(db, why);
}

static enum outcome
open_inside(const char *path, bool create, int32_t application_id, const char *const migrations[],
    int count, struct db **db, struct fault *why)
{
	struct db *opened = new_handle(path);
	enum outcome outcome;

	if ((outcome = db_gate_open(opened, why)) == DONE &&
	    (outcome = db_gate_enter(opened, why)) == DONE) {
		outcome = open_database(opened, create, application_id, migrations, count, why);
		db_gate_leave(opened);
	}
	if (outcome != DONE) {
		/* Whatever this is, closing it must not write to it. */
		opened->distrusted = true;
		db_close(opened);
		return outcome;
	}
	*db = opened;
	return DONE;
}

enum outcome
db_open(const char *path, int32_t application_id, const char *const migrations[], int count,
    struct db **db, struct fault *why)
{
	return open_inside(path, true, application_id, migrations, count, db, why);
}

/* Opening a gate makes one, which is for a ledger or what is left of it. */
enum outcome
db_open_existing(const char *path, int32_t application_id, const char *const migrations[],
    int count, struct db **db, struct fault *why)
{
	static const char *const endings[] = { "", "-gate", "-wal" };
	bool traces = false;
	size_t i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]) && !traces; i++) {
		char *name = text_format("%s%s", path, endings[i]);

		traces = access(name, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
		free(name);
	}
	if (!traces)
		return fault_set(why, NEVER, "ledger %s: there is none", path);
	return open_inside(path, false, application_id, migrations, count, db, why);
}

enum outcome
db_open_foreign(const char *path, struct db **db, struct fault *why)
{
	struct db *opened = new_handle(path);
	enum outcome outcome;
	int64_t tables;

	if ((outcome = db_open_sqlite(opened, path, SQLITE_OPEN_READONLY, why)) == DONE &&
	    (outcome = db_execute(opened, "PRAGMA trusted_schema = OFF", why)) == DONE)
		outcome = read_number(opened, "SELECT count(*) FROM sqlite_schema", &tables, why);
	if (outcome == DONE)
		*db = opened;
	else
		db_close(opened);
	return outcome;
}

/*
 * The last one to close checkpoints the log, which must not meet another's commit: so this too
 * happens inside the gate. Where the gate cannot be had, or the log cannot be trusted, the log is
 * left for the next to open, who will verify it. A process that has just waited for the gate in
 * vain does not wait again: a sender waits for its answer.
 */
void
db_close(struct db *db)
{
	struct fault why;
	bool checkpoint;
	size_t i;

	if (!db)
		return;
	db_rollback(db);
	for (i = 0; i < db->count; i++)
		db_query_free(db->queries[i]);
	free(db->queries);
	checkpoint =
	    db->gate >= 0 && !db->distrusted && !db->shut_out && db_gate_enter(db, &why) == DONE;
	if (db->sqlite && !checkpoint)
		sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(db->sqlite);
	db_gate_close(db);
	free(db->path);
	free(db);
}
