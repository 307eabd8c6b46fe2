#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * SQLite, opened our way; the files db*.c are the only ones that know it.  What stands here is SQLite's own (pragmas, the
 * gate, syncing, error codes); the statements themselves are in ledger*.c.
 *
 * Durability: the file is in WAL mode with synchronous=NORMAL, so COMMIT itself does not sync.  db_commit() syncs the
 * log before it returns, after it has left the gate, so that one process's sync does not keep the others waiting and the
 * kernel may merge several.  Nobody may tell the outside about a commit before db_commit() returned DONE.  Since a sync
 * covers everything written before it, what another process committed and we read is durable too once db_commit() of a
 * later transaction of ours, or db_sync(), has returned.
 *
 * The gate: an OFD lock on the file "<path>-gate", held from BEGIN IMMEDIATE to COMMIT.  It replaces SQLite's busy loop,
 * under which one of several busy writers starves, and it keeps checkpoints from meeting a commit that begins the log anew:
 * SQLite before 3.51.3 can corrupt a WAL there (https://sqlite.org/wal.html, "WAL reset bug"; see db_checkpoint.c).  Every
 * program that writes the ledger must pass it; the sqlite3 shell does not, so use it for reading only.
 *
 * Not promised: a ledger that survives a disk which fails to sync the database's own file.  The failure is heard of, but
 * what SQLite counts as copied by then may be lost; the backup is for that.
 */
struct db;

/*
 * How long the gate is waited for.  Whoever is inside leaves within milliseconds, on a sick disk within a second or two; who
 * stays for longer has been stopped, or brings an old file's schema up to date.  A webhook must hear of that long before
 * nginx hangs up on it (20 seconds), also when it waits behind another's wait.
 */
#define DB_GATE_MS 5000

#define DB_BUSY_MS 1000 /* How long a writer outside the gate is waited for. */

/*
 * Open, creating the file with mode 0600 (see private.h), and bring its schema up to date: migrations[v] turns user_version
 * v into v + 1, all in one transaction.  application_id marks the file as ours.
 * NEVER: the file is of a newer version or another program's.  BROKEN: disk, permission, corruption, or the gate is not to
 * be had.
 * Open after fork(2) only.
 */
enum outcome db_open(const char *path, int32_t application_id, const char *const migrations[],
    int count, struct db **db, struct fault *why) MUST_USE;

/* The same without creating it.  NEVER: there is none. */
enum outcome db_open_existing(const char *path, int32_t application_id,
    const char *const migrations[], int count, struct db **db, struct fault *why) MUST_USE;

/* Open another program's database for reading; it passes no gate, and nothing is created or changed. */
enum outcome db_open_foreign(const char *path, struct db **db, struct fault *why) MUST_USE;

void db_close(struct db *db); /* NULL is allowed. */

/*
 * A write transaction.  A failure of any of these leaves no transaction open.  When the log cannot be synced, what was
 * committed may be seen but not believed: the handle then refuses every further transaction until it is closed and opened
 * anew.  The gate is waited for, so a process must not begin on one handle while it is inside on another.  Meanwhile a
 * timer sends SIGRTMIN to the thread that waits; the process must neither block nor use it.
 */
enum outcome db_begin(struct db *db, struct fault *why) MUST_USE;
enum outcome db_commit(struct db *db, struct fault *why) MUST_USE;
void db_rollback(struct db *db);
enum outcome db_sync(struct db *db, struct fault *why) MUST_USE;

/*
 * Checkpoints: the commit that finds DB_CHECKPOINT_PAGES more in the log than the last checkpoint has left there has to copy
 * them into the database.  db_commit() does so after its sync, unless its process has said that it will do so later: it must
 * then call db_checkpoint() as soon as nobody waits for it, as nobody else can do it meanwhile.  There is nearly always
 * nothing to do, and that costs nothing.
 */
#define DB_CHECKPOINT_PAGES 1000
void db_checkpoint_later(struct db *db);
void db_checkpoint(struct db *db);

/*
 * Statements.  db_query() prepares the SQL once per connection (keyed by the pointer: give it a string literal) and binds
 * `kinds`, one letter an argument: 'i' int64_t, 't' const char * (NULL binds NULL), 'b' const void * and size_t.  Then
 * db_row() steps: DONE and *more = true with a row, DONE and *more = false at the end, which also resets the statement.
 * Texts of a row live until the next db_row(), db_done() or db_query() of the same SQL.  A statement that is left before
 * its end must be given to db_done() (NULL is allowed): an unfinished reader keeps the log from being checkpointed.
 *
 * Arguments are $1, $2, ... in any order and as often as needed; they are copied.  A statement that writes is refused as
 * BROKEN outside a transaction, as it would pass neither the gate nor the sync.
 * NEVER: the data break a constraint.  BROKEN: everything else; some errors (a full disk) have then already rolled the
 * transaction back, and the caller gives up with db_rollback() in every case.
 */
struct query;
enum outcome db_query(struct db *db, struct query **query, struct fault *why, const char *sql,
    const char *kinds, ...) MUST_USE;
enum outcome db_row(struct query *query, bool *more, struct fault *why) MUST_USE;
void db_done(struct query *query);

int64_t db_int(struct query *query, int column);
const char *db_text(struct query *query, int column); /* NULL for NULL. */
bool db_null(struct query *query, int column);

/* The rowid of the row that the INSERT just run has added; 0 when it added none (ON CONFLICT DO NOTHING).  Cheaper than
 * RETURNING, for which SQLite builds a table. */
int64_t db_added(struct db *db);

/* db_query() and run to the end, for statements whose rows do not matter. */
enum outcome db_run(
    struct db *db, struct fault *why, const char *sql, const char *kinds, ...) MUST_USE;

/* Verify the whole file (slow); problems are handed to `tell` one by one.  NEVER when there was any. */
enum outcome db_check(
    struct db *db, void (*tell)(void *, const char *), void *told, struct fault *why) MUST_USE;

/* Make sure that nothing which was deleted or overwritten is left in the log either.  LATER: somebody reads it just now, or
 * it is somebody else's turn to checkpoint; this is not waited for.  Not inside a transaction. */
enum outcome db_scrub(struct db *db, struct fault *why) MUST_USE;

/*
 * Copy the live file to a new one, verified and synced; nobody is kept from writing meanwhile, and no half of it ever has
 * that name.  NEVER: the name is taken.  Not inside a transaction.
 *
 * `tell` (NULL is allowed) hears now and then how far that is: what is done, how much of it, and of how much; 0 while the
 * latter is not known.  Of what it has heard, it hears the end with both the same.
 */
typedef void db_progress(void *told, const char *what, int64_t done, int64_t total);
enum outcome db_copy(
    struct db *db, const char *path, db_progress *tell, void *told, struct fault *why) MUST_USE;

#endif
