/*
 * The ledger: opening it, and what its files share.  What arrives is in arrival.c, who takes a
 * payment in hand and how an attempt ends in attempt.c, how far a payment got in progress.c, what
 * people look at in report.c; no other room speaks SQL.
 *
 * Invariants, asserted by ledger_check() and where possible by the schema itself:
 *
 *  1. A payment_id has one row, for ever.
 *  2. A row is unfinished (pending, processing) if and only if it has a time at which it is taken
 *     up (next_ms).
 *  3. A success has a contact, a lead, and its amount applied: delivery.applied = 1, no open intent,
 *     a note.
 *  4. An applied payment on an existing lead moved its total by exactly its amount, and its count by
 *     one (by less only at the end of a select field): total_after = total_before + kopecks.
 *     A payment in another currency than the account's (delivery.foreign_currency) moved it by none.
 *  5. At most one unfinished payment of a lead has an open intent on the lead's totals.  One kind is
 *     not counted: a payment that failed with an open intent and was put back later.  Its intent is
 *     then older than its recorded_ms, and it waits until the younger payment is finished.
 *  6. The tally agrees with the rows.
 *
 * States of a row; the arrows name the function that performs them:
 *
 * 	        ledger_record                      ledger_record (excluded)
 * 	              |                                   |
 * 	              v             ledger_claim          v
 * 	         +---------+ ------------------> +------------+        +---------+
 * 	    +--> | pending |                     | processing |        | skipped |
 * 	    |    +---------+ <------------------ +------------+        +---------+
 * 	    |         ^        ledger_postpone      |      |                |
 * 	    |         |               ledger_finish |      | ledger_fail    |
 * 	    |         |                             v      v                |
 * 	    |         |                      +---------+ +--------+         |
 * 	    |         |                      | success | | failed |         |
 * 	    |         |                      +---------+ +--------+         |
 * 	    |         +---------- ledger_retry ----------------+            |
 * 	    +------------ ledger_record (came again) ----------+------------+
 *
 * A payment that comes again excluded becomes skipped when nothing of it can be in amoCRM: so there
 * are arrows from pending, processing and failed to skipped as well, and, when only a contact may be
 * there, from pending and processing to failed.  Otherwise the arrival is kept aside as a conflict,
 * see exclude() in arrival.c.  Settling a conflict changes no payment.
 *
 * A processing row whose process died simply falls due again: its next_ms is the end of a lease.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "db/checkpoint.h"
#include "db/open.h"
#include "db/party.h"
#include "ledger/internal.h"
#include "ledger/ledger.h"
#include "ledger/schema.h"

static const char *const status_names[PAYMENT_STATUSES] = { "pending", "processing", "success",
	"failed", "skipped" };

const char *
payment_status_name(enum payment_status status)
{
	return status_names[status];
}

int
payment_status_parse(const char *name)
{
	int status;

	for (status = 0; status < PAYMENT_STATUSES; status++)
		if (strcmp(name, status_names[status]) == 0)
			return status;
	return -1;
}

static enum outcome
wrap(enum outcome out, struct db *db, struct ledger **ledger)
{
	if (out == DONE) {
		*ledger = memory_zeroed(1, sizeof(**ledger));
		(*ledger)->db = db;
	}
	return out;
}

enum outcome
ledger_open(const char *path, struct ledger **ledger, struct fault *why)
{
	struct db *db = NULL;
	enum outcome out =
	    db_open(path, SCHEMA_APPLICATION_ID, schema_migrations, SCHEMA_VERSION, &db, why);

	return wrap(out, db, ledger);
}

enum outcome
ledger_open_existing(const char *path, struct ledger **ledger, struct fault *why)
{
	struct db *db = NULL;
	enum outcome out = db_open_existing(
	    path, SCHEMA_APPLICATION_ID, schema_migrations, SCHEMA_VERSION, &db, why);

	return wrap(out, db, ledger);
}

enum outcome
ledger_join(struct ledger *ledger, const char *directory, struct fault *why)
{
	return db_join(ledger->db, directory, why);
}

void
ledger_close(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	db_close(ledger->db);
	free(ledger);
}

void
ledger_checkpoint_later(struct ledger *ledger)
{
	db_checkpoint_later(ledger->db);
}

void
ledger_checkpoint(struct ledger *ledger)
{
	db_checkpoint(ledger->db);
}

int64_t
ledger_log_bytes(const struct ledger *ledger)
{
	return db_log_bytes(ledger->db);
}

enum outcome
ledger_collect_rows(enum outcome out, struct query *query, json_t *row_of(struct query *),
    json_t **rows, struct fault *why)
{
	json_t *all = json_array();

	while (db_next(query, &out, why))
		json_array_append_new(all, row_of(query));
	if (out == DONE)
		*rows = all;
	else
		json_decref(all);
	return out;
}
