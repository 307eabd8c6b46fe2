#ifndef LEDGER_RELATED_H
#define LEDGER_RELATED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

struct ledger;

/*
 * What the ledger knows of the other payments of a payer, a contact or a lead; all that keeps one
 * payment from undoing another's work.
 */

/*
 * The contact remembered for an identity; 0 when there is none.  A reminder to look there, not a
 * fact.
 */
enum outcome ledger_remembered(
    struct ledger *ledger, int64_t identity, int64_t *contact_id, struct fault *why) MUST_USE;

/* Whether a payment of this contact's has been applied since. */
enum outcome ledger_contact_touched(struct ledger *ledger, int64_t contact_id, int64_t since_ms,
    bool *touched, struct fault *why) MUST_USE;

/*
 * A mark in time that no clock can shift, and whether anything was written down since, of another
 * payment than `id`, that concerns this lead.
 */
enum outcome ledger_mark(struct ledger *ledger, int64_t *mark, struct fault *why) MUST_USE;
enum outcome ledger_lead_touched(struct ledger *ledger, int64_t id, int64_t lead_id, int64_t mark,
    bool *touched, struct fault *why) MUST_USE;

/* Whether some payment in the ledger already claims this lead as the one created for it. */
enum outcome ledger_lead_claimed(
    struct ledger *ledger, int64_t lead_id, bool *claimed, struct fault *why) MUST_USE;

/*
 * Another unfinished payment with an open intent: one that shares an identity with `id`, or
 * (lead_id not 0) one on that lead.  0 when there is none.
 */
enum outcome ledger_blocker(struct ledger *ledger, int64_t id, int64_t lead_id, int64_t *blocker,
    struct fault *why) MUST_USE;

/*
 * Whether a contact may have been created for this payer, by this payment or another (even one that
 * has failed since), whose id was never learnt.
 */
enum outcome ledger_lost_contact(
    struct ledger *ledger, int64_t id, bool *lost, struct fault *why) MUST_USE;

/*
 * Another unfinished payment with an open intent on this lead's totals that is younger than ours,
 * of intent_ms: it began while ours had failed.  0 when there is none.
 */
enum outcome ledger_younger_intent(struct ledger *ledger, int64_t id, int64_t lead_id,
    int64_t intent_ms, int64_t *younger, struct fault *why) MUST_USE;

/*
 * The total and count that stood in this lead when the first payment after `since_ms` came to it:
 * one that was applied, or one that has an open intent, of which it is not known whether it was.
 * *known is false when no payment has come since.
 */
enum outcome ledger_base_after(struct ledger *ledger, int64_t lead_id, int64_t since_ms,
    int64_t *total, int64_t *count, bool *known, struct fault *why) MUST_USE;

#endif
