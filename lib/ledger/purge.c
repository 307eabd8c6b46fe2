/*
 * Erasing personal data in small steps, in the order in which payments were told: where it stands
 * is kept by the caller, so nothing has to be written down between two steps, and a process that
 * dies in between leaves a ledger that is whole.
 */
#include <stdio.h>

#include "db/copy.h"
#include "ledger/internal.h"
#include "ledger/ledger.h"
#include "ledger/purge.h"

/* Rows of one step: a transaction of some milliseconds. */
#define STEP 200

/*
 * What stands in place of a conflict's payload; it must differ from that of the payment's other
 * conflicts.
 */
#define PURGED_CONFLICT "'purged ' || id"

struct batch {
	int64_t ids[STEP];
	size_t count;
};

static const char count_old[] = "SELECT count(*) FROM payment_events WHERE next_ms IS NULL"
				" AND created_at < datetime($1 / 1000, 'unixepoch')";

enum outcome
purge_begin(struct ledger *ledger, struct purge *purge, struct fault *why)
{
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, count_old, "i", purge->before_ms);

	return ledger_first_number(out, query, &purge->total, why);
}

/*
 * Payments.
 */

/* A payment that was told again lately counts as young, however long it has been known. */
#define OLD "recorded_ms < $1 AND payload <> ''"

static const char next_payments[] =
    "SELECT id, created_at, " OLD " FROM payment_events WHERE next_ms IS NULL"
    " AND created_at < datetime($1 / 1000, 'unixepoch')"
    " AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4";

/* Look at the next payments, and keep those that are to be erased. */
static enum outcome
find_payments(
    struct ledger *ledger, struct purge *purge, struct batch *batch, bool *more, struct fault *why)
{
	struct query *query = NULL;
	int64_t seen = purge->seen;
	enum outcome out;
	bool row = true;

	out = db_query(ledger->db, &query, why, next_payments, "itii", purge->before_ms, purge->at,
	    purge->id, (int64_t)STEP);
	while (out == DONE && (out = db_row(query, &row, why)) == DONE && row) {
		purge->seen++;
		purge->id = db_int(query, 0);
		snprintf(purge->at, sizeof(purge->at), "%s", db_text(query, 1));
		if (db_int(query, 2) != 0)
			batch->ids[batch->count++] = purge->id;
	}
	db_done(query);
	*more = purge->seen > seen;
	return out;
}

/* Count the rows that a statement yields. */
static enum outcome
count_rows(enum outcome out, struct query *query, int64_t *count, struct fault *why)
{
	bool row = true;

	while (out == DONE && (out = db_row(query, &row, why)) == DONE && row)
		(*count)++;
	db_done(query);
	return out;
}

/* It may have been told again since it was found. */
static enum outcome
erase_payment(struct ledger *ledger, struct purge *purge, int64_t id, struct fault *why)
{
	static const char erase[] =
	    "UPDATE payment_events SET payload = '', error_message = iif(error_message LIKE "
	    "'" IMPORTED_REASON "%', '" IMPORTED_REASON "purged', error_message) WHERE id = $2 AND "
	    "next_ms IS NULL AND " OLD " RETURNING id";
	static const char erase_trail[] = "DELETE FROM trail WHERE payment = $1 RETURNING id";
	struct query *query = NULL;
	int64_t erased = 0;
	enum outcome out;

	out = db_query(ledger->db, &query, why, erase, "ii", purge->before_ms, id);
	if ((out = count_rows(out, query, &erased, why)) != DONE || erased == 0)
		return out;
	purge->payments++;
	out = db_query(ledger->db, &query, why, erase_trail, "i", id);
	return count_rows(out, query, &purge->events, why);
}

static enum outcome
count_payment(struct ledger *ledger, struct purge *purge, int64_t id, struct fault *why)
{
	struct query *query = NULL;
	enum outcome out;

	purge->payments++;
	out = db_query(ledger->db, &query, why, "SELECT id FROM trail WHERE payment = $1", "i", id);
	return count_rows(out, query, &purge->events, why);
}

/*
 * Conflicts.
 */

static enum outcome
find_conflicts(struct ledger *ledger, struct purge *purge, struct batch *batch, struct fault *why)
{
	static const char sql[] = "SELECT id FROM payment_conflict WHERE id > $1 AND seen_ms < $2"
				  " AND payload <> " PURGED_CONFLICT " ORDER BY id LIMIT $3";
	struct query *query = NULL;
	enum outcome out;
	bool row = true;

	out = db_query(
	    ledger->db, &query, why, sql, "iii", purge->conflict, purge->before_ms, (int64_t)STEP);
	while (out == DONE && (out = db_row(query, &row, why)) == DONE && row)
		batch->ids[batch->count++] = purge->conflict = db_int(query, 0);
	db_done(query);
	return out;
}

static enum outcome
erase_conflict(struct ledger *ledger, struct purge *purge, int64_t id, struct fault *why)
{
	purge->conflicts++;
	return db_run(ledger->db, why,
	    "UPDATE payment_conflict SET payload = " PURGED_CONFLICT " WHERE id = $1", "i", id);
}

static enum outcome
count_conflict(struct ledger *ledger, struct purge *purge, int64_t id, struct fault *why)
{
	(void)ledger, (void)id, (void)why;
	purge->conflicts++;
	return DONE;
}

typedef enum outcome (*deed)(struct ledger *, struct purge *, int64_t, struct fault *);

/*
 * Do something to each of a batch, all in one transaction unless it only counts.  What was not
 * committed is not counted.
 */
static enum outcome
do_batch(struct ledger *ledger, struct purge *purge, const struct batch *batch, deed act,
    struct fault *why)
{
	struct purge before = *purge;
	enum outcome out = DONE;
	size_t i;

	if (batch->count == 0)
		return DONE;
	if (!purge->dry_run && (out = db_begin(ledger->db, why)) != DONE)
		return out;
	for (i = 0; i < batch->count && out == DONE; i++)
		out = act(ledger, purge, batch->ids[i], why);
	if (!purge->dry_run)
		out = ledger_end(ledger, out, why);
	if (out != DONE)
		*purge = before;
	return out;
}

enum outcome
purge_step(struct ledger *ledger, struct purge *purge, bool *more, struct fault *why)
{
	struct batch batch = { .count = 0 };
	enum outcome out;

	if ((out = find_payments(ledger, purge, &batch, more, why)) != DONE)
		return out;
	if (*more)
		return do_batch(
		    ledger, purge, &batch, purge->dry_run ? count_payment : erase_payment, why);
	if ((out = find_conflicts(ledger, purge, &batch, why)) != DONE)
		return out;
	*more = batch.count > 0;
	return do_batch(
	    ledger, purge, &batch, purge->dry_run ? count_conflict : erase_conflict, why);
}

enum outcome
purge_end(struct ledger *ledger, struct fault *why)
{
	return db_scrub(ledger->db, why);
}
