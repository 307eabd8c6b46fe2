#ifndef LEDGER_INTERNAL_H
#define LEDGER_INTERNAL_H

#include <jansson.h>

#include "base/fault.h"
#include "db/db.h"
#include "db/query.h"

/* What the ledger's own files share; nobody else includes this. */
struct progress;

struct ledger {
	struct db *db;
};

/*
 * What an imported row's error_message begins with.  What follows is another program's text, which
 * may hold personal data.
 */
#define IMPORTED_REASON "the service used before: "

/* ledger_save() inside a transaction. */
enum outcome progress_write(
    struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why) MUST_USE;

/*
 * Write events inside a transaction; NULL is allowed.  The caller empties the array once that is
 * committed.
 */
enum outcome trail_write(
    struct ledger *ledger, int64_t id, const json_t *events, struct fault *why) MUST_USE;

/* End a transaction: commit when all went well, else take everything back. */
enum outcome ledger_end(struct ledger *ledger, enum outcome out, struct fault *why) MUST_USE;

/*
 * Step a query that has at most one row, unless preparing it failed already; the caller calls
 * db_done().
 */
enum outcome ledger_first_row(
    enum outcome out, struct query *query, bool *found, struct fault *why) MUST_USE;

/*
 * Collect what row_of() makes of each row of a query, unless preparing it failed already: a new
 * JSON array.
 */
enum outcome ledger_collect_rows(enum outcome out, struct query *query,
    json_t *row_of(struct query *), json_t **rows, struct fault *why) MUST_USE;

/* The single number a query gives, 0 when there is no row or it is NULL. */
enum outcome ledger_first_number(
    enum outcome out, struct query *query, int64_t *value, struct fault *why) MUST_USE;

#endif
