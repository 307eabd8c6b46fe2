/*
 * The ledger as people see it: counts, rows, its check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "db/copy.h"
#include "db/open.h"
#include "ledger/internal.h"
#include "ledger/ledger.h"

static const char counts_by_status[] =
    "SELECT status, sum(payments), sum(kopecks) FROM tally GROUP BY status"
    " UNION ALL SELECT status, count(*), sum(kopecks) FROM payment_events WHERE next_ms IS NOT "
    "NULL GROUP BY "
    "status";
static const char oldest_unfinished[] =
    "SELECT recorded_ms FROM payment_events WHERE next_ms IS NOT NULL ORDER BY id LIMIT 1";
static const char unsettled[] = "SELECT count(*) FROM payment_conflict WHERE settled_ms IS NULL";

enum outcome
ledger_stats(struct ledger *ledger, struct ledger_stats *stats, struct fault *why)
{
	struct ledger_stats read = { 0 };
	struct query *query = NULL;
	bool more = true;
	enum outcome out;

	out = db_query(ledger->db, &query, why, counts_by_status, "");
	while (out == DONE && (out = db_row(query, &more, why)) == DONE && more) {
		int status = payment_status_parse(db_text(query, 0));

		read.payments[status] = db_int(query, 1);
		read.kopecks[status] = db_int(query, 2);
	}
	db_done(query);
	if (out == DONE) {
		out = db_query(ledger->db, &query, why, "SELECT success_ms FROM heartbeat", "");
		out = ledger_first_number(out, query, &read.last_success_ms, why);
	}
	if (out != DONE)
		return out;
	out = db_query(ledger->db, &query, why, oldest_unfinished, "");
	if ((out = ledger_first_number(out, query, &read.oldest_unfinished_ms, why)) != DONE)
		return out;
	out = db_query(ledger->db, &query, why, unsettled, "");
	if ((out = ledger_first_number(out, query, &read.conflicts, why)) == DONE)
		*stats = read;
	return out;
}

enum outcome
ledger_touch(struct ledger *ledger, int64_t now_ms, struct fault *why)
{
	enum outcome out;

	if ((out = db_begin(ledger->db, why)) != DONE)
		return out;
	return ledger_end(
	    ledger, db_run(ledger->db, why, "UPDATE heartbeat SET at_ms = $1", "i", now_ms), why);
}

static const char duplicates_told[] =
    "SELECT sum(duplicates) FROM payment_events WHERE duplicates > 0";

enum outcome
ledger_repeats(struct ledger *ledger, int64_t *duplicates, int64_t *conflicts, struct fault *why)
{
	struct query *query = NULL;
	enum outcome out;

	out = db_query(ledger->db, &query, why, duplicates_told, "");
	if ((out = ledger_first_number(out, query, duplicates, why)) != DONE)
		return out;
	out = db_query(ledger->db, &query, why, "SELECT count(*) FROM payment_conflict", "");
	return ledger_first_number(out, query, conflicts, why);
}

/*
 * Rows.  There may be millions, so there is a statement for each way of asking, and each of them
 * walks an index that is in the order wanted, or as short as what is asked for.
 */
#define ISO_UTC "'%Y-%m-%dT%H:%M:%SZ'"
#define SELECT_ROWS                                                                                \
	"SELECT id, payment_id, status, kopecks, strftime(" ISO_UTC ", created_at),"               \
	" strftime(" ISO_UTC ", processed_at), strftime(" ISO_UTC                                  \
	", nullif(paid_at, 0), 'unixepoch'),"                                                      \
	" contact_id, lead_id, pipeline_id, lead_created, error_message, retry_count, "            \
	"duplicates, next_ms,"                                                                     \
	" request_id, payload = '',"                                                               \
	" (SELECT count(*) FROM payment_conflict WHERE payment = payment_events.id AND "           \
	"settled_ms IS NULL),"                                                                     \
	" iif($1, payload, NULL) FROM payment_events "
#define SINCE(condition)                                                                           \
	"WHERE created_at >= datetime(($2 + 999) / 1000, 'unixepoch') AND " condition              \
	" ORDER BY created_at DESC, id DESC LIMIT $3"

static const char by_key[] = SELECT_ROWS "WHERE payment_id = $2 AND status = coalesce($3, status)";
static const char by_id[] = SELECT_ROWS "WHERE id = $2";
static const char by_conflict[] = SELECT_ROWS
    "WHERE id IN (SELECT payment FROM payment_conflict INDEXED BY conflict_unsettled"
    " WHERE settled_ms IS NULL AND seen_ms >= $2) ORDER BY created_at DESC, id DESC LIMIT $3";
/* The columns of SELECT_ROWS by number: 5 is created_at, 1 is id. */
static const char any_status[] = "SELECT * FROM (" SELECT_ROWS SINCE(
    "next_ms IS NULL") ") UNION ALL SELECT * FROM (" SELECT_ROWS
		       "INDEXED BY payment_unfinished " SINCE(
			   "next_ms IS NOT NULL") ") ORDER BY 5 DESC, 1 DESC LIMIT $3";
static const char *const by_status[PAYMENT_STATUSES] = {
	[PAYMENT_PENDING] = SELECT_ROWS
	"INDEXED BY payment_unfinished " SINCE("next_ms IS NOT NULL AND status = 'pending'"),
	[PAYMENT_PROCESSING] = SELECT_ROWS
	"INDEXED BY payment_unfinished " SINCE("next_ms IS NOT NULL AND status = 'processing'"),
	[PAYMENT_SUCCESS] = SELECT_ROWS SINCE("next_ms IS NULL AND status = 'success'"),
	[PAYMENT_FAILED] = SELECT_ROWS "INDEXED BY payment_failed " SINCE("status = 'failed'"),
	[PAYMENT_SKIPPED] = SELECT_ROWS "INDEXED BY payment_skipped " SINCE("status = 'skipped'"),
};

/* In the order of SELECT_ROWS: text, integer, boolean. */
static const struct {
	const char *key;
	char kind;
} members[] = {
	{ "id", 'i' },
	{ "payment_id", 't' },
	{ "status", 't' },
	{ "kopecks", 'i' },
	{ "created_at", 't' },
	{ "processed_at", 't' },
	{ "paid_at", 't' },
	{ "contact_id", 'i' },
	{ "lead_id", 'i' },
	{ "pipeline_id", 'i' },
	{ "lead_created", 'b' },
	{ "error_message", 't' },
	{ "retry_count", 'i' },
	{ "duplicates", 'i' },
	{ "next_ms", 'i' },
	{ "request_id", 't' },
	{ "purged", 'b' },
	{ "unsettled_conflicts", 'i' },
	{ "payload", 't' },
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

/* A text that is no UTF-8, which JSON cannot hold, is as good as none. */
static json_t *
member_of(struct query *query, int column, char kind)
{
	json_t *text;

	if (db_null(query, column))
		return json_null();
	if (kind == 'i')
		return json_integer(db_int(query, column));
	if (kind == 'b')
		return json_boolean(db_int(query, column) != 0);
	text = json_string(db_text(query, column));
	return text != NULL ? text : json_null();
}

static json_t *
row_of(struct query *query, bool whole)
{
	json_t *row = json_object();
	size_t i;

	for (i = 0; i < MEMBERS - (whole ? 0 : 1); i++)
		json_object_set_new(row, members[i].key, member_of(query, (int)i, members[i].kind));
	return row;
}

static enum outcome
append_rows(enum outcome out, struct query *query, bool whole, json_t *rows, struct fault *why)
{
	bool more = true;

	while (out == DONE && (out = db_row(query, &more, why)) == DONE && more)
		json_array_append_new(rows, row_of(query, whole));
	db_done(query);
	return out;
}

/* A payment_id, or else "#" and the row's number. */
static enum outcome
append_row(
    struct ledger *ledger, int status, const char *key, bool whole, json_t *rows, struct fault *why)
{
	struct query *query = NULL;
	const char *name = status < 0 ? NULL : payment_status_name((enum payment_status)status);
	int64_t row = 0;
	enum outcome out;

	out = db_query(ledger->db, &query, why, by_key, "itt", (int64_t)whole, key, name);
	out = append_rows(out, query, whole, rows, why);
	if (out != DONE || json_array_size(rows) > 0 || key[0] != '#' ||
	    !number_parse(key + 1, 1, INT64_MAX, &row))
		return out;
	out = db_query(ledger->db, &query, why, by_id, "ii", (int64_t)whole, row);
	return append_rows(out, query, whole, rows, why);
}

enum outcome
ledger_list(struct ledger *ledger, int status, const char *key, int64_t since_ms, int64_t limit,
    bool whole, json_t **rows, struct fault *why)
{
	struct query *query = NULL;
	json_t *all = json_array();
	enum outcome out;

	if (key != NULL) {
		out = append_row(ledger, status, key, whole, all, why);
	} else {
		out = db_query(ledger->db, &query, why, status < 0 ? any_status : by_status[status],
		    "iii", (int64_t)whole, since_ms, limit);
		out = append_rows(out, query, whole, all, why);
	}
	if (out == DONE)
		*rows = all;
	else
		json_decref(all);
	return out;
}

enum outcome
ledger_list_conflicts(
    struct ledger *ledger, int64_t since_ms, int64_t limit, json_t **rows, struct fault *why)
{
	struct query *query = NULL;
	json_t *all = json_array();
	enum outcome out;

	out = db_query(ledger->db, &query, why, by_conflict, "iii", (int64_t)0, since_ms, limit);
	if ((out = append_rows(out, query, false, all, why)) == DONE)
		*rows = all;
	else
		json_decref(all);
	return out;
}

/*
 * Conflicts.
 */

enum outcome
ledger_conflicts(
    struct ledger *ledger, int64_t id, bool whole, json_t **conflicts, struct fault *why)
{
	static const char sql[] =
	    "SELECT seen_ms, reason, settled_ms, payload FROM payment_conflict WHERE "
	    "payment = $1 ORDER BY id";
	struct query *query = NULL;
	json_t *all = json_array(), *one;
	bool more = true;
	enum outcome out;

	out = db_query(ledger->db, &query, why, sql, "i", id);
	while (out == DONE && (out = db_row(query, &more, why)) == DONE && more) {
		one = json_pack("{s:o, s:o, s:o}", "seen_ms", member_of(query, 0, 'i'), "reason",
		    member_of(query, 1, 't'), "settled_ms", member_of(query, 2, 'i'));
		if (whole)
			json_object_set_new(one, "payload", member_of(query, 3, 't'));
		json_array_append_new(all, one);
	}
	db_done(query);
	if (out == DONE)
		*conflicts = all;
	else
		json_decref(all);
	return out;
}

enum outcome
ledger_copy(struct ledger *ledger, const char *path, db_progress *tell, void *told, int64_t *rows,
    struct fault *why)
{
	struct query *query = NULL;
	struct db *copy = NULL;
	enum outcome out;

	if ((out = db_copy(ledger->db, path, tell, told, why)) != DONE ||
	    (out = db_open_foreign(path, &copy, why)) != DONE)
		return out;
	out = db_query(copy, &query, why, "SELECT count(*) FROM payment_events", "");
	out = ledger_first_number(out, query, rows, why);
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
	    "SELECT id FROM payment_events WHERE (status IN ('pending', 'processing')) <> (next_ms "
	    "IS NOT "
	    "NULL)" },
	{ "a success has a contact, a lead, an applied amount and a note",
	    "SELECT e.id FROM payment_events e LEFT JOIN delivery d ON d.payment = e.id WHERE "
	    "e.status = "
	    "'success'"
	    " AND d.payment IS NOT NULL"
	    " AND NOT coalesce(d.applied AND d.intent IS NULL AND d.note_id AND d.contact_id AND "
	    "d.lead_id, "
	    "0)" },
	{ "an applied payment moved the total by its amount and the counter by at most one",
	    "SELECT e.id FROM payment_events e JOIN delivery d ON d.payment = e.id WHERE d.applied "
	    "AND "
	    "e.status = 'success'"
	    " AND (d.total_after <> d.total_before + e.kopecks OR d.count_after - d.count_before "
	    "NOT IN (0, "
	    "1))" },
	{ "at most one unfinished payment has an open intent on a lead's totals",
	    "SELECT min(e.id) FROM payment_events e JOIN delivery d ON d.payment = e.id WHERE "
	    "d.intent = "
	    "'totals'"
	    " AND e.next_ms IS NOT NULL AND d.intent_ms >= e.recorded_ms GROUP BY d.lead_id HAVING "
	    "count(*) "
	    "> 1" },
	{ "the tally agrees with the rows",
	    "SELECT coalesce(t.day, e.day) FROM (SELECT * FROM tally WHERE payments <> 0 OR "
	    "kopecks <> 0) t "
	    "FULL JOIN"
	    " (SELECT day, status, count(*) AS payments, sum(kopecks) AS kopecks FROM "
	    "payment_events"
	    " WHERE next_ms IS NULL GROUP BY day, status) e ON e.day = t.day AND e.status = "
	    "t.status"
	    " WHERE t.payments IS NOT e.payments OR t.kopecks IS NOT e.kopecks" },
};

enum outcome
ledger_check(
    struct ledger *ledger, void (*tell)(void *, const char *), void *told, struct fault *why)
{
	enum outcome out = db_check(ledger->db, tell, told, why);
	bool broken = out == NEVER;
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]) && (out == DONE || out == NEVER); i++) {
		struct query *query = NULL;
		bool more = true;

		out = db_query(ledger->db, &query, why, checks[i].violations, "");
		while (out == DONE && (out = db_row(query, &more, why)) == DONE && more) {
			char *text = text_format("row %lld: not true that %s",
			    (long long)db_int(query, 0), checks[i].invariant);

			tell(told, text);
			free(text);
			broken = true;
		}
		db_done(query);
	}
	if (out == DONE && broken)
		return fault_set(why, NEVER, "the ledger breaks its invariants");
	return out;
}
