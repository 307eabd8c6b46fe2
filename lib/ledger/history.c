/*
 * The ledger over time.  Days come from the tally, which the schema's triggers keep for finished
 * payments, and only the few unfinished ones are counted anew: so a page that is asked for each
 * minute costs the same with a thousand payments and with ten million.
 */
#include "ledger/history.h"
#include "ledger/internal.h"

enum outcome
ledger_days(
    struct ledger *ledger, int64_t first, size_t count, struct ledger_day *days, struct fault *why)
{
	static const char sql[] = "SELECT day, status, payments, kopecks FROM tally"
				  " WHERE day >= $1 AND day < $2"
				  " UNION ALL"
				  " SELECT day, status, count(*), sum(kopecks) FROM payment_events"
				  " WHERE next_ms IS NOT NULL AND day >= $1 AND day < $2"
				  " GROUP BY day, status";
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, sql, first, first + (int64_t)count);
	size_t i;

	for (i = 0; i < count; i++)
		days[i] = (struct ledger_day){ 0 };
	while (db_next(query, &out, why)) {
		struct ledger_day *day = &days[db_int(query, 0) - first];
		int status = payment_status_parse(db_text(query, 1));

		day->payments[status] = db_int(query, 2);
		day->kopecks[status] = db_int(query, 3);
	}
	return out;
}

enum outcome
ledger_last_arrival(struct ledger *ledger, int64_t *at_ms, struct fault *why)
{
	static const char sql[] =
	    "SELECT 1000 * strftime('%s', max(at)) FROM ("
	    "SELECT max(created_at) AS at FROM payment_events WHERE next_ms IS NULL"
	    " UNION ALL"
	    " SELECT max(created_at) FROM payment_events WHERE next_ms IS NOT NULL)";

	return db_number(ledger->db, at_ms, why, sql);
}

#define IN_TIME                                                                                    \
	" AND created_at > datetime($1 / 1000, 'unixepoch')"                                       \
	" AND created_at <= datetime($2 / 1000, 'unixepoch')"

enum outcome
ledger_arrivals(struct ledger *ledger, int64_t from_ms, int64_t until_ms, int64_t most,
    int64_t *count, struct fault *why)
{
	static const char sql[] =
	    "SELECT count(*) FROM ("
	    "SELECT 1 FROM payment_events WHERE next_ms IS NULL" IN_TIME " UNION ALL"
	    " SELECT 1 FROM payment_events WHERE next_ms IS NOT NULL" IN_TIME " LIMIT $3)";

	return db_number(ledger->db, count, why, sql, from_ms, until_ms, most);
}

static json_t *
row_of(struct query *query)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s?, s:I}", "payment_id", db_text(query, 0),
	    "status", db_text(query, 1), "kopecks", (json_int_t)db_int(query, 2), "at",
	    (json_int_t)db_int(query, 3), "lead_id", (json_int_t)db_int(query, 4), "reason",
	    db_text(query, 5), "attempts", (json_int_t)db_int(query, 6));
}

static enum outcome
rows_of(struct ledger *ledger, const char *sql, int64_t limit, json_t **rows, struct fault *why)
{
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, sql, limit);

	return ledger_collect_rows(out, query, row_of, rows, why);
}

#define COLUMNS                                                                                    \
	"SELECT payment_id, status, kopecks, strftime('%s', created_at), lead_id,"                 \
	" error_message, retry_count FROM payment_events"

enum outcome
ledger_newest(struct ledger *ledger, int64_t limit, json_t **rows, struct fault *why)
{
	return rows_of(ledger, COLUMNS " ORDER BY id DESC LIMIT $1", limit, rows, why);
}

/*
 * Says 'failed' as a literal, or SQLite could not know that the index of the failed ones will do.
 */
enum outcome
ledger_newest_failed(struct ledger *ledger, int64_t limit, json_t **rows, struct fault *why)
{
	static const char sql[] = COLUMNS " WHERE status = 'failed' ORDER BY id DESC LIMIT $1";

	return rows_of(ledger, sql, limit, rows, why);
}

/* Beside max() SQLite takes the other columns of a group from the row that has it. */
enum outcome
ledger_newest_conflicts(struct ledger *ledger, int64_t limit, json_t **rows, struct fault *why)
{
	static const char sql[] =
	    "SELECT payment_id, status, kopecks, max(seen_ms) / 1000, lead_id, reason, retry_count"
	    " FROM payment_conflict c"
	    " JOIN payment_events e ON e.id = c.payment"
	    " WHERE settled_ms IS NULL"
	    " GROUP BY c.payment"
	    " ORDER BY max(seen_ms) DESC"
	    " LIMIT $1";

	return rows_of(ledger, sql, limit, rows, why);
}
