/*
 * Each payment's trail, kept.
 */
#include "ledger/internal.h"
#include "ledger/report.h"

static enum outcome
write_event(struct ledger *ledger, int64_t id, const json_t *event, struct fault *why)
{
	static const char plain[] = "INSERT INTO trail (payment, at_ms, what) VALUES ($1, $2, $3)";
	static const char call[] =
	    "INSERT INTO trail (payment, at_ms, what, status, took_ms, request_id)"
	    " VALUES ($1, $2, $3, $4, $5, nullif($6, ''))";
	int64_t at_ms = json_integer_value(json_object_get(event, "at_ms"));
	const char *what = json_string_value(json_object_get(event, "what"));

	if (json_object_get(event, "status") == NULL)
		return db_run(ledger->db, why, plain, id, at_ms, what);
	return db_run(ledger->db, why, call, id, at_ms, what,
	    json_integer_value(json_object_get(event, "status")),
	    json_integer_value(json_object_get(event, "took_ms")),
	    json_string_value(json_object_get(event, "request_id")));
}

enum outcome
trail_write(struct ledger *ledger, int64_t id, const json_t *events, struct fault *why)
{
	const json_t *event;
	enum outcome out = DONE;
	size_t i;

	json_array_foreach(events, i, event)
		if ((out = write_event(ledger, id, event, why)) != DONE)
			break;
	return out;
}

enum outcome
trail_end(struct ledger *ledger, enum outcome out, json_t *events, struct fault *why)
{
	if ((out = db_end(ledger->db, out, why)) == DONE)
		json_array_clear(events);
	return out;
}

static json_t *
event_of(struct query *query)
{
	json_t *event = json_pack(
	    "{s:I, s:s}", "at_ms", (json_int_t)db_int(query, 0), "what", db_text(query, 1));

	if (db_null(query, 2))
		return event;
	json_object_set_new(event, "status", json_integer(db_int(query, 2)));
	json_object_set_new(event, "took_ms", json_integer(db_int(query, 3)));
	json_object_set_new(
	    event, "request_id", db_null(query, 4) ? json_null() : json_string(db_text(query, 4)));
	return event;
}

enum outcome
ledger_trail(struct ledger *ledger, int64_t id, json_t **events, struct fault *why)
{
	static const char sql[] = "SELECT at_ms, what, status, took_ms, request_id FROM trail"
				  " WHERE payment = $1"
				  " ORDER BY id";
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, sql, id);

	return ledger_collect_rows(out, query, event_of, events, why);
}
