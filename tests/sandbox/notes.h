/*
 * Handlers for notes and tasks.
 */
#ifndef SANDBOX_NOTES_H
#define SANDBOX_NOTES_H

#include "call.h"

/* Notes of one entity (its id is in the path), or of all entities of a kind. */
void notes_list(const struct call *call, struct response *given);
void notes_get(const struct call *call, struct response *given);
void notes_create(const struct call *call, struct response *given);

void tasks_list(const struct call *call, struct response *given);
void tasks_get(const struct call *call, struct response *given);
void tasks_create(const struct call *call, struct response *given);

#endif
