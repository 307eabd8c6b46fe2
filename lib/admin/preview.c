/*
 * What becomes of an intent that an earlier attempt left open is not known beforehand; it is remarked upon.
 */
#include "admin/preview.h"
#include "admin/change.h"
#include "amocrm/amocrm.h"
#include "amocrm/field.h"
#include "deliver/contact.h"
#include "deliver/lead.h"
#include "deliver/lead_fields.h"

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

/*
 * The contact.
 */

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
	out = amocrm_read(
	    job->with->crm, &job->context, AMOCRM_CONTACTS, job->at.contact_id, &job->contact, why);
	if (out == DONE && job->contact == NULL)
		job_warn(job, "contact %lld has vanished from amoCRM; another is looked for",
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
	job->at.contact_id = 0;
	if ((out = contact_look(job, why)) != DONE)
		return out;
	if (job->contact == NULL && !job->with->settings->create_if_not_found) {
		job_warn(job,
		    "no contact is found, and CREATE_IF_NOT_FOUND is off: it would fail again");
		view->hopeless = true;
	} else {
		tell_contact(view);
	}
	return DONE;
}

/*
 * The lead.
 */

/* As the payment would find and leave the numbers. */
static bool
count_up(struct view *view)
{
	struct progress *at = &view->job.at;
	struct lead_shown shown = { 0 };
	struct fault why;

	if (view->lead != NULL && lead_fields_read(&view->job, view->lead, &shown, &why) != DONE) {
		job_warn(&view->job, "it would fail again: %s", why.text);
		return false;
	}
	at->older = view->job.paid->paid_at != 0 && view->job.paid->paid_at < shown.last_date;
	at->total_after = shown.total + view->job.paid->amount;
	at->count_after = lead_fields_next_count(view->job.with->settings, shown.count);
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
		request = lead_fields_change(&view->job, view->lead);
	else
		request = lead_fields_new(&view->job);
	view->lead_changes = change_tell(view->account, AMOCRM_LEADS, view->lead,
	    json_object_get(request, "custom_fields_values"));
	json_array_foreach(view->job.at.unmapped, i, name)
		job_warn(&view->job, "no rule for subject \"%s\"", json_string_value(name));
	if (view->lead == NULL)
		view->lead = request;
	else
		json_decref(request);
}

static enum outcome
look_at_lead(struct view *view, struct fault *why)
{
	struct job *job = &view->job;
	enum outcome out;

	if (job->at.applied) {
		job_warn(&view->job,
		    "the amount stands in the lead already; only the note is looked for, and "
		    "added");
		return amocrm_read(
		    job->with->crm, &job->context, AMOCRM_LEADS, job->at.lead_id, &view->lead, why);
	}
	if ((out = lead_read_named(job, why)) != DONE)
		return out;
	/* Who has no contact yet has no leads to choose from. */
	if ((job->contact != NULL || job->leads != NULL) &&
	    (out = lead_choose(job, &view->lead, why)) != DONE)
		return out;
	if (view->lead == NULL && !job->with->settings->create_if_not_found) {
		job_warn(&view->job,
		    "no lead is found, and CREATE_IF_NOT_FOUND is off: it would fail again");
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
		job_warn(&view->job,
		    "an earlier attempt may have %s without hearing so; that is found out first, "
		    "and what "
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
	json_t *report = json_pack(
	    "{s:s, s:O}", "payment_id", view->job.paid->key, "remarks", view->job.warnings);

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
preview(const struct service *with, const struct amocrm_context *context,
    const struct account *account, int64_t id, const struct payment *paid, json_t **report,
    struct fault *why)
{
	struct view view = { .job = { .with = with,
				 .context = *context,
				 .paid = paid,
				 .id = id,
				 .warnings = json_array() },
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
	json_decref(view.job.leads);
	json_decref(view.job.warnings);
	json_decref(view.lead);
	json_decref(view.contact_changes);
	json_decref(view.lead_changes);
	return out;
}
