/*
 * Erasing personal data in small steps, in the order in which payments came: where it stands
 * is kept by the caller, so nothing has to be written down between two steps, and a process that
 * dies in between leaves a ledger that is whole.
 */
#include <stdio.h>

#include "db/copy.h"
#include "ledger/internal.h"
#include "ledger/purge.h"

/* Rows of one step: a transaction of some milliseconds. */
#define STEP 200

/* The rows that one step erases. */
struct found {
	int64_t ids[STEP];
	size_t count;
};

enum outcome
purge_begin(struct ledger *ledger, struct purge *purge, struct fault *why)
{
	static const char sql[] =
	    "SELECT count(*) FROM payment_events"
	    " WHERE next_ms IS NULL AND created_at < datetime($1 / 1000, 'unixepoch')";

	return db_number(ledger->db, &purge->total, why, sql, purge->before_ms);
}

/*
 * Payments.
 */

/* A payment that came again lately counts as young, however long it has been known. */
#define OLD "recorded_ms < $1 AND (payload <> '' OR reason_private)"

/* Look at the next payments, and keep those that are to be erased. */
static enum outcome
find_payments(
    struct ledger *ledger, struct purge *purge, struct found *found, bool *more, struct fault *why)
{
	static const char sql[] =
	    "SELECT id, created_at, " OLD " FROM payment_events"
	    " WHERE next_ms IS NULL AND created_at < datetime($1 / 1000, 'unixepoch')"
	    " AND (created_at, id) > ($2, $3)"
	    " ORDER BY created_at, id"
	    " LIMIT $4";
	struct query *query = NULL;
	int64_t seen = purge->seen;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, purge->before_ms, purge->at, purge->id, STEP);
	while (db_next(query, &out, why)) {
		purge->seen++;
		purge->id = db_int(query, 0);
		snprintf(purge->at, sizeof(purge->at), "%s", db_text(query, 1));
		if (db_int(query, 2) != 0)
			found->ids[found->count++] = purge->id;
	}
	*more = purge->seen > seen;
	return out;
}

/* It may have come again since it was found. */
static enum outcome
erase_payment(struct ledger *ledger, struct purge *purge, int64_t id, struct fault *why)
{
	static const char erase[] =
	    "UPDATE payment_events"
	    " SET payload = '',"
	    " error_message = iif(reason_private, '" IMPORTED_REASON "purged', error_message),"
	    " reason_private = 0"
	    " WHERE id = $2 AND next_ms IS NULL AND " OLD;
	enum outcome out = db_run(ledger->db, why, erase, purge->before_ms, id);

	if (out != DONE || db_changed(ledger->db) == 0)
		return out;
	purge->payments++;
	if ((out = db_run(ledger->db, why, "DELETE FROM trail WHERE payment = $1", id)) == DONE)
		purge->events += db_changed(ledger->db);
	return out;
}

static enum outcome
count_payment(struct ledger *ledger, struct purge *purge, int64_t id, struct fault *why)
{
	int64_t events;
	enum outcome out = db_number(
	    ledger->db, &events, why, "SELECT count(*) FROM trail WHERE payment = $1", id);

	purge->payments++;
	purge->events += events;
	return out;
}

/*
 * Conflicts.
 */

static enum outcome
find_conflicts(struct ledger *ledger, struct purge *purge, struct found *found, struct fault *why)
{
	static const char sql[] = "SELECT id FROM payment_conflict"
				  " WHERE id > $1 AND seen_ms < $2 AND payload IS NOT NULL"
				  " ORDER BY id"
				  " LIMIT $3";
	struct query *query = NULL;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, purge->conflict, purge->before_ms, STEP);
	while (db_next(query, &out, why))
		found->ids[found->count++] = purge->conflict = db_int(query, 0);
	return out;
}

static enum outcome
erase_conflict(struct ledger *ledger, struct purge *purge, int64_t id, struct fault *why)
{
	purge->conflicts++;
	return db_run(
	    ledger->db, why, "UPDATE payment_conflict SET payload = NULL WHERE id = $1", id);
}

static enum outcome
count_conflict(struct ledger *ledger, struct purge *purge, int64_t id, struct fault *why)
{
	(void)ledger, (void)id, (void)why;
	purge->conflicts++;
	return DONE;
}

/*
 * Rejected bodies, few at a time, as each may have 256 KiB.
 */
#define REJECTED_STEP 20

static enum outcome
purge_rejected(struct ledger *ledger, struct purge *purge, bool *more, struct fault *why)
{
	static const char count[] =
	    "SELECT count(*) FROM rejected WHERE last_ms < $1 AND body IS NOT NULL";
	static const char erase[] = "UPDATE rejected SET body = NULL"
				    " WHERE id IN (SELECT id FROM rejected WHERE last_ms < $1 AND "
				    "body IS NOT NULL LIMIT $2)";
	enum outcome out;

	*more = false;
	if (purge->dry_run)
		return db_number(ledger->db, &purge->rejected, why, count, purge->before_ms);
	out = db_write(ledger->db, why, erase, purge->before_ms, REJECTED_STEP);
	if (out == DONE) {
		*more = db_changed(ledger->db) > 0;
		purge->rejected += db_changed(ledger->db);
	}
	return out;
}

typedef enum outcome action(struct ledger *, struct purge *, int64_t, struct fault *);

/*
 * Erase or count each row found, all in one transaction unless it only counts.  What was not
 * committed is not counted.
 */
static enum outcome
for_each(struct ledger *ledger, struct purge *purge, const struct found *found, action *act,
    struct fault *why)
{
	struct purge before = *purge;
	enum outcome out = DONE;
	size_t i;

	if (found->count == 0)
		return DONE;
	if (!purge->dry_run && (out = db_begin(ledger->db, why)) != DONE)
		return out;
	for (i = 0; i < found->count && out == DONE; i++)
		out = act(ledger, purge, found->ids[i], why);
	if (!purge->dry_run)
		out = db_end(ledger->db, out, why);
	if (out != DONE)
		*purge = before;
	return out;
}

enum outcome
purge_step(struct ledger *ledger, struct purge *purge, bool *more, struct fault *why)
{
	struct found found = { .count = 0 };
	enum outcome out;

	if ((out = find_payments(ledger, purge, &found, more, why)) != DONE)
		return out;
	if (*more)
		return for_each(
		    ledger, purge, &found, purge->dry_run ? count_payment : erase_payment, why);
	if ((out = find_conflicts(ledger, purge, &found, why)) != DONE)
		return out;
	if (found.count == 0)
		return purge_rejected(ledger, purge, more, why);
	*more = true;
	return for_each(
	    ledger, purge, &found, purge->dry_run ? count_conflict : erase_conflict, why);
}

enum outcome
purge_end(struct ledger *ledger, struct fault *why)
{
	return db_scrub(ledger->db, why);
}
