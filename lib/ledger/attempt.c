/*
 * Attempts: which payment is due, which process takes it in hand, and the three ways an attempt
 * ends.
 *
 * Each end is one transaction that writes the status together with what the attempt learnt, so that
 * a crash leaves either the claim, whose lease runs out, or the whole end.  Failing and postponing
 * ask that the row is still unfinished (next_ms is set): an attempt that outlived its lease cannot
 * undo the end that another process has written meanwhile.
 */
#include <stdlib.h>

#include "base/text.h"
#include "ledger/internal.h"
#include "ledger/ledger.h"

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
