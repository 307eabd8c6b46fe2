#include "totals.h"
#include "amocrm.h"
#include "lead_form.h"

/* The change is known to stand in amoCRM. */
static enum outcome
applied(struct job *job, struct fault *why)
{
	job->at.applied = true;
	return job_intend(job, INTENT_NONE, why);
}

static enum outcome
send(struct job *job, const json_t *lead, struct fault *why)
{
	json_t *change = lead_form_change(job, lead);
	enum outcome out;

	out = job_intend(job, INTENT_TOTALS, why);
	if (out == DONE)
		out = amocrm_update(
		    job->with->crm, AMOCRM_LEADS, job->at.lead_id, change, job->at.dropped, why);
	json_decref(change);
	return out == DONE ? applied(job, why) : out;
}

/* Count from what the lead shows. */
static enum outcome
begin_from(struct job *job, const struct lead_shown *shown, const json_t *lead, struct fault *why)
{
	struct progress *at = &job->at;

	at->older = job->paid->paid_at != 0 && job->paid->paid_at < shown->last_date;
	at->total_before = shown->total;
	at->total_after = shown->total + job->paid->amount;
	at->count_before = shown->count;
	at->count_after = lead_form_next_count(job->with->settings, shown->count);
	return send(job, lead, why);
}

enum outcome
totals_apply(struct job *job, const json_t *lead, struct fault *why)
{
	struct lead_shown shown;
	enum outcome out;

	if ((out = lead_form_read(job, lead, &shown, why)) != DONE)
		return out;
	job->at.lead_id = json_integer_value(json_object_get(lead, "id"));
	job->at.pipeline_id = json_integer_value(json_object_get(lead, "pipeline_id"));
	job->at.lead_created = false;
	return begin_from(job, &shown, lead, why);
}

/* Would the lead show our id?  amoCRM may have refused just that field, and who heard so died before it was written down.
 * Where no id stands, the field is gone.  Where another's does, that is written once more: it changes nothing, and is
 * refused as ours was. */
static enum outcome
ask_for_id(
    struct job *job, const json_t *lead, const struct lead_shown *shown, bool *leaves_id, struct fault *why)
{
	json_t *same;
	enum outcome out;

	*leaves_id = shown->has_id;
	if (!shown->has_id)
		return DONE;
	same = lead_form_same_id(job, lead);
	out = amocrm_update(job->with->crm, AMOCRM_LEADS, job->at.lead_id, same, job->at.dropped, why);
	json_decref(same);
	*leaves_id = lead_form_has_id(job);
	return out == NEVER && !*leaves_id ? DONE : out;
}

enum outcome
totals_resume(struct job *job, const json_t *lead, struct fault *why)
{
	struct progress *at = &job->at;
	struct lead_shown shown, found;
	bool leaves_id = !at->older && lead_form_has_id(job), later = false, after;
	enum outcome out;

	if ((out = lead_form_read(job, lead, &shown, why)) != DONE)
		return out;
	if (leaves_id && shown.ours)
		return applied(job, why);

	found = shown;
	out = ledger_base_after(
	    job->with->ledger, at->lead_id, at->intent_ms, &found.total, &found.count, &later, why);
	if (out != DONE)
		return out;

	after = found.total == at->total_after && found.count == at->count_after;
	if (after && leaves_id && !later && (out = ask_for_id(job, lead, &shown, &leaves_id, why)) != DONE)
		return out;

	if (found.total == at->total_before && found.count == at->count_before) {
		if (!later)
			return send(job, lead, why);
	} else if (after && (later || !leaves_id)) {
		return applied(job, why);
	} else if (!leaves_id) {
		return fault_set(why, NEVER,
		    "the lead's total was changed by someone else while this payment was being added; check "
		    "it by hand");
	}
	at->rebased++;
	job_remark(
	    job, "the lead was changed by someone else meanwhile; began again from the values it shows");
	return begin_from(job, &shown, lead, why);
}
