#include <stdlib.h>
#include <string.h>

#include "mapping.h"
#include "rulefile.h"
#include "rules.h"
#include "text.h"

/* lib/mapping.json, turned into C by the Makefile. */
extern const char mapping_builtin[];

/* Won and lost, in every pipeline of every account. */
#define STAGE_WON  142
#define STAGE_LOST 143

static json_t *
load(struct rulefile *file)
{
	const struct settings *settings = file->settings;
	const char *text = settings->rules != NULL ? settings->rules : mapping_builtin;
	size_t size = settings->rules != NULL ? settings->rules_size : strlen(mapping_builtin);
	json_error_t error;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL)
		rulefile_mistake(file, "", "This is not JSON: %s (line %d).", error.text, error.line);
	return root;
}

enum outcome
mapping_load(const struct settings *settings, struct mapping **mapping, json_t **mistakes, struct fault *why)
{
	struct rulefile file = { settings, json_array() };
	const char *where, *path = settings->rules != NULL ? settings->payment_mapping : "built-in rules";
	json_t *root = load(&file), *first;
	struct mapping *new = root != NULL ? rules_read(&file, root) : NULL;

	json_decref(root);
	if (json_array_size(file.mistakes) == 0) {
		json_decref(file.mistakes);
		*mapping = new;
		return DONE;
	}
	rules_free(new);
	*mistakes = file.mistakes;
	first = json_array_get(file.mistakes, 0);
	where = json_string_value(json_object_get(first, "path"));
	return fault_set(why, NEVER, "%s: %s%s%s", path, where, where[0] != '\0' ? ": " : "",
	    json_string_value(json_object_get(first, "message")));
}

static struct view
view_order(const struct payment *paid)
{
	struct view view = { .root = paid->root, .item = NULL, .amount = paid->amount };

	return view;
}

const char *
mapping_exclusion(const struct mapping *mapping, const struct payment *paid)
{
	struct view view = view_order(paid);

	for (size_t i = 0; i < mapping->exclusion_count; i++)
		if (condition_holds(mapping->exclusions[i].when, &view))
			return mapping->exclusions[i].reason;
	return NULL;
}

/* Append the value, which is taken over, unless an equal one is there. */
static void
append_once(json_t *list, json_t *value)
{
	const json_t *known;
	size_t i;

	json_array_foreach(list, i, known) {
		if (json_equal(known, value)) {
			json_decref(value);
			return;
		}
	}
	if (json_array_append_new(list, value) != 0)
		abort();
}

json_t *
mapping_subjects(const struct mapping *mapping, const struct payment *paid, json_t *unmapped)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < paid->item_count; i++) {
		const char *name = paid->items[i].subject;
		char *folded = text_fold(name);
		json_t *id = json_object_get(mapping->subjects, folded);

		if (id != NULL)
			append_once(ids, json_incref(id));
		else
			append_once(unmapped, json_string(name));
		free(folded);
	}
	return ids;
}

int64_t
mapping_direction(const struct mapping *mapping, const struct payment *paid)
{
	struct view view = view_order(paid);

	for (size_t i = 0; i < paid->item_count; i++) {
		view.item = paid->items[i].json;
		for (size_t rule = 0; rule < mapping->direction_count; rule++)
			if (condition_holds(mapping->directions[rule].when, &view))
				return mapping->directions[rule].enum_id;
	}
	return 0;
}

struct stage
mapping_stage(const struct mapping *mapping, const struct payment *paid)
{
	struct view view = view_order(paid);
	struct stage nowhere = { 0, 0 };

	for (size_t i = 0; i < mapping->pipeline_count; i++)
		if (condition_holds(mapping->pipelines[i].when, &view))
			return (struct stage){ mapping->pipelines[i].pipeline_id,
				mapping->pipelines[i].status_id };
	return nowhere;
}

bool
mapping_stage_excluded(const struct mapping *mapping, int64_t status_id)
{
	const json_t *id;
	size_t i;

	if (status_id == STAGE_WON || status_id == STAGE_LOST)
		return true;
	json_array_foreach(mapping->excluded_stages, i, id)
		if (json_integer_value(id) == status_id)
			return true;
	return false;
}

json_t *
mapping_extra_fields(const struct mapping *mapping, const struct payment *paid)
{
	struct view view = view_order(paid);
	json_t *fields = json_array();

	for (size_t i = 0; i < mapping->extra_count; i++)
		extra_write(mapping->extras[i], &view, fields);
	return fields;
}

void
mapping_free(struct mapping *mapping)
{
	rules_free(mapping);
}
