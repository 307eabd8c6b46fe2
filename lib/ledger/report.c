/*
 * The ledger as people see it: counts, rows, what was kept aside.
 *
 * There may be millions of rows, so there is a statement for each way of asking, and each of them
 * walks an index that is in the order wanted, or as short as what is asked for.
 */
#include "ledger/report.h"
#include "base/number.h"
#include "ledger/internal.h"

static const char counts_by_status[] = "SELECT status, sum(payments), sum(kopecks) FROM tally"
				       " GROUP BY status"
				       " UNION ALL"
				       " SELECT status, count(*), sum(kopecks) FROM payment_events"
				       " WHERE next_ms IS NOT NULL"
				       " GROUP BY status";
static const char oldest_unfinished[] = "SELECT recorded_ms FROM payment_events"
					" WHERE next_ms IS NOT NULL"
					" ORDER BY id"
					" LIMIT 1";
static const char unsettled[] = "SELECT count(*) FROM payment_conflict WHERE settled_ms IS NULL";
static const char unsettled_rejected[] = "SELECT count(*) FROM rejected WHERE settled_ms IS NULL";
static const char all_duplicates[] =
    "SELECT sum(duplicates) FROM payment_events WHERE duplicates > 0";

enum outcome
ledger_stats(struct ledger *ledger, struct ledger_stats *stats, struct fault *why)
{
	struct db *db = ledger->db;
	struct query *query = NULL;
	enum outcome out = db_query(db, &query, why, counts_by_status);

	*stats = (struct ledger_stats){ 0 };
	while (db_next(query, &out, why)) {
		int status = payment_status_parse(db_text(query, 0));

		stats->payments[status] = db_int(query, 1);
		stats->kopecks[status] = db_int(query, 2);
	}
	if (out == DONE)
		out =
		    db_number(db, &stats->last_success_ms, why, "SELECT success_ms FROM heartbeat");
	if (out == DONE)
		out = db_number(db, &stats->oldest_unfinished_ms, why, oldest_unfinished);
	if (out == DONE)
		out = db_number(db, &stats->conflicts, why, unsettled);
	if (out == DONE)
		out = db_number(db, &stats->rejected, why, unsettled_rejected);
	if (out == DONE)
		out = db_number(
		    db, &stats->rejected_lost, why, "SELECT rejected_lost FROM heartbeat");
	return out;
}

enum outcome
ledger_touch(struct ledger *ledger, int64_t now_ms, struct fault *why)
{
	return db_write(ledger->db, why, "UPDATE heartbeat SET at_ms = $1", now_ms);
}

enum outcome
ledger_repeats(struct ledger *ledger, int64_t *duplicates, int64_t *conflicts, struct fault *why)
{
	enum outcome out = db_number(ledger->db, duplicates, why, all_duplicates);

	if (out == DONE)
		out =
		    db_number(ledger->db, conflicts, why, "SELECT count(*) FROM payment_conflict");
	return out;
}

/*
 * Rows.
 */

/* $1 says whether the payload is wanted; it is also the last column, for row_of(). */
#define SELECT_ROWS                                                                                \
	"SELECT id, payment_id, status, kopecks,"                                                  \
	" strftime(" ISO_UTC ", created_at), strftime(" ISO_UTC ", processed_at),"                 \
	" strftime(" ISO_UTC ", nullif(paid_at, 0), 'unixepoch'),"                                 \
	" contact_id, lead_id, pipeline_id, lead_created, error_message, retry_count,"             \
	" duplicates, next_ms, request_id, imported, payload = '',"                                \
	" (SELECT count(*) FROM payment_conflict"                                                  \
	" WHERE payment = payment_events.id AND settled_ms IS NULL),"                              \
	" (SELECT foreign_currency FROM delivery WHERE payment = payment_events.id),"              \
	" iif($1, payload, NULL), $1"                                                              \
	" FROM payment_events "
#define SINCE(condition)                                                                           \
	"WHERE created_at >= datetime(($2 + 999) / 1000, 'unixepoch') AND " condition              \
	" ORDER BY created_at DESC, id DESC"                                                       \
	" LIMIT $3"

static const char by_key[] = SELECT_ROWS "WHERE payment_id = $2 AND status = coalesce($3, status)";
static const char by_id[] = SELECT_ROWS "WHERE id = $2";
static const char by_conflict[] =
    SELECT_ROWS "WHERE id IN (SELECT payment FROM payment_conflict INDEXED BY conflict_unsettled"
		" WHERE settled_ms IS NULL AND seen_ms >= $2)"
		" ORDER BY created_at DESC, id DESC"
		" LIMIT $3";
/* The columns of SELECT_ROWS by number: 5 is created_at, 1 is id. */
static const char any_status[] = "SELECT * FROM (" SELECT_ROWS SINCE(
    "next_ms IS NULL") ")"
		       " UNION ALL"
		       " SELECT * FROM (" SELECT_ROWS "INDEXED BY payment_unfinished " SINCE(
			   "next_ms IS NOT NULL") ")"
						  " ORDER BY 5 DESC, 1 DESC"
						  " LIMIT $3";
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
	{ "imported", 'b' },
	{ "purged", 'b' },
	{ "unsettled_conflicts", 'i' },
	{ "foreign_currency", 't' },
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
row_of(struct query *query)
{
	size_t count = db_int(query, MEMBERS) != 0 ? MEMBERS : MEMBERS - 1, i;
	json_t *row = json_object();

	for (i = 0; i < count; i++)
		json_object_set_new(row, members[i].key, member_of(query, (int)i, members[i].kind));
	return row;
}

/* A payment_id, or else "#" and the row's number. */
static enum outcome
find_row(struct ledger *ledger, int status, const char *key, bool whole, json_t **rows,
    struct fault *why)
{
	const char *name = status < 0 ? NULL : payment_status_name((enum payment_status)status);
	struct query *query = NULL;
	int64_t row = 0;
	enum outcome out;

	out = db_query(ledger->db, &query, why, by_key, whole, key, name);
	out = ledger_collect_rows(out, query, row_of, rows, why);
	if (out != DONE || json_array_size(*rows) > 0 || key[0] != '#' ||
	    !number_parse(key + 1, 1, INT64_MAX, &row))
		return out;
	json_decref(*rows);
	out = db_query(ledger->db, &query, why, by_id, whole, row);
	return ledger_collect_rows(out, query, row_of, rows, why);
}

enum outcome
ledger_list(struct ledger *ledger, int status, const char *key, int64_t since_ms, int64_t limit,
    bool whole, json_t **rows, struct fault *why)
{
	const char *sql = status < 0 ? any_status : by_status[status];
	struct query *query = NULL;
	enum outcome out;

	if (key != NULL)
		return find_row(ledger, status, key, whole, rows, why);
	out = db_query(ledger->db, &query, why, sql, whole, since_ms, limit);
	return ledger_collect_rows(out, query, row_of, rows, why);
}

/*
 * Conflicts.
 */

enum outcome
ledger_list_conflicts(
    struct ledger *ledger, int64_t since_ms, int64_t limit, json_t **rows, struct fault *why)
{
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, by_conflict, false, since_ms, limit);

	return ledger_collect_rows(out, query, row_of, rows, why);
}

static json_t *
conflict_of(struct query *query)
{
	json_t *conflict = json_pack("{s:o, s:o, s:o}", "seen_ms", member_of(query, 0, 'i'),
	    "reason", member_of(query, 1, 't'), "settled_ms", member_of(query, 2, 'i'));

	if (db_int(query, 4) != 0)
		json_object_set_new(conflict, "payload", member_of(query, 3, 't'));
	return conflict;
}

enum outcome
ledger_conflicts(
    struct ledger *ledger, int64_t id, bool whole, json_t **conflicts, struct fault *why)
{
	static const char sql[] =
	    "SELECT seen_ms, reason, settled_ms, coalesce(payload, 'purged'), $2"
	    " FROM payment_conflict"
	    " WHERE payment = $1"
	    " ORDER BY id";
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, sql, id, whole);

	return ledger_collect_rows(out, query, conflict_of, conflicts, why);
}
