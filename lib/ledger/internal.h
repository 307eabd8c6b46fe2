#ifndef LEDGER_INTERNAL_H
#define LEDGER_INTERNAL_H

#include <jansson.h>

#include "base/fault.h"
#include "db/db.h"

/* What the ledger's own files share; no other room includes this. */
struct progress;

struct ledger {
	struct db *db;
};

/*
 * What an imported row's error_message begins with.  What follows is another program's text, which
 * may hold personal data: reason_private says so.
 */
#define IMPORTED_REASON "the service used before: "

/* strftime()'s format for what people see: a time in UTC as JSON has it. */
#define ISO_UTC "'%Y-%m-%dT%H:%M:%SZ'"

/* ledger_save() inside a transaction. */
enum outcome progress_write(
    struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why) MUST_USE;

/* Write events inside a transaction; NULL is allowed. */
enum outcome trail_write(
    struct ledger *ledger, int64_t id, const json_t *events, struct fault *why) MUST_USE;

/* db_end() of a transaction that wrote these events: they are emptied once they are on disk. */
enum outcome trail_end(
    struct ledger *ledger, enum outcome out, json_t *events, struct fault *why) MUST_USE;

/*
 * Collect what row_of() makes of each row of a query, unless preparing it failed already: a new
 * JSON array.
 */
enum outcome ledger_collect_rows(enum outcome out, struct query *query,
    json_t *row_of(struct query *), json_t **rows, struct fault *why) MUST_USE;

#endif
