#ifndef DB_DB_H
#define DB_DB_H

#include "base/fault.h"
#include "db/query.h"

/*
 * SQLite, opened our way; the files db*.c are the only ones that know it.  What stands here is
 * SQLite's own (pragmas, the gate, syncing, error codes); the statements themselves are in
 * ledger*.c.
 *
 * Durability: the file is in WAL mode with synchronous=NORMAL, so COMMIT itself does not sync.
 * db_commit() syncs the log before it returns, after it has left the gate, so that one process's
 * sync does not keep the others waiting and the kernel may merge several.  No process may tell the
 * outside about a commit before db_commit() returned DONE.  Since a sync covers everything written
 * before it, what another process committed and we read is durable too once db_commit() of a later
 * transaction of ours, or db_sync(), has returned.
 *
 * The gate: an OFD lock on the file "<path>-gate", held from BEGIN IMMEDIATE to COMMIT.  It
 * replaces SQLite's busy loop, under which one of several busy writers starves, and it keeps
 * checkpoints from meeting a commit that begins the log anew: SQLite before 3.51.3 can corrupt a
 * WAL there (https://sqlite.org/wal.html, "WAL reset bug"; see checkpoint.c).  Every program that
 * writes the ledger must pass it; the sqlite3 shell does not, so use it for reading only.
 *
 * Not promised: a ledger that survives a disk which fails to sync the database's own file.  The
 * failure is heard of, but what SQLite counts as copied by then may be lost; the backup is for
 * that.
 */
struct db;

/*
 * A write transaction.  A failure of any of these leaves no transaction open.  When the log cannot
 * be synced, what was committed may be seen but not believed: the handle then refuses every further
 * transaction until it is closed and opened anew.  The gate is waited for, so a process must not
 * begin on one handle while it is inside on another.  Meanwhile a timer sends SIGRTMIN to the
 * thread that waits; the process must neither block nor use it.
 */
enum outcome db_begin(struct db *db, struct fault *why) MUST_USE;
enum outcome db_commit(struct db *db, struct fault *why) MUST_USE;
void db_rollback(struct db *db);

/* End a transaction as its statements went: commit after DONE, else take everything back. */
enum outcome db_end(struct db *db, enum outcome outcome, struct fault *why) MUST_USE;

/* A transaction of one statement, given as to db_run(). */
#define db_write(db, why, ...) db_write_values(db, why, DB_STATEMENT(__VA_ARGS__))
enum outcome db_write_values(
    struct db *db, struct fault *why, const char *sql, const struct db_value *values) MUST_USE;

#endif
