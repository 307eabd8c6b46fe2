/*
 * What an account holds at the start, and what a manager does by hand.
 */
#ifndef SANDBOX_SEED_H
#define SANDBOX_SEED_H

#include "account.h"

/* The account that is there when no other is asked for: new. */
json_t *seed_default(void);

/*
 * New account from a description (README.md says what is in one).  NULL with *mistakes set to a new JSON text of what
 * is wrong.
 */
struct account *seed_load(const json_t *seed, json_t **mistakes)
    __attribute__((warn_unused_result));

/*
 * Create or change an entity as a person would.  `entity` is NULL to create.  Beside the API's own keys there are
 * "fields" ({"name, code or id": value or [values]}), and "contacts" ([id]) on leads.  Returns the entity, or NULL
 * after appending to mistakes; then nothing was done.
 */
json_t *hand_write(struct account *account, enum kind kind, json_t *entity, const json_t *said,
    int64_t due_ns, json_t *mistakes);

#endif
