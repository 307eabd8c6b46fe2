#ifndef ADMIN_REPLAY_H
#define ADMIN_REPLAY_H

#include <jansson.h>

#include "config/settings.h"
#include "payment/payment.h"
#include "rules/rules.h"

/*
 * What rules make of a payment, in a form that can be compared: nothing is asked of amoCRM, nothing
 * is written.
 *
 * A verdict is an object: "skipped" is the reason, or null, and then there is what a lead of its
 * own would be given: "pipeline", "stage", "name", "unmapped" (subjects without a rule), every
 * field by its title, with its options' ids or its value, and "task", the one that a lead which was
 * there before would get.  New references.
 */
json_t *replay_verdict(
    const struct settings *settings, const struct rules *mapping, const struct payment *paid);

/* What the ledger knows to have been done with a payment, as a verdict that says less; `told` is as
 * ledger_received() gives it. */
json_t *replay_done(const json_t *told);

/* What differs, as {"key": [before, after]}.  Where one verdict is to skip and the other is not,
 * nothing else is said. */
json_t *replay_diff(const json_t *before, const json_t *after);

/* The same, but only of what the first verdict says. */
json_t *replay_diff_known(const json_t *before, const json_t *after);

#endif
