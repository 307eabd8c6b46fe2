#ifndef DB_PARTY_H
#define DB_PARTY_H

#include "base/fault.h"

struct db;

/*
 * Who works on the database.  Beside its transactions processes exclude each other by locks in a
 * directory.  Those that use another directory would be excluded from nothing, so they are refused
 * as long as any of the former lives; then they may take over.  That is so until db_close().
 *
 * BROKEN: processes with another directory work on it.  The same directory by another path is no
 * other, nor is one that was made anew in its place.
 */
enum outcome db_join(struct db *db, const char *directory, struct fault *why) MUST_USE;

#endif
