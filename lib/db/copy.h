#ifndef DB_COPY_H
#define DB_COPY_H

#include <stdint.h>

#include "base/fault.h"

struct db;

/*
 * Verify the whole file (slow); problems are handed to `report` one by one.  NEVER when there was
 * any.
 */
enum outcome db_check(
    struct db *db, void (*report)(void *, const char *), void *cookie, struct fault *why) MUST_USE;

/*
 * Make sure that nothing which was deleted or overwritten is left in the log either.  LATER:
 * a reader holds it just now, or another process checkpoints; this is not waited for.
 * Not inside a transaction.
 */
enum outcome db_scrub(struct db *db, struct fault *why) MUST_USE;

/*
 * Copy the live file to a new one, verified and synced; no writer waits meanwhile, and no half of
 * it ever has a name: it goes with the process.  Where the file system has no files without a name,
 * it is PATH.XXXXXX, which a process that is killed leaves behind.  NEVER: the name is taken.  Not
 * inside a transaction.
 *
 * `report` (NULL is allowed) is called now and then with how far that is: what is done, how much of
 * it, and of how much; 0 while the latter is not known.  Of what it has heard, it hears the end
 * with both the same.
 */
typedef void db_progress(void *cookie, const char *what, int64_t done, int64_t total);
enum outcome db_copy(
    struct db *db, const char *path, db_progress *report, void *cookie, struct fault *why) MUST_USE;

#endif
