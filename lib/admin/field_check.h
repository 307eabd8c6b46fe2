#ifndef ADMIN_FIELD_CHECK_H
#define ADMIN_FIELD_CHECK_H

#include <jansson.h>

#include "amocrm/account.h"
#include "config/settings.h"

/*
 * Compare every field that the settings name with the account: that it is there, is a lead's or a
 * contact's as it should be, and has a type that takes what we write; and the options of the
 * purchase counter.  Appends findings (see finding.h).
 */
void field_check(const struct settings *settings, const struct account *account, json_t *findings);

#endif
