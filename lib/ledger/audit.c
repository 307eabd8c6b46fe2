/*
 * The ledger from end to end.
 */
#include "ledger/audit.h"
#include "ledger/internal.h"

/* Whether a payment first came in the period from $1 to $2. */
#define IN_PERIOD                                                                                  \
	" e.created_at >= datetime($1 / 1000, 'unixepoch')"                                        \
	" AND ($2 = 0 OR e.created_at < datetime($2 / 1000, 'unixepoch')) "

/* A text that is no UTF-8, which JSON cannot hold, is as good as none. */
static json_t *
text_of(struct query *query, int column)
{
	json_t *text = db_null(query, column) ? NULL : json_string(db_text(query, column));

	return text != NULL ? text : json_string("");
}

/* A list that is kept as JSON; empty where there is none. */
static json_t *
list_of(struct query *query, int column)
{
	json_t *list = db_null(query, column) ? NULL : json_loads(db_text(query, column), 0, NULL);

	return list != NULL ? list : json_array();
}

/*
 * Leads.
 */

static json_t *
id_row(struct query *query)
{
	return json_integer(db_int(query, 0));
}

enum outcome
ledger_leads(struct ledger *ledger, const struct period *period, int64_t after, int64_t limit,
    json_t **ids, struct fault *why)
{
	static const char sql[] =
	    "SELECT DISTINCT d.lead_id FROM delivery d"
	    " JOIN payment_events e ON e.id = d.payment"
	    " WHERE d.lead_id > $3 AND e.next_ms IS NULL AND e.status = 'success' AND" IN_PERIOD
	    "ORDER BY d.lead_id"
	    " LIMIT $4";
	struct query *query = NULL;
	enum outcome out = db_query(
	    ledger->db, &query, why, sql, period->since_ms, period->until_ms, after, limit);

	return ledger_collect_rows(out, query, id_row, ids, why);
}

enum outcome
ledger_lead_count(
    struct ledger *ledger, const struct period *period, int64_t *count, struct fault *why)
{
	static const char sql[] =
	    "SELECT count(DISTINCT d.lead_id) FROM delivery d"
	    " JOIN payment_events e ON e.id = d.payment"
	    " WHERE d.lead_id IS NOT NULL AND e.next_ms IS NULL AND e.status = 'success'"
	    " AND" IN_PERIOD;

	return db_number(ledger->db, count, why, sql, period->since_ms, period->until_ms);
}

static json_t *
applied_row(struct query *query)
{
	return json_pack("{s:o, s:I, s:I, s:b, s:o}", "payment_id", text_of(query, 0), "kopecks",
	    (json_int_t)db_int(query, 1), "contact_id", (json_int_t)db_int(query, 2), "asked",
	    db_int(query, 3) != 0, "dropped", list_of(query, 4));
}

enum outcome
ledger_applied(struct ledger *ledger, int64_t lead_id, const struct period *period,
    json_t **payments, struct fault *why)
{
	static const char sql[] = "SELECT e.payment_id,"
				  " CASE WHEN d.foreign_currency IS NULL THEN e.kopecks ELSE 0 END,"
				  " d.contact_id,"
				  " e.status = 'success' AND" IN_PERIOD ", d.dropped"
				  " FROM delivery d"
				  " JOIN payment_events e ON e.id = d.payment"
				  " WHERE d.lead_id = $3 AND d.applied"
				  " ORDER BY e.id";
	struct query *query = NULL;
	enum outcome out =
	    db_query(ledger->db, &query, why, sql, period->since_ms, period->until_ms, lead_id);

	return ledger_collect_rows(out, query, applied_row, payments, why);
}

/*
 * What was received.
 */

static json_t *
received_row(struct query *query)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:b, s:I, s:o}", "id",
	    (json_int_t)db_int(query, 0), "payment_id", text_of(query, 1), "status",
	    text_of(query, 2), "reason", text_of(query, 3), "payload", text_of(query, 4),
	    "lead_created", db_int(query, 5) != 0, "pipeline_id", (json_int_t)db_int(query, 6),
	    "unmapped", list_of(query, 7));
}

enum outcome
ledger_received(struct ledger *ledger, const struct period *period, int64_t after, int64_t limit,
    json_t **payments, struct fault *why)
{
	static const char sql[] = "SELECT e.id, e.payment_id, e.status, e.error_message, e.payload,"
				  " d.lead_created, d.pipeline_id, d.unmapped"
				  " FROM payment_events e"
				  " LEFT JOIN delivery d ON d.payment = e.id"
				  " WHERE e.id > $3 AND" IN_PERIOD "ORDER BY e.id"
				  " LIMIT $4";
	struct query *query = NULL;
	enum outcome out = db_query(
	    ledger->db, &query, why, sql, period->since_ms, period->until_ms, after, limit);

	return ledger_collect_rows(out, query, received_row, payments, why);
}

enum outcome
ledger_received_count(
    struct ledger *ledger, const struct period *period, int64_t *count, struct fault *why)
{
	static const char sql[] = "SELECT count(*) FROM payment_events e WHERE" IN_PERIOD;

	return db_number(ledger->db, count, why, sql, period->since_ms, period->until_ms);
}
