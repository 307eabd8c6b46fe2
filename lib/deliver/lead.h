#ifndef DELIVER_LEAD_H
#define DELIVER_LEAD_H

#include "base/fault.h"
#include "deliver/job.h"

/*
 * For which lead?  And how much: amoCRM's lead gets this payment's amount, count and fields exactly once.
 *
 * An active lead of the contact's is changed; without one a lead is created that carries everything in its one request.
 * Either is written down as an intent before it is sent, and an attempt that finds an open intent first finds out what
 * became of it (totals.h for changes).
 *
 * Steps of a batch; the caller holds the contact's lock.
 */

/* Read the lead that the webhook itself names, where the rules say that it may: unless that is gone or finished business,
 * no other is looked for. */
enum outcome lead_read_named(struct job *job, struct fault *why) MUST_USE;

/* Have the contact at hand, if its leads will be asked for. */
enum outcome lead_read_contact(struct job *job, struct fault *why) MUST_USE;

/* Whether the job will choose among the leads that its contact is linked to. */
bool lead_wants_linked(const struct job *job);

/* The part of lead_settle() that only asks: the lead that shows this payment already, else the active one that was updated
 * last, as a new reference; NULL when there is none.  job->contact, or job->leads, is at hand. */
enum outcome lead_choose(struct job *job, json_t **lead, struct fault *why) MUST_USE;

/* DONE: at.lead_id is set, at.applied is true, both saved, or will be once the request that was prepared (a change or a
 * creation) is sent.  NEVER with not_found set: there is no active lead, and CREATE_IF_NOT_FOUND is off. */
enum outcome lead_settle(struct job *job, struct fault *why) MUST_USE;

#endif
