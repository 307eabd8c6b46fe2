#ifndef ADMIN_RULE_CHECK_H
#define ADMIN_RULE_CHECK_H

#include <jansson.h>

#include "amocrm/account.h"
#include "config/settings.h"

/*
 * Compare every id that the rules name with the account: that options are of the field they are
 * written into, stages of the pipeline they begin in, further fields there and of the right type,
 * and that tasks have a type of the account's. Appends findings (see finding.h), one for each
 * setting.
 *
 * `rules` is the document, as rules_document() gives it, of rules that are valid.
 */
void rule_check(const struct settings *settings, const json_t *rules, const struct account *account,
    json_t *findings);

#endif
