/*
 * Statements: prepared once, bound by name, stepped row by row.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "db/error.h"
#include "db/handle.h"
#include "db/query.h"

#define ARGUMENTS_MAX 48 /* Of one statement; the widest INSERT has about half of that. */

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
	int places[ARGUMENTS_MAX];
};

/* Note where each argument goes; DONE only if there are exactly as many as the SQL asks for. */
static enum outcome
place_arguments(struct query *query, int count, struct fault *why)
{
	char name[16];
	int i, place;

	if (count > ARGUMENTS_MAX || count != sqlite3_bind_parameter_count(query->statement))
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
			return db_failed(query->db, code, query->sql, why);
	}
	return DONE;
}

/*
 * A statement that writes outside a transaction would commit past the gate and unsynced, so it is
 * refused.  That is also what keeps a caller from going on unawares after SQLite rolled the
 * transaction back by itself.
 */
static enum outcome
query_start(struct db *db, struct query **query, struct fault *why, const char *sql,
    const char *kinds, va_list *arguments)
{
	struct query *found = NULL;
	enum outcome outcome;

	if ((outcome = query_find(db, sql, (int)strlen(kinds), &found, why)) != DONE)
		return outcome;
	if (sql != db_begin_sql && !sqlite3_stmt_readonly(found->statement) &&
	    sqlite3_get_autocommit(db->sqlite))
		return fault_set(why, BROKEN, "ledger %s: no transaction is open for: %.*s",
		    db->path, SQL_SHOWN, sql);
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
db_query(
    struct db *db, struct query **query, struct fault *why, const char *sql, const char *kinds, ...)
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
		outcome = db_failed(query->db, code, query->sql, why);
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

int64_t
db_added(struct db *db)
{
	return sqlite3_changes(db->sqlite) > 0 ? sqlite3_last_insert_rowid(db->sqlite) : 0;
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
