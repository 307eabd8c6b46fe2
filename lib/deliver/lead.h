#ifndef DELIVER_LEAD_H
#define DELIVER_LEAD_H

#include "base/fault.h"
#include "deliver/job.h"

/*
 * For which lead?  And how much: amoCRM's lead gets this payment's amount, count and fields exactly
 * once.
 *
 * An active lead of the contact's is changed; without one a lead is created that carries everything
 * in its one request. Either is written down as an intent before it is sent, and an attempt that
 * finds an open intent first finds out what became of it (totals.h for changes).
 *
 * The caller holds the contact's lock.
 */

/* Three turns of a batch.  DONE: at.lead_id is set and at.applied is true, both saved.  NEVER with
 * not_found set: there is no active lead, and CREATE_IF_NOT_FOUND is off.  Other outcomes: see
 * totals.h. */
enum outcome lead_settle(struct job *job, struct fault *why) MUST_USE;

/* What was to be written about at.lead_id, to which the payment is applied, was refused.  NEVER, for
 * the same reason: the lead is still there.  Else another is chosen; outcomes as above. */
enum outcome lead_settle_anew(struct job *job, struct fault *why) MUST_USE;

/* The parts of it that only ask, which the preview shares. */

/* Read the lead that the webhook itself names, where the rules say that it may: *leads is then an
 * array of it alone, unless that lead is gone or finished business. */
enum outcome lead_read_named(struct known *known, json_t **leads, struct fault *why) MUST_USE;

/* Of `leads`, or (NULL) of those of known->contact: the lead that has this payment already, else
 * the active one that was updated last, as a new reference; NULL when there is none. */
enum outcome lead_choose(
    struct known *known, const json_t *leads, json_t **lead, struct fault *why) MUST_USE;

#endif
