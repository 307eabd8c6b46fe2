#include <string.h>

#include "amocrm.h"
#include "contact.h"
#include "lead.h"
#include "seek.h"

static json_int_t
number(const json_t *entity, const char *key)
{
	return json_integer_value(json_object_get(entity, key));
}

/* The one of them that was updated last. */
static bool
newer(const json_t *entity, const json_t *best)
{
	return best == NULL || number(entity, "updated_at") > number(best, "updated_at");
}

/*
 * The contact.
 */

static enum outcome
search_contact(struct job *job, const struct identity *identity, struct fault *why)
{
	json_t *hits = NULL, *hit, *best = NULL;
	enum outcome out = amocrm_search(job->with->crm, AMOCRM_CONTACTS, identity->text, &hits, why);
	size_t i;

	json_array_foreach(hits, i, hit)
		if (!json_is_true(json_object_get(hit, "is_deleted")) &&
		    contact_bears(hit, identity, job->with->settings) && newer(hit, best))
			best = hit;
	job->contact = json_incref(best);
	json_decref(hits);
	return out;
}

/* The search may not know yet what the service made a moment ago. */
static enum outcome
remember_contact(struct job *job, const struct identity *identity, struct fault *why)
{
	json_t *contact = NULL;
	int64_t id = 0;
	enum outcome out = ledger_remembered(job->with->ledger, identity->hash, &id, why);

	if (out == DONE && id != 0)
		out = amocrm_read(job->with->crm, AMOCRM_CONTACTS, id, &contact, why);
	if (contact != NULL && contact_bears(contact, identity, job->with->settings))
		job->contact = json_incref(contact);
	json_decref(contact);
	return out;
}

enum outcome
seek_contact(struct job *job, struct fault *why)
{
	enum outcome out = DONE;
	size_t i;

	for (i = 0; i < job->who_count && out == DONE && job->contact == NULL; i++) {
		out = search_contact(job, &job->who[i], why);
		if (out == DONE && job->contact == NULL)
			out = remember_contact(job, &job->who[i], why);
		if (job->contact != NULL)
			strcpy(job->at.matched_by, identity_name(job->who[i].kind));
	}
	return out;
}

/*
 * The lead.
 */

static enum outcome
linked_leads(struct job *job, json_t **leads, struct fault *why)
{
	json_t *ids = json_array(), *link;
	enum outcome out;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(job->contact, "_embedded"), "leads"), i, link)
		json_array_append(ids, json_object_get(link, "id"));
	out = amocrm_read_leads(job->with->crm, ids, leads, why);
	json_decref(ids);
	return out;
}

static bool
is_linked(const json_t *lead, int64_t contact_id)
{
	const json_t *contact;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(lead, "_embedded"), "contacts"), i, contact)
		if (number(contact, "id") == contact_id)
			return true;
	return false;
}

static enum outcome
queried_leads(struct job *job, json_t **leads, struct fault *why)
{
	json_t *all = json_array(), *found = NULL, *lead;
	enum outcome out = DONE;
	size_t i, j;

	for (i = 0; i < job->who_count && out == DONE; i++) {
		if (job->who[i].kind == BY_TELEGRAM)
			continue;
		out = amocrm_search(job->with->crm, AMOCRM_LEADS, job->who[i].text, &found, why);
		json_array_foreach(found, j, lead)
			if (is_linked(lead, job->at.contact_id))
				json_array_append(all, lead);
		json_decref(found);
		found = NULL;
	}
	*leads = all;
	return out;
}

/* All among which one is chosen. */
static enum outcome
contact_leads(struct job *job, json_t **leads, struct fault *why)
{
	if (job->leads != NULL) {
		*leads = json_incref(job->leads);
		return DONE;
	}
	if (job->contact == NULL) {
		*leads = json_array();
		return DONE;
	}
	if (job->with->settings->lead_lookup == LEAD_LOOKUP_QUERY)
		return queried_leads(job, leads, why);
	return linked_leads(job, leads, why);
}

enum outcome
seek_lead(struct job *job, json_t **lead, struct fault *why)
{
	json_t *leads = NULL, *one, *best = NULL;
	enum outcome out = lead_read_named(job, why);
	size_t i;

	if (out == DONE)
		out = contact_leads(job, &leads, why);
	if (out == DONE)
		json_array_foreach(leads, i, one)
			if (!json_is_true(json_object_get(one, "is_deleted")) &&
			    !mapping_stage_excluded(job->with->mapping, number(one, "status_id")) &&
			    newer(one, best))
				best = one;
	*lead = json_incref(best);
	json_decref(leads);
	return out;
}
