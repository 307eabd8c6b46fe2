/*
 * The dry run of a delivery: its own questions and its own decisions, without its locks, intents
 * and requests.
 *
 * What becomes of an intent that an earlier attempt left open is not known beforehand; a warning
 * says so.
 */
#include "admin/preview.h"
#include "admin/change.h"
#include "amocrm/amocrm.h"
#include "amocrm/entity.h"
#include "deliver/contact.h"
#include "deliver/lead.h"
#include "deliver/totals.h"

struct dry_run {
	struct known known;
	const struct account *account;
	json_t *lead; /* What would be changed, or else created.  Owned. */
	json_t *contact_changes, *lead_changes;
	bool fails; /* It would fail again, and nothing is changed. */
};

static enum outcome
look_at_contact(struct dry_run *run, struct fault *why)
{
	struct known *known = &run->known;
	enum outcome out;
	json_t *fields;

	/* One that an earlier attempt found, if it is still there, is filled in already. */
	if (known->at.contact_id != 0) {
		out = amocrm_read(known->service->crm, &known->context, AMOCRM_CONTACTS,
		    known->at.contact_id, &known->contact, why);
		if (out != DONE || known->contact != NULL)
			return out;
		known_warn(known, "contact %lld has vanished from amoCRM; another is looked for",
		    (long long)known->at.contact_id);
		known->at.contact_id = 0;
	}

	if ((out = contact_look(known, why)) != DONE)
		return out;
	if (known->contact == NULL && !known->service->settings->create_if_not_found) {
		known_warn(known,
		    "no contact is found, and CREATE_IF_NOT_FOUND is off: it would fail again");
		run->fails = true;
		return DONE;
	}
	fields = contact_changes(known);
	run->contact_changes = change_tell(run->account, AMOCRM_CONTACTS, known->contact, fields);
	json_decref(fields);
	return DONE;
}

/* What the lead that was chosen, or else a new one, becomes. */
static void
decide(struct dry_run *run)
{
	struct known *known = &run->known;
	const json_t *name;
	json_t *request;
	struct fault why;
	size_t i;

	if (totals_decide(known, run->lead, &request, &why) != DONE) {
		known_warn(known, "it would fail again: %s", why.text);
		run->fails = true;
		return;
	}
	if (request == NULL) {
		known_warn(known, "lead %lld shows this payment already; it is not added again",
		    (long long)entity_id(run->lead));
		return;
	}
	run->lead_changes = change_tell(run->account, AMOCRM_LEADS, run->lead,
	    json_object_get(request, "custom_fields_values"));
	json_array_foreach(known->at.unmapped, i, name)
		known_warn(known, "no rule for subject \"%s\"", json_string_value(name));
	if (run->lead == NULL)
		run->lead = request;
	else
		json_decref(request);
}

static enum outcome
look_at_lead(struct dry_run *run, struct fault *why)
{
	struct known *known = &run->known;
	json_t *leads = NULL;
	enum outcome out;

	if (known->at.applied) {
		known_warn(known,
		    "the amount stands in the lead already; only the note is looked for, and "
		    "added");
		return amocrm_read(known->service->crm, &known->context, AMOCRM_LEADS,
		    known->at.lead_id, &run->lead, why);
	}
	if ((out = lead_read_named(known, &leads, why)) != DONE)
		return out;
	/* A payer without a contact has no leads to choose from. */
	if (known->contact != NULL || leads != NULL)
		out = lead_choose(known, leads, &run->lead, why);
	json_decref(leads);
	if (out != DONE)
		return out;
	if (run->lead == NULL && !known->service->settings->create_if_not_found) {
		known_warn(
		    known, "no lead is found, and CREATE_IF_NOT_FOUND is off: it would fail again");
		run->fails = true;
		return DONE;
	}
	decide(run);
	return DONE;
}

/*
 * All of it.
 */

static void
warn_of_intent(struct dry_run *run)
{
	static const char *const what[] = { [INTENT_CONTACT] = "created a contact",
		[INTENT_LEAD] = "created a lead",
		[INTENT_TOTALS] = "changed the lead" };

	if (run->known.at.intent != INTENT_NONE)
		known_warn(&run->known,
		    "an earlier attempt may have %s without hearing so; that is found out first, "
		    "and what follows holds if it has not",
		    what[run->known.at.intent]);
}

static json_t *
id_or_null(const json_t *entity)
{
	json_int_t id = entity_id(entity);

	return id != 0 ? json_integer(id) : json_null();
}

static json_t *
list_or_empty(json_t *list)
{
	return list != NULL ? json_incref(list) : json_array();
}

/* Where nothing would be changed, nothing is told. */
static json_t *
report_of(const struct dry_run *run)
{
	json_t *report = json_pack(
	    "{s:s, s:O}", "payment_id", run->known.paid->key, "remarks", run->known.warnings);

	if (run->fails)
		return report;
	json_object_set_new(report, "contact",
	    json_pack("{s:o, s:s}", "id", id_or_null(run->known.contact), "matched_by",
		run->known.contact != NULL ? run->known.at.matched_by : "created"));
	json_object_set_new(report, "contact_changes", list_or_empty(run->contact_changes));
	json_object_set_new(report, "lead",
	    json_pack("{s:o, s:O?, s:O?, s:O?}", "id", id_or_null(run->lead), "name",
		json_object_get(run->lead, "name"), "pipeline_id",
		json_object_get(run->lead, "pipeline_id"), "status_id",
		json_object_get(run->lead, "status_id")));
	json_object_set_new(report, "lead_changes", list_or_empty(run->lead_changes));
	return report;
}

enum outcome
preview(const struct service *service, const struct amocrm_context *context,
    const struct account *account, int64_t id, const struct payment *paid, json_t **report,
    struct fault *why)
{
	struct dry_run run = { .account = account };
	enum outcome out;

	known_init(&run.known, service, paid);
	run.known.context = *context;
	if ((out = ledger_progress(service->ledger, id, &run.known.at, why)) == DONE) {
		warn_of_intent(&run);
		out = look_at_contact(&run, why);
	}
	if (out == DONE && !run.fails)
		out = look_at_lead(&run, why);
	if (out == DONE)
		*report = report_of(&run);
	known_clear(&run.known);
	json_decref(run.lead);
	json_decref(run.contact_changes);
	json_decref(run.lead_changes);
	return out;
}
