/*
 * For which lead: asking, choosing, and what became of an earlier attempt's.
 *
 * The questions that several payments can ask together come first, each in a turn of its own; the
 * choice and the write follow in the last turn.  What is written, and what a lost answer to it
 * means, is told in totals.c.
 */
#include <string.h>

#include "amocrm/amocrm.h"
#include "amocrm/entity.h"
#include "amocrm/field.h"
#include "base/shown.h"
#include "deliver/batch.h"
#include "deliver/contact.h"
#include "deliver/lead.h"
#include "deliver/lead_fields.h"
#include "deliver/manager.h"
#include "deliver/totals.h"
#include "host/lock.h"
#include "ledger/related.h"
#include "rules/rules.h"

/*
 * Choosing.
 */

static enum outcome
linked_leads(struct known *known, json_t **leads, struct fault *why)
{
	const json_t *link;
	json_t *ids = json_array();
	enum outcome out;
	size_t i;

	json_array_foreach(entity_embedded(known->contact, "leads"), i, link)
		json_array_append(ids, json_object_get(link, "id"));
	out = amocrm_read_leads(known->service->crm, &known->context, ids, leads, why);
	json_decref(ids);
	return out;
}

static bool
is_linked(const json_t *lead, int64_t contact_id)
{
	const json_t *contact;
	size_t i;

	json_array_foreach(entity_embedded(lead, "contacts"), i, contact)
		if (entity_id(contact) == contact_id)
			return true;
	return false;
}

/* Search by phone and e-mail, and keep what is linked to the contact. */
static enum outcome
queried_leads(struct known *known, json_t **leads, struct fault *why)
{
	json_t *all = json_array(), *found = NULL, *lead;
	enum outcome out = DONE;
	size_t i, j;

	for (i = 0; i < known->who_count && out == DONE; i++) {
		if (known->who[i].kind == IDENTITY_TELEGRAM)
			continue;
		out = amocrm_search(known->service->crm, &known->context, AMOCRM_LEADS,
		    known->who[i].text, &found, why);
		if (out != DONE)
			break;
		json_array_foreach(found, j, lead)
			if (is_linked(lead, known->at.contact_id))
				json_array_append(all, lead);
		json_decref(found);
	}
	if (out == DONE)
		*leads = all;
	else
		json_decref(all);
	return out;
}

static bool
is_there(const json_t *lead)
{
	return lead != NULL && !json_is_true(json_object_get(lead, "is_deleted"));
}

static bool
is_active(const struct known *known, const json_t *lead)
{
	return is_there(lead) &&
	    !rules_stage_excluded(known->service->rules, entity_number(lead, "status_id"));
}

/* The lead that has this payment already, borrowed, finished business or not; NULL: none has.  That
 * is seen when our ledger was restored from an older copy.  A manager may have written the id there
 * beforehand: the note tells.  A lead that vanished with our payment may have been merged into it. */
static enum outcome
find_holder(struct known *known, const json_t *leads, json_t **holder, struct fault *why)
{
	int64_t note_id;
	json_t *lead;
	enum outcome out;
	size_t i;

	*holder = NULL;
	json_array_foreach(leads, i, lead) {
		if (!is_there(lead) || !lead_fields_shows(known, lead))
			continue;
		if ((out = manager_find_note(known, entity_id(lead), &note_id, why)) != DONE)
			return out;
		if (note_id != 0 || known->moved) {
			*holder = lead;
			known->holds_it = entity_id(lead);
			return DONE;
		}
		known_warn(known,
		    "lead %lld shows this payment's id but has no note of it: it is taken for not "
		    "added yet",
		    (long long)entity_id(lead));
	}
	return DONE;
}

enum outcome
lead_choose(struct known *known, const json_t *candidates, json_t **chosen, struct fault *why)
{
	json_t *leads = json_incref((json_t *)candidates), *lead, *best = NULL, *holder = NULL;
	size_t i, active = 0;
	enum outcome out = DONE;

	if (leads == NULL && known->service->settings->lead_lookup == LEAD_LOOKUP_QUERY)
		out = queried_leads(known, &leads, why);
	else if (leads == NULL)
		out = linked_leads(known, &leads, why);
	/* One that cannot be read may show this payment. */
	json_array_foreach(leads, i, lead)
		if (out == DONE)
			out = lead_fields_check(known, lead, why);
	if (out == DONE)
		out = find_holder(known, leads, &holder, why);
	if (out != DONE) {
		json_decref(leads);
		return out;
	}

	/* The active one that was updated last is the one that people work with. */
	json_array_foreach(leads, i, lead) {
		if (!is_active(known, lead))
			continue;
		active++;
		if (best == NULL ||
		    entity_number(lead, "updated_at") > entity_number(best, "updated_at"))
			best = lead;
	}
	if (holder != NULL)
		best = holder;
	if (holder != NULL)
		known_tell(known, "lead %lld has this payment already", (long long)entity_id(best));
	else if (best != NULL)
		known_tell(known, "lead %lld chosen: updated last of %zu active, %zu in all",
		    (long long)entity_id(best), active, json_array_size(leads));
	else
		known_tell(known, "no active lead among %zu", json_array_size(leads));
	*chosen = json_incref(best);
	json_decref(leads);
	return DONE;
}

/*
 * What became of a lost creation.
 */

/* Whether the lead looks like the one that we meant to create. */
static bool
is_alike(const struct known *known, const json_t *lead)
{
	json_t *name = lead_fields_name(known);
	const char *shown = json_string_value(json_object_get(lead, "name"));
	bool alike = shown != NULL && shown_same_name(shown, json_string_value(name)) &&
	    entity_number(lead, "price") == lead_fields_price(known) &&
	    known_created_since_intent(known, lead);

	json_decref(name);
	return alike;
}

/*
 * Whether a lead of the contact's is the one that a lost creation made:
 *
 * 	it shows our payment id            yes, if it is younger than our intent or has our note too:
 * 	                                   a person may have written the id there beforehand
 * 	name, price or age are not ours    no
 * 	it shows no payment id             yes (amoCRM may have refused the field, and the process that
 * 	                                   heard so died), unless another payment of ours made it
 * 	it shows another payment's id      likewise, if the first payment of ours that was added to it
 * 	                                   found there the values that our creation would have left
 */
static enum outcome
was_created_by(struct job *job, const json_t *lead, bool *ours, struct fault *why)
{
	struct known *known = &job->known;
	struct lead_shown shown, found;
	bool later = false, claimed = false;
	int64_t note_id;
	enum outcome out;

	*ours = false;
	/* A lead whose numbers are none was not made by us. */
	if ((out = lead_fields_read(known, lead, &shown, why)) != DONE)
		return out == NEVER ? DONE : out;
	*ours = shown.ours && known_created_since_intent(known, lead);
	if (shown.ours && !*ours) {
		out = manager_find_note(known, entity_id(lead), &note_id, why);
		*ours = note_id != 0;
		return out;
	}
	if (*ours || !is_alike(known, lead))
		return DONE;
	if (*shown.id != '\0') {
		/* `later`: a payment of ours came to this lead after our intent; `found` is then
		 * what it found there. */
		out = ledger_base_after(known->service->ledger, entity_id(lead),
		    known->at.intent_ms, &found.total, &found.count, &later, why);
		if (out != DONE || !later || found.total != known->at.total_after ||
		    found.count != known->at.count_after)
			return out;
	}
	out = ledger_lead_claimed(known->service->ledger, entity_id(lead), &claimed, why);
	if (out == DONE)
		*ours = !claimed;
	return out;
}

/* What became of a creation whose answer was lost?  The contact's leads are a relation, which
 * unlike a search does not lag.  *found tells whether the lead is there; then all is done. */
static enum outcome
recover(struct job *job, bool *found, struct fault *why)
{
	json_t *leads = NULL, *lead;
	enum outcome out;
	size_t i;

	*found = false;
	if ((out = job_settled(job, why)) != DONE || (out = contact_read(job, why)) != DONE ||
	    (out = linked_leads(&job->known, &leads, why)) != DONE)
		return out;
	for (i = 0; out == DONE && !*found && (lead = json_array_get(leads, i)) != NULL; i++) {
		out = was_created_by(job, lead, found, why);
		if (out == DONE && *found)
			out = totals_created(
			    job, entity_id(lead), entity_number(lead, "pipeline_id"), why);
	}
	json_decref(leads);
	return out;
}

/*
 * Changing.
 */

/* An intent of ours is open on the lead.  While we had failed with it, another payment may have
 * begun on the lead, and it is not known yet what became of that one. */
static enum outcome
await_younger(struct job *job, struct fault *why)
{
	int64_t younger = 0;
	enum outcome out;

	out = ledger_younger_intent(job->known.service->ledger, job->attempt.id,
	    job->known.at.lead_id, job->known.at.intent_ms, &younger, why);
	if (out != DONE || younger == 0)
		return out;
	job->waiting = true;
	return fault_set(why, LATER, "waiting for another payment of the same lead");
}

/* The payment cannot be written into at.lead_id, or not any more. */
static enum outcome
leave(struct job *job, const char *why_not, struct fault *why)
{
	struct progress *at = &job->known.at;

	lock_drop(job->locks, LOCK_LEAD);
	known_warn(
	    &job->known, "lead %lld %s; looking for another", (long long)at->lead_id, why_not);
	at->lead_id = 0;
	at->applied = false;
	at->lead_created = false;
	/* What it was linked with has changed too. */
	json_decref(job->known.contact);
	job->known.contact = NULL;
	return job_intend(job, INTENT_NONE, why);
}

/* An intent is open on at.lead_id.  *gone tells that the lead is: then another one is chosen. */
static enum outcome
resume(struct job *job, bool *gone, struct fault *why)
{
	json_t *lead = NULL;
	enum outcome out;

	if ((out = job_lock(job, LOCK_LEAD, &job->known.at.lead_id, 1, why)) != DONE ||
	    (out = await_younger(job, why)) != DONE ||
	    (out = amocrm_read(job->known.service->crm, &job->known.context, AMOCRM_LEADS,
		 job->known.at.lead_id, &lead, why)) != DONE)
		return out;
	*gone = !is_there(lead);
	out = *gone ? leave(job, "has vanished from amoCRM", why) : totals_resume(job, lead, why);
	job->known.moved |= *gone;
	json_decref(lead);
	return out;
}

/* Whether the lead may be another than it was when it was read, before it was locked: payments of
 * other contacts reach it too, or one just did, which our contact's lock did not keep away. */
static enum outcome
is_stale(struct job *job, const json_t *lead, bool *stale, struct fault *why)
{
	*stale = json_array_size(entity_embedded(lead, "contacts")) > 1 ||
	    !is_linked(lead, job->known.at.contact_id);
	if (*stale)
		return DONE;
	return ledger_lead_touched(
	    job->known.service->ledger, job->attempt.id, entity_id(lead), job->mark, stale, why);
}

/* Of a lead that was chosen: is it now, as read again, another's business? */
static bool
is_lost(const struct known *known, const json_t *chosen, const json_t *lead)
{
	return !is_there(lead) || (is_active(known, chosen) && !is_active(known, lead));
}

/* The change was refused: because the lead was deleted, merged or finished since it was chosen?
 * Else the refusal stands. */
static enum outcome
ask_if_lost(struct job *job, const json_t *chosen, bool *lost, struct fault *why)
{
	struct fault refusal = *why;
	json_t *lead = NULL;
	enum outcome out;

	out = amocrm_read(job->known.service->crm, &job->known.context, AMOCRM_LEADS,
	    entity_id(chosen), &lead, why);
	if (out != DONE)
		return out;
	*lost = is_lost(&job->known, chosen, lead);
	json_decref(lead);
	if (*lost)
		return DONE;
	*why = refusal;
	return NEVER;
}

/* Apply the payment to the chosen lead.  *lost tells, with DONE, that another is to be chosen. */
static enum outcome
change(struct job *job, const json_t *chosen, bool *lost, struct fault *why)
{
	struct known *known = &job->known;
	int64_t lead_id = entity_id(chosen);
	json_t *lead = json_incref((json_t *)chosen);
	bool stale = true;
	enum outcome out;

	/* Keep other payments off the lead until this attempt is over. */
	if ((out = job_lock(job, LOCK_LEAD, &lead_id, 1, why)) == DONE &&
	    (out = job_await_others(job, lead_id, why)) == DONE &&
	    (out = is_stale(job, chosen, &stale, why)) == DONE && stale) {
		json_decref(lead);
		lead = NULL;
		out = amocrm_read(
		    known->service->crm, &known->context, AMOCRM_LEADS, lead_id, &lead, why);
	}
	if (out == DONE && !(*lost = is_lost(known, chosen, lead)))
		out = totals_apply(job, lead, why);
	json_decref(lead);
	if (out == NEVER)
		out = ask_if_lost(job, chosen, lost, why);
	if (out != DONE || !*lost)
		return out;
	known->at.lead_id = lead_id;
	return leave(job, "was deleted or finished meanwhile", why);
}

/*
 * All of it.
 */

/* Whether the payment has no lead yet, and none that a lost request may concern. */
static bool
has_to_choose(const struct known *known)
{
	return !known->at.applied && known->at.intent == INTENT_NONE;
}

enum outcome
lead_read_named(struct known *known, json_t **leads, struct fault *why)
{
	int64_t id = has_to_choose(known) ? rules_lead_id(known->service->rules, known->paid) : 0;
	json_t *lead = NULL;
	enum outcome out;

	if (id == 0)
		return DONE;
	if ((out = amocrm_read(
		 known->service->crm, &known->context, AMOCRM_LEADS, id, &lead, why)) != DONE)
		return out;
	known_tell(known, "the webhook names lead %lld%s", (long long)id,
	    is_active(known, lead) ? "" : ", which is gone or finished");
	if (is_active(known, lead))
		*leads = json_pack("[O]", lead);
	json_decref(lead);
	return DONE;
}

/* The choice among `leads`, or among the contact's where they are NULL, and the write.  *lost tells,
 * with DONE, that the lead was not there any more. */
static enum outcome
choose_and_write_once(struct job *job, const json_t *leads, bool *lost, struct fault *why)
{
	const struct settings *set = job->known.service->settings;
	json_t *lead = NULL;
	enum outcome out;

	if (leads == NULL && set->lead_lookup == LEAD_LOOKUP_LINKED &&
	    (out = contact_read(job, why)) != DONE)
		return out;
	if ((out = lead_choose(&job->known, leads, &lead, why)) != DONE)
		return out;
	if (lead != NULL) {
		out = change(job, lead, lost, why);
		json_decref(lead);
		return out;
	}
	if (!set->create_if_not_found) {
		job->not_found = "lead_not_found";
		return fault_set(why, NEVER, "lead_not_found");
	}
	out = totals_create(job, why);
	return out == NEVER ? contact_refused(job, why) : out;
}

static enum outcome
choose_and_write(struct job *job, const json_t *leads, struct fault *why)
{
	bool lost = false;
	enum outcome out = choose_and_write_once(job, leads, &lost, why);

	if (out != DONE || !lost)
		return out;
	lost = false;
	out = choose_and_write_once(job, NULL, &lost, why);
	if (out == DONE && lost)
		return fault_set(why, LATER, "two leads vanished while they were to be written");
	return out;
}

/* The last turn: the lead is settled, `leads` being those that were read for the choice. */
static enum outcome
settle(struct job *job, const json_t *leads, struct fault *why)
{
	struct progress *at = &job->known.at;
	bool found = false, gone = true;
	enum outcome out;

	if (at->applied)
		return DONE;
	/* Did an earlier attempt change a lead, or create one, without hearing so? */
	if (at->intent == INTENT_TOTALS && ((out = resume(job, &gone, why)) != DONE || !gone))
		return out;
	if (at->intent == INTENT_LEAD && ((out = recover(job, &found, why)) != DONE || found))
		return out;
	return choose_and_write(job, leads, why);
}

/* The turns before: what is asked for the choice, one lead by its id or the contact's together. */
static enum outcome
ask(struct job *job, json_t **leads, struct fault *why)
{
	const struct known *known = &job->known;
	bool linked;
	enum outcome out;

	if ((out = batch_turn(job, why)) != DONE ||
	    (out = ledger_mark(known->service->ledger, &job->mark, why)) != DONE ||
	    (out = lead_read_named(&job->known, leads, why)) != DONE)
		return out;
	linked = *leads == NULL && has_to_choose(known) &&
	    known->service->settings->lead_lookup == LEAD_LOOKUP_LINKED;

	if ((out = batch_turn(job, why)) != DONE)
		return out;
	if (!linked)
		return DONE;
	if ((out = contact_read(job, why)) != DONE)
		return out;
	return batch_read_leads(job, leads, why);
}

enum outcome
lead_settle(struct job *job, struct fault *why)
{
	json_t *leads = NULL;
	enum outcome out;

	if ((out = ask(job, &leads, why)) == DONE && (out = batch_turn(job, why)) == DONE)
		out = settle(job, leads, why);
	json_decref(leads);
	return out;
}

enum outcome
lead_settle_anew(struct job *job, struct fault *why)
{
	struct fault refusal = *why;
	json_t *lead = NULL;
	bool there;
	enum outcome out;

	if ((out = amocrm_read(job->known.service->crm, &job->known.context, AMOCRM_LEADS,
		 job->known.at.lead_id, &lead, why)) != DONE)
		return out;
	there = is_there(lead);
	json_decref(lead);
	if (there) {
		*why = refusal;
		return NEVER;
	}
	job->known.moved = true;
	if ((out = leave(job, "vanished from amoCRM before its note was written", why)) != DONE)
		return out;
	return choose_and_write(job, NULL, why);
}
