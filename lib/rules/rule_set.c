/*
 * Reads the parts of a rules file into struct rules.  A rule whose id is not set is left out here,
 * so that deciding need not ask again; an error does not end the reading, so that all are reported
 * together.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_path.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/validation.h"
#include "rules/rule_set.h"
#include "rules/task_text.h"

/* A day; a task that nobody need look at for longer than a year is none. */
#define DUE_HOURS_DEFAULT 24
#define DUE_HOURS_MAX     8760

/* amoCRM's "follow up", which every account has. */
#define TASK_TYPE_DEFAULT 1

/*
 * What all lists of rules have in common.
 */

/* Room for as many rules as the list has; all begin as zeros. */
static void *
make_room(const json_t *root, const char *part, size_t size)
{
	return memory_zeroed(json_array_size(json_object_get(root, part)) + 1, size);
}

/* Read one rule of a list and, if it exists, append it to the mapping. */
typedef void read_rule(struct rule_reader *reader, const json_t *json, const char *path, int place,
    struct rules *mapping);

/* known: the keys of a rule; NULL where its reader checks them itself. */
static void
read_list(struct rule_reader *reader, const json_t *root, const char *part,
    const char *const known[], read_rule *read, struct rules *mapping)
{
	json_t *rules = rule_reader_array(reader, root, "", part), *rule;
	char path[VALIDATION_PATH];
	size_t i;

	json_array_foreach(rules, i, rule) {
		validation_index(path, part, i);
		if (known == NULL || rule_reader_keys(reader, rule, path, known))
			read(reader, rule, path, (int)i, mapping);
	}
}

/* Of rules of which the first that holds decides, one that always holds makes those behind it
 * useless. */
static void
check_order(struct rule_reader *reader, const json_t *root, const char *part)
{
	const json_t *rules = json_object_get(root, part);
	char path[VALIDATION_PATH];

	for (size_t i = 0; i + 1 < json_array_size(rules); i++)
		if (json_is_object(json_array_get(rules, i)) &&
		    json_object_get(json_array_get(rules, i), "when") == NULL)
			rule_reader_error(reader, validation_index(path, part, i),
			    "Only the last rule may be without when: those behind it never apply.");
}

static struct rule
read_head(
    struct rule_reader *reader, const json_t *json, const char *path, int place, bool may_be_always)
{
	const json_t *when = json_object_get(json, "when");
	struct rule rule = { .place = place };
	char key_path[VALIDATION_PATH];
	const char *name;

	if (json_object_get(json, "name") != NULL &&
	    (name = rule_reader_text(reader, json, path, "name")) != NULL)
		rule.name = text_copy(name);
	if (when != NULL || !may_be_always)
		rule.when = condition_read(reader, when, validation_key(key_path, path, "when"));
	return rule;
}

static void
free_head(struct rule *rule)
{
	free(rule->name);
	condition_free(rule->when);
}

static int64_t
read_id(struct rule_reader *reader, const json_t *rule, const char *path, const char *key)
{
	char key_path[VALIDATION_PATH];

	return rule_reader_id(
	    reader, json_object_get(rule, key), validation_key(key_path, path, key));
}

/*
 * The parts of the file.
 */

static void
read_subjects(struct rule_reader *reader, const json_t *root, struct rules *mapping)
{
	json_t *subjects = json_object_get(root, "subjects"), *value;
	char path[VALIDATION_PATH];
	const char *name;

	mapping->subjects = json_object();
	if (subjects != NULL && !json_is_object(subjects))
		rule_reader_error(reader, "subjects", "This must be an object.");
	json_object_foreach(subjects, name, value) {
		char *word = rule_reader_word(name);
		int64_t id = 0;

		validation_key(path, "subjects", name);
		if (strcmp(name, "$comment") != 0)
			id = rule_reader_id(reader, value, path);
		if (json_object_get(mapping->subjects, word) != NULL)
			rule_reader_error(reader, path, "This subject occurs twice.");
		else if (id != 0)
			json_object_set_new(mapping->subjects, word, json_integer(id));
		free(word);
	}
}

static void
read_direction(struct rule_reader *reader, const json_t *json, const char *path, int place,
    struct rules *mapping)
{
	struct direction_rule new = { .rule = read_head(reader, json, path, place, false) };

	new.enum_id = read_id(reader, json, path, "enum");
	if (new.enum_id != 0)
		mapping->directions[mapping->direction_count++] = new;
	else
		free_head(&new.rule);
}

static void
read_direction_priority(struct rule_reader *reader, const json_t *root, struct rules *mapping)
{
	const json_t *value = json_object_get(root, "direction_priority");
	const char *word = json_string_value(value);

	if (value == NULL)
		return;
	mapping->rules_first = word != NULL && strcmp(word, "rules") == 0;
	if (!mapping->rules_first && (word == NULL || strcmp(word, "courses") != 0))
		rule_reader_error(reader, "direction_priority", "This must be courses or rules.");
}

static void
read_pipeline(struct rule_reader *reader, const json_t *json, const char *path, int place,
    struct rules *mapping)
{
	struct pipeline_rule new = { .rule = read_head(reader, json, path, place, true) };

	new.pipeline_id = read_id(reader, json, path, "pipeline");
	if (json_object_get(json, "status") != NULL)
		new.status_id = read_id(reader, json, path, "status");
	if (new.pipeline_id != 0)
		mapping->pipelines[mapping->pipeline_count++] = new;
	else
		free_head(&new.rule);
}

static void
read_excluded_stages(struct rule_reader *reader, const json_t *root, struct rules *mapping)
{
	json_t *stages = rule_reader_array(reader, root, "", "excluded_stages"), *stage;
	char path[VALIDATION_PATH];
	size_t i;

	mapping->excluded_stages = json_array();
	json_array_foreach(stages, i, stage) {
		int64_t id =
		    rule_reader_id(reader, stage, validation_index(path, "excluded_stages", i));

		if (id != 0)
			json_array_append_new(mapping->excluded_stages, json_integer(id));
	}
}

static void
read_exclusion(struct rule_reader *reader, const json_t *json, const char *path, int place,
    struct rules *mapping)
{
	struct exclusion_rule new = { .rule = read_head(reader, json, path, place, false) };
	const char *reason = rule_reader_text(reader, json, path, "reason");

	if (reason != NULL)
		new.reason = text_copy(reason);
	mapping->exclusions[mapping->exclusion_count++] = new;
}

static void
read_extra(struct rule_reader *reader, const json_t *json, const char *path, int place,
    struct rules *mapping)
{
	struct extra_field *new = extra_field_read(reader, json, path);

	(void)place;
	if (new != NULL)
		mapping->extras[mapping->extra_count++] = new;
}

static void
read_lead_id(struct rule_reader *reader, const json_t *root, struct rules *mapping)
{
	static const char *const known[] = { "path", NULL };
	const json_t *json = json_object_get(root, "lead_id");
	const char *path;

	if (json == NULL || !rule_reader_keys(reader, json, "lead_id", known))
		return;
	if ((path = rule_reader_path(reader, json, "lead_id", "path")) != NULL)
		mapping->lead_id_path = text_copy(path);
}

static int64_t
read_due(struct rule_reader *reader, const json_t *json, const char *path)
{
	const json_t *value = json_object_get(json, "due_hours");
	json_int_t hours = value != NULL ? json_integer_value(value) : DUE_HOURS_DEFAULT;
	char key_path[VALIDATION_PATH];

	if (hours < 1 || hours > DUE_HOURS_MAX)
		rule_reader_error(reader, validation_key(key_path, path, "due_hours"),
		    "This must be a whole number of hours from 1 to %d.", DUE_HOURS_MAX);
	return hours * 3600;
}

static void
read_task(struct rule_reader *reader, const json_t *json, const char *path, int place,
    struct rules *mapping)
{
	struct task_rule new = { .rule = read_head(reader, json, path, place, true),
		.type = TASK_TYPE_DEFAULT,
		.due_s = read_due(reader, json, path) };
	const char *text = rule_reader_text(reader, json, path, "text");
	char key_path[VALIDATION_PATH];

	if (text != NULL && !task_template_valid(text))
		rule_reader_error(reader, validation_key(key_path, path, "text"),
		    "In braces only {name}, {amount} and {courses} can stand.");
	if (text != NULL)
		new.text = text_copy(text);
	if (json_object_get(json, "type") != NULL)
		new.type = read_id(reader, json, path, "type");
	if (new.type == 0)
		new.type = TASK_TYPE_DEFAULT;
	mapping->tasks[mapping->task_count++] = new;
}

static void
read_lists(struct rule_reader *reader, const json_t *root, struct rules *new)
{
	static const char *const direction[] = { "name", "when", "enum", NULL };
	static const char *const pipeline[] = { "name", "when", "pipeline", "status", NULL };
	static const char *const exclusion[] = { "when", "reason", NULL };
	static const char *const task[] = { "name", "when", "text", "type", "due_hours", NULL };

	new->directions = make_room(root, "directions", sizeof(struct direction_rule));
	new->pipelines = make_room(root, "pipelines", sizeof(struct pipeline_rule));
	new->exclusions = make_room(root, "exclude", sizeof(struct exclusion_rule));
	new->extras = make_room(root, "fields", sizeof(struct extra_field *));
	new->tasks = make_room(root, "tasks", sizeof(struct task_rule));
	reader->of_items = true;
	read_list(reader, root, "directions", direction, read_direction, new);
	reader->of_items = false;
	check_order(reader, root, "pipelines");
	read_list(reader, root, "pipelines", pipeline, read_pipeline, new);
	read_list(reader, root, "exclude", exclusion, read_exclusion, new);
	read_list(reader, root, "fields", NULL, read_extra, new);
	check_order(reader, root, "tasks");
	read_list(reader, root, "tasks", task, read_task, new);
}

struct rules *
rule_set_read(struct rule_reader *reader, const json_t *root)
{
	static const char *const known[] = { "$schema", "version", "extends", "subjects",
		"directions", "direction_priority", "pipelines", "excluded_stages", "exclude",
		"fields", "lead_id", "tasks", NULL };
	const json_t *extends = json_object_get(root, "extends");
	struct rules *new = memory_zeroed(1, sizeof(*new));

	new->warnings = json_incref(reader->warnings);
	if (!rule_reader_keys(reader, root, "", known))
		return new;
	if (json_integer_value(json_object_get(root, "version")) != 1)
		rule_reader_error(reader, "version", "This must be 1.");
	if (extends != NULL &&
	    (!json_is_string(extends) || strcmp(json_string_value(extends), "builtin") != 0))
		rule_reader_error(reader, "extends", "This can only be \"builtin\".");
	read_subjects(reader, root, new);
	read_direction_priority(reader, root, new);
	read_lists(reader, root, new);
	read_excluded_stages(reader, root, new);
	read_lead_id(reader, root, new);
	return new;
}

void
rule_set_free(struct rules *mapping)
{
	if (mapping == NULL)
		return;
	for (size_t i = 0; i < mapping->direction_count; i++)
		free_head(&mapping->directions[i].rule);
	for (size_t i = 0; i < mapping->pipeline_count; i++)
		free_head(&mapping->pipelines[i].rule);
	for (size_t i = 0; i < mapping->exclusion_count; i++) {
		free_head(&mapping->exclusions[i].rule);
		free(mapping->exclusions[i].reason);
	}
	for (size_t i = 0; i < mapping->task_count; i++) {
		free_head(&mapping->tasks[i].rule);
		free(mapping->tasks[i].text);
	}
	for (size_t i = 0; i < mapping->extra_count; i++)
		extra_field_free(mapping->extras[i]);
	json_decref(mapping->subjects);
	json_decref(mapping->excluded_stages);
	json_decref(mapping->warnings);
	free(mapping->directions);
	free(mapping->pipelines);
	free(mapping->exclusions);
	free(mapping->tasks);
	free(mapping->extras);
	free(mapping->lead_id_path);
	free(mapping);
}
