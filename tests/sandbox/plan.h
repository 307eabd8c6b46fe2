/*
 * From what a request says about one entity to what will be done to it.
 *
 * A plan is an object with the API's keys to set and our '~' keys to merge (see account.h); account_insert() and
 * account_change() carry it out.  Making a plan changes nothing, so a batch is planned whole before any of it is done:
 * one mistake refuses the batch.
 *
 * All return a new plan and append to mistakes; a plan with mistakes is only good for being freed.  `by_hand` is the
 * manager in the user interface, who may do what the API may not: choose the id, delete, leave a lead unsorted.
 */
#ifndef SANDBOX_PLAN_H
#define SANDBOX_PLAN_H

#include "account.h"

/* Mistakes' paths begin with prefix, "" for an entity of its own. */
json_t *plan_contact(const struct account *account, const json_t *item, const char *prefix,
    bool by_hand, json_t *mistakes);

/*
 * current is NULL for a new lead.  If the request breaks a rule that is not about one field's form, the plan has the
 * text of it under "~refused".
 */
json_t *plan_lead(const struct account *account, const json_t *current, const json_t *item,
    bool by_hand, json_t *mistakes);

/* A note on an entity of this kind; entity is the one in the URL, or 0 where the item names it. */
json_t *plan_note(const struct account *account, enum kind kind, int64_t entity, const json_t *item,
    json_t *mistakes);

json_t *plan_task(const struct account *account, const json_t *item, json_t *mistakes);

#endif
