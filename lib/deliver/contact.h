#ifndef DELIVER_CONTACT_H
#define DELIVER_CONTACT_H

#include "base/fault.h"
#include "deliver/job.h"

/*
 * Whose payment is it?  Find the payer's contact by Telegram id, then phone, then e-mail, or create
 * it.
 *
 * amoCRM's search looks into every field, so a hit counts only when the identity stands in its own
 * field exactly.  Absent means that amoCRM said so, never that it did not answer.  Only an identity to
 * which thousands of entities answer is left out, as a placeholder is; a warning says so.  Of
 * several exact hits the one that agrees in most of the payer's identities is taken (mother and son
 * have one phone), of equals the one updated last; a warning tells of them, as they may be one person.
 *
 * An empty Telegram id or username of a found contact is filled in, as read under the contact's
 * lock; nothing that is filled is ever changed.  Neither is filled into a contact that contradicts
 * the payer: for some kind of identity it has a value that can be a person's, the payer has one, too,
 * and none agrees.
 *
 * The caller holds the locks of the payer's identities.
 */

/*
 * Find or create the contact, take its lock, which excludes payments that know the same contact by
 * another identity, and fill in what it lacks.  Two turns of a batch.
 *
 * DONE: at.contact_id is set and saved.  NEVER with not_found set: there is none, and
 * CREATE_IF_NOT_FOUND is off.  LATER: another payment has the contact, or it has vanished and will
 * be looked for again.  UNSURE: an answer was lost; the intent of a creation stays open.
 */
enum outcome contact_settle(struct job *job, struct fault *why) MUST_USE;

/* Have known.contact at hand.  LATER: it has vanished from amoCRM (merged away, deleted), is
 * forgotten, and will be looked for again. */
enum outcome contact_read(struct job *job, struct fault *why) MUST_USE;

/* What concerns the contact was refused: NEVER, for the same reason, if it is still there, else as
 * contact_read(). */
enum outcome contact_refused(struct job *job, struct fault *why) MUST_USE;

/* The part of contact_settle() that only asks: known->contact, at.contact_id and at.matched_by are
 * set when amoCRM's search or our memory knows the payer; at.contact_id must be 0. */
enum outcome contact_look(struct known *known, struct fault *why) MUST_USE;

/* What is written into the contact: all that is known of the payer into a new one (known->contact
 * is NULL), into another only what it lacks.  A new array, empty when there is nothing to write. */
json_t *contact_changes(const struct known *known);

/* Whether this contact, as amoCRM gives it, bears this identity exactly. */
bool contact_bears(
    const json_t *contact, const struct identity *identity, const struct settings *settings);

#endif
