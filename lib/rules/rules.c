/*
 * Applies the rules to a payment.  Pure: the same rules and the same webhook always decide the
 * same, so a decision can be repeated after a crash and compared in a replay.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_path.h"
#include "base/number.h"
#include "base/text.h"
#include "rules/rule_reader.h"
#include "rules/rule_set.h"
#include "rules/rules.h"
#include "rules/task_text.h"

/* Won and lost, in every pipeline of every account. */
#define STAGE_WON  142
#define STAGE_LOST 143

/* A part that the file leaves to the built-in rules is taken from there. */
static void
complete(json_t *root)
{
	json_t *builtin = json_loads(rules_builtin, 0, NULL);

	/* Each file says its own. */
	json_object_del(builtin, "version");
	json_object_update_missing(root, builtin);
	json_decref(builtin);
}

static json_t *
load(struct rule_reader *reader)
{
	const struct settings *settings = reader->settings;
	const char *text = settings->rules != NULL ? settings->rules : rules_builtin;
	size_t size = settings->rules != NULL ? settings->rules_size : strlen(rules_builtin);
	json_error_t error;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL)
		rule_reader_error(
		    reader, "", "This is not JSON: %s (line %d).", error.text, error.line);
	else if (json_is_object(root) && json_object_get(root, "extends") != NULL)
		complete(root);
	return root;
}

enum outcome
rules_load(
    const struct settings *settings, struct rules **mapping, json_t **errors, struct fault *why)
{
	struct rule_reader reader = {
		.settings = settings, .errors = json_array(), .warnings = json_array()
	};
	const char *where,
	    *path = settings->rules != NULL ? settings->payment_mapping : "built-in rules";
	json_t *root = load(&reader), *first;
	struct rules *new = root != NULL ? rule_set_read(&reader, root) : NULL;

	json_decref(root);
	json_decref(reader.warnings);
	if (json_array_size(reader.errors) == 0) {
		json_decref(reader.errors);
		*mapping = new;
		return DONE;
	}
	rule_set_free(new);
	*errors = reader.errors;
	first = json_array_get(reader.errors, 0);
	where = json_string_value(json_object_get(first, "path"));
	return fault_set(why, NEVER, "%s: %s%s%s", path, where, where[0] != '\0' ? ": " : "",
	    json_string_value(json_object_get(first, "message")));
}

const json_t *
rules_warnings(const struct rules *mapping)
{
	return mapping->warnings;
}

json_t *
rules_document(const struct settings *settings)
{
	struct rule_reader reader = {
		.settings = settings, .errors = json_array(), .warnings = json_array()
	};
	json_t *root = load(&reader);

	json_decref(reader.errors);
	json_decref(reader.warnings);
	return root;
}

static struct condition_subject
whole_order(const struct payment *paid)
{
	struct condition_subject subject = {
		.root = paid->root, .item = NULL, .amount = paid->amount
	};

	return subject;
}

const char *
rules_exclusion(const struct rules *mapping, const struct payment *paid)
{
	struct condition_subject subject = whole_order(paid);

	for (size_t i = 0; i < mapping->exclusion_count; i++)
		if (condition_holds(mapping->exclusions[i].rule.when, &subject))
			return mapping->exclusions[i].reason;
	return NULL;
}

/* Append the value, whose reference is taken over, unless an equal one is there. */
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
	json_array_append_new(list, value);
}

json_t *
rules_subjects(const struct rules *mapping, const struct payment *paid, json_t *unmapped)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < paid->item_count; i++) {
		char *folded = text_fold(paid->items[i].subject);
		json_t *id = json_object_get(mapping->subjects, folded);
		char *title = payment_item_title(&paid->items[i]);

		if (id != NULL)
			append_once(ids, json_incref(id));
		else
			append_once(unmapped, json_string(title));
		free(title);
		free(folded);
	}
	return ids;
}

static struct ruling
ruling_of(const struct rule *rule)
{
	return (struct ruling){ rule->place, rule->name };
}

static const struct direction_rule *
first_rule_for(const struct rules *mapping, const struct condition_subject *subject)
{
	for (size_t i = 0; i < mapping->direction_count; i++)
		if (condition_holds(mapping->directions[i].rule.when, subject))
			return &mapping->directions[i];
	return NULL;
}

/*
 * The rule that decides; NULL when none does.  Each item has a first rule that holds for it; the
 * order of the courses takes the first item's, the order of the rules the first of them all.
 */
static const struct direction_rule *
decide_direction(const struct rules *mapping, const struct payment *paid)
{
	const struct direction_rule *decided = NULL, *found;
	struct condition_subject subject = whole_order(paid);

	for (size_t i = 0; i < paid->item_count; i++) {
		subject.item = paid->items[i].json;
		found = first_rule_for(mapping, &subject);
		if (found != NULL && !mapping->rules_first)
			return found;
		if (found != NULL && (decided == NULL || found < decided))
			decided = found;
	}
	return decided;
}

struct direction
rules_direction(const struct rules *mapping, const struct payment *paid)
{
	const struct direction_rule *decided = decide_direction(mapping, paid);

	if (decided == NULL)
		return (struct direction){ .by.rule = -1 };
	return (struct direction){ decided->enum_id, ruling_of(&decided->rule) };
}

struct stage
rules_stage(const struct rules *mapping, const struct payment *paid)
{
	struct condition_subject subject = whole_order(paid);
	struct stage nowhere = { .by.rule = -1 };

	for (size_t i = 0; i < mapping->pipeline_count; i++) {
		const struct pipeline_rule *pipeline = &mapping->pipelines[i];

		if (condition_holds(pipeline->rule.when, &subject))
			return (struct stage){ pipeline->pipeline_id, pipeline->status_id,
				ruling_of(&pipeline->rule) };
	}
	return nowhere;
}

bool
rules_stage_excluded(const struct rules *mapping, int64_t status_id)
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
rules_extra_fields(const struct rules *mapping, const struct payment *paid)
{
	struct condition_subject subject = whole_order(paid);
	json_t *fields = json_array();

	for (size_t i = 0; i < mapping->extra_count; i++)
		extra_field_write(mapping->extras[i], &subject, fields);
	return fields;
}

/* Take the id that stands here; true, which ends the search, once one is found. */
static bool
take_id(const json_t *value, void *arg)
{
	char *text = json_path_text(value);
	int64_t *id = arg;
	bool found = text != NULL && number_parse(text, 1, INT64_MAX, id);

	free(text);
	return found;
}

int64_t
rules_lead_id(const struct rules *mapping, const struct payment *paid)
{
	int64_t id = 0;

	if (mapping->lead_id_path != NULL)
		json_path_any(paid->root, mapping->lead_id_path, take_id, &id);
	return id;
}

bool
rules_task(const struct rules *mapping, const struct payment *paid, int64_t now, struct task *task)
{
	struct condition_subject subject = whole_order(paid);

	for (size_t i = 0; i < mapping->task_count; i++) {
		const struct task_rule *rule = &mapping->tasks[i];

		if (!condition_holds(rule->rule.when, &subject))
			continue;
		*task = (struct task){ .text = task_compose(rule->text, paid),
			.type = rule->type,
			.due = now + rule->due_s,
			.by = ruling_of(&rule->rule) };
		return true;
	}
	return false;
}

void
rules_free(struct rules *mapping)
{
	rule_set_free(mapping);
}
