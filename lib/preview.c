/*
 * The questions are those of contact.c and lead.c, in their order; whatever is asked there before acting upon an intent
 * that was left open cannot be known beforehand, and is remarked upon.
 */
#include <string.h>

#include "amocrm.h"
#include "change.h"
#include "contact.h"
#include "fields.h"
#include "lead_form.h"
#include "preview.h"

struct view {
	struct job job;
	const struct account *account;
	json_t *lead; /* The lead that would be changed; NULL: one would be created.  Owned. */
	json_t *contact_changes, *lead_changes;
	bool hopeless; /* It would fail again, and nothing is changed. */
};

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
search_contact(struct view *view, const struct identity *identity, struct fault *why)
{
	struct job *job = &view->job;
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
remember_contact(struct view *view, const struct identity *identity, struct fault *why)
{
	struct job *job = &view->job;
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

static enum outcome
find_contact(struct view *view, struct fault *why)
{
	struct job *job = &view->job;
	enum outcome out = DONE;
	size_t i;

	for (i = 0; i < job->who_count && out == DONE && job->contact == NULL; i++) {
		out = search_contact(view, &job->who[i], why);
		if (out == DONE && job->contact == NULL)
			out = remember_contact(view, &job->who[i], why);
		if (job->contact != NULL)
			strcpy(job->at.matched_by, identity_name(job->who[i].kind));
	}
	return out;
}

/* What a new contact gets, or what an old one does not have. */
static void
tell_contact(struct view *view)
{
	const struct settings *set = view->job.with->settings;
	const struct payment *paid = view->job.paid;
	const json_t *contact = view->job.contact;
	json_t *fields = json_array();

	if (contact == NULL) {
		field_add_contact(fields, "PHONE", paid->phone);
		field_add_contact(fields, "EMAIL", paid->email);
	}
	if (field_by_id(contact, set->contact_field_tg_id) == NULL)
		field_add_text(fields, set->contact_field_tg_id, paid->telegram_id);
	if (field_by_id(contact, set->contact_field_tg_username) == NULL)
		field_add_text(fields, set->contact_field_tg_username, paid->telegram_tag);
	view->contact_changes = change_tell(view->account, AMOCRM_CONTACTS, contact, fields);
	json_decref(fields);
}

/* One that an earlier attempt found, if it is still there. */
static enum outcome
read_contact(struct view *view, struct fault *why)
{
	struct job *job = &view->job;
	enum outcome out;

	if (job->at.contact_id == 0)
		return DONE;
	out = amocrm_read(job->with->crm, AMOCRM_CONTACTS, job->at.contact_id, &job->contact, why);
	if (out == DONE && job->contact == NULL)
		job_remark(job, "contact %lld has vanished from amoCRM; another is looked for",
		    (long long)job->at.contact_id);
	return out;
}

static enum outcome
look_at_contact(struct view *view, struct fault *why)
{
	struct job *job = &view->job;
	enum outcome out = read_contact(view, why);

	if (out != DONE || job->contact != NULL)
		return out;
	if ((out = find_contact(view, why)) != DONE)
		return out;
	job->at.contact_id = number(job->contact, "id");
	if (job->contact == NULL && !job->with->settings->create_if_not_found) {
		job_remark(job, "no contact is found, and CREATE_IF_NOT_FOUND is off: it would fail again");
		view->hopeless = true;
	} else {
		tell_contact(view);
	}
	return DONE;
}

/*
 * The lead.
 */

static enum outcome
linked_leads(struct view *view, json_t **leads, struct fault *why)
{
	json_t *ids = json_array(), *link;
	enum outcome out;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(view->job.contact, "_embedded"), "leads"), i, link)
		json_array_append(ids, json_object_get(link, "id"));
	out = amocrm_read_leads(view->job.with->crm, ids, leads, why);
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
queried_leads(struct view *view, json_t **leads, struct fault *why)
{
	const struct job *job = &view->job;
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

static enum outcome
find_lead(struct view *view, struct fault *why)
{
	json_t *leads = NULL, *lead, *best = NULL;
	enum outcome out;
	size_t i;

	if (view->job.with->settings->lead_lookup == LEAD_LOOKUP_QUERY)
		out = queried_leads(view, &leads, why);
	else
		out = linked_leads(view, &leads, why);
	if (out == DONE)
		json_array_foreach(leads, i, lead)
			if (!json_is_true(json_object_get(lead, "is_deleted")) &&
			    !mapping_stage_excluded(view->job.with->mapping, number(lead, "status_id")) &&
			    newer(lead, best))
				best = lead;
	view->lead = json_incref(best);
	json_decref(leads);
	return out;
}

/* As the payment would find and leave the numbers. */
static bool
count_up(struct view *view)
{
	struct progress *at = &view->job.at;
	struct lead_shown shown = { 0 };
	struct fault why;

	if (view->lead != NULL && lead_form_read(&view->job, view->lead, &shown, &why) != DONE) {
		job_remark(&view->job, "it would fail again: %s", why.text);
		return false;
	}
	at->older = view->job.paid->paid_at != 0 && view->job.paid->paid_at < shown.last_date;
	at->total_after = shown.total + view->job.paid->amount;
	at->count_after = lead_form_next_count(view->job.with->settings, shown.count);
	return true;
}

static void
tell_lead(struct view *view)
{
	const json_t *name;
	json_t *request;
	size_t i;

	if (!count_up(view)) {
		view->hopeless = true;
		return;
	}
	if (view->lead != NULL)
		request = lead_form_change(&view->job, view->lead);
	else
		request = lead_form_new(&view->job);
	view->lead_changes = change_tell(
	    view->account, AMOCRM_LEADS, view->lead, json_object_get(request, "custom_fields_values"));
	json_array_foreach(view->job.at.unmapped, i, name)
		job_remark(&view->job, "no rule for subject \"%s\"", json_string_value(name));
	if (view->lead == NULL)
		view->lead = request;
	else
		json_decref(request);
}

static enum outcome
look_at_lead(struct view *view, struct fault *why)
{
	const struct job *job = &view->job;
	enum outcome out;

	if (job->at.applied) {
		job_remark(&view->job,
		    "the amount stands in the lead already; only the note is looked for, and added");
		return amocrm_read(job->with->crm, AMOCRM_LEADS, job->at.lead_id, &view->lead, why);
	}
	if (job->contact != NULL && (out = find_lead(view, why)) != DONE)
		return out;
	if (view->lead == NULL && !job->with->settings->create_if_not_found) {
		job_remark(
		    &view->job, "no lead is found, and CREATE_IF_NOT_FOUND is off: it would fail again");
		view->hopeless = true;
		return DONE;
	}
	tell_lead(view);
	return DONE;
}

/*
 * All of it.
 */

static void
remark_intent(struct view *view)
{
	static const char *const what[] = { [INTENT_CONTACT] = "created a contact",
		[INTENT_LEAD] = "created a lead",
		[INTENT_TOTALS] = "changed the lead" };

	if (view->job.at.intent != INTENT_NONE)
		job_remark(&view->job,
		    "an earlier attempt may have %s without hearing so; that is found out first, and what "
		    "follows "
		    "holds if it has not",
		    what[view->job.at.intent]);
}

static json_t *
id_or_null(const json_t *entity)
{
	json_int_t id = number(entity, "id");

	return id != 0 ? json_integer(id) : json_null();
}

static json_t *
list_or_empty(json_t *list)
{
	return list != NULL ? json_incref(list) : json_array();
}

/* Where nothing would be changed, nothing is told. */
static json_t *
report_of(const struct view *view)
{
	json_t *report =
	    json_pack("{s:s, s:O}", "payment_id", view->job.paid->key, "remarks", view->job.remarks);

	if (view->hopeless)
		return report;
	json_object_set_new(report, "contact",
	    json_pack("{s:o, s:s}", "id", id_or_null(view->job.contact), "matched_by",
		view->job.contact != NULL ? view->job.at.matched_by : "created"));
	json_object_set_new(report, "contact_changes", list_or_empty(view->contact_changes));
	json_object_set_new(report, "lead",
	    json_pack("{s:o, s:O?, s:O?, s:O?}", "id", id_or_null(view->lead), "name",
		json_object_get(view->lead, "name"), "pipeline_id",
		json_object_get(view->lead, "pipeline_id"), "status_id",
		json_object_get(view->lead, "status_id")));
	json_object_set_new(report, "lead_changes", list_or_empty(view->lead_changes));
	return report;
}

enum outcome
preview(const struct carrier *with, const struct account *account, int64_t id, const struct payment *paid,
    json_t **report, struct fault *why)
{
	struct view view = { .job = { .with = with, .paid = paid, .id = id, .remarks = json_array() },
		.account = account };
	enum outcome out;

	view.job.who_count = payment_identities(paid, view.job.who);
	progress_init(&view.job.at);
	if ((out = ledger_progress(with->ledger, id, &view.job.at, why)) == DONE) {
		remark_intent(&view);
		out = look_at_contact(&view, why);
	}
	if (out == DONE && !view.hopeless)
		out = look_at_lead(&view, why);
	if (out == DONE)
		*report = report_of(&view);
	progress_clear(&view.job.at);
	json_decref(view.job.contact);
	json_decref(view.job.remarks);
	json_decref(view.lead);
	json_decref(view.contact_changes);
	json_decref(view.lead_changes);
	return out;
}
