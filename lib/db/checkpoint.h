#ifndef DB_CHECKPOINT_H
#define DB_CHECKPOINT_H

#include <stdint.h>

struct db;

/*
 * Checkpoints: the commit that finds DB_CHECKPOINT_PAGES more in the log than the last checkpoint
 * has left there has to copy them into the database.  db_commit() does so after its sync, unless
 * its process has said that it will do so later: it must then call db_checkpoint() as soon as
 * no caller waits, as no other process can do it meanwhile.  There is nearly always nothing to do,
 * and that costs nothing.
 */
#define DB_CHECKPOINT_PAGES 1000
void db_checkpoint_later(struct db *db);
void db_checkpoint(struct db *db);

/*
 * How large the log is.  A reader that does not end keeps it from being begun anew, so that it
 * grows with every commit.  0: not known.
 */
int64_t db_log_bytes(const struct db *db);

/* For opening: take the place of SQLite's automatic checkpoints. */
void db_checkpoint_watch(struct db *db);

/*
 * For committing: take the checkpoint role when the log is long.  Inside the gate, after a commit.
 */
void db_checkpoint_claim(struct db *db);

#endif
