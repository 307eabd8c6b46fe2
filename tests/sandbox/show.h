/*
 * Entities as the API shows them.  All return new objects.
 */
#ifndef SANDBOX_SHOW_H
#define SANDBOX_SHOW_H

#include "call.h"

/* A contact or a lead, with what with= asks for. */
json_t *show_entity(const struct call *call, const json_t *entity);

/* One in the trash: hardly more than its id. */
json_t *show_deleted(const struct call *call, const json_t *entity);

json_t *show_note(const struct call *call, const json_t *note);
json_t *show_task(const struct call *call, const json_t *task);

/* A contact or a lead for a reader of the tests: also "fields" by name, and ids of what it is linked to. */
json_t *show_state(const struct account *account, enum kind kind, const json_t *entity);

#endif
