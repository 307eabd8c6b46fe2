#ifndef LEDGER_INTEGRITY_H
#define LEDGER_INTEGRITY_H

#include <stdint.h>

#include "base/fault.h"
#include "db/copy.h"

struct ledger;

/*
 * Check the file and the invariants at the head of ledger.c.  `problem` hears of every violation,
 * in English, with the cookie.  NEVER when there was any.
 */
enum outcome ledger_check(struct ledger *ledger, void (*problem)(void *, const char *),
    void *cookie, struct fault *why) MUST_USE;

/*
 * Copy the live ledger to a new file, verified and durable; *rows says how many payments it holds.
 * NEVER: the name is taken.  `progress`: see db_copy().
 */
enum outcome ledger_copy(struct ledger *ledger, const char *path, db_progress *progress,
    void *cookie, int64_t *rows, struct fault *why) MUST_USE;

#endif
