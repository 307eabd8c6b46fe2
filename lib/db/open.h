#ifndef DB_OPEN_H
#define DB_OPEN_H

#include <stdint.h>

#include "base/fault.h"

struct db;

#define DB_BUSY_MS 1000 /* How long a writer outside the gate is waited for. */

/*
 * Open, creating the file with mode 0600 (see private.h), and bring its schema up to date:
 * migrations[v] turns user_version v into v + 1, all in one transaction.  application_id marks the
 * file as ours. NEVER: the file is of a newer version or another program's.  BROKEN: disk,
 * permission, corruption, the gate is not to be had, or the file is gone where there was one (see
 * marker.h). Open after fork(2) only.
 */
enum outcome db_open(const char *path, int32_t application_id, const char *const migrations[],
    int count, struct db **db, struct fault *why) MUST_USE;

/* The same without creating it.  NEVER: there is none, nor was there one. */
enum outcome db_open_existing(const char *path, int32_t application_id,
    const char *const migrations[], int count, struct db **db, struct fault *why) MUST_USE;

/*
 * Open another program's database for reading; it passes no gate, and nothing is created or
 * changed.
 */
enum outcome db_open_foreign(const char *path, struct db **db, struct fault *why) MUST_USE;

void db_close(struct db *db); /* NULL is allowed. */

/* For copying: open SQLite's handle with what must be said before anything else. */
enum outcome db_open_sqlite(struct db *db, const char *path, int flags, struct fault *why) MUST_USE;

#endif
