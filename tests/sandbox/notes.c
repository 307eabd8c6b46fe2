#include <inttypes.h>
#include <string.h>

#include "filter.h"
#include "list.h"
#include "notes.h"
#include "plan.h"
#include "show.h"

/* Is the note on an entity of the kind, and the entity, that the path names? */
static bool
note_belongs(const struct call *call, const json_t *note)
{
	const char *type = json_string_value(json_object_get(note, "~entity_type"));

	return strcmp(type, kind_name(call->kind)) == 0 &&
	    (call->id == 0 || entity_integer(note, "entity_id") == call->id);
}

/* Filters of notes are part of every account. */
static bool
note_passes(const struct request *asked, const json_t *note)
{
	return filter_value(asked, "id", note, "id") &&
	    filter_value(asked, "entity_id", note, "entity_id") &&
	    filter_value(asked, "note_type", note, "note_type") &&
	    filter_range(asked, "updated_at", note);
}

void
notes_list(const struct call *call, struct response *given)
{
	struct list *list = list_new();
	const char *key;
	json_t *note;

	json_object_foreach(account_entities(call->account, NOTES), key, note) {
		if (note_belongs(call, note) && note_passes(call->asked, note))
			list_add(list, note);
	}
	list_order(list, call->asked);
	list_answer(list, call, "notes", show_note, given);
	list_free(list);
}

void
notes_get(const struct call *call, struct response *given)
{
	const json_t *note = account_find(call->account, NOTES, call->second);

	if (note != NULL && note_belongs(call, note))
		response_json(given, 200, show_note(call, note));
	else
		response_bytes(given, 204, NULL, NULL, 0);
}

static json_t *
plan_one_note(const struct call *call, const json_t *item, json_t *mistakes)
{
	return plan_note(call->account, call->kind, call->id, item, mistakes);
}

void
notes_create(const struct call *call, struct response *given)
{
	json_auto_t *items = NULL, *plans = NULL;
	const json_t *about = account_find(call->account, call->kind, call->id);
	json_t *done, *plan;
	size_t i;

	if (call->id != 0 && (about == NULL || entity_deleted(about))) {
		response_problem(given, 404, "Entity not found");
		return;
	}
	items = call_batch(call, given);
	plans = items != NULL ? call_plan(call, items, plan_one_note, given) : NULL;
	if (plans == NULL)
		return;

	done = json_array();
	json_array_foreach(plans, i, plan) {
		const json_t *note = account_insert(call->account, NOTES, plan, call_due(call));
		json_int_t id = entity_id(note), entity = entity_integer(note, "entity_id");

		json_array_append_new(done,
		    json_pack("{s:I, s:I, s:o, s:o}", "id", id, "entity_id", entity, "request_id",
			call_request_id(json_array_get(items, i), i), "_links",
			call_links(call, "%s/%" PRId64 "/notes/%" PRId64, kind_name(call->kind),
			    (int64_t)entity, (int64_t)id)));
	}
	call_done(call, "notes", done, given);
}

/* Filters of tasks are part of every account, too; that of the entity's id is heeded only together with its type. */
static bool
task_passes(const struct request *asked, const json_t *task)
{
	return filter_value(asked, "id", task, "id") &&
	    filter_value(asked, "entity_type", task, "entity_type") &&
	    (!request_has_list(asked, "filter[entity_type]") ||
		filter_value(asked, "entity_id", task, "entity_id")) &&
	    filter_range(asked, "updated_at", task);
}

void
tasks_list(const struct call *call, struct response *given)
{
	struct list *list = list_new();
	const char *key;
	json_t *task;

	json_object_foreach(account_entities(call->account, TASKS), key, task) {
		if (task_passes(call->asked, task))
			list_add(list, task);
	}
	list_order(list, call->asked);
	list_answer(list, call, "tasks", show_task, given);
	list_free(list);
}

void
tasks_get(const struct call *call, struct response *given)
{
	const json_t *task = account_find(call->account, TASKS, call->id);

	if (task != NULL)
		response_json(given, 200, show_task(call, task));
	else
		response_bytes(given, 204, NULL, NULL, 0);
}

static json_t *
plan_one_task(const struct call *call, const json_t *item, json_t *mistakes)
{
	return plan_task(call->account, item, mistakes);
}

void
tasks_create(const struct call *call, struct response *given)
{
	json_auto_t *items = call_batch(call, given);
	json_auto_t *plans = items != NULL ? call_plan(call, items, plan_one_task, given) : NULL;
	json_t *done, *plan;
	size_t i;

	if (plans == NULL)
		return;

	done = json_array();
	json_array_foreach(plans, i, plan) {
		int64_t id = entity_id(account_insert(call->account, TASKS, plan, call_due(call)));

		json_array_append_new(done,
		    json_pack("{s:I, s:o, s:o}", "id", (json_int_t)id, "request_id",
			call_request_id(json_array_get(items, i), i), "_links",
			call_links(call, "tasks/%" PRId64, id)));
	}
	call_done(call, "tasks", done, given);
}
