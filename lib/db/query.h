#ifndef DB_QUERY_H
#define DB_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct db;

/*
 * Statements.  db_query() prepares the SQL once per connection (keyed by the pointer: give it a
 * string literal) and binds `kinds`, one letter an argument: 'i' int64_t, 't' const char * (NULL
 * binds NULL), 'b' const void * and size_t.  Then db_row() steps: DONE and *more = true with a row,
 * DONE and *more = false at the end, which also resets the statement. Texts of a row live until the
 * next db_row(), db_done() or db_query() of the same SQL.  A statement that is left before its end
 * must be given to db_done() (NULL is allowed): an unfinished reader keeps the log from being
 * checkpointed.
 *
 * Arguments are $1, $2, ... in any order and as often as needed; they are copied.  A statement that
 * writes is refused as BROKEN outside a transaction, as it would pass neither the gate nor the
 * sync. NEVER: the data break a constraint.  BROKEN: everything else; some errors (a full disk)
 * have then already rolled the transaction back, and the caller gives up with db_rollback() in
 * every case.
 */
struct query;
enum outcome db_query(struct db *db, struct query **query, struct fault *why, const char *sql,
    const char *kinds, ...) MUST_USE;
enum outcome db_row(struct query *query, bool *more, struct fault *why) MUST_USE;
void db_done(struct query *query);

int64_t db_int(struct query *query, int column);
const char *db_text(struct query *query, int column); /* NULL for NULL. */
bool db_null(struct query *query, int column);

/*
 * The rowid of the row that the INSERT just run has added; 0 when it added none (ON CONFLICT DO
 * NOTHING).  Cheaper than RETURNING, for which SQLite builds a table.
 */
int64_t db_added(struct db *db);

/* db_query() and run to the end, for statements whose rows do not matter. */
enum outcome db_run(
    struct db *db, struct fault *why, const char *sql, const char *kinds, ...) MUST_USE;

/*
 * "BEGIN IMMEDIATE": the one statement that may write outside a transaction, known by its address.
 */
extern const char db_begin_sql[];

/* Run statements that yield nothing, outside the cache of prepared ones. */
enum outcome db_execute(struct db *db, const char *sql, struct fault *why) MUST_USE;

void db_query_free(struct query *query); /* NULL is allowed. */

#endif
