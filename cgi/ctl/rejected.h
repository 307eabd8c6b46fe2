#ifndef CTL_REJECTED_H
#define CTL_REJECTED_H

#include <jansson.h>

#include "base/fault.h"
#include "command.h"

/*
 * What list, show, retry and settle do with --rejected: with the webhooks that were no payments.
 */
int rejected_list(const struct ctl *ctl);
int rejected_show(const struct ctl *ctl);
int rejected_retry(const struct ctl *ctl); /* Needs the rules in ctl->settings. */

/* A named_action: row is of ledger_rejected(), or NULL. */
enum outcome rejected_settle(
    const struct ctl *ctl, const json_t *row, char **reason, struct fault *why) MUST_USE;

#endif
