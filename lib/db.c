#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"

#define ARGUMENTS_MAX 48 /* Of one statement; the widest INSERT has about half of that. */
#define SQL_SHOWN     60 /* How much of a statement a fault quotes; the SQL is ours and holds no data. */

static const char begin[] = "BEGIN IMMEDIATE";

struct db {
	sqlite3 *sqlite;
	int gate;    /* -1 while not open. */
	bool inside; /* The gate is held by us. */
	/* A sync failed: the kernel may have forgotten pages that it calls clean.  Only reopening helps. */
	bool distrusted;
	struct query **queries;
	size_t count, capacity;
	char *path;
};

struct query {
	struct db *db;
	const char *sql; /* The key. */
	sqlite3_stmt *statement;
	bool running;
	int arguments;
	/* SQLite's number for our $1, $2, ...: it counts them as they first appear. */
	int places[ARGUMENTS_MAX];
};

/*
 * The one place where SQLite's codes become outcomes.  What the data broke (a constraint, a size) is refused for good and
 * says something about the caller; everything else says that this host cannot keep its ledger: full or failing disk,
 * missing permission, corruption, memory, a foreign writer that blocks, or a mistake in our own SQL.  None of it is LATER:
 * whoever waits for a payment to be recorded must be told now that it was not.
 */
static enum outcome
failed(struct db *db, int code, const char *what, struct fault *why)
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
	return fault_set(
	    why, outcome, "ledger %s: %s (SQLite code %d) at: %.*s", db->path, said, code, SQL_SHOWN, what);
}

static enum outcome
failed_errno(const char *path, const char *what, struct fault *why)
{
	return fault_set(why, BROKEN, "%s %s: %s", what, path, strerror(errno));
}

static enum outcome
execute(struct db *db, const char *sql, struct fault *why)
{
	int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? DONE : failed(db, code, sql, why);
}

/* The gate. */

static int
gate_set(struct db *db, short type)
{
	struct flock wanted = { .l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
	int result;

	while ((result = fcntl(db->gate, F_OFD_SETLKW, &wanted)) < 0 && errno == EINTR)
		continue;
	return result;
}

static enum outcome
gate_enter(struct db *db, struct fault *why)
{
	if (gate_set(db, F_WRLCK) < 0)
		return failed_errno(db->path, "gate of", why);
	db->inside = true;
	return DONE;
}

static void
gate_leave(struct db *db)
{
	if (!db->inside)
		return;
	(void)gate_set(db, F_UNLCK);
	db->inside = false;
}

/* Durability. */

/* A name that was created, renamed or removed is durable only when its directory is. */
static enum outcome
sync_directory(const char *path, struct fault *why)
{
	enum outcome outcome = DONE;
	char *copy;
	int fd;

	if (!(copy = strdup(path)))
		return fault_set(why, BROKEN, "directory of %s: no memory", path);
	if ((fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(fd) < 0)
		outcome = failed_errno(path, "directory of", why);
	if (fd >= 0)
		close(fd);
	free(copy);
	return outcome;
}

/*
 * Sync the log through SQLite's own file object: a second descriptor on the file, once closed, would take SQLite's POSIX
 * locks with it.  After a failure the kernel may report the next sync as a success though pages were lost, so none of
 * this handle's later claims could be believed.
 */
enum outcome
db_sync(struct db *db, struct fault *why)
{
	sqlite3_file *log = NULL;
	int code;

	if (db->distrusted)
		return fault_set(why, BROKEN, "ledger %s: an earlier sync failed; reopen it", db->path);
	code = sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (code != SQLITE_OK)
		return failed(db, code, "journal pointer", why);
	if (!log || !log->pMethods)
		return fault_set(why, BROKEN, "ledger %s: its log is not open", db->path);
	if ((code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL)) != SQLITE_OK) {
		db->distrusted = true;
		return fault_set(
		    why, BROKEN, "ledger %s: the log cannot be synced: %s", db->path, sqlite3_errstr(code));
	}
	return DONE;
}

/* Transactions. */

enum outcome
db_begin(struct db *db, struct fault *why)
{
	enum outcome outcome;

	if (db->distrusted)
		return fault_set(why, BROKEN, "ledger %s: an earlier sync failed; reopen it", db->path);
	if (db->inside)
		return fault_set(why, BROKEN, "ledger %s: a transaction inside a transaction", db->path);
	if ((outcome = gate_enter(db, why)) != DONE)
		return outcome;
	if ((outcome = db_run(db, why, begin, "")) != DONE)
		gate_leave(db);
	return outcome;
}

enum outcome
db_commit(struct db *db, struct fault *why)
{
	enum outcome outcome;

	if (!db->inside)
		return fault_set(why, BROKEN, "ledger %s: nothing to commit", db->path);
	if ((outcome = db_run(db, why, "COMMIT", "")) != DONE) {
		db_rollback(db);
		return outcome;
	}
	gate_leave(db);
	return db_sync(db, why);
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
	gate_leave(db);
}

/* Statements. */

/* Note where each argument goes; DONE only if there are exactly as many as the SQL asks for. */
static enum outcome
place_arguments(struct query *query, int count, struct fault *why)
{
	char name[16];
	int i, place;

	if (count > ARGUMENTS_MAX || count != sqlite3_bind_parameter_count(query->statement))
		return fault_set(why, BROKEN, "%d arguments do not fit: %.*s", count, SQL_SHOWN, query->sql);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "$%d", i + 1);
		place = sqlite3_bind_parameter_index(query->statement, name);
		query->places[i] = place ? place : i + 1;
	}
	query->arguments = count;
	return DONE;
}

static void
query_free(struct query *query)
{
	if (!query)
		return;
	sqlite3_finalize(query->statement);
	free(query);
}

static enum outcome
query_new(struct db *db, const char *sql, int arguments, struct query **query, struct fault *why)
{
	struct query *made;
	enum outcome outcome;
	int code;

	if (!(made = calloc(1, sizeof(*made))))
		return fault_set(why, BROKEN, "ledger %s: no memory", db->path);
	made->db = db;
	made->sql = sql;
	code = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &made->statement, NULL);
	if (code != SQLITE_OK)
		outcome = failed(db, code, sql, why);
	else
		outcome = place_arguments(made, arguments, why);
	if (outcome != DONE) {
		query_free(made);
		return outcome;
	}
	*query = made;
	return DONE;
}

static enum outcome
query_remember(struct db *db, struct query *query, struct fault *why)
{
	size_t capacity = db->capacity ? db->capacity * 2 : 32;
	struct query **grown;

	if (db->count == db->capacity) {
		if (!(grown = realloc(db->queries, capacity * sizeof(*grown))))
			return fault_set(why, BROKEN, "ledger %s: no memory", db->path);
		db->queries = grown;
		db->capacity = capacity;
	}
	db->queries[db->count++] = query;
	return DONE;
}

/* There are a few dozen statements, so looking through them costs less than hashing would. */
static enum outcome
query_find(struct db *db, const char *sql, int arguments, struct query **query, struct fault *why)
{
	struct query *made = NULL;
	enum outcome outcome;
	size_t i;

	for (i = 0; i < db->count; i++) {
		if (db->queries[i]->sql != sql)
			continue;
		if (db->queries[i]->arguments != arguments)
			return fault_set(
			    why, BROKEN, "%d arguments do not fit: %.*s", arguments, SQL_SHOWN, sql);
		*query = db->queries[i];
		return DONE;
	}
	if ((outcome = query_new(db, sql, arguments, &made, why)) != DONE)
		return outcome;
	if ((outcome = query_remember(db, made, why)) != DONE) {
		query_free(made);
		return outcome;
	}
	*query = made;
	return DONE;
}

/* Copies are bound: what the caller gave need not outlive the call. */
static int
bind_one(sqlite3_stmt *statement, int place, char kind, va_list *arguments)
{
	const char *text;
	const void *bytes;

	switch (kind) {
	case 'i':
		return sqlite3_bind_int64(statement, place, va_arg(*arguments, int64_t));
	case 't':
		text = va_arg(*arguments, const char *);
		return sqlite3_bind_text(statement, place, text, -1, SQLITE_TRANSIENT);
	case 'b':
		bytes = va_arg(*arguments, const void *);
		return sqlite3_bind_blob64(
		    statement, place, bytes, va_arg(*arguments, size_t), SQLITE_TRANSIENT);
	default:
		return SQLITE_MISUSE;
	}
}

static enum outcome
query_bind(struct query *query, const char *kinds, va_list *arguments, struct fault *why)
{
	int i, code;

	for (i = 0; i < query->arguments; i++) {
		code = bind_one(query->statement, query->places[i], kinds[i], arguments);
		if (code != SQLITE_OK)
			return failed(query->db, code, query->sql, why);
	}
	return DONE;
}

/*
 * A statement that writes outside a transaction would commit past the gate and unsynced, so it is refused.  That is also
 * what keeps a caller from going on unawares after SQLite rolled the transaction back by itself.
 */
static enum outcome
query_start(struct db *db, struct query **query, struct fault *why, const char *sql, const char *kinds,
    va_list *arguments)
{
	struct query *found = NULL;
	enum outcome outcome;

	if ((outcome = query_find(db, sql, (int)strlen(kinds), &found, why)) != DONE)
		return outcome;
	if (sql != begin && !sqlite3_stmt_readonly(found->statement) && sqlite3_get_autocommit(db->sqlite))
		return fault_set(
		    why, BROKEN, "ledger %s: no transaction is open for: %.*s", db->path, SQL_SHOWN, sql);
	db_done(found);
	if ((outcome = query_bind(found, kinds, arguments, why)) != DONE) {
		db_done(found);
		return outcome;
	}
	found->running = true;
	*query = found;
	return DONE;
}

enum outcome
db_query(struct db *db, struct query **query, struct fault *why, const char *sql, const char *kinds, ...)
{
	enum outcome outcome;
	va_list arguments;

	va_start(arguments, kinds);
	outcome = query_start(db, query, why, sql, kinds, &arguments);
	va_end(arguments);
	return outcome;
}

enum outcome
db_row(struct query *query, bool *more, struct fault *why)
{
	enum outcome outcome = DONE;
	int code = SQLITE_DONE;

	/* Stepping a finished statement would run it a second time. */
	if (query->running && (code = sqlite3_step(query->statement)) == SQLITE_ROW) {
		*more = true;
		return DONE;
	}
	if (code != SQLITE_DONE)
		outcome = failed(query->db, code, query->sql, why);
	else
		*more = false;
	db_done(query);
	return outcome;
}

void
db_done(struct query *query)
{
	if (!query)
		return;
	sqlite3_reset(query->statement);
	sqlite3_clear_bindings(query->statement);
	query->running = false;
}

int64_t
db_int(struct query *query, int column)
{
	return sqlite3_column_int64(query->statement, column);
}

const char *
db_text(struct query *query, int column)
{
	return (const char *)sqlite3_column_text(query->statement, column);
}

bool
db_null(struct query *query, int column)
{
	return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

enum outcome
db_run(struct db *db, struct fault *why, const char *sql, const char *kinds, ...)
{
	struct query *query;
	enum outcome outcome;
	bool more = true;
	va_list arguments;

	va_start(arguments, kinds);
	outcome = query_start(db, &query, why, sql, kinds, &arguments);
	va_end(arguments);
	while (outcome == DONE && more)
		outcome = db_row(query, &more, why);
	return outcome;
}

/* Opening and closing. */

static const char settings[] =
    "PRAGMA synchronous = NORMAL;" /* db_commit() syncs by itself, outside the gate. */
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA wal_autocheckpoint = 1000;"
    "PRAGMA journal_size_limit = 67108864;"; /* 64 MiB: a log swollen by a long reader shrinks again. */

/*
 * Make the file, so that its mode is ours and not SQLite's 0644; the log takes the mode from it.  Only when it is new:
 * closing a descriptor of an existing file would drop the locks that another handle of this process has on it.
 */
static enum outcome
create_file(const char *path, struct fault *why)
{
	int fd;

	if ((fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
		return errno == EEXIST ? DONE : failed_errno(path, "ledger", why);
	close(fd);
	return sync_directory(path, why);
}

static enum outcome
open_gate(struct db *db, struct fault *why)
{
	char *name;

	if (asprintf(&name, "%s-gate", db->path) < 0)
		return fault_set(why, BROKEN, "ledger %s: no memory", db->path);
	if ((db->gate = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0) {
		(void)failed_errno(name, "gate", why);
		free(name);
		return BROKEN;
	}
	free(name);
	return DONE;
}

static enum outcome
open_sqlite(struct db *db, const char *path, int flags, struct fault *why)
{
	int code;

	code = sqlite3_open_v2(path, &db->sqlite, flags | SQLITE_OPEN_EXRESCODE, NULL);
	if (code != SQLITE_OK)
		return failed(db, code, "opening", why);
	sqlite3_busy_timeout(db->sqlite, DB_BUSY_MS);
	code = sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (code != SQLITE_OK)
		return failed(db, code, "defensive mode", why);
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
		return failed(db, code, sql, why);
	if ((code = sqlite3_step(statement)) == SQLITE_ROW)
		*number = sqlite3_column_int64(statement, 0);
	else
		outcome = failed(db, code, sql, why);
	sqlite3_finalize(statement);
	return outcome;
}

/* Whose file is it, and how old?  Nothing may have been written to it before this is known. */
static enum outcome
read_version(struct db *db, int32_t application_id, int count, int64_t *version, struct fault *why)
{
	int64_t id, found, tables;
	enum outcome outcome;

	if ((outcome = read_number(db, "PRAGMA application_id", &id, why)) != DONE ||
	    (outcome = read_number(db, "PRAGMA user_version", &found, why)) != DONE ||
	    (outcome = read_number(db, "SELECT count(*) FROM sqlite_schema", &tables, why)) != DONE)
		return outcome;
	if (id != application_id && !(id == 0 && found == 0 && tables == 0))
		return fault_set(why, NEVER, "ledger %s: the database of another program", db->path);
	if (found > count)
		return fault_set(why, NEVER,
		    "ledger %s: version %" PRId64 ", but this program knows only up to %d", db->path, found,
		    count);
	/* A file that was made and not yet filled has no version, but it must still be marked as ours. */
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
		return failed(db, code, sql, why);
	if ((code = sqlite3_step(statement)) != SQLITE_ROW)
		outcome = failed(db, code, sql, why);
	else if (!(mode = (const char *)sqlite3_column_text(statement, 0)) || strcmp(mode, "wal") != 0)
		outcome =
		    fault_set(why, BROKEN, "ledger %s: write-ahead logging is not possible there", db->path);
	sqlite3_finalize(statement);
	return outcome;
}

/* Take the steps from `version` on and write down how far that got, inside the transaction that is open. */
static enum outcome
take_steps(struct db *db, int32_t application_id, const char *const migrations[], int count, int64_t version,
    struct fault *why)
{
	enum outcome outcome = DONE;
	char stamp[96];

	for (version = version < 0 ? 0 : version; outcome == DONE && version < count; version++)
		outcome = execute(db, migrations[version], why);
	if (outcome != DONE)
		return outcome;
	snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %" PRId32 "; PRAGMA user_version = %d",
	    application_id, count);
	return execute(db, stamp, why);
}

/*
 * Bring the schema up to date; called inside the gate, so that of several processes that start at once the first does it
 * and the others find it done.
 */
static enum outcome
migrate(struct db *db, int32_t application_id, const char *const migrations[], int count, struct fault *why)
{
	int64_t version = -1;
	enum outcome outcome;

	if ((outcome = read_version(db, application_id, count, &version, why)) != DONE)
		return outcome;
	if ((outcome = use_wal(db, why)) != DONE || (outcome = execute(db, settings, why)) != DONE)
		return outcome;
	/* The log is opened by the first read in the new mode; db_sync() needs it. */
	if ((outcome = read_number(db, "SELECT count(*) FROM sqlite_schema", &(int64_t){ 0 }, why)) != DONE)
		return outcome;
	if (version == count)
		return DONE;
	if ((outcome = execute(db, begin, why)) != DONE)
		return outcome;
	if ((outcome = take_steps(db, application_id, migrations, count, version, why)) == DONE)
		outcome = execute(db, "COMMIT", why);
	if (outcome == DONE)
		return db_sync(db, why);
	if (!sqlite3_get_autocommit(db->sqlite))
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	return outcome;
}

enum outcome
db_open(const char *path, int32_t application_id, const char *const migrations[], int count, struct db **db,
    struct fault *why)
{
	struct db *opened;
	enum outcome outcome;

	if (!(opened = calloc(1, sizeof(*opened))))
		return fault_set(why, BROKEN, "ledger %s: no memory", path);
	opened->gate = -1;
	if (!(opened->path = strdup(path)))
		outcome = fault_set(why, BROKEN, "ledger %s: no memory", path);
	else if ((outcome = open_gate(opened, why)) == DONE && (outcome = gate_enter(opened, why)) == DONE) {
		if ((outcome = create_file(path, why)) == DONE &&
		    (outcome = open_sqlite(opened, path, SQLITE_OPEN_READWRITE, why)) == DONE)
			outcome = migrate(opened, application_id, migrations, count, why);
		gate_leave(opened);
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

/*
 * The last one to close checkpoints the log, which must not meet another's commit: so this too happens inside the gate.
 * Where the gate cannot be had, or the log cannot be trusted, the log is left for the next to open, who will verify it.
 */
void
db_close(struct db *db)
{
	bool checkpoint;
	size_t i;

	if (!db)
		return;
	db_rollback(db);
	for (i = 0; i < db->count; i++)
		query_free(db->queries[i]);
	free(db->queries);
	checkpoint = db->gate >= 0 && !db->distrusted && gate_set(db, F_WRLCK) == 0;
	if (db->sqlite && !checkpoint)
		sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(db->sqlite);
	if (db->gate >= 0)
		close(db->gate);
	free(db->path);
	free(db);
}

/* Looking after the file. */

/* Run a check whose rows are problems, except for a single "ok". */
static enum outcome
check_with(struct db *db, const char *sql, void (*tell)(void *, const char *), void *told, int *problems,
    struct fault *why)
{
	struct query *query;
	enum outcome outcome;
	const char *text;
	bool more;

	if ((outcome = db_query(db, &query, why, sql, "")) != DONE)
		return outcome;
	while ((outcome = db_row(query, &more, why)) == DONE && more) {
		if (!(text = db_text(query, 0)) || strcmp(text, "ok") == 0)
			continue;
		(*problems)++;
		if (tell)
			tell(told, text);
	}
	return outcome;
}

enum outcome
db_check(struct db *db, void (*tell)(void *, const char *), void *told, struct fault *why)
{
	enum outcome outcome;
	int problems = 0;

	if ((outcome = check_with(db, "PRAGMA integrity_check", tell, told, &problems, why)) != DONE)
		return outcome;
	outcome = check_with(db,
	    "SELECT printf('row %s of %s refers to a missing row of %s', rowid, \"table\", parent) "
	    "FROM pragma_foreign_key_check",
	    tell, told, &problems, why);
	if (outcome == DONE && problems > 0)
		return fault_set(why, NEVER, "ledger %s: %d problems found", db->path, problems);
	return outcome;
}

/* Verify the copy through a handle of its own, and sync it. */
static enum outcome
verify_copy(const char *path, struct fault *why)
{
	struct db copy = { .gate = -1 };
	enum outcome outcome;
	int fd;

	if (!(copy.path = strdup(path)))
		return fault_set(why, BROKEN, "copy %s: no memory", path);
	if ((outcome = open_sqlite(&copy, path, SQLITE_OPEN_READONLY, why)) == DONE)
		outcome = db_check(&copy, NULL, NULL, why);
	while (copy.count > 0)
		query_free(copy.queries[--copy.count]);
	free(copy.queries);
	free(copy.path);
	sqlite3_close(copy.sqlite);
	if (outcome != DONE)
		return outcome;
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) < 0 || fsync(fd) < 0)
		outcome = failed_errno(path, "copy", why);
	if (fd >= 0)
		close(fd);
	return outcome;
}

/* Give the copy its name unless that is taken.  Some network file systems cannot do both in one step. */
static enum outcome
name_copy(const char *from, const char *to, struct fault *why)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return DONE;
	if (errno == EINVAL && access(to, F_OK) < 0 && errno == ENOENT && rename(from, to) == 0)
		return DONE;
	if (errno == EEXIST || access(to, F_OK) == 0)
		return fault_set(why, NEVER, "copy %s: the file exists", to);
	return failed_errno(to, "copy", why);
}

static enum outcome
copy_into(struct db *db, const char *draft, const char *path, struct fault *why)
{
	static const char sql[] = "VACUUM INTO $1";
	sqlite3_stmt *statement;
	enum outcome outcome;
	int code;

	if ((code = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL)) != SQLITE_OK)
		return failed(db, code, sql, why);
	sqlite3_bind_text(statement, 1, draft, -1, SQLITE_STATIC);
	code = sqlite3_step(statement);
	outcome = code == SQLITE_DONE ? DONE : failed(db, code, sql, why);
	sqlite3_finalize(statement);
	if (outcome != DONE || (outcome = verify_copy(draft, why)) != DONE ||
	    (outcome = name_copy(draft, path, why)) != DONE)
		return outcome;
	return sync_directory(path, why);
}

/* VACUUM INTO reads one state of the live file and writes to none of it, so it passes no gate and stops nobody. */
enum outcome
db_copy(struct db *db, const char *path, struct fault *why)
{
	enum outcome outcome;
	char *draft;
	int fd;

	if (access(path, F_OK) == 0)
		return fault_set(why, NEVER, "copy %s: the file exists", path);
	if (asprintf(&draft, "%s.XXXXXX", path) < 0)
		return fault_set(why, BROKEN, "copy %s: no memory", path);
	/* SQLite accepts an empty file as the target, and this one has mode 0600. */
	if ((fd = mkostemp(draft, O_CLOEXEC)) < 0) {
		outcome = failed_errno(draft, "copy", why);
		free(draft);
		return outcome;
	}
	close(fd);
	if ((outcome = copy_into(db, draft, path, why)) != DONE)
		(void)unlink(draft);
	free(draft);
	return outcome;
}
