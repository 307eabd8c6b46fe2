/*
 * The search document of an entity: its name and every filled value of its own, in lower case, one to a line; a phone
 * number also as digits alone.  The values of linked entities are not in it.
 */
#ifndef SANDBOX_DOCUMENT_H
#define SANDBOX_DOCUMENT_H

#include "account.h"

/* Write the document of this state of the entity; searching sees it from due_ns on. */
void document_write(struct account *account, enum kind kind, const json_t *entity, int64_t due_ns);

/* Does the visible document of the entity contain the query, or is the query its id? */
bool document_matches(
    const struct account *account, enum kind kind, int64_t id, const char *query, int64_t now_ns);

#endif
