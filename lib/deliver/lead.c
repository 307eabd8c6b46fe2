#include <string.h>

#include "amocrm/amocrm.h"
#include "amocrm/field.h"
#include "base/money.h"
#include "deliver/contact.h"
#include "deliver/lead.h"
#include "deliver/lead_fields.h"
#include "deliver/totals.h"
#include "host/lock.h"
#include "rules/rules.h"

static json_int_t
number(const json_t *entity, const char *key)
{
	return json_integer_value(json_object_get(entity, key));
}

/*
 * Choosing.
 */

static enum outcome
linked_leads(struct job *job, json_t **leads, struct fault *why)
{
	const json_t *links, *link;
	json_t *ids = json_array();
	enum outcome out;
	size_t i;

	links = json_object_get(json_object_get(job->contact, "_embedded"), "leads");
	json_array_foreach(links, i, link)
		json_array_append(ids, json_object_get(link, "id"));
	out = amocrm_read_leads(job->with->crm, &job->context, ids, leads, why);
	json_decref(ids);
	return out;
}

static bool
is_linked(const json_t *lead, int64_t contact_id)
{
	const json_t *contact;
	size_t i;

	json_array_foreach(
	    json_object_get(json_object_get(lead, "_embedded"), "contacts"), i, contact)
		if (number(contact, "id") == contact_id)
			return true;
	return false;
}

/* Search by phone and e-mail, and keep what is linked to the contact. */
static enum outcome
queried_leads(struct job *job, json_t **leads, struct fault *why)
{
	json_t *all = json_array(), *found = NULL, *lead;
	enum outcome out = DONE;
	size_t i, j;

	for (i = 0; i < job->who_count && out == DONE; i++) {
		if (job->who[i].kind == IDENTITY_TELEGRAM)
			continue;
		out = amocrm_search(
		    job->with->crm, &job->context, AMOCRM_LEADS, job->who[i].text, &found, why);
		if (out != DONE)
			break;
		json_array_foreach(found, j, lead)
			if (is_linked(lead, job->at.contact_id))
				json_array_append(all, lead);
		json_decref(found);
	}
	if (out == DONE)
		*leads = all;
	else
		json_decref(all);
	return out;
}

static enum outcome
contact_leads(struct job *job, json_t **leads, struct fault *why)
{
	enum outcome out;

	if (job->leads != NULL) {
		*leads = json_incref(job->leads);
		return DONE;
	}
	if (job->with->settings->lead_lookup == LEAD_LOOKUP_QUERY)
		return queried_leads(job, leads, why);
	if ((out = contact_read(job, why)) != DONE)
		return out;
	return linked_leads(job, leads, why);
}

static bool
is_active(const struct job *job, const json_t *lead)
{
	return lead != NULL && !json_is_true(json_object_get(lead, "is_deleted")) &&
	    !rules_stage_excluded(job->with->mapping, number(lead, "status_id"));
}

/* The lead that shows this payment already, borrowed, finished business or not; NULL: none does.  That is seen when our
 * ledger was restored from an older copy. */
static json_t *
lead_that_shows(const struct job *job, const json_t *leads)
{
	json_t *lead;
	size_t i;

	json_array_foreach(leads, i, lead)
		if (!json_is_true(json_object_get(lead, "is_deleted")) &&
		    lead_fields_shows(job, lead))
			return lead;
	return NULL;
}

enum outcome
lead_choose(struct job *job, json_t **chosen, struct fault *why)
{
	json_t *leads = NULL, *lead, *best = NULL, *shows;
	size_t i, active = 0;
	enum outcome out;

	if ((out = contact_leads(job, &leads, why)) != DONE)
		return out;
	json_array_foreach(leads, i, lead) {
		if (!is_active(job, lead))
			continue;
		active++;
		if (best == NULL || number(lead, "updated_at") > number(best, "updated_at"))
			best = lead;
	}
	if ((shows = lead_that_shows(job, leads)) != NULL)
		best = shows;
	if (shows != NULL)
		job_tell(
		    job, "lead %lld shows this payment already", (long long)number(best, "id"));
	else if (best != NULL)
		job_tell(job, "lead %lld chosen: updated last of %zu active, %zu in all",
		    (long long)number(best, "id"), active, json_array_size(leads));
	else
		job_tell(job, "no active lead among %zu", json_array_size(leads));
	*chosen = json_incref(best);
	json_decref(leads);
	return DONE;
}

/*
 * Creating.
 */

static enum outcome
made(struct job *job, int64_t lead_id, int64_t pipeline_id, struct fault *why)
{
	job_tell(
	    job, "lead %lld created in pipeline %lld", (long long)lead_id, (long long)pipeline_id);
	job->at.lead_id = lead_id;
	job->at.pipeline_id = pipeline_id;
	job->at.lead_created = true;
	job->at.applied = true;
	return job_intend(job, INTENT_NONE, why);
}

/* What became of the creation. */
static enum outcome
created(struct job *job, enum outcome out, int64_t id, struct fault *why)
{
	if (out != DONE)
		return job_withdraw(job, out, why);
	return made(job, id, number(job->request.entity, "pipeline_id"), why);
}

static void
tell_stage(struct job *job)
{
	struct stage stage = rules_stage(job->with->mapping, job->paid);

	if (stage.by.rule < 0)
		job_tell(job, "no rule chooses a pipeline: the account's own default applies");
	else
		job_tell(job, "pipeline %lld, stage %lld by rule pipelines[%d]%s%s",
		    (long long)stage.pipeline_id, (long long)stage.status_id, stage.by.rule,
		    stage.by.name != NULL ? " " : "", stage.by.name != NULL ? stage.by.name : "");
}

static void
prepare_creation(struct job *job)
{
	struct progress *at = &job->at;
	json_t *lead;

	at->older = false;
	at->total_before = at->count_before = 0;
	at->total_after = job->paid->amount;
	at->count_after = lead_fields_next_count(job->with->settings, 0);
	lead = lead_fields_new(job);
	tell_stage(job);
	job_tell_story(job, NULL, lead);
	job->request = (struct request){ .entity = lead, .intent = INTENT_LEAD, .then = created };
}

/* Whether the lead looks like the one that we meant to create. */
static bool
is_alike(const struct job *job, const json_t *lead)
{
	json_t *name = lead_fields_name(job);
	bool alike = json_equal(name, json_object_get(lead, "name")) &&
	    number(lead, "price") == money_round(job->paid->amount) &&
	    number(lead, "created_at") >= job->at.intent_ms / 1000 - 60;

	json_decref(name);
	return alike;
}

/*
 * Whether a lead of the contact's is the one that a lost creation made.  One without any payment id (its field may have been
 * refused, and nobody lived to write so down) is known by its name, price and age, unless another payment of ours made it;
 * one with another's id by the same, if the first of ours that was added to it found what we would have left there.
 */
static enum outcome
is_ours(struct job *job, const json_t *lead, bool *ours, struct fault *why)
{
	struct lead_shown shown, found;
	bool later = false, claimed = false;
	enum outcome out;

	*ours = false;
	/* A lead whose numbers cannot be read was not made by us. */
	if (lead_fields_read(job, lead, &shown, why) != DONE)
		return DONE;
	*ours = shown.ours;
	if (shown.ours || !is_alike(job, lead))
		return DONE;
	if (shown.has_id) {
		out = ledger_base_after(job->with->ledger, number(lead, "id"), job->at.intent_ms,
		    &found.total, &found.count, &later, why);
		if (out != DONE || !later || found.total != job->at.total_after ||
		    found.count != job->at.count_after)
			return out;
	}
	if ((out = ledger_lead_claimed(job->with->ledger, number(lead, "id"), &claimed, why)) ==
	    DONE)
		*ours = !claimed;
	return out;
}

/* What became of a creation whose answer was lost?  The contact's leads are a relation, which unlike a search does not
 * lag.  *found tells whether the lead is there; then all is done. */
static enum outcome
recover(struct job *job, bool *found, struct fault *why)
{
	json_t *leads = NULL, *lead;
	enum outcome out;
	size_t i;

	*found = false;
	if ((out = job_settled(job, why)) != DONE || (out = contact_read(job, why)) != DONE ||
	    (out = linked_leads(job, &leads, why)) != DONE)
		return out;
	for (i = 0; out == DONE && !*found && (lead = json_array_get(leads, i)) != NULL; i++) {
		out = is_ours(job, lead, found, why);
		if (out == DONE && *found)
			out = made(job, number(lead, "id"), number(lead, "pipeline_id"), why);
	}
	json_decref(leads);
	return out;
}

/*
 * Changing.
 */

/* Keep other payments off the lead until this attempt is over. */
static enum outcome
reserve(struct job *job, int64_t lead_id, struct fault *why)
{
	enum outcome out;

	if ((out = job_lock(job, LOCK_LEAD, &lead_id, 1, why)) != DONE)
		return out;
	return job_await_others(job, lead_id, why);
}

/* An intent of ours is open on the lead.  While we had failed with it, another payment may have begun on the lead, and it is
 * not known yet what became of that one. */
static enum outcome
await_younger(struct job *job, struct fault *why)
{
	int64_t younger = 0;
	enum outcome out;

	out = ledger_younger_intent(
	    job->with->ledger, job->id, job->at.lead_id, job->at.intent_ms, &younger, why);
	if (out != DONE || younger == 0)
		return out;
	job->waiting = true;
	return fault_set(why, LATER, "waiting for another payment of the same lead");
}

/* An intent is open on at.lead_id.  *gone tells that the lead is: then another one is chosen. */
static enum outcome
resume(struct job *job, bool *gone, struct fault *why)
{
	json_t *lead = NULL;
	enum outcome out;

	if ((out = job_lock(job, LOCK_LEAD, &job->at.lead_id, 1, why)) != DONE ||
	    (out = await_younger(job, why)) != DONE ||
	    (out = amocrm_read(
		 job->with->crm, &job->context, AMOCRM_LEADS, job->at.lead_id, &lead, why)) != DONE)
		return out;
	*gone = lead == NULL || json_is_true(json_object_get(lead, "is_deleted"));
	if (*gone) {
		lock_drop(job->locks, LOCK_LEAD);
		job_warn(job, "lead %lld has vanished from amoCRM; looking for another",
		    (long long)job->at.lead_id);
		job->at.lead_id = 0;
		out = job_intend(job, INTENT_NONE, why);
	} else {
		out = totals_resume(job, lead, why);
	}
	json_decref(lead);
	return out;
}

/* Whether payments of another contact's may reach this lead too: our contact's lock does not keep those away. */
static bool
is_shared(const struct job *job, const json_t *lead)
{
	return json_array_size(json_object_get(json_object_get(lead, "_embedded"), "contacts")) >
	    1 ||
	    !is_linked(lead, job->at.contact_id);
}

/* Change the chosen lead.  It was read before it was locked; where others may have changed it meanwhile, read it again. */
static enum outcome
change(struct job *job, json_t *chosen, struct fault *why)
{
	int64_t lead_id = number(chosen, "id");
	json_t *lead = json_incref(chosen);
	enum outcome out;

	if ((out = reserve(job, lead_id, why)) == DONE && is_shared(job, lead)) {
		json_decref(lead);
		lead = NULL;
		out = amocrm_read(job->with->crm, &job->context, AMOCRM_LEADS, lead_id, &lead, why);
		if (out == DONE && lead == NULL)
			out = fault_set(why, LATER,
			    "the lead has vanished from amoCRM; another will be looked for");
	}
	if (out == DONE)
		out = totals_prepare(job, lead, why);
	json_decref(lead);
	return out;
}

/*
 * The steps.
 */

/* Whether the payment has no lead yet, and none that a lost request may concern. */
static bool
has_to_choose(const struct job *job)
{
	return !job->at.applied && job->at.intent == INTENT_NONE && job->leads == NULL;
}

enum outcome
lead_read_named(struct job *job, struct fault *why)
{
	int64_t id = has_to_choose(job) ? rules_lead_id(job->with->mapping, job->paid) : 0;
	json_t *lead = NULL;
	enum outcome out;

	if (id == 0 ||
	    (out = amocrm_read(job->with->crm, &job->context, AMOCRM_LEADS, id, &lead, why)) !=
		DONE)
		return id == 0 ? DONE : out;
	job_tell(job, "the webhook names lead %lld%s", (long long)id,
	    is_active(job, lead) ? "" : ", which is gone or finished");
	if (is_active(job, lead))
		job->leads = json_pack("[O]", lead);
	json_decref(lead);
	return DONE;
}

bool
lead_wants_linked(const struct job *job)
{
	return has_to_choose(job) && job->with->settings->lead_lookup == LEAD_LOOKUP_LINKED;
}

enum outcome
lead_read_contact(struct job *job, struct fault *why)
{
	return lead_wants_linked(job) ? contact_read(job, why) : DONE;
}

enum outcome
lead_settle(struct job *job, struct fault *why)
{
	json_t *lead = NULL;
	bool found = false, gone = true;
	enum outcome out;

	if (job->at.applied)
		return DONE;
	/* Did an earlier attempt change a lead, or create one, without hearing so? */
	if (job->at.intent == INTENT_TOTALS && ((out = resume(job, &gone, why)) != DONE || !gone))
		return out;
	if (job->at.intent == INTENT_LEAD && ((out = recover(job, &found, why)) != DONE || found))
		return out;

	if ((out = lead_choose(job, &lead, why)) != DONE)
		return out;
	if (lead != NULL) {
		out = change(job, lead, why);
		json_decref(lead);
		return out;
	}
	if (!job->with->settings->create_if_not_found) {
		job->not_found = "lead_not_found";
		return fault_set(why, NEVER, "lead_not_found");
	}
	prepare_creation(job);
	return DONE;
}
