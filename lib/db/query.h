#ifndef DB_QUERY_H
#define DB_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct db;
struct query;

struct db_blob {
	const void *bytes;
	size_t size;
};

/*
 * Statements.  The SQL is prepared once per connection; its address is the key, so give a string
 * literal.  Its arguments follow it, at most DB_ARGUMENTS_MAX of them: integers, texts (NULL binds
 * NULL) and struct db_blob.  The compiler counts them and knows their types, and refuses any other
 * type.  In the SQL they are $1, $2, ... in any order and as often as needed; they are copied.
 *
 * A statement that writes is refused as BROKEN outside a transaction, as it would pass neither the
 * gate nor the sync; so is one with more or fewer arguments than the SQL names.  NEVER: the data
 * break a constraint.  BROKEN: everything else; some errors (a full disk) have then already rolled
 * the transaction back, and the caller gives up with db_rollback() or db_end() in every case.
 */

/* Run to the end a statement whose rows do not matter. */
#define db_run(db, why, ...) db_run_values(db, why, DB_STATEMENT(__VA_ARGS__))

/* The single number that a statement yields; 0 when there is no row, or it is NULL. */
#define db_number(db, number, why, ...) db_number_values(db, number, why, DB_STATEMENT(__VA_ARGS__))

/*
 * Begin a statement whose rows are read:
 *
 *	outcome = db_query(db, &query, why, "SELECT ...", ...);
 *	while (db_next(query, &outcome, why))
 *		... db_int(query, 0) ...
 *
 * db_next() is true with a row.  It is false at the end, and when outcome is or becomes anything
 * but DONE; then the statement is reset.  Who leaves earlier calls db_done() (NULL is allowed): an
 * unfinished reader keeps the log from being checkpointed.  Texts of a row live until the next
 * db_next(), db_done() or db_query() of the same SQL.
 */
#define db_query(db, query, why, ...) db_query_values(db, query, why, DB_STATEMENT(__VA_ARGS__))
bool db_next(struct query *query, enum outcome *outcome, struct fault *why);
void db_done(struct query *query);

int64_t db_int(struct query *query, int column);
const char *db_text(struct query *query, int column); /* NULL for NULL. */
bool db_null(struct query *query, int column);
struct db_blob db_bytes(struct query *query, int column); /* Lives as long as db_text(). */

/*
 * The rowid of the row that the INSERT just run has added; 0 when it added none (ON CONFLICT DO
 * NOTHING).  Cheaper than RETURNING, for which SQLite builds a table.
 */
int64_t db_added(struct db *db);

/* How many rows the statement just run has added, changed or deleted. */
int64_t db_changed(struct db *db);

/*
 * "BEGIN IMMEDIATE": the one statement that may write outside a transaction, known by its address.
 */
extern const char db_begin_sql[];

/* Run statements that yield nothing, outside the cache of prepared ones. */
enum outcome db_execute(struct db *db, const char *sql, struct fault *why) MUST_USE;

void db_query_free(struct query *query); /* NULL is allowed. */

/*
 * What the macros above are made of.  An argument becomes a struct db_value by its type; the places
 * that a call leaves empty are filled with DB_END.
 */
struct db_value {
	enum db_kind {
		DB_VALUES_END,
		DB_INTEGER,
		DB_TEXT,
		DB_BYTES
	} kind;
	union {
		int64_t integer;
		const char *text;
		struct db_blob blob;
	};
};

static inline struct db_value
db_value_integer(int64_t integer)
{
	return (struct db_value){ .kind = DB_INTEGER, .integer = integer };
}

static inline struct db_value
db_value_text(const char *text)
{
	return (struct db_value){ .kind = DB_TEXT, .text = text };
}

static inline struct db_value
db_value_blob(struct db_blob blob)
{
	return (struct db_value){ .kind = DB_BYTES, .blob = blob };
}

struct db_end;
static inline struct db_value
db_value_end(const struct db_end *end)
{
	(void)end;
	return (struct db_value){ .kind = DB_VALUES_END };
}

/* clang-format off */
#define DB_ARGUMENTS_MAX 24
#define DB_END ((const struct db_end *)NULL)
#define DB_VALUE(x) _Generic((x), \
	bool: db_value_integer, int: db_value_integer, unsigned: db_value_integer, \
	long: db_value_integer, long long: db_value_integer, \
	char *: db_value_text, const char *: db_value_text, \
	struct db_blob: db_value_blob, const struct db_end *: db_value_end)(x)

#ifdef __cppcheck__ /* It cannot read what the others make of it. */
#define DB_STATEMENT(...) DB_FIRST(__VA_ARGS__, NULL), NULL
#define DB_FIRST(sql, ...) sql
#else
#define DB_STATEMENT(...) DB_PADDED(__VA_ARGS__, \
	DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, \
	DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, DB_END, \
	DB_END, DB_END)
#endif

/* Of more than 24 arguments the next one stands where `end` is wanted, which does not compile. */
#define DB_PADDED(sql, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, end, ...) \
	sql, (const struct db_value[]){ DB_VALUE(a), DB_VALUE(b), DB_VALUE(c), DB_VALUE(d), \
	DB_VALUE(e), DB_VALUE(f), DB_VALUE(g), DB_VALUE(h), DB_VALUE(i), DB_VALUE(j), DB_VALUE(k), \
	DB_VALUE(l), DB_VALUE(m), DB_VALUE(n), DB_VALUE(o), DB_VALUE(p), DB_VALUE(q), DB_VALUE(r), \
	DB_VALUE(s), DB_VALUE(t), DB_VALUE(u), DB_VALUE(v), DB_VALUE(w), DB_VALUE(x), db_value_end(end) }
/* clang-format on */

enum outcome db_run_values(
    struct db *db, struct fault *why, const char *sql, const struct db_value *values) MUST_USE;
enum outcome db_number_values(struct db *db, int64_t *number, struct fault *why, const char *sql,
    const struct db_value *values) MUST_USE;
enum outcome db_query_values(struct db *db, struct query **query, struct fault *why,
    const char *sql, const struct db_value *values) MUST_USE;

#endif
