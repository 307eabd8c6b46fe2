/*
 * The ledger: who takes a payment in hand, how it ends.  What arrives is in ledger_arrival.c, how far a payment got in
 * ledger_progress.c, what people look at in ledger_report.c; no other files than ledger_*.c and schema.c speak SQL.
 *
 * Invariants, asserted by ledger_check() and where possible by the schema itself:
 *
 *  1. A payment_id has one row, for ever.
 *  2. A row is unfinished (pending, processing) if and only if it has a time at which it is taken up (next_ms).
 *  3. A success has a contact, a lead, and its amount applied: delivery.applied = 1, no open intent, a note.
 *  4. An applied payment on an existing lead moved its total by exactly its amount, and its count by one (by less only at
 *     the end of a select field): total_after = total_before + kopecks.
 *  5. Of the unfinished payments on one lead at most one has an open intent on its totals.  (Not counting those that failed
 *     with one and were put back, after which it is older than recorded_ms: they wait for the one that came after them.)
 *  6. The tally agrees with the rows.
 *
 * States of a row; the arrows name the function that performs them:
 *
 *	        ledger_record                      ledger_record (excluded)
 *	              |                                   |
 *	              v             ledger_claim          v
 *	         +---------+ ------------------> +------------+        +---------+
 *	    +--> | pending |                     | processing |        | skipped |
 *	    |    +---------+ <------------------ +------------+        +---------+
 *	    |         ^        ledger_postpone      |      |                |
 *	    |         |               ledger_finish |      | ledger_fail    |
 *	    |         |                             v      v                |
 *	    |         |                      +---------+ +--------+         |
 *	    |         |                      | success | | failed |         |
 *	    |         |                      +---------+ +--------+         |
 *	    |         +---------- ledger_retry ----------------+            |
 *	    +------------ ledger_record (told again) ----------+------------+
 *
 * A failed payment of which nothing can be in amoCRM becomes skipped when it is told again and excluded; of one that may be
 * there, that telling is kept aside as a conflict.  Settling a conflict changes no payment.
 *
 * A processing row whose process died simply falls due again: its next_ms is the end of a lease.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "db/checkpoint.h"
#include "db/open.h"
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

static void
wrap(struct db *db, struct ledger **ledger)
{
	*ledger = memory_zeroed(1, sizeof(**ledger));
	(*ledger)->db = db;
}

enum outcome
ledger_open(const char *path, struct ledger **ledger, struct fault *why)
{
	struct db *db;
	enum outcome out;

	out = db_open(path, SCHEMA_APPLICATION_ID, schema_migrations, SCHEMA_VERSION, &db, why);
	if (out == DONE)
		wrap(db, ledger);
	return out;
}

enum outcome
ledger_open_existing(const char *path, struct ledger **ledger, struct fault *why)
{
	struct db *db;
	enum outcome out;

	out = db_open_existing(
	    path, SCHEMA_APPLICATION_ID, schema_migrations, SCHEMA_VERSION, &db, why);
	if (out == DONE)
		wrap(db, ledger);
	return out;
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

enum outcome
ledger_end(struct ledger *ledger, enum outcome out, struct fault *why)
{
	if (out == DONE)
		return db_commit(ledger->db, why);
	db_rollback(ledger->db);
	return out;
}

enum outcome
ledger_first_row(enum outcome out, struct query *query, bool *found, struct fault *why)
{
	return out != DONE ? out : db_row(query, found, why);
}

enum outcome
ledger_first_number(enum outcome out, struct query *query, int64_t *value, struct fault *why)
{
	bool found = false;

	out = ledger_first_row(out, query, &found, why);
	*value = out == DONE && found ? db_int(query, 0) : 0;
	db_done(query);
	return out;
}

enum outcome
ledger_collect_rows(enum outcome out, struct query *query, json_t *row_of(struct query *),
    json_t **rows, struct fault *why)
{
	json_t *all = json_array();
	bool more = true;

	while (out == DONE && (out = db_row(query, &more, why)) == DONE && more)
		json_array_append_new(all, row_of(query));
	db_done(query);
	if (out == DONE)
		*rows = all;
	else
		json_decref(all);
	return out;
}

/*
 * Carrying.
 */

void
due_clear(struct due *due)
{
	free(due->key);
	free(due->payload);
	free(due->request_id);
	*due = (struct due){ 0 };
}

enum outcome
ledger_next_due(
    struct ledger *ledger, int64_t after, int64_t now_ms, struct due *due, struct fault *why)
{
	static const char sql[] =
	    "SELECT id, payment_id, payload, length(CAST(payload AS BLOB)), recorded_ms, "
	    "retry_count,"
	    " coalesce(request_id, '') FROM payment_events"
	    " WHERE next_ms IS NOT NULL AND id > $1 AND next_ms <= $2 ORDER BY id LIMIT 1";
	struct query *query = NULL;
	bool found = false;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "ii", after, now_ms);
	out = ledger_first_row(out, query, &found, why);
	*due = (struct due){ 0 };
	if (out == DONE && found)
		*due = (struct due){ .id = db_int(query, 0),
			.key = text_copy(db_text(query, 1)),
			.payload = text_copy(db_text(query, 2)),
			.payload_size = (size_t)db_int(query, 3),
			.request_id = text_copy(db_text(query, 6)),
			.recorded_ms = db_int(query, 4),
			.attempts = db_int(query, 5) };
	db_done(query);
	return out;
}

enum outcome
ledger_next_time(struct ledger *ledger, int64_t *next_ms, struct fault *why)
{
	struct query *query = NULL;
	enum outcome out;

	out = db_query(ledger->db, &query, why,
	    "SELECT min(next_ms) FROM payment_events WHERE next_ms IS NOT NULL", "");
	return ledger_first_number(out, query, next_ms, why);
}

enum outcome
ledger_claim(struct ledger *ledger, int64_t id, int64_t due_ms, int64_t lease_ms, bool *claimed,
    struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events SET status = 'processing', next_ms = $2 WHERE id = "
	    "$1 AND next_ms IS NOT NULL AND ($3 = 0 OR next_ms <= $3) RETURNING id";
	struct query *query = NULL;
	int64_t row = 0;
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = db_query(ledger->db, &query, why, sql, "iii", id, lease_ms, due_ms);
	out = ledger_end(ledger, ledger_first_number(out, query, &row, why), why);
	if (out == DONE)
		*claimed = row != 0;
	return out;
}

/*
 * The ends of an attempt.
 */

enum outcome
ledger_finish(
    struct ledger *ledger, int64_t id, const struct progress *at, int64_t now_ms, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events SET status = 'success', processed_at = datetime($2 / 1000, "
	    "'unixepoch'), next_ms = NULL,"
	    " contact_id = $3, lead_id = $4, pipeline_id = nullif($5, 0), lead_created = $6,"
	    " error_message = NULL WHERE id = $1";
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = progress_write(ledger, id, at, why);
	if (out == DONE)
		out = db_run(ledger->db, why, sql, "iiiiii", id, now_ms, at->contact_id,
		    at->lead_id, at->pipeline_id, (int64_t)at->lead_created);
	if (out == DONE)
		out = db_run(ledger->db, why, "UPDATE heartbeat SET success_ms = $1", "i", now_ms);
	if ((out = ledger_end(ledger, out, why)) == DONE)
		json_array_clear(at->events);
	return out;
}

enum outcome
ledger_fail(struct ledger *ledger, int64_t id, json_t *events, const char *reason, int64_t now_ms,
    struct fault *why)
{
	static const char sql[] = "UPDATE payment_events SET status = 'failed', processed_at = "
				  "datetime($2 / 1000, 'unixepoch'), "
				  "next_ms = NULL,"
				  " error_message = $3, retry_count = retry_count + 1 WHERE id = "
				  "$1 AND next_ms IS NOT NULL";
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = trail_write(ledger, id, events, why);
	if (out == DONE)
		out = db_run(ledger->db, why, sql, "iit", id, now_ms, reason);
	if ((out = ledger_end(ledger, out, why)) == DONE)
		json_array_clear(events);
	return out;
}

enum outcome
ledger_postpone(struct ledger *ledger, int64_t id, json_t *events, const char *reason, bool counts,
    int64_t next_ms, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events SET status = 'pending', next_ms = $2, error_message "
	    "= $3, retry_count = retry_count + $4"
	    " WHERE id = $1 AND next_ms IS NOT NULL";
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = trail_write(ledger, id, events, why);
	if (out == DONE)
		out = db_run(ledger->db, why, sql, "iiti", id, next_ms, reason, (int64_t)counts);
	if ((out = ledger_end(ledger, out, why)) == DONE)
		json_array_clear(events);
	return out;
}
