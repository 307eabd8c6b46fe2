#ifndef DELIVER_TOTALS_H
#define DELIVER_TOTALS_H

#include <jansson.h>

#include "base/fault.h"
#include "deliver/job.h"

/*
 * Adding to a lead's total and counter, exactly once, against an API that can only overwrite.
 *
 * Before the lead is changed the ledger holds the intent: the values that stood there and the
 * values that shall stand.  The change carries the latter and this payment's id, so sending it
 * twice is sending it once.  The caller holds the lead's lock, and no other payment is applied to
 * the lead while an intent on it is open.
 */

/*
 * Decide what the lead becomes: from the values that it shows, at.total_before to at.count_after
 * and at.older; nothing is sent or saved.  The preview decides by it too.
 *
 * `lead` is an entity as the API gives it, NULL for a new one.  *request is a new reference: what
 * is to be written, or NULL when the lead has this payment already (known->holds_it).  NEVER:
 * its total or its counter is no number, so that adding would destroy what a manager wrote.
 */
enum outcome totals_decide(
    struct known *known, const json_t *lead, json_t **request, struct fault *why) MUST_USE;

/* Create the lead that carries the payment in its one request.  DONE: it is applied, and at.lead_id
 * is saved.  UNSURE: the intent stays open, and the next attempt looks for the lead. */
enum outcome totals_create(struct job *job, struct fault *why) MUST_USE;

/* The lead carries the payment since its creation: save so. */
enum outcome totals_created(
    struct job *job, int64_t lead_id, int64_t pipeline_id, struct fault *why) MUST_USE;

/*
 * Apply the payment to the lead as it was read under the lock.  DONE: it is applied, and that is
 * saved; with a warning and without a request when the lead has this payment already.  Other
 * outcomes: of totals_decide(), of the change (its intent stays open), of the ledger.
 */
enum outcome totals_apply(struct job *job, const json_t *lead, struct fault *why) MUST_USE;

/*
 * Find out what became of an open intent, by what the lead shows now, and apply the payment where
 * it was not.
 *
 * 	our payment id     it was applied, unless a person had written that there before
 * 	the values before  it was not: send the same again
 * 	the values after   it was applied, where our change leaves no id that would tell (the payment
 * 	                   is older than the lead's last, or the field for the id is not set or is
 * 	                   refused by amoCRM)
 * 	the values after and another id than the one before
 * 	                   it was applied: amoCRM shows our id otherwise than it was written
 * 	anything else      another program or a person wrote in between: begin from what stands there,
 * 	                   with a warning; but for a payment that leaves no id only a person can know
 *
 * Payments of ours that were applied later (this one having waited for a person meanwhile) are
 * better witnesses than the lead: the first of them wrote down what it found.
 *
 * `lead` is borrowed.  DONE: the payment is applied, and that is saved.  NEVER: as for
 * totals_apply(), or a person must decide, or amoCRM, asked whether it still takes our id, refuses
 * that for another reason.  LATER, UNSURE: it did not answer.  BROKEN: the ledger.
 */
enum outcome totals_resume(struct job *job, const json_t *lead, struct fault *why) MUST_USE;

#endif
