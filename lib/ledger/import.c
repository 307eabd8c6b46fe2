/*
 * Taking over another ledger, some rows at a time: each step is a transaction of milliseconds, so
 * that a service which runs already is not kept from recording.  What its rows mean is read by
 * old_ledger.c; here they are only inserted, and a payment that is known is left alone, so that an
 * import which was broken off can be repeated.
 */
#include "ledger/import.h"
#include "base/clock.h"
#include "base/money.h"
#include "ledger/internal.h"
#include "ledger/old_ledger.h"
#include "ledger/progress.h"

/* Rows of one step: a transaction of some milliseconds. */
#define STEP 100

enum outcome
import_open(const char *path, struct import *import, struct fault *why)
{
	*import = (struct import){ 0 };
	return old_ledger_open(path, &import->from, &import->total, why);
}

void
import_close(struct import *import)
{
	old_ledger_close(import->from);
	import->from = NULL;
}

/* *id is 0 when the payment is known here. */
static enum outcome
insert(struct ledger *ledger, const struct old_row *row, int64_t *id, struct fault *why)
{
	static const char sql[] =
	    "INSERT INTO payment_events"
	    " (payment_id, created_at, processed_at, status, amount, contact_id, lead_id,"
	    " pipeline_id, lead_created, payload, error_message, reason_private, retry_count,"
	    " kopecks, paid_at, recorded_ms, telegram, phone, email, imported, day)"
	    " VALUES ($1, datetime($2, 'unixepoch'), datetime(nullif($3, 0), 'unixepoch'), $4, $5,"
	    " nullif($6, 0), nullif($7, 0), nullif($8, 0), iif($7 = 0, NULL, $9), $10, $11,"
	    " $11 IS NOT NULL, $12, $13, $14, $2 * 1000, $15, $16, $17, 1, $18)"
	    " ON CONFLICT (payment_id) DO NOTHING";
	char roubles[MONEY_TEXT];
	enum outcome out;

	out = db_run(ledger->db, why, sql, row->key, row->created_s, row->processed_s,
	    payment_status_name(row->status),
	    row->amount_known ? money_format(roubles, row->kopecks) : NULL, row->contact_id,
	    row->lead_id, row->pipeline_id, row->lead_created, row->payload, row->reason,
	    row->retries, row->kopecks, row->paid_at, row->who[IDENTITY_TELEGRAM],
	    row->who[IDENTITY_PHONE], row->who[IDENTITY_EMAIL], clock_day(row->created_s));
	if (out == DONE)
		*id = db_added(ledger->db);
	return out;
}

static enum outcome
is_known(struct ledger *ledger, const struct old_row *row, int64_t *id, struct fault *why)
{
	return db_number(
	    ledger->db, id, why, "SELECT id FROM payment_events WHERE payment_id = $1", row->key);
}

/*
 * Some lead may hold a payment that did not succeed: its next attempt looks for that before it
 * adds anything.  The values are those of a lead that was created for it, as when our own creation
 * was cut off.
 */
static enum outcome
leave_intent(struct ledger *ledger, const struct old_row *row, int64_t id, struct fault *why)
{
	struct progress at;
	enum outcome out;

	progress_init(&at);
	at.intent = INTENT_LEAD;
	at.intent_ms = row->created_s * 1000;
	at.contact_id = row->contact_id;
	at.total_after = row->kopecks;
	at.count_after = 1;
	out = progress_write(ledger, id, &at, why);
	progress_clear(&at);
	return out;
}

static enum outcome
put(struct ledger *ledger, struct import *import, const struct old_row *row, struct fault *why)
{
	int64_t id = 0;
	enum outcome out;

	if (import->dry_run) {
		out = is_known(ledger, row, &id, why);
		id = id == 0;
	} else {
		out = insert(ledger, row, &id, why);
		if (out == DONE && id != 0 && row->status == PAYMENT_FAILED)
			out = leave_intent(ledger, row, id, why);
	}
	if (out != DONE)
		return out;
	if (id == 0) {
		import->known++;
		return DONE;
	}
	import->added[row->status]++;
	import->doubtful += row->doubtful;
	import->unread += row->unread;
	return DONE;
}

static enum outcome
take_rows(struct ledger *ledger, struct import *import, struct fault *why)
{
	struct old_row row;
	bool more = true;
	enum outcome out;

	out = old_ledger_page(import->from, import->at, STEP, why);
	while (out == DONE && (out = old_ledger_next(import->from, &row, &more, why)) == DONE &&
	    more) {
		import->at = row.number;
		import->seen++;
		if (row.key[0] == '\0')
			import->nameless++;
		else
			out = put(ledger, import, &row, why);
		old_row_clear(&row);
	}
	return out;
}

enum outcome
import_step(struct ledger *ledger, struct import *import, bool *more, struct fault *why)
{
	struct import before = *import;
	enum outcome out;

	if (!import->dry_run && (out = db_begin(ledger->db, why)) != DONE)
		return out;
	out = take_rows(ledger, import, why);
	if (!import->dry_run)
		out = db_end(ledger->db, out, why);
	*more = out == DONE && import->seen > before.seen;
	if (out != DONE)
		*import = before;
	return out;
}
