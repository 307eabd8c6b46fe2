/*
 * Reading the Python service's table.  It had two versions with other names for the same columns,
 * and files that people have changed by hand: so the statement is put together from the columns
 * that are there, and each value is read as what it shows, not as what its column's type promises.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/money.h"
#include "base/text.h"
#include "db/open.h"
#include "ledger/internal.h"
#include "ledger/old_ledger.h"
#include "ledger/schema.h"

struct old_ledger {
	struct db *db;
	char *select;
	struct query *rows; /* Of the page being read; NULL before the first. */
};

/*
 * The other table's columns, by the names they had there; the first that exists counts.  A time is
 * UTC there, as text or as seconds since 1970.
 */
enum column {
	COL_ID,
	COL_STATUS,
	COL_CREATED,
	COL_PROCESSED,
	COL_AMOUNT,
	COL_CONTACT,
	COL_LEAD,
	COL_PIPELINE,
	COL_LEAD_CREATED,
	COL_PAYLOAD,
	COL_ERROR,
	COL_RETRIES,
	COL_PAID,
	COLUMNS
};

static const struct {
	const char *names[2];
	bool required;
	bool time;
} columns[COLUMNS] = {
	[COL_ID] = { .names = { "payment_id" }, .required = true },
	[COL_STATUS] = { .names = { "status" }, .required = true },
	[COL_CREATED] = { .names = { "created_at" }, .time = true },
	[COL_PROCESSED] = { .names = { "processed_at" }, .time = true },
	[COL_AMOUNT] = { .names = { "amount" } },
	[COL_CONTACT] = { .names = { "contact_id" } },
	[COL_LEAD] = { .names = { "lead_id" } },
	[COL_PIPELINE] = { .names = { "pipeline_id" } },
	[COL_LEAD_CREATED] = { .names = { "lead_created", "is_lead_created" } },
	[COL_PAYLOAD] = { .names = { "payload" } },
	[COL_ERROR] = { .names = { "error_message", "last_error" } },
	[COL_RETRIES] = { .names = { "retry_count" } },
	[COL_PAID] = { .names = { "payment_date" } },
};

/*
 * Opening.
 */

/* The names of the table's columns, as keys; without any when there is no such table. */
static enum outcome
read_columns(struct db *db, json_t *there, struct fault *why)
{
	static const char sql[] =
	    "SELECT c.name FROM sqlite_schema s, pragma_table_info('payment_events') c"
	    " WHERE s.name = 'payment_events' AND s.type = 'table'";
	struct query *query = NULL;
	enum outcome out = db_query(db, &query, why, sql);

	while (db_next(query, &out, why))
		json_object_set_new(there, db_text(query, 0), json_true());
	return out;
}

/* One column in SQL: a time as seconds, and NULL for a column that is not there. */
static char *
expression(enum column column, const json_t *there)
{
	const char *name = columns[column].names[0];

	if (json_object_get(there, name) == NULL)
		name = columns[column].names[1];
	if (name == NULL || json_object_get(there, name) == NULL)
		return text_format("NULL");
	if (columns[column].time)
		return text_format(
		    "CAST(iif(typeof(%s) = 'text', strftime('%%s', %s), %s) AS INTEGER)", name,
		    name, name);
	return text_copy(name);
}

static char *
compose(const json_t *there)
{
	char *sql = text_format("SELECT rowid"), *longer, *one;
	enum column column;

	for (column = 0; column < COLUMNS; column++) {
		one = expression(column, there);
		longer = text_format("%s, %s", sql, one);
		free(one);
		free(sql);
		sql = longer;
	}
	longer =
	    text_format("%s FROM payment_events WHERE rowid > $1 ORDER BY rowid LIMIT $2", sql);
	free(sql);
	return longer;
}

static enum outcome
understand(struct old_ledger *old, const json_t *there, struct fault *why)
{
	enum column column;

	if (json_object_size(there) == 0)
		return fault_set(why, NEVER, "it has no table payment_events");
	for (column = 0; column < COLUMNS; column++)
		if (columns[column].required &&
		    json_object_get(there, columns[column].names[0]) == NULL)
			return fault_set(why, NEVER, "its payment_events has no column %s",
			    columns[column].names[0]);
	old->select = compose(there);
	return DONE;
}

static enum outcome
inspect(struct old_ledger *old, int64_t *rows, struct fault *why)
{
	int64_t application_id = 0;
	json_t *there = json_object();
	enum outcome out;

	out = db_number(old->db, &application_id, why, "PRAGMA application_id");
	if (out == DONE && application_id == SCHEMA_APPLICATION_ID)
		out = fault_set(why, NEVER, "it is a ledger of this service already");
	if (out == DONE && (out = read_columns(old->db, there, why)) == DONE &&
	    (out = understand(old, there, why)) == DONE)
		out = db_number(old->db, rows, why, "SELECT count(*) FROM payment_events");
	json_decref(there);
	return out;
}

enum outcome
old_ledger_open(const char *path, struct old_ledger **old, int64_t *rows, struct fault *why)
{
	struct old_ledger *opened = memory_zeroed(1, sizeof(*opened));
	enum outcome out;

	if ((out = db_open_foreign(path, &opened->db, why)) == DONE)
		out = inspect(opened, rows, why);
	if (out == DONE)
		*old = opened;
	else
		old_ledger_close(opened);
	return out;
}

void
old_ledger_close(struct old_ledger *old)
{
	if (old == NULL)
		return;
	db_close(old->db);
	free(old->select);
	free(old);
}

/*
 * One row there, as it shall stand here.
 */

static int64_t
number(struct query *query, enum column column)
{
	return db_int(query, (int)column + 1);
}

/* "" for NULL, and for what is not UTF-8 and could not be shown. */
static const char *
text(struct query *query, enum column column)
{
	const char *found = db_text(query, (int)column + 1);
	json_t *checked = found != NULL ? json_string(found) : NULL;
	bool readable = checked != NULL;

	json_decref(checked);
	return readable ? found : "";
}

/*
 * A row that was overwritten as a duplicate had been delivered before, provided that it knows its
 * lead.
 */
static enum payment_status
status_of(struct query *query, bool *doubtful)
{
	const char *name = text(query, COL_STATUS);

	if (strcmp(name, "success") == 0 ||
	    (strcmp(name, "duplicate") == 0 && number(query, COL_LEAD) != 0))
		return PAYMENT_SUCCESS;
	if (strcmp(name, "skipped") == 0)
		return PAYMENT_SKIPPED;
	*doubtful = strcmp(name, "failed") != 0;
	return PAYMENT_FAILED;
}

static char *
reason_of(struct query *query, const struct old_row *row)
{
	const char *said = text(query, COL_ERROR);
	char *line, *reason;

	if (row->status == PAYMENT_SUCCESS)
		return NULL;
	if (row->doubtful)
		said = "it was not finished; look whether amoCRM has it before it is retried";
	else if (said[0] == '\0')
		said = "no reason was kept";
	line = text_one_line(said);
	reason = text_format(IMPORTED_REASON "%s", line);
	free(line);
	return reason;
}

/* What the webhook says. */
static bool
read_payload(struct old_row *row)
{
	struct identity who[IDENTITIES_MAX];
	struct payment *paid = NULL;
	json_t *errors = NULL;
	size_t i, count;

	if (payment_parse(row->payload, strlen(row->payload), &paid, &errors) != DONE) {
		json_decref(errors);
		return false;
	}
	row->kopecks = paid->amount;
	row->amount_known = true;
	row->paid_at = paid->paid_at;
	count = payment_identities(paid, who);
	/* Of several phones the first is the payer's. */
	for (i = count; i-- > 0;)
		row->who[who[i].kind] = who[i].hash;
	payment_free(paid);
	return true;
}

/* The columns know less. */
static void
read_columns_instead(struct query *query, struct old_row *row)
{
	row->amount_known = money_parse(text(query, COL_AMOUNT), &row->kopecks);
	if (!row->amount_known)
		row->kopecks = 0;
	if (!clock_parse(text(query, COL_PAID), &row->paid_at))
		row->paid_at = 0;
}

static void
understand_row(struct query *query, struct old_row *row)
{
	size_t length;
	const char *key = text_trim(text(query, COL_ID), &length),
		   *payload = text(query, COL_PAYLOAD);

	*row = (struct old_row){ .number = db_int(query, 0),
		.key = text_part(key, length),
		.payload = text_copy(payload),
		.contact_id = number(query, COL_CONTACT),
		.lead_id = number(query, COL_LEAD),
		.pipeline_id = number(query, COL_PIPELINE),
		.lead_created = number(query, COL_LEAD_CREATED) != 0,
		.retries = number(query, COL_RETRIES),
		.created_s = number(query, COL_CREATED),
		.processed_s = number(query, COL_PROCESSED) };
	row->status = status_of(query, &row->doubtful);
	row->reason = reason_of(query, row);
	row->unread = !read_payload(row);
	if (row->unread)
		read_columns_instead(query, row);
	if (row->created_s == 0)
		row->created_s = row->processed_s != 0 ? row->processed_s : row->paid_at;
	if (row->created_s == 0)
		row->created_s = clock_wall_ms() / 1000;
}

/*
 * Reading.
 */

enum outcome
old_ledger_page(struct old_ledger *old, int64_t after, int64_t count, struct fault *why)
{
	db_done(old->rows);
	return db_query(old->db, &old->rows, why, old->select, after, count);
}

enum outcome
old_ledger_next(struct old_ledger *old, struct old_row *row, bool *more, struct fault *why)
{
	enum outcome out = DONE;

	if ((*more = db_next(old->rows, &out, why)))
		understand_row(old->rows, row);
	return out;
}

void
old_row_clear(struct old_row *row)
{
	free(row->key);
	free(row->payload);
	free(row->reason);
}
