#ifndef DB_ERROR_H
#define DB_ERROR_H

#include "base/fault.h"

/*
 * What errors of SQLite and of the system mean for the caller; no other room includes this.
 */
struct db;

/* How much of a statement a fault quotes; the SQL is ours and holds no data. */
#define SQL_SHOWN 60

/*
 * Turn a code of SQLite's, or errno, into an outcome and its reason; `what` is the statement, or
 * what was being done.
 */
enum outcome db_failed(struct db *db, int code, const char *what, struct fault *why);
enum outcome db_failed_errno(const char *path, const char *what, struct fault *why);

#endif
