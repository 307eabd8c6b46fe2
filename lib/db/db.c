/*
 * Transactions: through the gate, committed, then made durable outside it.
 */
#include <sqlite3.h>

#include "db/checkpoint.h"
#include "db/db.h"
#include "db/gate.h"
#include "db/handle.h"
#include "db/marker.h"
#include "db/query.h"
#include "db/sync.h"

enum outcome
db_begin(struct db *db, struct fault *why)
{
	enum outcome outcome;
	int moved = 0;

	if (db->distrusted)
		return fault_set(
		    why, BROKEN, "ledger %s: an earlier sync failed; reopen it", db->path);
	if (db->inside)
		return fault_set(
		    why, BROKEN, "ledger %s: a transaction inside a transaction", db->path);
	if ((outcome = db_gate_enter(db, why)) != DONE)
		return outcome;
	/*
	 * What is written into a file that was moved away or replaced is promised and then lost;
	 * and a gate that was is not the one where the others queue.
	 */
	sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved || db_marker_moved(db))
		outcome = fault_set(
		    why, BROKEN, "ledger %s: the file was moved or removed; reopen it", db->path);
	if (outcome != DONE || (outcome = db_run(db, why, db_begin_sql)) != DONE)
		db_gate_leave(db);
	return outcome;
}

enum outcome
db_commit(struct db *db, struct fault *why)
{
	enum outcome outcome;

	if (!db->inside)
		return fault_set(why, BROKEN, "ledger %s: nothing to commit", db->path);
	db->log_pages = 0;
	if ((outcome = db_run(db, why, "COMMIT")) != DONE) {
		db_rollback(db);
		return outcome;
	}
	db_checkpoint_claim(db);
	db_gate_leave(db);
	/* A handle that is not believed any more gives the role back at once. */
	if ((outcome = db_sync(db, why)) != DONE || !db->later)
		db_checkpoint(db);
	return outcome;
}

void
db_rollback(struct db *db)
{
	struct fault ignored;

	if (!db->inside)
		return;
	/* After some errors (disk full, out of memory) SQLite has already rolled back by itself. */
	if (!sqlite3_get_autocommit(db->sqlite) && db_run(db, &ignored, "ROLLBACK") != DONE)
		db->distrusted = true;
	db_gate_leave(db);
}

enum outcome
db_end(struct db *db, enum outcome outcome, struct fault *why)
{
	if (outcome == DONE)
		return db_commit(db, why);
	db_rollback(db);
	return outcome;
}

enum outcome
db_write_values(struct db *db, struct fault *why, const char *sql, const struct db_value *values)
{
	enum outcome outcome;

	if ((outcome = db_begin(db, why)) != DONE)
		return outcome;
	return db_end(db, db_run_values(db, why, sql, values), why);
}
