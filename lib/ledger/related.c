/*
 * What the ledger knows of the other payments of a payer, a contact or a lead.
 *
 * amoCRM's search learns of a contact only after a while, and a lead does not say who changed it.
 * The ledger remembers both: which contact an identity became, and which payments have an intent
 * whose effect is not known yet.
 */
#include "ledger/related.h"
#include "ledger/internal.h"

enum outcome
ledger_remembered(struct ledger *ledger, int64_t identity, int64_t *contact_id, struct fault *why)
{
	return db_number(ledger->db, contact_id, why,
	    "SELECT contact_id FROM known_contact WHERE identity = $1", identity);
}

enum outcome
ledger_contact_touched(
    struct ledger *ledger, int64_t contact_id, int64_t since_ms, bool *touched, struct fault *why)
{
	static const char sql[] = "SELECT 1 FROM delivery"
				  " WHERE contact_id = $1 AND applied_ms >= $2"
				  " LIMIT 1";
	int64_t found;
	enum outcome out = db_number(ledger->db, &found, why, sql, contact_id, since_ms);

	*touched = found != 0;
	return out;
}

/* Each save tells the trail, whose ids only grow: an id that is on disk comes before all that is
 * done to amoCRM later and then written down. */
enum outcome
ledger_mark(struct ledger *ledger, int64_t *mark, struct fault *why)
{
	return db_number(ledger->db, mark, why, "SELECT max(id) FROM trail");
}

enum outcome
ledger_lead_touched(struct ledger *ledger, int64_t id, int64_t lead_id, int64_t mark, bool *touched,
    struct fault *why)
{
	static const char sql[] = "SELECT count(*) FROM trail t"
				  " JOIN delivery d ON d.payment = t.payment"
				  " WHERE t.id > $1 AND d.lead_id = $2 AND d.payment <> $3";
	int64_t count;
	enum outcome out = db_number(ledger->db, &count, why, sql, mark, lead_id, id);

	*touched = count > 0;
	return out;
}

enum outcome
ledger_lead_claimed(struct ledger *ledger, int64_t lead_id, bool *claimed, struct fault *why)
{
	static const char sql[] = "SELECT count(*) FROM delivery"
				  " WHERE lead_id = $1 AND lead_created";
	int64_t count;
	enum outcome out = db_number(ledger->db, &count, why, sql, lead_id);

	*claimed = count > 0;
	return out;
}

/*
 * Rows with an open intent, few at any time, beside the row $1: where they share an identity with
 * it.
 */
#define OPEN_INTENTS                                                                               \
	" FROM delivery d"                                                                         \
	" JOIN payment_events other ON other.id = d.payment, payment_events me"                    \
	" WHERE d.intent IS NOT NULL AND me.id = $1"
#define SAME_PAYER                                                                                 \
	"(me.telegram <> 0 AND other.telegram = me.telegram)"                                      \
	" OR (me.phone <> 0 AND other.phone = me.phone)"                                           \
	" OR (me.email <> 0 AND other.email = me.email)"

enum outcome
ledger_blocker(
    struct ledger *ledger, int64_t id, int64_t lead_id, int64_t *blocker, struct fault *why)
{
	static const char sql[] =
	    "SELECT other.id" OPEN_INTENTS " AND other.next_ms IS NOT NULL AND other.id <> me.id"
	    " AND (($2 <> 0 AND d.lead_id = $2) OR " SAME_PAYER ")"
	    " LIMIT 1";

	return db_number(ledger->db, blocker, why, sql, id, lead_id);
}

enum outcome
ledger_lost_contact(struct ledger *ledger, int64_t id, bool *lost, struct fault *why)
{
	static const char sql[] =
	    "SELECT count(*)" OPEN_INTENTS
	    " AND d.intent = 'contact' AND (other.id = me.id OR " SAME_PAYER ")";
	int64_t count;
	enum outcome out = db_number(ledger->db, &count, why, sql, id);

	*lost = count > 0;
	return out;
}

enum outcome
ledger_younger_intent(struct ledger *ledger, int64_t id, int64_t lead_id, int64_t intent_ms,
    int64_t *younger, struct fault *why)
{
	static const char sql[] = "SELECT other.id FROM delivery d"
				  " JOIN payment_events other ON other.id = d.payment"
				  " WHERE d.lead_id = $2 AND d.intent = 'totals'"
				  " AND other.next_ms IS NOT NULL AND other.id <> $1"
				  " AND (d.intent_ms, other.id) > ($3, $1)"
				  " LIMIT 1";

	return db_number(ledger->db, younger, why, sql, id, lead_id, intent_ms);
}

enum outcome
ledger_base_after(struct ledger *ledger, int64_t lead_id, int64_t since_ms, int64_t *total,
    int64_t *count, bool *known, struct fault *why)
{
	static const char sql[] = "SELECT total_before, count_before FROM ("
				  "SELECT total_before, count_before,"
				  " iif(intent = 'totals', intent_ms, applied_ms) AS at_ms"
				  " FROM delivery"
				  " WHERE lead_id = $1 AND lead_created = 0"
				  " AND (applied_ms IS NOT NULL OR intent = 'totals'))"
				  " WHERE at_ms > $2"
				  " ORDER BY at_ms"
				  " LIMIT 1";
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, sql, lead_id, since_ms);

	if ((*known = db_next(query, &out, why))) {
		*total = db_int(query, 0);
		*count = db_int(query, 1);
	}
	db_done(query);
	return out;
}
