/*
 * The ledger: what arrives, who takes it in hand, how it ends.  How far a payment got is in ledger_progress.c, what people
 * look at in ledger_report.c; no other file speaks SQL.
 *
 * Invariants, asserted by ledger_check() and where possible by the schema itself:
 *
 *  1. A payment_id has one row, for ever.
 *  2. A row is unfinished (pending, processing) if and only if it has a time at which it is taken up (next_ms).
 *  3. A success has a contact, a lead, and its amount applied: delivery.applied = 1, no open intent, a note.
 *  4. An applied payment on an existing lead moved its total by exactly its amount, and its count by one (by less only at
 *     the end of a select field): total_after = total_before + kopecks.
 *  5. Of the unfinished payments on one lead at most one has an open intent on its totals.
 *  6. The tally agrees with the rows.
 *
 * States of a row; the arrows name the function that performs them:
 *
 *	        ledger_record                      ledger_record (excluded)
 *	              |                                   |
 *	              v             ledger_claim          v
 *	         +---------+ ------------------> +------------+        +---------+
 *	    +--> | pending |                     | processing |        | skipped |
 *	    |    +---------+ <------------------ +------------+        +---------+
 *	    |         ^        ledger_postpone      |      |                |
 *	    |         |               ledger_finish |      | ledger_fail    |
 *	    |         |                             v      v                |
 *	    |         |                      +---------+ +--------+         |
 *	    |         |                      | success | | failed |         |
 *	    |         |                      +---------+ +--------+         |
 *	    |         +---------- ledger_retry ----------------+            |
 *	    +------------ ledger_record (told again) ----------+------------+
 *
 * A processing row whose process died simply falls due again: its next_ms is the end of a lease.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ledger.h"
#include "ledger_internal.h"
#include "money.h"
#include "schema.h"

static const char *const status_names[PAYMENT_STATUSES] = { "pending", "processing", "success", "failed",
	"skipped" };

const char *
status_name(enum payment_status status)
{
	return status_names[status];
}

int
status_number(const char *name)
{
	int status;

	for (status = 0; status < PAYMENT_STATUSES; status++)
		if (strcmp(name, status_names[status]) == 0)
			return status;
	return -1;
}

static void
wrap(struct db *db, struct ledger **ledger)
{
	if ((*ledger = calloc(1, sizeof(**ledger))) == NULL)
		abort();
	(*ledger)->db = db;
}

enum outcome
ledger_open(const char *path, struct ledger **ledger, struct fault *why)
{
	struct db *db;
	enum outcome out;

	out = db_open(path, SCHEMA_APPLICATION_ID, schema_migrations, SCHEMA_VERSION, &db, why);
	if (out == DONE)
		wrap(db, ledger);
	return out;
}

enum outcome
ledger_open_existing(const char *path, struct ledger **ledger, struct fault *why)
{
	struct db *db;
	enum outcome out;

	out = db_open_existing(path, SCHEMA_APPLICATION_ID, schema_migrations, SCHEMA_VERSION, &db, why);
	if (out == DONE)
		wrap(db, ledger);
	return out;
}

void
ledger_close(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	db_close(ledger->db);
	free(ledger);
}

enum outcome
ledger_end(struct ledger *ledger, enum outcome out, struct fault *why)
{
	if (out == DONE)
		return db_commit(ledger->db, why);
	db_rollback(ledger->db);
	return out;
}

enum outcome
first_row(enum outcome out, struct query *query, bool *found, struct fault *why)
{
	return out != DONE ? out : db_row(query, found, why);
}

enum outcome
first_number(enum outcome out, struct query *query, int64_t *value, struct fault *why)
{
	bool found = false;

	out = first_row(out, query, &found, why);
	*value = out == DONE && found ? db_int(query, 0) : 0;
	db_done(query);
	return out;
}

enum outcome
collect_rows(
    enum outcome out, struct query *query, json_t *row_of(struct query *), json_t **rows, struct fault *why)
{
	json_t *all = json_array();
	bool more = true;

	while (out == DONE && (out = db_row(query, &more, why)) == DONE && more)
		json_array_append_new(all, row_of(query));
	db_done(query);
	if (out == DONE)
		*rows = all;
	else
		json_decref(all);
	return out;
}

/*
 * Arrival.
 */

static int64_t
identity_of(const struct arrival *arrival, enum identity_kind kind)
{
	size_t i;

	for (i = 0; i < arrival->who_count; i++)
		if (arrival->who[i].kind == kind)
			return arrival->who[i].hash;
	return 0;
}

static enum payment_status
first_status(const struct arrival *arrival)
{
	return arrival->exclusion != NULL ? PAYMENT_SKIPPED : PAYMENT_PENDING;
}

/* Unfinished rows have a time, finished ones have none: NULL for SQL is what nullif() makes of 0. */
static int64_t
first_time(const struct arrival *arrival)
{
	return arrival->exclusion != NULL ? 0 : arrival->next_ms;
}

static enum outcome
insert(struct ledger *ledger, const struct arrival *a, int64_t *id, struct fault *why)
{
	static const char sql[] = "INSERT INTO payment_events (payment_id, created_at, status, amount, "
				  "payload, error_message, kopecks, paid_at,"
				  " recorded_ms, next_ms, telegram, phone, email, request_id, day)"
				  " VALUES ($1, datetime($2 / 1000, 'unixepoch'), $3, $4, $5, $6, $7, $8, "
				  "$2, nullif($9, 0), $10, $11, $12, $13, $14)"
				  " ON CONFLICT (payment_id) DO NOTHING";
	char roubles[MONEY_TEXT];
	enum outcome out;

	out = db_run(ledger->db, why, sql, "tittttiiiiiiti", a->key, a->now_ms, status_name(first_status(a)),
	    money_format(roubles, a->kopecks), a->payload, a->exclusion, a->kopecks, a->paid_at,
	    first_time(a), identity_of(a, BY_TELEGRAM), identity_of(a, BY_PHONE), identity_of(a, BY_EMAIL),
	    a->request_id, clock_day(a->now_ms / 1000));
	if (out == DONE)
		*id = db_added(ledger->db);
	return out;
}

struct known {
	struct ledger_row row;
	int64_t kopecks;
	int64_t who[IDENTITIES_MAX];
};

static enum outcome
look_up(struct ledger *ledger, const char *key, struct known *known, struct fault *why)
{
	static const char sql[] = "SELECT id, status, contact_id, lead_id, pipeline_id, lead_created, "
				  "kopecks, telegram, phone, email"
				  " FROM payment_events WHERE payment_id = $1";
	struct query *query = NULL;
	bool found = false;
	enum outcome out;
	int kind;

	out = db_query(ledger->db, &query, why, sql, "t", key);
	out = first_row(out, query, &found, why);
	if (out == DONE && !found)
		out = fault_set(why, BROKEN, "ledger: the row that a new payment collides with is not there");
	if (out == DONE) {
		known->row.id = db_int(query, 0);
		known->row.status = (enum payment_status)status_number(db_text(query, 1));
		known->row.contact_id = db_int(query, 2);
		known->row.lead_id = db_int(query, 3);
		known->row.pipeline_id = db_int(query, 4);
		known->row.lead_created = db_int(query, 5) != 0;
		known->kopecks = db_int(query, 6);
		for (kind = 0; kind < IDENTITIES_MAX; kind++)
			known->who[kind] = db_int(query, 7 + kind);
	}
	db_done(query);
	return out;
}

/* Two payers are the same when any identity agrees, and when either side has none to compare. */
static bool
same_payer(const struct known *known, const struct arrival *arrival)
{
	bool comparable = false;
	size_t i;
	int kind;

	for (kind = 0; kind < IDENTITIES_MAX; kind++)
		comparable |= known->who[kind] != 0;
	if (!comparable || arrival->who_count == 0)
		return true;
	for (i = 0; i < arrival->who_count; i++)
		if (known->who[arrival->who[i].kind] == arrival->who[i].hash)
			return true;
	return false;
}

/* Why an arrival contradicts what we know; NULL when it does not.  Of a skipped payment nothing was carried that another
 * amount could contradict: an order is often told first as unpaid and then as paid. */
static const char *
contradiction(const struct known *known, const struct arrival *arrival)
{
	if (known->row.status == PAYMENT_SKIPPED)
		return NULL;
	if (known->kopecks != arrival->kopecks)
		return "another amount";
	if (!same_payer(known, arrival))
		return "another payer";
	return NULL;
}

static enum outcome
keep_conflict(struct ledger *ledger, const struct known *known, const struct arrival *arrival,
    const char *reason, struct fault *why)
{
	return db_run(ledger->db, why,
	    "INSERT INTO payment_conflict (payment, seen_ms, reason, payload) VALUES ($1, $2, $3, $4)"
	    " ON CONFLICT (payment, payload) DO NOTHING",
	    "iitt", known->row.id, arrival->now_ms, reason, arrival->payload);
}

static enum outcome
count_duplicate(struct ledger *ledger, int64_t id, struct fault *why)
{
	return db_run(
	    ledger->db, why, "UPDATE payment_events SET duplicates = duplicates + 1 WHERE id = $1", "i", id);
}

static enum outcome
take_up_again(struct ledger *ledger, struct known *known, const struct arrival *a, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events SET status = $2, payload = $3, error_message = $4, kopecks = $5, amount = "
	    "$6,"
	    " paid_at = $7, recorded_ms = $8, next_ms = nullif($9, 0), retry_count = 0, duplicates = "
	    "duplicates + 1,"
	    " telegram = $10, phone = $11, email = $12, request_id = $13, processed_at = NULL WHERE id = $1";
	char roubles[MONEY_TEXT];

	known->row.status = first_status(a);
	return db_run(ledger->db, why, sql, "itttitiiiiiit", known->row.id, status_name(known->row.status),
	    a->payload, a->exclusion, a->kopecks, money_format(roubles, a->kopecks), a->paid_at, a->now_ms,
	    first_time(a), identity_of(a, BY_TELEGRAM), identity_of(a, BY_PHONE), identity_of(a, BY_EMAIL),
	    a->request_id);
}

static enum outcome
meet_again(struct ledger *ledger, struct known *known, const struct arrival *arrival, enum recorded *recorded,
    struct fault *why)
{
	const char *reason = contradiction(known, arrival);

	if (reason != NULL) {
		*recorded = RECORDED_CONFLICT;
		return keep_conflict(ledger, known, arrival, reason, why);
	}
	switch (known->row.status) {
	case PAYMENT_SKIPPED:
		*recorded = RECORDED_AGAIN;
		return take_up_again(ledger, known, arrival, why);
	case PAYMENT_FAILED:
		if (arrival->exclusion == NULL) {
			*recorded = RECORDED_AGAIN;
			return take_up_again(ledger, known, arrival, why);
		}
		*recorded = RECORDED_REFUSED;
		break;
	case PAYMENT_SUCCESS:
		*recorded = RECORDED_CARRIED;
		break;
	default:
		*recorded = RECORDED_IN_HAND;
	}
	return count_duplicate(ledger, known->row.id, why);
}

static enum outcome
record_one(
    struct ledger *ledger, const struct arrival *arrival, struct recording *recording, struct fault *why)
{
	struct known known = { .row = { .status = first_status(arrival) } };
	enum outcome out;

	recording->how = RECORDED_NEW;
	out = insert(ledger, arrival, &known.row.id, why);
	if (out == DONE && known.row.id == 0) {
		out = look_up(ledger, arrival->key, &known, why);
		if (out == DONE)
			out = meet_again(ledger, &known, arrival, &recording->how, why);
	}
	recording->row = known.row;
	return out;
}

enum outcome
ledger_record(struct ledger *ledger, const struct arrival *arrivals, size_t count,
    struct recording *recordings, struct fault *why)
{
	enum outcome out;
	size_t i;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	for (i = 0; out == DONE && i < count; i++)
		out = record_one(ledger, &arrivals[i], &recordings[i], why);
	return ledger_end(ledger, out, why);
}

/*
 * Carrying.
 */

void
due_clear(struct due *due)
{
	free(due->key);
	free(due->payload);
	free(due->request_id);
	*due = (struct due){ 0 };
}

static char *
copy(const char *text)
{
	char *copied = strdup(text);

	if (copied == NULL)
		abort();
	return copied;
}

enum outcome
ledger_next_due(struct ledger *ledger, int64_t after, int64_t now_ms, struct due *due, struct fault *why)
{
	static const char sql[] =
	    "SELECT id, payment_id, payload, length(CAST(payload AS BLOB)), recorded_ms, retry_count,"
	    " coalesce(request_id, '') FROM payment_events"
	    " WHERE next_ms IS NOT NULL AND id > $1 AND next_ms <= $2 ORDER BY id LIMIT 1";
	struct query *query = NULL;
	bool found = false;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "ii", after, now_ms);
	out = first_row(out, query, &found, why);
	*due = (struct due){ 0 };
	if (out == DONE && found)
		*due = (struct due){ .id = db_int(query, 0),
			.key = copy(db_text(query, 1)),
			.payload = copy(db_text(query, 2)),
			.payload_size = (size_t)db_int(query, 3),
			.request_id = copy(db_text(query, 6)),
			.recorded_ms = db_int(query, 4),
			.attempts = db_int(query, 5) };
	db_done(query);
	return out;
}

enum outcome
ledger_next_time(struct ledger *ledger, int64_t *next_ms, struct fault *why)
{
	struct query *query = NULL;
	enum outcome out;

	out = db_query(
	    ledger->db, &query, why, "SELECT min(next_ms) FROM payment_events WHERE next_ms IS NOT NULL", "");
	return first_number(out, query, next_ms, why);
}

enum outcome
ledger_claim(
    struct ledger *ledger, int64_t id, int64_t due_ms, int64_t lease_ms, bool *claimed, struct fault *why)
{
	static const char sql[] = "UPDATE payment_events SET status = 'processing', next_ms = $2 WHERE id = "
				  "$1 AND next_ms IS NOT NULL AND ($3 = 0 OR next_ms <= $3) RETURNING id";
	struct query *query = NULL;
	int64_t row = 0;
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = db_query(ledger->db, &query, why, sql, "iii", id, lease_ms, due_ms);
	out = ledger_end(ledger, first_number(out, query, &row, why), why);
	if (out == DONE)
		*claimed = row != 0;
	return out;
}

/*
 * The ends of an attempt.
 */

enum outcome
ledger_finish(struct ledger *ledger, int64_t id, const struct progress *at, int64_t now_ms, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events SET status = 'success', processed_at = datetime($2 / 1000, "
	    "'unixepoch'), next_ms = NULL,"
	    " contact_id = $3, lead_id = $4, pipeline_id = nullif($5, 0), lead_created = $6,"
	    " error_message = NULL WHERE id = $1";
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = progress_write(ledger, id, at, why);
	if (out == DONE)
		out = db_run(ledger->db, why, sql, "iiiiii", id, now_ms, at->contact_id, at->lead_id,
		    at->pipeline_id, (int64_t)at->lead_created);
	if (out == DONE)
		out = db_run(ledger->db, why, "UPDATE heartbeat SET success_ms = $1", "i", now_ms);
	if ((out = ledger_end(ledger, out, why)) == DONE)
		json_array_clear(at->events);
	return out;
}

enum outcome
ledger_fail(
    struct ledger *ledger, int64_t id, json_t *events, const char *reason, int64_t now_ms, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events SET status = 'failed', processed_at = datetime($2 / 1000, 'unixepoch'), "
	    "next_ms = NULL,"
	    " error_message = $3, retry_count = retry_count + 1 WHERE id = $1 AND next_ms IS NOT NULL";
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = trail_write(ledger, id, events, why);
	if (out == DONE)
		out = db_run(ledger->db, why, sql, "iit", id, now_ms, reason);
	if ((out = ledger_end(ledger, out, why)) == DONE)
		json_array_clear(events);
	return out;
}

enum outcome
ledger_postpone(struct ledger *ledger, int64_t id, json_t *events, const char *reason, bool counts,
    int64_t next_ms, struct fault *why)
{
	static const char sql[] = "UPDATE payment_events SET status = 'pending', next_ms = $2, error_message "
				  "= $3, retry_count = retry_count + $4"
				  " WHERE id = $1 AND next_ms IS NOT NULL";
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = trail_write(ledger, id, events, why);
	if (out == DONE)
		out = db_run(ledger->db, why, sql, "iiti", id, next_ms, reason, (int64_t)counts);
	if ((out = ledger_end(ledger, out, why)) == DONE)
		json_array_clear(events);
	return out;
}
