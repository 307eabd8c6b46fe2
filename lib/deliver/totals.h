#ifndef DELIVER_TOTALS_H
#define DELIVER_TOTALS_H

#include <jansson.h>

#include "base/fault.h"
#include "deliver/job.h"

/*
 * Adding to a lead's total and counter, exactly once, against an API that can only overwrite.
 *
 * Before the lead is changed the ledger holds the intent: the values that stood there and the values that shall stand.
 * The change carries the latter and this payment's id, so sending it twice is sending it once.  The caller holds the
 * lead's lock, and no other payment is applied to the lead while an intent on it is open.
 */

/*
 * Prepare the request that applies the payment to the lead as it was read under the lock: job->request, and in job->at the
 * values that shall be written down before it is sent; nothing is sent here.  None is prepared when the lead shows this
 * payment already: then it is applied, with a warning, and that is saved.
 *
 * `lead` is an entity as the API gives it, borrowed for the call.  NEVER: its total or its counter is no number, so that
 * adding would destroy what somebody wrote.  BROKEN: the ledger.
 */
enum outcome totals_prepare(struct job *job, const json_t *lead, struct fault *why) MUST_USE;

/*
 * Find out what became of an open intent, by what the lead shows now; then the payment is applied, or the request that
 * applies it is prepared.
 *
 *	our payment id                        it was applied
 *	the values before                     it was not: send the same again
 *	the values after, where we leave no   it was applied
 *	id (older payment, no id field, or
 *	one that amoCRM refuses)
 *	anything else                         somebody wrote in between: begin from what stands there, with a warning;
 *	                                      but for a payment that leaves no id nobody can know: a person decides
 *
 * Payments of ours that were applied later (this one having waited for a person meanwhile) are better witnesses than the
 * lead: the first of them wrote down what it found.
 *
 * `lead` is borrowed for the call.  DONE: either job->at says that it is applied, and that is saved, or job->request is
 * set.  NEVER: as for totals_prepare(), or a person must decide, or amoCRM, asked whether it still takes our id, refuses
 * that for another reason.  LATER, UNSURE: asked the same, it did not answer; nothing has changed.  BROKEN: the ledger.
 */
enum outcome totals_resume(struct job *job, const json_t *lead, struct fault *why) MUST_USE;

#endif
