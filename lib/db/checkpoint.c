/*
 * Checkpoints: copying the log's pages into the database, so that the log can be begun anew.
 *
 * SQLite's own way is to do it inside the COMMIT that finds the log long, thus inside the gate,
 * where everybody who records a payment would wait for the disk: 4 ms for DB_CHECKPOINT_PAGES of a
 * small ledger, 25 where they lie scattered over a large one, seconds on a slow disk.  Here that
 * commit only takes the turn, and its process does the work afterwards in two steps: what the log
 * holds is copied and synced beside the others' commits; then, inside the gate, the little that
 * came meanwhile, so that the whole log is in the database and, unless a reader holds it, the next
 * commit begins it anew.
 *
 * Why the first step may leave the gate, although SQLite before 3.51.3 can corrupt a log that one
 * process checkpoints while another's commit begins it anew (https://sqlite.org/wal.html, "WAL
 * reset bug").  A commit begins the log anew only when all of it is in the database.  The turn is
 * taken inside the gate, right after a commit of one's own that has put pages into the log: no
 * checkpoint has seen those, and until the role is given back no other process checkpoints.  So
 * until the end of the first step the log is not all in the database, and no commit begins it anew.
 * The second step, and db_scrub(), are inside the gate, where there are no commits.  The process
 * that closes the ledger last checkpoints without the role, but then no other has it open.
 *
 * A commit that changes nothing puts nothing into the log, and must not take the turn: what is
 * there may be all copied.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "db/checkpoint.h"
#include "db/gate.h"
#include "db/handle.h"
#include "db/sync.h"

static int
note_length(void *context, sqlite3 *sqlite, const char *name, int pages)
{
	struct db *db = context;

	(void)sqlite, (void)name;
	db->log_pages = pages;
	return SQLITE_OK;
}

/* Takes the place of SQLite's automatic checkpoints. */
void
db_checkpoint_watch(struct db *db)
{
	sqlite3_wal_hook(db->sqlite, note_length, db);
}

/*
 * Pages that the last checkpoint has left, because a reader holds them or because it failed, do not
 * count until DB_CHECKPOINT_PAGES more have come: else every commit would try again.
 */
void
db_checkpoint_claim(struct db *db)
{
	if (db->log_pages == 0)
		return;
	if (db->log_pages < db->left_pages)
		db->left_pages = 0; /* Another process has begun the log anew. */
	if (!db->turn && db->log_pages - db->left_pages >= DB_CHECKPOINT_PAGES)
		db->turn = db_turn_take(db);
}

/*
 * Copy what can be copied.  SQLite syncs the log before, and the database after it only when the
 * whole log was copied.
 */
static int
copy_pages(struct db *db)
{
	int pages = 0, copied = 0;
	int code =
	    sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);

	if (code != SQLITE_OK)
		db->left_pages = db->log_pages;
	else
		db->left_pages = copied < pages ? pages : 0;
	return code;
}

/* The second step: the little that is left, and the sync after which the log may be begun anew. */
static int
copy_the_rest(struct db *db)
{
	struct fault why;
	int code;

	if (db_gate_enter(db, &why) != DONE)
		return SQLITE_BUSY;
	code = copy_pages(db);
	db_gate_leave(db);
	return code;
}

/*
 * Whatever fails leaves the payments where they are, in the log, and the process that finds it long
 * again tries again.  Only after a failed sync the kernel may have forgotten pages that count as
 * copied: then nothing is vouched for through this handle.
 */
static void
checkpoint(struct db *db)
{
	int code;

	if ((code = copy_pages(db)) == SQLITE_OK &&
	    (code = db_sync_file(db, SQLITE_FCNTL_FILE_POINTER)) == SQLITE_OK)
		code = copy_the_rest(db);
	if (code == SQLITE_IOERR_FSYNC)
		db->distrusted = true;
}

void
db_checkpoint(struct db *db)
{
	if (!db->turn)
		return;
	if (!db->distrusted)
		checkpoint(db);
	db_turn_give(db);
}

void
db_checkpoint_later(struct db *db)
{
	db->later = true;
}

int64_t
db_log_bytes(const struct db *db)
{
	char *log = text_format("%s-wal", db->path);
	struct stat file;
	int64_t size = stat(log, &file) == 0 ? file.st_size : 0;

	free(log);
	return size;
}
