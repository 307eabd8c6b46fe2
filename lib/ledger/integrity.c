/*
 * Whether the ledger is whole: the file, the invariants that the head of ledger.c states, and a
 * copy of it that was read again.
 */
#include "ledger/integrity.h"

#include <stdlib.h>

#include "base/text.h"
#include "db/open.h"
#include "ledger/internal.h"

enum outcome
ledger_copy(struct ledger *ledger, const char *path, db_progress *progress, void *cookie,
    int64_t *rows, struct fault *why)
{
	struct db *copy = NULL;
	enum outcome out;

	if ((out = db_copy(ledger->db, path, progress, cookie, why)) != DONE ||
	    (out = db_open_foreign(path, &copy, why)) != DONE)
		return out;
	out = db_number(copy, rows, why, "SELECT count(*) FROM payment_events");
	db_close(copy);
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
	    "SELECT id FROM payment_events"
	    " WHERE (status IN ('pending', 'processing')) <> (next_ms IS NOT NULL)" },
	{ "a success has a contact, a lead, an applied amount and a note",
	    "SELECT e.id FROM payment_events e"
	    " JOIN delivery d ON d.payment = e.id"
	    " WHERE e.status = 'success' AND NOT coalesce("
	    "d.applied AND d.intent IS NULL AND d.note_id AND d.contact_id AND d.lead_id, 0)" },
	{ "an applied payment moved the total by its amount and the counter by at most one",
	    "SELECT e.id FROM payment_events e"
	    " JOIN delivery d ON d.payment = e.id"
	    " WHERE d.applied AND e.status = 'success'"
	    " AND (d.total_after - d.total_before <>"
	    " CASE WHEN d.foreign_currency IS NULL THEN e.kopecks ELSE 0 END"
	    " OR d.count_after - d.count_before NOT IN (0, 1))" },
	{ "at most one unfinished payment has an open intent on a lead's totals",
	    "SELECT min(e.id) FROM payment_events e"
	    " JOIN delivery d ON d.payment = e.id"
	    " WHERE d.intent = 'totals' AND e.next_ms IS NOT NULL"
	    " AND d.intent_ms >= e.recorded_ms"
	    " GROUP BY d.lead_id"
	    " HAVING count(*) > 1" },
	{ "the tally agrees with the rows",
	    "SELECT coalesce(t.day, e.day) FROM"
	    " (SELECT * FROM tally WHERE payments <> 0 OR kopecks <> 0) t"
	    " FULL JOIN"
	    " (SELECT day, status, count(*) AS payments, sum(kopecks) AS kopecks"
	    " FROM payment_events"
	    " WHERE next_ms IS NULL"
	    " GROUP BY day, status) e"
	    " ON e.day = t.day AND e.status = t.status"
	    " WHERE t.payments IS NOT e.payments OR t.kopecks IS NOT e.kopecks" },
};

enum outcome
ledger_check(
    struct ledger *ledger, void (*problem)(void *, const char *), void *cookie, struct fault *why)
{
	enum outcome out = db_check(ledger->db, problem, cookie, why);
	bool broken = out == NEVER;
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]) && (out == DONE || out == NEVER); i++) {
		struct query *query = NULL;

		out = db_query(ledger->db, &query, why, checks[i].violations);
		while (db_next(query, &out, why)) {
			char *text = text_format("row %lld: not true that %s",
			    (long long)db_int(query, 0), checks[i].invariant);

			problem(cookie, text);
			free(text);
			broken = true;
		}
	}
	if (out == DONE && broken)
		return fault_set(why, NEVER, "the ledger breaks its invariants");
	return out;
}
