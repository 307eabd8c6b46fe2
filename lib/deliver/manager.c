/*
 * The note and the task.  Neither has an intent in the ledger: amoCRM lists those of a lead without
 * a lag, and ours bear the payment's id, so an attempt that may not be the first simply looks.
 */
#include <stdlib.h>

#include "amocrm/amocrm.h"
#include "amocrm/entity.h"
#include "base/clock.h"
#include "base/text.h"
#include "deliver/batch.h"
#include "deliver/lead_fields.h"
#include "deliver/manager.h"
#include "payment/note.h"
#include "rules/rules.h"

/*
 * The note.
 */

enum outcome
manager_find_note(struct known *known, int64_t lead_id, int64_t *note_id, struct fault *why)
{
	json_t *notes = NULL, *note;
	enum outcome out;
	size_t i;

	*note_id = 0;
	if ((out = amocrm_notes(known->service->crm, &known->context, lead_id, &notes, why)) !=
	    DONE)
		return out;
	json_array_foreach(notes, i, note) {
		const char *text =
		    json_string_value(json_object_get(json_object_get(note, "params"), "text"));

		if (text != NULL && note_is_for(text, known->paid)) {
			*note_id = entity_id(note);
			known_tell(known, "note %lld found", (long long)*note_id);
			break;
		}
	}
	json_decref(notes);
	return DONE;
}

static char *
compose(const struct job *job)
{
	json_t *titles = json_array(), *field;
	char *text, *title, *told;
	size_t i;

	json_array_foreach(job->known.at.dropped, i, field) {
		title = lead_form_title(job->known.service->settings, field);
		json_array_append_new(titles, json_string(title));
		free(title);
	}
	text = note_compose(job->known.paid, job->known.at.unmapped, titles);
	json_decref(titles);
	if (job->known.at.foreign[0] == '\0')
		return text;
	told = text_format(
	    "%s\nДругая валюта: сумма не прибавлена к итогу и не записана в поля.", text);
	free(text);
	return told;
}

enum outcome
manager_note(struct job *job, struct fault *why)
{
	struct progress *at = &job->known.at;
	int64_t id = 0;
	json_t *note;
	char *text;
	enum outcome out;

	if (at->note_id == 0 && job->applied_before &&
	    (out = manager_find_note(&job->known, at->lead_id, &at->note_id, why)) != DONE)
		return out;
	if (at->note_id != 0)
		return DONE;

	/* An answer that is lost leaves nothing: the next attempt looks for the note. */
	text = compose(job);
	note = json_pack("{s:I, s:s, s:{s:s}}", "entity_id", (json_int_t)at->lead_id, "note_type",
	    "common", "params", "text", text);
	free(text);
	if ((out = batch_send(job, INTENT_NONE, AMOCRM_NOTES, &id, note, why)) == DONE)
		at->note_id = id;
	return out;
}

/*
 * The task.
 */

static enum outcome
find_task(struct job *job, bool *found, struct fault *why)
{
	json_t *tasks = NULL, *task;
	enum outcome out;
	size_t i;

	if ((out = amocrm_tasks(job->known.service->crm, &job->known.context, job->known.at.lead_id,
		 &tasks, why)) != DONE)
		return out;
	json_array_foreach(tasks, i, task) {
		const char *text = json_string_value(json_object_get(task, "text"));

		*found |= text != NULL && note_is_for(text, job->known.paid);
	}
	json_decref(tasks);
	return DONE;
}

/* Who looks after the lead: known where this attempt has read it. */
static enum outcome
find_responsible(struct job *job, struct fault *why)
{
	json_t *lead = NULL;
	enum outcome out;

	if (job->responsible_id != 0)
		return DONE;
	if ((out = amocrm_read(job->known.service->crm, &job->known.context, AMOCRM_LEADS,
		 job->known.at.lead_id, &lead, why)) != DONE)
		return out;
	job->responsible_id = json_integer_value(json_object_get(lead, "responsible_user_id"));
	json_decref(lead);
	return DONE;
}

static enum outcome
give_task(struct job *job, const struct task *task, struct fault *why)
{
	int64_t id = 0;
	json_t *entity = json_pack("{s:s, s:I, s:s, s:I, s:I}", "entity_type", "leads", "entity_id",
	    (json_int_t)job->known.at.lead_id, "text", task->text, "task_type_id",
	    (json_int_t)task->type, "complete_till", (json_int_t)task->due);
	enum outcome out;

	if (job->responsible_id != 0)
		json_object_set_new(
		    entity, "responsible_user_id", json_integer(job->responsible_id));

	/* An answer that is lost leaves nothing: the next attempt looks for the task.  A refusal is
	 * no reason to keep the payment back. */
	if ((out = batch_send(job, INTENT_NONE, AMOCRM_TASKS, &id, entity, why)) == DONE)
		known_tell(&job->known, "task %lld given", (long long)id);
	if (out != NEVER)
		return out;
	known_warn(&job->known, "the task for the manager was not taken: %s", why->text);
	return DONE;
}

enum outcome
manager_task(struct job *job, struct fault *why)
{
	const struct known *known = &job->known;
	bool found = false;
	enum outcome out = DONE;
	struct task task;

	/* Only a lead that was there before gets a task. */
	if (known->at.lead_created ||
	    !rules_task(known->service->rules, known->paid, clock_wall_ms() / 1000, &task))
		return DONE;
	if (job->applied_before)
		out = find_task(job, &found, why);
	if (out == DONE && !found)
		out = find_responsible(job, why);
	if (out == DONE && !found)
		out = give_task(job, &task, why);
	free(task.text);
	return out;
}
