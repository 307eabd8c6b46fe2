#ifndef ADMIN_DISCOVERY_H
#define ADMIN_DISCOVERY_H

#include <jansson.h>

#include "amocrm/account.h"
#include "config/settings.h"

/*
 * Settings for an account, guessed by what its fields, options, pipelines and stages are called;
 * what the rules name (rules_document()) is looked for too.
 *
 * A new array in the order of env.example, of {"section", "setting", "id", "comment"}: the comment
 * says what stands behind the id, and `id` is null where nothing is called so.  At the end come
 * items whose `setting` is null: what else there is in the account, for a person to choose from.
 */
json_t *discover(
    const struct settings *settings, const json_t *rules, const struct account *account);

#endif
