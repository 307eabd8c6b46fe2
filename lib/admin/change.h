#ifndef ADMIN_CHANGE_H
#define ADMIN_CHANGE_H

#include <jansson.h>

#include "amocrm/account.h"

/*
 * What a request would change in a contact or a lead, told in the words of the account, for people.
 *
 * `fields` is the request's custom_fields_values, `entity` what stands there (NULL: nothing yet).
 * A new array of {"field", "old", "new"}: the field's name, and its values as people read them
 * (options by name, times in the chosen zone); "" for none.  What stays as it is is left out.
 */
json_t *change_tell(const struct account *account, enum amocrm_kind kind, const json_t *entity,
    const json_t *fields);

#endif
