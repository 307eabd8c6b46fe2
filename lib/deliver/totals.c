#include "deliver/totals.h"
#include "amocrm/amocrm.h"
#include "deliver/lead_fields.h"

/* The change is known to stand in amoCRM. */
static enum outcome
applied(struct job *job, struct fault *why)
{
	job_tell(job, "applied to lead %lld", (long long)job->at.lead_id);
	job->at.applied = true;
	return job_intend(job, INTENT_NONE, why);
}

/* What became of the change. */
static enum outcome
changed(struct job *job, enum outcome out, int64_t id, struct fault *why)
{
	(void)id;
	return out == DONE ? applied(job, why) : out;
}

static void
prepare_change(struct job *job, const json_t *lead)
{
	json_t *change = lead_fields_change(job, lead);

	job_tell_story(job, lead, change);
	job->request = (struct request){
		.entity = change, .id = job->at.lead_id, .intent = INTENT_TOTALS, .then = changed
	};
}

/* Count from what the lead shows. */
static void
begin_from(struct job *job, const struct lead_shown *shown, const json_t *lead)
{
	struct progress *at = &job->at;

	at->older = job->paid->paid_at != 0 && job->paid->paid_at < shown->last_date;
	at->total_before = shown->total;
	at->total_after = shown->total + job->paid->amount;
	at->count_before = shown->count;
	at->count_after = lead_fields_next_count(job->with->settings, shown->count);
	prepare_change(job, lead);
}

/* The lead shows our id though we know nothing of it: our ledger was restored from an older copy. */
static enum outcome
applied_before_memory(struct job *job, const struct lead_shown *shown, struct fault *why)
{
	struct progress *at = &job->at;

	at->older = false;
	at->total_after = shown->total;
	at->total_before = shown->total - job->paid->amount;
	at->count_after = shown->count;
	at->count_before = shown->count > 0 ? shown->count - 1 : 0;
	job->applied_before = true;
	job_warn(job, "lead %lld shows this payment already; it is not added again",
	    (long long)at->lead_id);
	return applied(job, why);
}

enum outcome
totals_prepare(struct job *job, const json_t *lead, struct fault *why)
{
	struct lead_shown shown;
	enum outcome out;

	if ((out = lead_fields_read(job, lead, &shown, why)) != DONE)
		return out;
	job->at.lead_id = json_integer_value(json_object_get(lead, "id"));
	job->at.pipeline_id = json_integer_value(json_object_get(lead, "pipeline_id"));
	job->at.lead_created = false;
	job->responsible_id = json_integer_value(json_object_get(lead, "responsible_user_id"));
	if (shown.ours)
		return applied_before_memory(job, &shown, why);
	begin_from(job, &shown, lead);
	return DONE;
}

/* Would the lead show our id?  amoCRM may have refused just that field, and who heard so died before it was written down.
 * Where no id stands, the field is gone.  Where another's does, that is written once more: it changes nothing, and is
 * refused as ours was. */
static enum outcome
ask_for_id(struct job *job, const json_t *lead, const struct lead_shown *shown, bool *leaves_id,
    struct fault *why)
{
	struct amocrm_item item = { .id = job->at.lead_id, .dropped = job->at.dropped };
	json_t *same;

	*leaves_id = shown->has_id;
	if (!shown->has_id)
		return DONE;
	item.entity = same = lead_fields_same_id(job, lead);
	amocrm_update(job->with->crm, &job->context, AMOCRM_LEADS, &item, 1);
	json_decref(same);
	*why = item.why;
	*leaves_id = lead_fields_has_id(job);
	return item.out == NEVER && !*leaves_id ? DONE : item.out;
}

enum outcome
totals_resume(struct job *job, const json_t *lead, struct fault *why)
{
	struct progress *at = &job->at;
	struct lead_shown shown, found;
	bool leaves_id = !at->older && lead_fields_has_id(job), later = false, after;
	enum outcome out;

	if ((out = lead_fields_read(job, lead, &shown, why)) != DONE)
		return out;
	if (leaves_id && shown.ours)
		return applied(job, why);

	found = shown;
	out = ledger_base_after(
	    job->with->ledger, at->lead_id, at->intent_ms, &found.total, &found.count, &later, why);
	if (out != DONE)
		return out;

	after = found.total == at->total_after && found.count == at->count_after;
	if (after && leaves_id && !later &&
	    (out = ask_for_id(job, lead, &shown, &leaves_id, why)) != DONE)
		return out;

	if (found.total == at->total_before && found.count == at->count_before) {
		if (!later) {
			prepare_change(job, lead);
			return DONE;
		}
	} else if (after && (later || !leaves_id)) {
		return applied(job, why);
	} else if (!leaves_id) {
		return fault_set(why, NEVER,
		    "the lead's total was changed by someone else while this payment was being "
		    "added; check "
		    "it by hand");
	}
	at->rebased++;
	job_warn(job,
	    "the lead was changed by someone else meanwhile; began again from the values it shows");
	begin_from(job, &shown, lead);
	return DONE;
}
