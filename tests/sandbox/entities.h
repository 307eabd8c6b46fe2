/*
 * Handlers for contacts and leads: list, one by id, create, change.
 *
 * A handler answers an authorised call; it is entered with the account locked.
 */
#ifndef SANDBOX_ENTITIES_H
#define SANDBOX_ENTITIES_H

#include "call.h"

void entities_list(const struct call *call, struct response *given);
void entities_get(const struct call *call, struct response *given);
void entities_create(const struct call *call, struct response *given);
void entities_change_batch(const struct call *call, struct response *given);
void entities_change_one(const struct call *call, struct response *given);
void leads_complex(const struct call *call, struct response *given);

#endif
