#include <stdlib.h>

#include "amocrm/amocrm.h"
#include "base/clock.h"
#include "deliver/lead_fields.h"
#include "deliver/manager.h"
#include "payment/note.h"
#include "rules/rules.h"

/*
 * The note.
 */

static enum outcome
find_note(struct job *job, struct fault *why)
{
	json_t *notes = NULL, *note;
	enum outcome out;
	size_t i;

	if ((out = amocrm_notes(job->with->crm, &job->context, job->at.lead_id, &notes, why)) !=
	    DONE)
		return out;
	json_array_foreach(notes, i, note) {
		const char *text =
		    json_string_value(json_object_get(json_object_get(note, "params"), "text"));

		if (text != NULL && note_is_for(text, job->paid)) {
			job->at.note_id = json_integer_value(json_object_get(note, "id"));
			job_tell(job, "note %lld found", (long long)job->at.note_id);
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
	char *text, *title;
	size_t i;

	json_array_foreach(job->at.dropped, i, field) {
		title = lead_form_title(job->with->settings, field);
		json_array_append_new(titles, json_string(title));
		free(title);
	}
	text = note_compose(job->paid, job->at.unmapped, titles);
	json_decref(titles);
	return text;
}

/* What became of the note. */
static enum outcome
written(struct job *job, enum outcome out, int64_t id, struct fault *why)
{
	(void)why;
	if (out == DONE)
		job->at.note_id = id;
	return out;
}

static void
prepare_note(struct job *job)
{
	char *text = compose(job);

	job->request = (struct request){ .entity = json_pack("{s:I, s:s, s:{s:s}}", "entity_id",
					     (json_int_t)job->at.lead_id, "note_type", "common",
					     "params", "text", text),
		.then = written };
	free(text);
}

enum outcome
manager_note(struct job *job, struct fault *why)
{
	enum outcome out;

	if (job->at.note_id == 0 && job->applied_before && (out = find_note(job, why)) != DONE)
		return out;
	if (job->at.note_id == 0)
		prepare_note(job);
	return DONE;
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

	if ((out = amocrm_tasks(job->with->crm, &job->context, job->at.lead_id, &tasks, why)) !=
	    DONE)
		return out;
	json_array_foreach(tasks, i, task) {
		const char *text = json_string_value(json_object_get(task, "text"));

		*found |= text != NULL && note_is_for(text, job->paid);
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
	if ((out = amocrm_read(
		 job->with->crm, &job->context, AMOCRM_LEADS, job->at.lead_id, &lead, why)) != DONE)
		return out;
	job->responsible_id = json_integer_value(json_object_get(lead, "responsible_user_id"));
	json_decref(lead);
	return DONE;
}

/* What became of the task. */
static enum outcome
asked(struct job *job, enum outcome out, int64_t id, struct fault *why)
{
	if (out == DONE)
		job_tell(job, "task %lld given", (long long)id);
	if (out != NEVER)
		return out;
	job_warn(job, "the task for the manager was not taken: %s", why->text);
	return DONE;
}

static void
prepare_task(struct job *job, const struct task *task)
{
	json_t *entity = json_pack("{s:s, s:I, s:s, s:I, s:I}", "entity_type", "leads", "entity_id",
	    (json_int_t)job->at.lead_id, "text", task->text, "task_type_id", (json_int_t)task->type,
	    "complete_till", (json_int_t)task->due);

	if (job->responsible_id != 0)
		json_object_set_new(
		    entity, "responsible_user_id", json_integer(job->responsible_id));
	job->request = (struct request){ .entity = entity, .then = asked };
}

enum outcome
manager_task(struct job *job, struct fault *why)
{
	bool found = false;
	enum outcome out = DONE;
	struct task task;

	if (job->at.lead_created ||
	    !rules_task(job->with->mapping, job->paid, clock_wall_ms() / 1000, &task))
		return DONE;
	if (job->applied_before)
		out = find_task(job, &found, why);
	if (out == DONE && !found)
		out = find_responsible(job, why);
	if (out == DONE && !found)
		prepare_task(job, &task);
	free(task.text);
	return out;
}
