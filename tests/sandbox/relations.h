/*
 * Handlers for the relation between contacts and leads.  Either may be the entity in the path.
 */
#ifndef SANDBOX_RELATIONS_H
#define SANDBOX_RELATIONS_H

#include "call.h"

void relations_link(const struct call *call, struct response *given);
void relations_unlink(const struct call *call, struct response *given);
void relations_list(const struct call *call, struct response *given);

#endif
