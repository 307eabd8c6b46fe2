#ifndef CONTACT_H
#define CONTACT_H

#include "fault.h"
#include "job.h"

/*
 * Whose payment is it?  Find the payer's contact by Telegram id, then phone, then e-mail, or create it.
 *
 * amoCRM's search looks into every field, so a hit counts only when the identity stands in its own field exactly.  Absent
 * means that amoCRM said so, never that it did not answer.  Of several exact hits the one updated last is taken, with a
 * remark.  An empty Telegram id or username of a found contact is filled in; nothing that is filled is ever changed.
 *
 * A step of a batch.  DONE: at.contact_id is set and saved, or will be once the request that was prepared (a creation, or
 * the filling) is sent.  NEVER with not_found set: there is none, and CREATE_IF_NOT_FOUND is off.
 * The caller holds the locks of the payer's identities.
 */
enum outcome contact_find(struct job *job, struct fault *why) MUST_USE;

/* The part of it that only asks: job->contact, at.contact_id and at.matched_by are set when amoCRM's search or our memory
 * knows the payer; at.contact_id must be 0. */
enum outcome contact_look(struct job *job, struct fault *why) MUST_USE;

/* Whether this contact, as amoCRM gives it, bears this identity exactly. */
bool contact_bears(const json_t *contact, const struct identity *identity, const struct settings *settings);

#endif
