/*
 * The values of custom fields: what a request may say, what is kept, what is shown.
 */
#ifndef SANDBOX_FIELDS_H
#define SANDBOX_FIELDS_H

#include "account.h"

/*
 * Read custom_fields_values of a request into new {"field id": stored values or null}.  Mistakes are appended with
 * paths that begin with prefix; then the result is not to be used.
 *
 * By hand (`by_hand`) a person may type texts longer than the API takes.
 */
json_t *fields_read(const struct account *account, enum kind kind, const json_t *items,
    const char *prefix, bool by_hand, json_t *mistakes);

/* New array of the filled fields of an entity as the API shows them; null if none is filled. */
json_t *fields_show(const struct account *account, enum kind kind, const json_t *entity);

#endif
