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
#include "ledger/attempt.h"
#include "ledger/internal.h"
#include "ledger/progress.h"

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
	    "SELECT id, payment_id, payload, length(CAST(payload AS BLOB)), recorded_ms,"
	    " retry_count, coalesce(request_id, '')"
	    " FROM payment_events"
	    " WHERE next_ms IS NOT NULL AND id > $1 AND (next_ms <= $2 OR next_ms > $3)"
	    " ORDER BY id"
	    " LIMIT 1";
	struct query *query = NULL;
	enum outcome out =
	    db_query(ledger->db, &query, why, sql, after, now_ms, now_ms + LEDGER_AHEAD_MAX_MS);

	*due = (struct due){ 0 };
	if (db_next(query, &out, why))
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
ledger_claim(struct ledger *ledger, int64_t id, int64_t due_ms, int64_t lease_ms, bool *claimed,
    struct fault *why)
{
	static const char sql[] = "UPDATE payment_events SET status = 'processing', next_ms = $2"
				  " WHERE id = $1 AND next_ms IS NOT NULL"
				  " AND ($3 = 0 OR next_ms <= $3 OR next_ms > $4)";
	enum outcome out =
	    db_write(ledger->db, why, sql, id, lease_ms, due_ms, due_ms + LEDGER_AHEAD_MAX_MS);

	if (out == DONE)
		*claimed = db_changed(ledger->db) > 0;
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
	    "UPDATE payment_events"
	    " SET status = 'success', processed_at = datetime($2 / 1000, 'unixepoch'),"
	    " next_ms = NULL, contact_id = $3, lead_id = $4, pipeline_id = nullif($5, 0),"
	    " lead_created = $6, error_message = NULL, reason_private = 0"
	    " WHERE id = $1";
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = progress_write(ledger, id, at, why);
	if (out == DONE)
		out = db_run(ledger->db, why, sql, id, now_ms, at->contact_id, at->lead_id,
		    at->pipeline_id, at->lead_created);
	if (out == DONE)
		out = db_run(ledger->db, why, "UPDATE heartbeat SET success_ms = $1", now_ms);
	return trail_end(ledger, out, at->events, why);
}

enum outcome
ledger_fail(struct ledger *ledger, int64_t id, json_t *events, const char *reason, int64_t now_ms,
    struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events"
	    " SET status = 'failed', processed_at = datetime($2 / 1000, 'unixepoch'),"
	    " next_ms = NULL, error_message = $3, reason_private = 0,"
	    " retry_count = retry_count + 1"
	    " WHERE id = $1 AND next_ms IS NOT NULL";
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = trail_write(ledger, id, events, why);
	if (out == DONE)
		out = db_run(ledger->db, why, sql, id, now_ms, reason);
	return trail_end(ledger, out, events, why);
}

enum outcome
ledger_postpone(struct ledger *ledger, int64_t id, json_t *events, const char *reason, bool counts,
    int64_t next_ms, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events"
	    " SET status = 'pending', next_ms = $2, error_message = $3, reason_private = 0,"
	    " retry_count = retry_count + $4"
	    " WHERE id = $1 AND next_ms IS NOT NULL";
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = trail_write(ledger, id, events, why);
	if (out == DONE)
		out = db_run(ledger->db, why, sql, id, next_ms, reason, counts);
	return trail_end(ledger, out, events, why);
}
