/*
 * Statements: prepared once, bound by name, stepped row by row.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "db/error.h"
#include "db/handle.h"
#include "db/query.h"

const char db_begin_sql[] = "BEGIN IMMEDIATE";

enum outcome
db_execute(struct db *db, const char *sql, struct fault *why)
{
	int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? DONE : db_failed(db, code, sql, why);
}

struct query {
	struct db *db;
	const char *sql; /* The key. */
	sqlite3_stmt *statement;
	bool running;
	int arguments;
	/* SQLite's number for our $1, $2, ...: it counts them as they first appear. */
	int places[DB_ARGUMENTS_MAX];
};

/* Note where each argument goes; DONE only if there are exactly as many as the SQL asks for. */
static enum outcome
place_arguments(struct query *query, int count, struct fault *why)
{
	char name[16];
	int i, place;

	if (count > DB_ARGUMENTS_MAX || count != sqlite3_bind_parameter_count(query->statement))
		return fault_set(
		    why, BROKEN, "%d arguments do not fit: %.*s", count, SQL_SHOWN, query->sql);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "$%d", i + 1);
		place = sqlite3_bind_parameter_index(query->statement, name);
		query->places[i] = place ? place : i + 1;
	}
	query->arguments = count;
	return DONE;
}

void
db_query_free(struct query *query)
{
	if (!query)
		return;
	sqlite3_finalize(query->statement);
	free(query);
}

static enum outcome
query_new(struct db *db, const char *sql, int arguments, struct query **query, struct fault *why)
{
	struct query *made = memory_zeroed(1, sizeof(*made));
	enum outcome outcome;
	int code;

	made->db = db;
	made->sql = sql;
	code = sqlite3_prepare_v3(
	    db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &made->statement, NULL);
	if (code != SQLITE_OK)
		outcome = db_failed(db, code, sql, why);
	else
		outcome = place_arguments(made, arguments, why);
	if (outcome != DONE) {
		db_query_free(made);
		return outcome;
	}
	*query = made;
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
			return fault_set(why, BROKEN, "%d arguments do not fit: %.*s", arguments,
			    SQL_SHOWN, sql);
		*query = db->queries[i];
		return DONE;
	}
	if ((outcome = query_new(db, sql, arguments, &made, why)) != DONE)
		return outcome;
	if (db->count == db->capacity) {
		db->capacity = db->capacity ? db->capacity * 2 : 32;
		db->queries =
		    memory_resize_array(db->queries, db->capacity, sizeof(db->queries[0]));
	}
	*query = db->queries[db->count++] = made;
	return DONE;
}

/* Copies are bound: what the caller gave need not outlive the call. */
static int
bind_one(sqlite3_stmt *statement, int place, const struct db_value *value)
{
	switch (value->kind) {
	case DB_INTEGER:
		return sqlite3_bind_int64(statement, place, value->integer);
	case DB_TEXT:
		return sqlite3_bind_text(statement, place, value->text, -1, SQLITE_TRANSIENT);
	case DB_BYTES:
		return sqlite3_bind_blob64(
		    statement, place, value->blob.bytes, value->blob.size, SQLITE_TRANSIENT);
	default:
		return SQLITE_MISUSE;
	}
}

static enum outcome
query_bind(struct query *query, const struct db_value *values, struct fault *why)
{
	int i, code;

	for (i = 0; i < query->arguments; i++) {
		code = bind_one(query->statement, query->places[i], &values[i]);
		if (code != SQLITE_OK)
			return db_failed(query->db, code, query->sql, why);
	}
	return DONE;
}

/*
 * A statement that writes outside a transaction would commit past the gate and unsynced, so it is
 * refused.  That is also what keeps a caller from going on unawares after SQLite rolled the
 * transaction back by itself.
 */
enum outcome
db_query_values(struct db *db, struct query **query, struct fault *why, const char *sql,
    const struct db_value *values)
{
	struct query *found = NULL;
	enum outcome outcome;
	int count = 0;

	while (values[count].kind != DB_VALUES_END)
		count++;
	if ((outcome = query_find(db, sql, count, &found, why)) != DONE)
		return outcome;
	if (sql != db_begin_sql && !sqlite3_stmt_readonly(found->statement) &&
	    sqlite3_get_autocommit(db->sqlite))
		return fault_set(why, BROKEN, "ledger %s: no transaction is open for: %.*s",
		    db->path, SQL_SHOWN, sql);
	db_done(found);
	if ((outcome = query_bind(found, values, why)) != DONE) {
		db_done(found);
		return outcome;
	}
	found->running = true;
	*query = found;
	return DONE;
}

bool
db_next(struct query *query, enum outcome *outcome, struct fault *why)
{
	int code = SQLITE_DONE;

	if (*outcome != DONE)
		return false;
	/* Stepping a finished statement would run it a second time. */
	if (query->running && (code = sqlite3_step(query->statement)) == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		*outcome = db_failed(query->db, code, query->sql, why);
	db_done(query);
	return false;
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

struct db_blob
db_bytes(struct query *query, int column)
{
	const void *bytes = sqlite3_column_blob(query->statement, column);

	return (struct db_blob){ bytes, (size_t)sqlite3_column_bytes(query->statement, column) };
}

bool
db_null(struct query *query, int column)
{
	return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

int64_t
db_added(struct db *db)
{
	return sqlite3_changes(db->sqlite) > 0 ? sqlite3_last_insert_rowid(db->sqlite) : 0;
}

int64_t
db_changed(struct db *db)
{
	return sqlite3_changes64(db->sqlite);
}

enum outcome
db_run_values(struct db *db, struct fault *why, const char *sql, const struct db_value *values)
{
	struct query *query = NULL;
	enum outcome outcome = db_query_values(db, &query, why, sql, values);

	while (db_next(query, &outcome, why))
		;
	return outcome;
}

enum outcome
db_number_values(struct db *db, int64_t *number, struct fault *why, const char *sql,
    const struct db_value *values)
{
	struct query *query = NULL;
	enum outcome outcome = db_query_values(db, &query, why, sql, values);

	*number = db_next(query, &outcome, why) ? db_int(query, 0) : 0;
	db_done(query);
	return outcome;
}
