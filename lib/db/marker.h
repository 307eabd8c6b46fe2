#ifndef DB_MARKER_H
#define DB_MARKER_H

#include <stdbool.h>

#include "base/fault.h"

struct db;

/*
 * What stands in the file of the gate: that there is a database, and which file and which log belong
 * together, by their inodes.  It tells a database that was lost from one that was never made, and
 * the log of another file, which SQLite would copy into this one, from its own.
 *
 * Not promised: to notice a database that was overwritten in place, or one that was lost together
 * with the file of its gate.
 */

/*
 * Before the database is opened, inside the gate.  BROKEN: there was one that is gone or empty now;
 * or the log beside it is another's.  NEVER: there is none, and `create` does not allow one.
 */
enum outcome db_marker_check(struct db *db, bool create, struct fault *why) MUST_USE;

/* While it is open, inside the gate: write down what belongs together. */
enum outcome db_marker_write(struct db *db, struct fault *why) MUST_USE;

/* Is the file of the gate still the one that everybody finds by its name? */
bool db_marker_moved(struct db *db);

#endif
