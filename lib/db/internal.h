#ifndef DB_INTERNAL_H
#define DB_INTERNAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/fault.h"

/* What the files that know SQLite share; nobody else includes this. */

#define SQL_SHOWN                                                                                  \
	60 /* How much of a statement a fault quotes; the SQL is ours and holds no data. */

struct query;

struct db {
	sqlite3 *sqlite;
	int gate;      /* -1 while not open. */
	bool inside;   /* The gate is held by us. */
	bool shut_out; /* It was not to be had the last time. */
	bool timed;    /* The timer has been made. */
	timer_t timer; /* Ends a wait for the gate. */
	/* A sync failed: the kernel may have forgotten pages that it calls clean.  Only reopening helps. */
	bool distrusted;
	bool later;    /* The owner calls db_checkpoint() itself. */
	bool turn;     /* It is this handle that checkpoints. */
	int log_pages; /* How long the log was after the last commit; 0 when that changed nothing. */
	int left_pages; /* How long the last checkpoint has left it; 0 when all of it is in the database. */
	struct query **queries;
	size_t count, capacity;
	char *path;
};

/* "BEGIN IMMEDIATE": the one statement that may write outside a transaction, known by its address. */
extern const char db_begin_sql[];

/* What a code of SQLite's, or errno, means; `what` is the statement or the deed. */
enum outcome db_failed(struct db *db, int code, const char *what, struct fault *why);
enum outcome db_failed_errno(const char *path, const char *what, struct fault *why);

/* Run statements that yield nothing, outside the cache. */
enum outcome db_execute(struct db *db, const char *sql, struct fault *why) MUST_USE;

/* BROKEN: somebody has kept it for DB_GATE_MS.  Leaving without being inside is allowed. */
enum outcome db_gate_enter(struct db *db, struct fault *why) MUST_USE;
void db_gate_leave(struct db *db);
enum outcome db_gate_open(struct db *db, struct fault *why) MUST_USE;
void db_gate_close(struct db *db); /* One that was never opened, too. */

/* Who checkpoints: one at a time, see db_checkpoint.c.  False: errno tells why, EAGAIN or EACCES that somebody else does. */
bool db_turn_take(struct db *db) MUST_USE;
void db_turn_give(struct db *db);

void db_checkpoint_watch(struct db *db);
void db_checkpoint_claim(struct db *db); /* Inside the gate, after a commit. */

/* Sync one of SQLite's files, by the code that sqlite3_file_control() knows it by.  SQLite's code. */
int db_sync_file(struct db *db, int pointer_code) MUST_USE;

/* A name that was created, renamed or removed is durable only when its directory is. */
enum outcome db_sync_directory(const char *path, struct fault *why) MUST_USE;

/* Open SQLite's handle with what must be said before anything else. */
enum outcome db_open_sqlite(struct db *db, const char *path, int flags, struct fault *why) MUST_USE;

void db_query_free(struct query *query); /* NULL is allowed. */

#endif
