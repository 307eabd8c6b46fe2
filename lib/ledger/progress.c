/*
 * How far the carrying of each payment got, and what else must be remembered to carry it exactly
 * once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/internal.h"
#include "ledger/ledger.h"

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
	at->dropped = at->unmapped = at->events = NULL;
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
	static const char sql[] = "SELECT intent, intent_ms, contact_id, matched_by, lead_id, "
				  "pipeline_id, lead_created, older, "
				  "applied,"
				  " total_before, total_after, count_before, count_after, rebased, "
				  "note_id, dropped, unmapped"
				  " FROM delivery WHERE payment = $1";
	struct query *query = NULL;
	bool found = false;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "i", id);
	out = ledger_first_row(out, query, &found, why);
	if (out == DONE && found) {
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
	}
	db_done(query);
	return out;
}

enum outcome
progress_write(struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why)
{
	static const char sql[] =
	    "INSERT INTO delivery (payment, intent, intent_ms, contact_id, matched_by, lead_id, "
	    "pipeline_id, "
	    "lead_created,"
	    " older, applied, applied_ms, total_before, total_after, count_before, count_after, "
	    "rebased, "
	    "note_id, dropped,"
	    " unmapped) VALUES ($1, $2, nullif($3, 0), nullif($4, 0), nullif($5, ''), nullif($6, "
	    "0), "
	    "nullif($7, 0), $8, $9,"
	    " $10, nullif($11, 0), $12, $13, $14, $15, $16, nullif($17, 0), $18, $19)"
	    " ON CONFLICT (payment) DO UPDATE SET intent = excluded.intent, intent_ms = "
	    "excluded.intent_ms,"
	    " contact_id = excluded.contact_id, matched_by = excluded.matched_by, lead_id = "
	    "excluded.lead_id,"
	    " pipeline_id = excluded.pipeline_id, lead_created = excluded.lead_created, older = "
	    "excluded.older,"
	    " applied = excluded.applied, applied_ms = coalesce(delivery.applied_ms, "
	    "excluded.applied_ms),"
	    " total_before = excluded.total_before, total_after = excluded.total_after,"
	    " count_before = excluded.count_before, count_after = excluded.count_after, rebased = "
	    "excluded.rebased,"
	    " note_id = excluded.note_id, dropped = excluded.dropped, unmapped = excluded.unmapped";
	char *dropped = json_dumps(at->dropped, JSON_COMPACT),
	     *unmapped = json_dumps(at->unmapped, JSON_COMPACT);
	enum outcome out;

	out = db_run(ledger->db, why, sql, "itiitiiiiiiiiiiiitt", id, intent_names[at->intent],
	    at->intent_ms, at->contact_id, at->matched_by, at->lead_id, at->pipeline_id,
	    (int64_t)at->lead_created, (int64_t)at->older, (int64_t)at->applied,
	    at->applied ? clock_wall_ms() : 0, at->total_before, at->total_after, at->count_before,
	    at->count_after, at->rebased, at->note_id, dropped, unmapped);
	free(dropped);
	free(unmapped);
	return out == DONE ? trail_write(ledger, id, at->events, why) : out;
}

enum outcome
ledger_save(struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why)
{
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	if ((out = ledger_end(ledger, progress_write(ledger, id, at, why), why)) == DONE)
		json_array_clear(at->events);
	return out;
}

enum outcome
ledger_save_contact(struct ledger *ledger, int64_t id, const struct progress *at,
    const struct identity *who, size_t count, int64_t now_ms, struct fault *why)
{
	static const char sql[] =
	    "INSERT INTO known_contact (identity, contact_id, learnt_ms) VALUES ($1, $2, $3)"
	    " ON CONFLICT (identity) DO UPDATE SET contact_id = excluded.contact_id, learnt_ms = "
	    "excluded.learnt_ms";
	enum outcome out;
	size_t i;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = progress_write(ledger, id, at, why);
	for (i = 0; i < count && out == DONE; i++)
		out = db_run(ledger->db, why, sql, "iii", who[i].hash, at->contact_id, now_ms);
	if ((out = ledger_end(ledger, out, why)) == DONE)
		json_array_clear(at->events);
	return out;
}

enum outcome
ledger_remembered(struct ledger *ledger, int64_t identity, int64_t *contact_id, struct fault *why)
{
	struct query *query = NULL;
	enum outcome out;

	out = db_query(ledger->db, &query, why,
	    "SELECT contact_id FROM known_contact WHERE identity = $1", "i", identity);
	return ledger_first_number(out, query, contact_id, why);
}

enum outcome
ledger_contact_touched(
    struct ledger *ledger, int64_t contact_id, int64_t since_ms, bool *touched, struct fault *why)
{
	static const char sql[] =
	    "SELECT 1 FROM delivery WHERE contact_id = $1 AND applied_ms >= $2 LIMIT 1";
	struct query *query = NULL;
	int64_t found = 0;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "ii", contact_id, since_ms);
	if ((out = ledger_first_number(out, query, &found, why)) == DONE)
		*touched = found != 0;
	return out;
}

/*
 * Rows with an open intent, few at any time, beside the row $1: where they share an identity with
 * it.
 */
#define OPEN_INTENTS                                                                               \
	" FROM delivery d JOIN payment_events other ON other.id = d.payment, payment_events me"    \
	" WHERE d.intent IS NOT NULL AND me.id = $1"
#define SAME_PAYER                                                                                 \
	"(me.telegram <> 0 AND other.telegram = me.telegram) OR (me.phone <> 0 AND other.phone = " \
	"me.phone)"                                                                                \
	" OR (me.email <> 0 AND other.email = me.email)"

enum outcome
ledger_blocker(
    struct ledger *ledger, int64_t id, int64_t lead_id, int64_t *blocker, struct fault *why)
{
	static const char sql[] =
	    "SELECT other.id" OPEN_INTENTS " AND other.next_ms IS NOT NULL AND other.id <> me.id"
	    " AND (($2 <> 0 AND d.lead_id = $2) OR " SAME_PAYER ") LIMIT 1";
	struct query *query = NULL;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "ii", id, lead_id);
	return ledger_first_number(out, query, blocker, why);
}

enum outcome
ledger_lost_contact(struct ledger *ledger, int64_t id, bool *lost, struct fault *why)
{
	static const char sql[] =
	    "SELECT count(*)" OPEN_INTENTS
	    " AND d.intent = 'contact' AND (other.id = me.id OR " SAME_PAYER ")";
	struct query *query = NULL;
	int64_t count = 0;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "i", id);
	if ((out = ledger_first_number(out, query, &count, why)) == DONE)
		*lost = count > 0;
	return out;
}

enum outcome
ledger_base_after(struct ledger *ledger, int64_t lead_id, int64_t since_ms, int64_t *total,
    int64_t *count, bool *known, struct fault *why)
{
	static const char sql[] =
	    "SELECT total_before, count_before FROM (SELECT total_before, count_before,"
	    " iif(intent = 'totals', intent_ms, applied_ms) AS at_ms FROM delivery"
	    " WHERE lead_id = $1 AND lead_created = 0 AND (applied_ms IS NOT NULL OR intent = "
	    "'totals'))"
	    " WHERE at_ms > $2 ORDER BY at_ms LIMIT 1";
	struct query *query = NULL;
	bool found = false;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "ii", lead_id, since_ms);
	out = ledger_first_row(out, query, &found, why);
	if (out == DONE && found) {
		*total = db_int(query, 0);
		*count = db_int(query, 1);
	}
	if (out == DONE)
		*known = found;
	db_done(query);
	return out;
}

enum outcome
ledger_younger_intent(struct ledger *ledger, int64_t id, int64_t lead_id, int64_t intent_ms,
    int64_t *younger, struct fault *why)
{
	static const char sql[] =
	    "SELECT other.id FROM delivery d JOIN payment_events other ON other.id = d.payment"
	    " WHERE d.lead_id = $2 AND d.intent = 'totals' AND other.next_ms IS NOT NULL AND "
	    "other.id <> $1"
	    " AND (d.intent_ms, other.id) > ($3, $1) LIMIT 1";
	struct query *query = NULL;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "iii", id, lead_id, intent_ms);
	return ledger_first_number(out, query, younger, why);
}

enum outcome
ledger_lead_claimed(struct ledger *ledger, int64_t lead_id, bool *claimed, struct fault *why)
{
	struct query *query = NULL;
	int64_t count = 0;
	enum outcome out;

	out = db_query(ledger->db, &query, why,
	    "SELECT count(*) FROM delivery WHERE lead_id = $1 AND lead_created", "i", lead_id);
	out = ledger_first_number(out, query, &count, why);
	if (out == DONE)
		*claimed = count > 0;
	return out;
}
