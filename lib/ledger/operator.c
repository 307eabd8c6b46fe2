/*
 * What a person decides about payments: conflicts are settled, failed payments are put back.
 */
#include "ledger/operator.h"
#include "ledger/internal.h"
#include "ledger/report.h"

enum outcome
ledger_settle(struct ledger *ledger, int64_t id, int64_t now_ms, int64_t *count, struct fault *why)
{
	static const char sql[] = "UPDATE payment_conflict SET settled_ms = $2"
				  " WHERE payment = $1 AND settled_ms IS NULL";
	enum outcome out = db_write(ledger->db, why, sql, id, now_ms);

	if (out == DONE)
		*count = db_changed(ledger->db);
	return out;
}

/*
 * Putting failed payments back.
 */

#define PUT_BACK                                                                                   \
	"UPDATE payment_events"                                                                    \
	" SET status = 'pending', next_ms = $1, recorded_ms = $1, retry_count = 0,"                \
	" processed_at = NULL"                                                                     \
	" WHERE status = 'failed' AND payload <> '' AND "

enum outcome
ledger_retry(
    struct ledger *ledger, const char *key, int64_t now_ms, bool *retried, struct fault *why)
{
	enum outcome out = db_write(ledger->db, why, PUT_BACK "payment_id = $2", now_ms, key);

	if (out == DONE)
		*retried = db_changed(ledger->db) > 0;
	return out;
}

const char *
ledger_why_left(const json_t *row)
{
	if (json_is_true(json_object_get(row, "purged")))
		return "its payload is gone: purged or never imported; have it sent again";
	if (json_integer_value(json_object_get(row, "unsettled_conflicts")) > 0)
		return "it has a conflict that nobody has settled; look at that, then name it";
	if (json_is_true(json_object_get(row, "imported")))
		return "it was imported, and nobody knows how far the service used before got; "
		       "name it";
	return NULL;
}

/* What still is failed, with the reason for it. */
static enum outcome
list_left(struct ledger *ledger, json_t *left, struct fault *why)
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

static json_t *
key_of(struct query *query)
{
	return json_string(db_text(query, 0));
}

enum outcome
ledger_retry_failed(
    struct ledger *ledger, int64_t now_ms, json_t **retried, json_t **left, struct fault *why)
{
	static const char sql[] =
	    PUT_BACK "NOT imported AND NOT EXISTS (SELECT 1 FROM payment_conflict"
		     " WHERE payment = payment_events.id AND settled_ms IS NULL)"
		     " RETURNING payment_id";
	struct query *query = NULL;
	json_t *back = NULL, *stays = json_object();
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) == DONE) {
		out = db_query(ledger->db, &query, why, sql, now_ms);
		out = ledger_collect_rows(out, query, key_of, &back, why);
		if (out == DONE)
			out = list_left(ledger, stays, why);
		out = db_end(ledger->db, out, why);
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
