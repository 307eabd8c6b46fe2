/*
 * What the platform signed and no program could read.  A change on its side, or a mistake on ours,
 * may turn payments into such bodies; once the program or the rules can read them, they are read
 * again.
 *
 * Anybody with the key can fill this table, so it is bounded by count and by bytes, and the newest
 * stay: what came long ago has been looked at, or never will be.
 */
#include "ledger/rejected.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "ledger/internal.h"

/* Drop the oldest until one more body of that size fits; count those that nobody has looked at. */
static enum outcome
make_room(struct ledger *ledger, int64_t size, struct fault *why)
{
	static const char measure[] =
	    "SELECT count(*), coalesce(sum(iif(body IS NULL, 0, size)), 0), min(id) FROM rejected";
	struct query *query = NULL;
	int64_t oldest = 0, unsettled;
	bool full;
	enum outcome out;

	do {
		full = false;
		out = db_query(ledger->db, &query, why, measure);
		if (db_next(query, &out, why)) {
			full = db_int(query, 0) >= REJECTED_MAX ||
			    (db_int(query, 0) > 0 && db_int(query, 1) + size > REJECTED_BYTES_MAX);
			oldest = db_int(query, 2);
		}
		db_done(query);
		if (out != DONE || !full)
			return out;
		if ((out = db_number(ledger->db, &unsettled, why,
			 "SELECT settled_ms IS NULL FROM rejected WHERE id = $1", oldest)) !=
			DONE ||
		    (out = db_run(ledger->db, why,
			 "UPDATE heartbeat SET rejected_lost = rejected_lost + $1", unsettled)) !=
			DONE)
			return out;
		out = db_run(ledger->db, why, "DELETE FROM rejected WHERE id = $1", oldest);
	} while (out == DONE);
	return out;
}

static enum outcome
keep(struct ledger *ledger, const char *hash, struct db_blob body, const char *errors,
    const char *request_id, int64_t now_ms, struct fault *why)
{
	static const char again[] =
	    "UPDATE rejected SET times = times + 1, last_ms = $2, request_id = $3"
	    " WHERE hash = $1";
	static const char insert[] =
	    "INSERT INTO rejected (hash, first_ms, last_ms, request_id, errors, size, body)"
	    " VALUES ($1, $2, $2, $3, $4, $5, $6)";
	enum outcome out = db_run(ledger->db, why, again, hash, now_ms, request_id);

	if (out != DONE || db_changed(ledger->db) > 0)
		return out;
	if ((out = make_room(ledger, (int64_t)body.size, why)) != DONE)
		return out;
	return db_run(
	    ledger->db, why, insert, hash, now_ms, request_id, errors, (int64_t)body.size, body);
}

enum outcome
ledger_reject(struct ledger *ledger, const void *body, size_t size, const json_t *errors,
    const char *request_id, int64_t now_ms, struct fault *why)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	char hash[2 * CRYPTO_SHA256_SIZE + 1];
	char *text = json_dumps(errors, JSON_COMPACT);
	enum outcome out;

	crypto_sha256(body, size, digest);
	encoding_to_hex(digest, sizeof(digest), hash);
	if ((out = db_begin(ledger->db, why)) == DONE)
		out = db_end(ledger->db,
		    keep(ledger, hash, (struct db_blob){ size > 0 ? body : "", size }, text,
			request_id, now_ms, why),
		    why);
	free(text);
	return out;
}

static json_t *
row_of(struct query *query)
{
	json_t *errors = json_loads(db_text(query, 6), 0, NULL);
	json_t *row = json_pack("{s:I, s:s, s:s, s:I, s:o, s:s?, s:o, s:I, s:b}", "id",
	    (json_int_t)db_int(query, 0), "first_seen", db_text(query, 1), "last_seen",
	    db_text(query, 2), "times", (json_int_t)db_int(query, 3), "settled_ms",
	    db_null(query, 4) ? json_null() : json_integer(db_int(query, 4)), "request_id",
	    db_text(query, 5), "errors", errors != NULL ? errors : json_array(), "size",
	    (json_int_t)db_int(query, 7), "purged", db_int(query, 8) != 0);

	return row;
}

/* A body as a text: where it is no UTF-8, each byte that is no ASCII is shown as a question mark. */
static json_t *
text_of(char *body, size_t size)
{
	json_t *text = json_stringn(body, size);
	size_t i;

	for (i = 0; text == NULL && i < size; i++)
		if ((unsigned char)body[i] > 0x7f)
			body[i] = '?';
	return text != NULL ? text : json_stringn(body, size);
}

enum outcome
ledger_rejected(struct ledger *ledger, int64_t id, int64_t since_ms, int64_t limit, bool whole,
    json_t **rows, struct fault *why)
{
	static const char sql[] =
	    "SELECT id, strftime(" ISO_UTC ", first_ms / 1000, 'unixepoch'),"
	    " strftime(" ISO_UTC ", last_ms / 1000, 'unixepoch'), times, settled_ms, request_id,"
	    " errors, size, body IS NULL"
	    " FROM rejected"
	    " WHERE iif($1 <> 0, id = $1, settled_ms IS NULL AND last_ms >= $2)"
	    " ORDER BY id DESC"
	    " LIMIT $3";
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why, sql, id, since_ms, limit);
	json_t *row = NULL;
	size_t i, size;
	char *body;

	if ((out = ledger_collect_rows(out, query, row_of, rows, why)) != DONE || !whole)
		return out;
	json_array_foreach(*rows, i, row) {
		id = json_integer_value(json_object_get(row, "id"));
		if ((out = ledger_rejected_body(ledger, id, &body, &size, why)) != DONE)
			break;
		json_object_set_new(row, "body", body != NULL ? text_of(body, size) : json_null());
		free(body);
	}
	if (out != DONE)
		json_decref(*rows);
	return out;
}

enum outcome
ledger_rejected_body(
    struct ledger *ledger, int64_t id, char **body, size_t *size, struct fault *why)
{
	struct query *query = NULL;
	enum outcome out = db_query(ledger->db, &query, why,
	    "SELECT body FROM rejected WHERE id = $1 AND body IS NOT NULL", id);

	*body = NULL;
	if (db_next(query, &out, why)) {
		struct db_blob blob = db_bytes(query, 0);

		*body = memory_zeroed(blob.size + 1, 1);
		*size = blob.size;
		if (blob.size > 0)
			memcpy(*body, blob.bytes, blob.size);
	}
	db_done(query);
	return out;
}

enum outcome
ledger_rejected_settle(
    struct ledger *ledger, int64_t id, int64_t now_ms, bool *settled, struct fault *why)
{
	static const char sql[] = "UPDATE rejected SET settled_ms = $2"
				  " WHERE id = $1 AND settled_ms IS NULL";
	enum outcome out = db_write(ledger->db, why, sql, id, now_ms);

	if (out == DONE)
		*settled = db_changed(ledger->db) > 0;
	return out;
}
