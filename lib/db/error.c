/*
 * Errors of SQLite and of the system, as outcomes and reasons.
 */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "db/error.h"
#include "db/handle.h"

/*
 * The one place where SQLite's codes become outcomes.  What the data broke (a constraint, a size)
 * is refused for good and says something about the caller; everything else says that this host
 * cannot keep its ledger: full or failing disk, missing permission, corruption, memory, a foreign
 * writer that blocks, or a mistake in our own SQL.  None of it is LATER: the sender who waits for a
 * payment to be recorded must hear now that it was not.
 */
enum outcome
db_failed(struct db *db, int code, const char *what, struct fault *why)
{
	const char *said = db->sqlite && sqlite3_extended_errcode(db->sqlite) == code
	    ? sqlite3_errmsg(db->sqlite)
	    : sqlite3_errstr(code);
	enum outcome outcome;

	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
		outcome = NEVER;
		break;
	default:
		outcome = BROKEN;
	}
	return fault_set(why, outcome, "ledger %s: %s (SQLite code %d) at: %.*s", db->path, said,
	    code, SQL_SHOWN, what);
}

enum outcome
db_failed_errno(const char *path, const char *what, struct fault *why)
{
	return fault_set(why, BROKEN, "%s %s: %s", what, path, strerror(errno));
}
