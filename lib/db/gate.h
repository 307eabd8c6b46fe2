#ifndef DB_GATE_H
#define DB_GATE_H

#include <stdbool.h>

#include "base/fault.h"

struct db;

/*
 * How long the gate is waited for.  The writer inside leaves within milliseconds, on a sick disk
 * within a second or two; who stays for longer has been stopped, or brings an old file's schema up
 * to date.  A webhook must hear of that long before nginx hangs up on it (20 seconds), also when it
 * waits behind another's wait.
 */
#define DB_GATE_MS 5000

/* BROKEN: another process has kept it for DB_GATE_MS.  Leaving without being inside is allowed. */
enum outcome db_gate_enter(struct db *db, struct fault *why) MUST_USE;
void db_gate_leave(struct db *db);
enum outcome db_gate_open(struct db *db, struct fault *why) MUST_USE;
void db_gate_close(struct db *db); /* Also one that was never opened. */

/*
 * Which process checkpoints: one at a time, see checkpoint.c.  False: errno says why, EAGAIN or
 * EACCES that another does.
 */
bool db_turn_take(struct db *db) MUST_USE;
void db_turn_give(struct db *db);

#endif
