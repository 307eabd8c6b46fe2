/*
 * What a person decides about payments: conflicts are settled, failed payments are put back.
 */
#include <string.h>

#include "ledger/internal.h"
#include "ledger/ledger.h"

enum outcome
ledger_settle(struct ledger *ledger, int64_t id, int64_t now_ms, int64_t *count, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_conflict SET settled_ms = $2 WHERE payment = $1 AND settled_ms IS NULL"
	    " RETURNING id";
	struct query *query = NULL;
	bool more = true;
	int64_t settled = 0;
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = db_query(ledger->db, &query, why, sql, "ii", id, now_ms);
	while (out == DONE && (out = db_row(query, &more, why)) == DONE && more)
		settled++;
	db_done(query);
	if ((out = ledger_end(ledger, out, why)) == DONE)
		*count = settled;
	return out;
}

/*
 * Putting failed payments back.
 */

#define PUT_BACK                                                                                   \
	"UPDATE payment_events SET status = 'pending', next_ms = $1, recorded_ms = $1, "           \
	"retry_count = 0,"                                                                         \
	" processed_at = NULL WHERE status = 'failed' AND payload <> '' AND "

enum outcome
ledger_retry(
    struct ledger *ledger, const char *key, int64_t now_ms, bool *retried, struct fault *why)
{
	struct query *query = NULL;
	int64_t id = 0;
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = db_query(
	    ledger->db, &query, why, PUT_BACK "payment_id = $2 RETURNING id", "it", now_ms, key);
	if ((out = ledger_end(ledger, ledger_first_number(out, query, &id, why), why)) == DONE)
		*retried = id != 0;
	return out;
}

const char *
ledger_why_left(const json_t *row)
{
	const char *request_id = json_string_value(json_object_get(row, "request_id"));

	if (json_is_true(json_object_get(row, "purged")))
		return "its payload is gone: purged or never imported; have it sent again";
	if (json_integer_value(json_object_get(row, "unsettled_conflicts")) > 0)
		return "it has a conflict that nobody has settled; look at that, then name it";
	if (request_id != NULL && strcmp(request_id, LEDGER_IMPORTED) == 0)
		return "it was imported, and nobody knows how far the service used before got; "
		       "name it";
	return NULL;
}

/* What still is failed, with the reason for it. */
static enum outcome
tell_left(struct ledger *ledger, json_t *left, struct fault *why)
{
	json_t *rows = NULL, *row;
	enum outcome out =
	    ledger_list(ledger, PAYMENT_FAILED, NULL, 0, INT64_MAX, false, &rows, why);
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *reason = ledger_why_left(row);

		json_object_set_new(left, json_string_value(json_object_get(row, "payment_id")),
		    json_string(reason != NULL ? reason : ""));
	}
	json_decref(rows);
	return out;
}

enum outcome
ledger_retry_failed(
    struct ledger *ledger, int64_t now_ms, json_t **retried, json_t **left, struct fault *why)
{
	static const char sql[] = PUT_BACK
	    "request_id IS NOT '" LEDGER_IMPORTED "' AND NOT EXISTS (SELECT 1 FROM payment_conflict"
	    " WHERE payment = payment_events.id AND settled_ms IS NULL) RETURNING payment_id";
	struct query *query = NULL;
	json_t *back = json_array(), *stays = json_object();
	bool more = true;
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) == DONE) {
		out = db_query(ledger->db, &query, why, sql, "i", now_ms);
		while (out == DONE && (out = db_row(query, &more, why)) == DONE && more)
			json_array_append_new(back, json_string(db_text(query, 0)));
		db_done(query);
		if (out == DONE)
			out = tell_left(ledger, stays, why);
		out = ledger_end(ledger, out, why);
	}
	if (out == DONE) {
		*retried = back;
		*left = stays;
	} else {
		json_decref(back);
		json_decref(stays);
	}
	return out;
}
