#include <stdlib.h>

#include "amocrm.h"
#include "lead_form.h"
#include "manager.h"
#include "note.h"

static enum outcome
find_note(struct job *job, struct fault *why)
{
	json_t *notes = NULL, *note;
	enum outcome out;
	size_t i;

	if ((out = amocrm_notes(job->with->crm, job->at.lead_id, &notes, why)) != DONE)
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

	job->request =
	    (struct request){ .entity = json_pack("{s:I, s:s, s:{s:s}}", "entity_id",
				  (json_int_t)job->at.lead_id, "note_type", "common", "params", "text", text),
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
