/*
 * How far the delivery of each payment got: what makes a repeated attempt go on where the last one
 * stopped.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "ledger/internal.h"
#include "ledger/progress.h"

static const char *const intent_names[] = { NULL, "contact", "lead", "totals" };

static enum intent
intent_of(const char *name)
{
	size_t i;

	for (i = INTENT_CONTACT; name != NULL && i <= INTENT_TOTALS; i++)
		if (strcmp(name, intent_names[i]) == 0)
			return (enum intent)i;
	return INTENT_NONE;
}

void
progress_init(struct progress *at)
{
	*at = (struct progress){
		.dropped = json_array(), .unmapped = json_array(), .events = json_array()
	};
}

void
progress_clear(struct progress *at)
{
	json_decref(at->dropped);
	json_decref(at->unmapped);
	json_decref(at->events);
	free(at->id_before);
	at->dropped = at->unmapped = at->events = NULL;
	at->id_before = NULL;
}

static void
load_array(json_t *array, const char *text)
{
	json_t *loaded = json_loads(text, 0, NULL);

	if (loaded != NULL)
		json_array_extend(array, loaded);
	json_decref(loaded);
}

enum outcome
ledger_progress(struct ledger *ledger, int64_t id, struct progress *at, struct fault *why)
{
	static const char sql[] =
	    "SELECT intent, intent_ms, contact_id, matched_by, lead_id, pipeline_id, lead_created,"
	    " older, applied, total_before, total_after, count_before, count_after, rebased,"
	    " note_id, dropped, unmapped, id_before, foreign_currency"
	    " FROM delivery"
	    " WHERE payment = $1";
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, sql, id);

	if (db_next(query, &out, why)) {
		at->intent = intent_of(db_text(query, 0));
		at->intent_ms = db_int(query, 1);
		at->contact_id = db_int(query, 2);
		if (!db_null(query, 3))
			strncpy(at->matched_by, db_text(query, 3), sizeof(at->matched_by) - 1);
		at->lead_id = db_int(query, 4);
		at->pipeline_id = db_int(query, 5);
		at->lead_created = db_int(query, 6) != 0;
		at->older = db_int(query, 7) != 0;
		at->applied = db_int(query, 8) != 0;
		at->total_before = db_int(query, 9);
		at->total_after = db_int(query, 10);
		at->count_before = db_int(query, 11);
		at->count_after = db_int(query, 12);
		at->rebased = db_int(query, 13);
		at->note_id = db_int(query, 14);
		load_array(at->dropped, db_text(query, 15));
		load_array(at->unmapped, db_text(query, 16));
		if (!db_null(query, 17))
			at->id_before = text_copy(db_text(query, 17));
		if (!db_null(query, 18))
			strncpy(at->foreign, db_text(query, 18), sizeof(at->foreign) - 1);
	}
	db_done(query);
	return out;
}

/*
 * applied_ms is the instant at which the payment was applied first: a row that is saved again keeps
 * it, until the lead turns out to be gone.
 */
enum outcome
progress_write(struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why)
{
	static const char sql[] =
	    "INSERT INTO delivery"
	    " (payment, intent, intent_ms, contact_id, matched_by, lead_id, pipeline_id,"
	    " lead_created, older, applied, applied_ms, total_before, total_after,"
	    " count_before, count_after, rebased, note_id, dropped, unmapped, id_before,"
	    " foreign_currency)"
	    " VALUES ($1, $2, nullif($3, 0), nullif($4, 0), nullif($5, ''), nullif($6, 0),"
	    " nullif($7, 0), $8, $9, $10, nullif($11, 0), $12, $13, $14, $15, $16,"
	    " nullif($17, 0), $18, $19, $20, nullif($21, ''))"
	    " ON CONFLICT (payment) DO UPDATE"
	    " SET intent = excluded.intent, intent_ms = excluded.intent_ms,"
	    " contact_id = excluded.contact_id, matched_by = excluded.matched_by,"
	    " lead_id = excluded.lead_id, pipeline_id = excluded.pipeline_id,"
	    " lead_created = excluded.lead_created, older = excluded.older,"
	    " applied = excluded.applied,"
	    " applied_ms = CASE WHEN excluded.applied_ms IS NOT NULL"
	    " THEN coalesce(delivery.applied_ms, excluded.applied_ms) END,"
	    " total_before = excluded.total_before, total_after = excluded.total_after,"
	    " count_before = excluded.count_before, count_after = excluded.count_after,"
	    " rebased = excluded.rebased, note_id = excluded.note_id,"
	    " dropped = excluded.dropped, unmapped = excluded.unmapped,"
	    " id_before = excluded.id_before, foreign_currency = excluded.foreign_currency";
	char *dropped = json_dumps(at->dropped, JSON_COMPACT),
	     *unmapped = json_dumps(at->unmapped, JSON_COMPACT);
	enum outcome out;

	out = db_run(ledger->db, why, sql, id, intent_names[at->intent], at->intent_ms,
	    at->contact_id, at->matched_by, at->lead_id, at->pipeline_id, at->lead_created,
	    at->older, at->applied, at->applied ? clock_wall_ms() : 0, at->total_before,
	    at->total_after, at->count_before, at->count_after, at->rebased, at->note_id, dropped,
	    unmapped, at->id_before, at->foreign);
	free(dropped);
	free(unmapped);
	return out == DONE ? trail_write(ledger, id, at->events, why) : out;
}

/* The trail tells each call; with others' leads it would say "leads". */
enum outcome
ledger_lead_errors(struct ledger *ledger, int64_t id, int64_t *count, struct fault *why)
{
	return db_number(ledger->db, count, why,
	    "SELECT count(*) FROM trail"
	    " WHERE payment = $1 AND status = 500 AND what IN ('create lead', 'change lead')",
	    id);
}

enum outcome
ledger_save(struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why)
{
	return ledger_save_contact(ledger, id, at, NULL, 0, 0, why);
}

enum outcome
ledger_intend(
    struct ledger *ledger, int64_t id, const struct progress *at, bool *wanted, struct fault *why)
{
	int64_t unfinished;
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = db_number(ledger->db, &unfinished, why,
	    "SELECT next_ms IS NOT NULL FROM payment_events WHERE id = $1", id);
	*wanted = unfinished != 0;
	if (out == DONE && *wanted)
		out = progress_write(ledger, id, at, why);
	return trail_end(ledger, out, *wanted ? at->events : NULL, why);
}

enum outcome
ledger_save_contact(struct ledger *ledger, int64_t id, const struct progress *at,
    const struct identity *who, size_t count, int64_t now_ms, struct fault *why)
{
	static const char sql[] =
	    "INSERT INTO known_contact (identity, contact_id, learnt_ms)"
	    " VALUES ($1, $2, $3)"
	    " ON CONFLICT (identity) DO UPDATE"
	    " SET contact_id = excluded.contact_id, learnt_ms = excluded.learnt_ms";
	enum outcome out;
	size_t i;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = progress_write(ledger, id, at, why);
	for (i = 0; i < count && out == DONE; i++)
		out = db_run(ledger->db, why, sql, who[i].hash, at->contact_id, now_ms);
	return trail_end(ledger, out, at->events, why);
}
