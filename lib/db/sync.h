#ifndef DB_SYNC_H
#define DB_SYNC_H

#include "base/fault.h"

struct db;

/*
 * Wait until everything that was committed is on the disk.  After a failure the handle refuses
 * every further transaction until it is closed and opened anew.
 */
enum outcome db_sync(struct db *db, struct fault *why) MUST_USE;

/*
 * Sync one of SQLite's files, by the code that sqlite3_file_control() knows it by.  Returns
 * SQLite's code.
 */
int db_sync_file(struct db *db, int pointer_code) MUST_USE;

/* A name that was created, renamed or removed is durable only when its directory is. */
enum outcome db_sync_directory(const char *path, struct fault *why) MUST_USE;

#endif
