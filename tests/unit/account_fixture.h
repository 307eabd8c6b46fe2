#ifndef ACCOUNT_FIXTURE_H
#define ACCOUNT_FIXTURE_H

#include "amocrm/account.h"

/*
 * An account that has all that fixture.h's settings name, for tests to spoil.  Include account_fixture.c, after fixture.c.
 */
struct account account_fixture(void); /* account_clear() it. */

/* A field, option, pipeline or stage of it, to be changed; and a member of it changed, to JSON. */
json_t *account_thing(const struct account *school, int64_t id);
void account_spoil(const struct account *school, int64_t id, const char *key, const char *json);

/* "state: message" of the finding about this setting; "" when there is none. */
const char *finding_about(const json_t *findings, const char *setting);

#endif
