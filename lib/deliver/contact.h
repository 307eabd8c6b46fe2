#ifndef DELIVER_CONTACT_H
#define DELIVER_CONTACT_H

#include "base/fault.h"
#include "deliver/job.h"

/*
 * Whose payment is it?  Find the payer's contact by Telegram id, then phone, then e-mail, or create it.
 *
 * amoCRM's search looks into every field, so a hit counts only when the identity stands in its own field exactly.  Absent
 * means that amoCRM said so, never that it did not answer.  Of several exact hits the one updated last is taken, with a
 * warning.  An empty Telegram id or username of a found contact is filled in; nothing that is filled is ever changed.
 *
 * Steps of a batch.  The caller holds the locks of the payer's identities.
 */

/* DONE: at.contact_id is set, or will be once the creation that was prepared is sent.  NEVER with not_found set: there is
 * none, and CREATE_IF_NOT_FOUND is off. */
enum outcome contact_find(struct job *job, struct fault *why) MUST_USE;

/*
 * Take the contact's lock, which excludes payments that know the same contact by another identity; what was read of it before
 * is read again where one of those has been carried meanwhile.  DONE: at.contact_id is saved, or will be once the filling that
 * was prepared is sent.  LATER: another payment has the contact, or it has vanished and will be looked for again.
 */
enum outcome contact_hold(struct job *job, struct fault *why) MUST_USE;

/* Have job->contact at hand.  LATER: it has vanished from amoCRM (merged away, deleted), is forgotten, and will be looked for
 * again. */
enum outcome contact_read(struct job *job, struct fault *why) MUST_USE;

/* The part of it that only asks: job->contact, at.contact_id and at.matched_by are set when amoCRM's search or our memory
 * knows the payer; at.contact_id must be 0. */
enum outcome contact_look(struct job *job, struct fault *why) MUST_USE;

/* Whether this contact, as amoCRM gives it, bears this identity exactly. */
bool contact_bears(
    const json_t *contact, const struct identity *identity, const struct settings *settings);

#endif
