/*
 * What arrives: a payment that is new, one that is known and comes again, one that contradicts what
 * we know.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/money.h"
#include "base/text.h"
#include "ledger/arrival.h"
#include "ledger/internal.h"

struct arrival
arrival_of_payment(const struct payment *paid, struct identity *who, const char *payload,
    size_t payload_size, int64_t now_ms)
{
	return (struct arrival){ .key = paid->key,
		.kopecks = paid->amount,
		.paid_at = paid->paid_at,
		.who = who,
		.who_count = payment_identities(paid, who),
		.payload = payload,
		.payload_size = payload_size,
		.now_ms = now_ms,
		.next_ms = now_ms };
}

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

/*
 * Unfinished rows have a time, finished ones have none: NULL for SQL is what nullif() makes of 0.
 */
static int64_t
first_time(const struct arrival *arrival)
{
	return arrival->exclusion != NULL ? 0 : arrival->next_ms;
}

static enum outcome
insert(struct ledger *ledger, const struct arrival *a, int64_t *id, struct fault *why)
{
	static const char sql[] =
	    "INSERT INTO payment_events"
	    " (payment_id, created_at, status, amount, payload, error_message, kopecks, paid_at,"
	    " recorded_ms, next_ms, telegram, phone, email, request_id, day)"
	    " VALUES ($1, datetime($2 / 1000, 'unixepoch'), $3, $4, $5, $6, $7, $8,"
	    " $2, nullif($9, 0), $10, $11, $12, $13, $14)"
	    " ON CONFLICT (payment_id) DO NOTHING";
	char roubles[MONEY_TEXT];
	enum outcome out;

	out = db_run(ledger->db, why, sql, a->key, a->now_ms, payment_status_name(first_status(a)),
	    money_format(roubles, a->kopecks), a->payload, a->exclusion, a->kopecks, a->paid_at,
	    first_time(a), identity_of(a, IDENTITY_TELEGRAM), identity_of(a, IDENTITY_PHONE),
	    identity_of(a, IDENTITY_EMAIL), a->request_id, clock_day(a->now_ms / 1000));
	if (out == DONE)
		*id = db_added(ledger->db);
	return out;
}

struct known {
	struct ledger_row row;
	bool amount_known; /* It may not be of an imported one. */
	int64_t kopecks;
	int64_t paid_at;
	int64_t who[IDENTITY_KINDS];
	char *reason; /* Owned; NULL: none. */
};

static enum outcome
look_up(struct ledger *ledger, const char *key, struct known *known, struct fault *why)
{
	static const char sql[] =
	    "SELECT id, status, contact_id, lead_id, pipeline_id, lead_created, kopecks,"
	    " amount IS NOT NULL, paid_at, telegram, phone, email, error_message"
	    " FROM payment_events"
	    " WHERE payment_id = $1";
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, sql, key);
	int kind;

	if (db_next(query, &out, why)) {
		known->row.id = db_int(query, 0);
		known->row.status = (enum payment_status)payment_status_parse(db_text(query, 1));
		known->row.contact_id = db_int(query, 2);
		known->row.lead_id = db_int(query, 3);
		known->row.pipeline_id = db_int(query, 4);
		known->row.lead_created = db_int(query, 5) != 0;
		known->kopecks = db_int(query, 6);
		known->amount_known = db_int(query, 7) != 0;
		known->paid_at = db_int(query, 8);
		for (kind = 0; kind < IDENTITY_KINDS; kind++)
			known->who[kind] = db_int(query, 9 + kind);
		if (!db_null(query, 12))
			known->reason = text_copy(db_text(query, 12));
	} else if (out == DONE) {
		out = fault_set(
		    why, BROKEN, "ledger: the row that a new payment collides with is not there");
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

	for (kind = 0; kind < IDENTITY_KINDS; kind++)
		comparable |= known->who[kind] != 0;
	if (!comparable || arrival->who_count == 0)
		return true;
	for (i = 0; i < arrival->who_count; i++)
		if (known->who[arrival->who[i].kind] == arrival->who[i].hash)
			return true;
	return false;
}

/*
 * Why an arrival contradicts what we know; NULL when it does not.  Of a skipped payment nothing was
 * delivered that another amount could contradict: an order often comes first as unpaid and then as
 * paid.  Nor is there a contradiction to an amount that is not known.
 */
static const char *
contradiction(const struct known *known, const struct arrival *arrival)
{
	if (known->row.status == PAYMENT_SKIPPED)
		return NULL;
	if (known->amount_known && known->kopecks != arrival->kopecks)
		return "another amount";
	if (!same_payer(known, arrival))
		return "another payer";
	return NULL;
}

static enum outcome
keep_conflict(struct ledger *ledger, const struct known *known, const struct arrival *arrival,
    const char *reason, struct fault *why)
{
	static const char sql[] = "INSERT INTO payment_conflict (payment, seen_ms, reason, payload)"
				  " VALUES ($1, $2, $3, $4)"
				  " ON CONFLICT (payment, payload) DO NOTHING";

	return db_run(
	    ledger->db, why, sql, known->row.id, arrival->now_ms, reason, arrival->payload);
}

/* Whether the sender made this one before the one we know: they came out of order. */
static bool
is_older(const struct known *known, const struct arrival *arrival)
{
	return arrival->paid_at != 0 && arrival->paid_at < known->paid_at;
}

/*
 * How much of a payment that was not delivered to its end may be in amoCRM.  A contact that was only
 * found is nothing.
 */
enum reach {
	REACH_NOTHING,
	REACH_CONTACT,
	REACH_LEAD
};

static enum outcome
measure_reach(struct ledger *ledger, int64_t id, enum reach *reach, struct fault *why)
{
	static const char sql[] =
	    "SELECT CASE"
	    " WHEN intent IN ('lead', 'totals') OR lead_id IS NOT NULL OR applied THEN 2"
	    " WHEN intent = 'contact' OR matched_by = 'created' THEN 1"
	    " ELSE 0 END"
	    " FROM delivery"
	    " WHERE payment = $1";
	int64_t number;
	enum outcome out = db_number(ledger->db, &number, why, sql, id);

	*reach = (enum reach)number;
	return out;
}

static enum outcome
count_duplicate(struct ledger *ledger, int64_t id, struct fault *why)
{
	return db_run(ledger->db, why,
	    "UPDATE payment_events SET duplicates = duplicates + 1 WHERE id = $1", id);
}

/* The intent that an import left counts with what the lead would show, which is known only now. */
static enum outcome
complete_intent(struct ledger *ledger, int64_t id, int64_t kopecks, struct fault *why)
{
	static const char sql[] = "UPDATE delivery SET total_after = total_before + $2"
				  " WHERE payment = $1 AND intent = 'lead'";

	return db_run(ledger->db, why, sql, id, kopecks);
}

static enum outcome
take_up_again(
    struct ledger *ledger, struct known *known, const struct arrival *a, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events"
	    " SET status = $2, payload = $3, error_message = $4, reason_private = 0, kopecks = $5,"
	    " amount = $6, paid_at = $7, recorded_ms = $8, next_ms = nullif($9, 0),"
	    " retry_count = 0, duplicates = duplicates + 1, telegram = $10, phone = $11,"
	    " email = $12, request_id = $13, imported = 0, processed_at = NULL"
	    " WHERE id = $1";
	char roubles[MONEY_TEXT];
	enum outcome out = DONE;

	if (!known->amount_known)
		out = complete_intent(ledger, known->row.id, a->kopecks, why);
	if (out != DONE)
		return out;
	known->row.status = first_status(a);
	return db_run(ledger->db, why, sql, known->row.id, payment_status_name(known->row.status),
	    a->payload, a->exclusion, a->kopecks, money_format(roubles, a->kopecks), a->paid_at,
	    a->now_ms, first_time(a), identity_of(a, IDENTITY_TELEGRAM),
	    identity_of(a, IDENTITY_PHONE), identity_of(a, IDENTITY_EMAIL), a->request_id);
}

/* It shall not be delivered any more, but a person must look at what is in amoCRM. */
static enum outcome
give_up(struct ledger *ledger, int64_t id, const char *reason, int64_t now_ms, struct fault *why)
{
	static const char sql[] =
	    "UPDATE payment_events"
	    " SET status = 'failed', processed_at = datetime($2 / 1000, 'unixepoch'),"
	    " next_ms = NULL, error_message = $3, reason_private = 0"
	    " WHERE id = $1";

	return db_run(ledger->db, why, sql, id, now_ms, reason);
}

/*
 * An exclusion of a payment that is known and was not skipped, such as a refund.  What may be in
 * amoCRM only a person can take back, so it is kept as a conflict.  Where no lead can have the
 * payment yet, an unfinished one is not delivered any further: a process that has it in hand finds
 * out when it wants to write down its next intent (ledger_intend()).  Where a lead may have it, the
 * delivery goes on, so that lead, note and ledger agree on what the person will see.
 *
 * An exclusion that the sender made before the payment we know takes nothing back.
 */
static enum outcome
exclude(struct ledger *ledger, struct known *known, const struct arrival *arrival,
    enum recorded *recorded, struct fault *why)
{
	bool finished = known->row.status == PAYMENT_SUCCESS;
	enum reach reach = REACH_LEAD;
	enum outcome out = DONE;
	char *reason;

	if (!finished && !is_older(known, arrival))
		out = measure_reach(ledger, known->row.id, &reach, why);
	if (out == DONE && reach == REACH_NOTHING) {
		*recorded = RECORDED_AGAIN;
		return take_up_again(ledger, known, arrival, why);
	}
	*recorded = RECORDED_CONFLICT;
	reason = text_format("came again as: %s", arrival->exclusion);
	if (out == DONE)
		out = keep_conflict(ledger, known, arrival, reason, why);
	if (out == DONE && reach == REACH_CONTACT && known->row.status != PAYMENT_FAILED)
		out = give_up(ledger, known->row.id, reason, arrival->now_ms, why);
	free(reason);
	return out;
}

static enum outcome
meet_again(struct ledger *ledger, struct known *known, const struct arrival *arrival,
    enum recorded *recorded, struct fault *why)
{
	const char *reason = contradiction(known, arrival);

	if (reason != NULL) {
		*recorded = RECORDED_CONFLICT;
		return keep_conflict(ledger, known, arrival, reason, why);
	}
	if (arrival->exclusion != NULL && known->row.status != PAYMENT_SKIPPED)
		return exclude(ledger, known, arrival, recorded, why);
	switch (known->row.status) {
	case PAYMENT_SKIPPED:
		/* The exclusion came first, and is what the sender said last. */
		if (is_older(known, arrival)) {
			*recorded = RECORDED_SKIPPED;
			break;
		}
		/* fallthrough */
	case PAYMENT_FAILED:
		*recorded = RECORDED_AGAIN;
		return take_up_again(ledger, known, arrival, why);
	case PAYMENT_SUCCESS:
		*recorded = RECORDED_CARRIED;
		break;
	default:
		*recorded = RECORDED_IN_HAND;
	}
	return count_duplicate(ledger, known->row.id, why);
}

static enum outcome
record_one(struct ledger *ledger, const struct arrival *arrival, struct recording *recording,
    struct fault *why)
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
	recording->reason = recording->how == RECORDED_SKIPPED ? known.reason : NULL;
	if (recording->reason == NULL)
		free(known.reason);
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
	return db_end(ledger->db, out, why);
}
