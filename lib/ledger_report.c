/*
 * The ledger as people see it: counts, rows, its check; and putting failed payments back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "ledger_internal.h"
#include "text.h"

enum outcome
ledger_stats(struct ledger *ledger, struct ledger_stats *stats, struct fault *why)
{
	struct ledger_stats read = { 0 };
	struct query *query = NULL;
	bool more = true;
	enum outcome out;

	out = db_query(ledger->db, &query, why,
	    "SELECT status, sum(payments), sum(kopecks) FROM tally GROUP BY status", "");
	while (out == DONE && (out = db_row(query, &more, why)) == DONE && more) {
		int status = status_number(db_text(query, 0));

		read.payments[status] = db_int(query, 1);
		read.kopecks[status] = db_int(query, 2);
	}
	db_done(query);
	if (out == DONE) {
		out = db_query(ledger->db, &query, why, "SELECT success_ms FROM heartbeat", "");
		out = first_number(out, query, &read.last_success_ms, why);
	}
	if (out != DONE)
		return out;
	out = db_query(ledger->db, &query, why,
	    "SELECT recorded_ms FROM payment_events WHERE next_ms IS NOT NULL ORDER BY id LIMIT 1", "");
	out = first_number(out, query, &read.oldest_unfinished_ms, why);
	if (out == DONE)
		*stats = read;
	return out;
}

enum outcome
ledger_touch(struct ledger *ledger, int64_t now_ms, struct fault *why)
{
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	return ledger_end(
	    ledger, db_run(ledger->db, why, "UPDATE heartbeat SET at_ms = $1", "i", now_ms), why);
}

enum outcome
ledger_retry(struct ledger *ledger, const char *key, int64_t now_ms, int64_t *count, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events SET status = 'pending', next_ms = $2, recorded_ms = $2, retry_count = 0,"
	    " processed_at = NULL WHERE status = 'failed' AND ($1 IS NULL OR payment_id = $1) RETURNING id";
	struct query *query = NULL;
	bool more = true;
	int64_t retried = 0;
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = db_query(ledger->db, &query, why, sql, "ti", key, now_ms);
	while (out == DONE && (out = db_row(query, &more, why)) == DONE && more)
		retried++;
	db_done(query);
	if ((out = ledger_end(ledger, out, why)) == DONE)
		*count = retried;
	return out;
}

/*
 * Rows.
 */

static json_t *
int_or_null(struct query *query, int column)
{
	return db_null(query, column) ? json_null() : json_integer(db_int(query, column));
}

static json_t *
text_or_null(struct query *query, int column)
{
	return db_null(query, column) ? json_null() : json_string(db_text(query, column));
}

static json_t *
row_of(struct query *query, bool whole)
{
	json_t *row = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "id", int_or_null(query, 0), "payment_id", text_or_null(query, 1), "status",
	    text_or_null(query, 2), "kopecks", int_or_null(query, 3), "created_at", text_or_null(query, 4),
	    "processed_at", text_or_null(query, 5), "contact_id", int_or_null(query, 6), "lead_id",
	    int_or_null(query, 7), "pipeline_id", int_or_null(query, 8), "lead_created",
	    int_or_null(query, 9), "error_message", text_or_null(query, 10), "retry_count",
	    int_or_null(query, 11), "duplicates", int_or_null(query, 12), "next_ms", int_or_null(query, 13));

	if (whole)
		json_object_set_new(row, "payload", text_or_null(query, 14));
	return row;
}

enum outcome
ledger_list(struct ledger *ledger, int status, const char *key, int64_t since_ms, int64_t limit, bool whole,
    json_t **rows, struct fault *why)
{
	static const char sql[] =
	    "SELECT id, payment_id, status, kopecks, created_at, processed_at, contact_id, lead_id, "
	    "pipeline_id,"
	    " lead_created, error_message, retry_count, duplicates, next_ms, payload FROM payment_events"
	    " WHERE ($1 IS NULL OR status = $1) AND ($2 IS NULL OR payment_id = $2) AND recorded_ms >= $3"
	    " ORDER BY id DESC LIMIT $4";
	struct query *query = NULL;
	json_t *all = json_array();
	bool more = true;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "ttii",
	    status < 0 ? NULL : status_name((enum payment_status)status), key, since_ms, limit);
	while (out == DONE && (out = db_row(query, &more, why)) == DONE && more)
		json_array_append_new(all, row_of(query, whole));
	db_done(query);
	if (out == DONE)
		*rows = all;
	else
		json_decref(all);
	return out;
}

/*
 * The invariants, each as a query for the rows that break it.
 */
static const struct {
	const char *invariant;
	const char *violations;
} checks[] = {
	{ "an unfinished row has a time, a finished one has none",
	    "SELECT id FROM payment_events WHERE (status IN ('pending', 'processing')) <> (next_ms IS NOT "
	    "NULL)" },
	{ "a success has a contact, a lead, an applied amount and a note",
	    "SELECT e.id FROM payment_events e LEFT JOIN delivery d ON d.payment = e.id WHERE e.status = "
	    "'success'"
	    " AND d.payment IS NOT NULL"
	    " AND NOT coalesce(d.applied AND d.intent IS NULL AND d.note_id AND d.contact_id AND d.lead_id, "
	    "0)" },
	{ "an applied payment moved the total by its amount and the counter by at most one",
	    "SELECT e.id FROM payment_events e JOIN delivery d ON d.payment = e.id WHERE d.applied AND "
	    "e.status = 'success'"
	    " AND (d.total_after <> d.total_before + e.kopecks OR d.count_after - d.count_before NOT IN (0, "
	    "1))" },
	{ "at most one unfinished payment has an open intent on a lead's totals",
	    "SELECT min(e.id) FROM payment_events e JOIN delivery d ON d.payment = e.id WHERE d.intent = "
	    "'totals'"
	    " AND e.next_ms IS NOT NULL GROUP BY d.lead_id HAVING count(*) > 1" },
	{ "the tally agrees with the rows",
	    "SELECT coalesce(t.day, e.day) FROM (SELECT * FROM tally WHERE payments <> 0 OR kopecks <> 0) t "
	    "FULL JOIN"
	    " (SELECT day, status, count(*) AS payments, sum(kopecks) AS kopecks FROM payment_events"
	    " GROUP BY day, status) e ON e.day = t.day AND e.status = t.status"
	    " WHERE t.payments IS NOT e.payments OR t.kopecks IS NOT e.kopecks" },
};

enum outcome
ledger_check(struct ledger *ledger, void (*tell)(void *, const char *), void *told, struct fault *why)
{
	enum outcome out = db_check(ledger->db, tell, told, why);
	bool broken = out == NEVER;
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]) && (out == DONE || out == NEVER); i++) {
		struct query *query = NULL;
		bool more = true;

		out = db_query(ledger->db, &query, why, checks[i].violations, "");
		while (out == DONE && (out = db_row(query, &more, why)) == DONE && more) {
			char *text = text_format(
			    "row %lld: not true that %s", (long long)db_int(query, 0), checks[i].invariant);

			tell(told, text);
			free(text);
			broken = true;
		}
		db_done(query);
	}
	if (out == DONE && broken)
		return fault_set(why, NEVER, "the ledger breaks its invariants");
	return out;
}
