#include <stdio.h>
#include <string.h>

#include "base/validation.h"
#include "rules/rule_ids.h"
#include "rules/rule_reader.h"

struct walk {
	struct rule_reader file;
	void (*tell)(void *, const struct rule_id *);
	void *told;
};

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* Tell one; its id. */
static int64_t
tell_id(struct walk *walk, struct rule_id one, const json_t *value, const char *path)
{
	const char *text = json_string_value(value);
	char label[VALIDATION_PATH];

	if (value == NULL)
		return 0;
	one.is_setting = text != NULL && strncmp(text, "${", 2) == 0;
	if (one.is_setting)
		snprintf(label, sizeof(label), "%.*s", (int)strcspn(text + 2, "}"), text + 2);
	else
		snprintf(label, sizeof(label), "%s", path);
	one.label = label;
	one.id = rule_reader_id(&walk->file, value, path);
	walk->tell(walk->told, &one);
	return one.id;
}

static void
walk_subjects(struct walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH];
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(rules, "subjects"), name, value)
		if (strcmp(name, "$comment") != 0)
			tell_id(walk, (struct rule_id){ .role = RULE_SUBJECT, .name = name }, value,
			    validation_key(path, "subjects", name));
}

static void
walk_directions(struct walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH], place[VALIDATION_PATH];
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(rules, "directions"), i, rule) {
		struct rule_id one = { .role = RULE_DIRECTION,
			.name = text_of(json_object_get(rule, "when"), "equals") };

		validation_key(path, validation_index(place, "directions", i), "enum");
		tell_id(walk, one, json_object_get(rule, "enum"), path);
	}
}

static void
walk_pipelines(struct walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH], place[VALIDATION_PATH];
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(rules, "pipelines"), i, rule) {
		struct rule_id one = { .role = RULE_PIPELINE, .name = text_of(rule, "name") };

		validation_key(path, validation_index(place, "pipelines", i), "pipeline");
		one.within = tell_id(walk, one, json_object_get(rule, "pipeline"), path);
		one.role = RULE_STAGE;
		tell_id(walk, one, json_object_get(rule, "status"),
		    validation_key(path, place, "status"));
	}
}

static void
walk_finished(struct walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH];
	const json_t *stage;
	size_t i;

	json_array_foreach(json_object_get(rules, "excluded_stages"), i, stage)
		tell_id(walk, (struct rule_id){ .role = RULE_FINISHED, .name = "" }, stage,
		    validation_index(path, "excluded_stages", i));
}

static void
walk_options(struct walk *walk, const json_t *rule, int64_t field, const char *place)
{
	char map[VALIDATION_PATH], path[VALIDATION_PATH];
	const char *name;
	json_t *value;

	validation_key(map, place, "map");
	json_object_foreach(json_object_get(rule, "map"), name, value)
		if (strcmp(name, "$comment") != 0)
			tell_id(walk,
			    (struct rule_id){ .role = RULE_OPTION, .name = name, .within = field },
			    value, validation_key(path, map, name));
	tell_id(walk, (struct rule_id){ .role = RULE_OPTION, .name = "", .within = field },
	    json_object_get(rule, "value"), validation_key(path, place, "value"));
}

static void
walk_fields(struct walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH], place[VALIDATION_PATH];
	const json_t *rule;
	int64_t field;
	size_t i;

	json_array_foreach(json_object_get(rules, "fields"), i, rule) {
		struct rule_id one = {
			.role = RULE_FIELD, .name = "", .type = text_of(rule, "type")
		};

		validation_key(path, validation_index(place, "fields", i), "field");
		field = tell_id(walk, one, json_object_get(rule, "field"), path);
		if (strcmp(one.type, "enum") == 0)
			walk_options(walk, rule, field, place);
	}
}

static void
walk_tasks(struct walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH], place[VALIDATION_PATH];
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(rules, "tasks"), i, rule)
		tell_id(walk, (struct rule_id){ .role = RULE_TASK, .name = "" },
		    json_object_get(rule, "type"),
		    validation_key(path, validation_index(place, "tasks", i), "type"));
}

void
rule_ids(const struct settings *settings, const json_t *rules,
    void (*tell)(void *told, const struct rule_id *id), void *told)
{
	/* What is wrong or odd with the rules is told by whoever loads them. */
	struct rule_reader file = {
		.settings = settings, .errors = json_array(), .warnings = json_array()
	};
	struct walk walk = { .file = file, .tell = tell, .told = told };

	walk_subjects(&walk, rules);
	walk_directions(&walk, rules);
	walk_pipelines(&walk, rules);
	walk_finished(&walk, rules);
	walk_fields(&walk, rules);
	walk_tasks(&walk, rules);
	json_decref(file.errors);
	json_decref(file.warnings);
}
