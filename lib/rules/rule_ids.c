/*
 * Walks the document, not struct rules: that has lost the names of settings, the places in the file
 * and the rules whose ids are not set, which are what an operator wants to be told.
 */
#include <stdio.h>
#include <string.h>

#include "base/validation.h"
#include "rules/rule_ids.h"
#include "rules/rule_reader.h"

struct id_walk {
	struct rule_reader file;
	void (*callback)(void *, const struct rule_id *);
	void *cookie;
};

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* Report one id, resolved; returns it, 0 where its setting is not set. */
static int64_t
report(struct id_walk *walk, struct rule_id one, const json_t *value, const char *path)
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
	walk->callback(walk->cookie, &one);
	return one.id;
}

static void
walk_subjects(struct id_walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH];
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(rules, "subjects"), name, value)
		if (strcmp(name, "$comment") != 0)
			report(walk, (struct rule_id){ .role = RULE_SUBJECT, .name = name }, value,
			    validation_key(path, "subjects", name));
}

static void
walk_directions(struct id_walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH], place[VALIDATION_PATH];
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(rules, "directions"), i, rule) {
		struct rule_id one = { .role = RULE_DIRECTION,
			.name = text_of(json_object_get(rule, "when"), "equals") };

		validation_key(path, validation_index(place, "directions", i), "enum");
		report(walk, one, json_object_get(rule, "enum"), path);
	}
}

static void
walk_pipelines(struct id_walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH], place[VALIDATION_PATH];
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(rules, "pipelines"), i, rule) {
		struct rule_id one = { .role = RULE_PIPELINE, .name = text_of(rule, "name") };

		validation_key(path, validation_index(place, "pipelines", i), "pipeline");
		one.within = report(walk, one, json_object_get(rule, "pipeline"), path);
		one.role = RULE_STAGE;
		report(walk, one, json_object_get(rule, "status"),
		    validation_key(path, place, "status"));
	}
}

static void
walk_finished(struct id_walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH];
	const json_t *stage;
	size_t i;

	json_array_foreach(json_object_get(rules, "excluded_stages"), i, stage)
		report(walk, (struct rule_id){ .role = RULE_FINISHED, .name = "" }, stage,
		    validation_index(path, "excluded_stages", i));
}

static void
walk_options(struct id_walk *walk, const json_t *rule, int64_t field, const char *place)
{
	char map[VALIDATION_PATH], path[VALIDATION_PATH];
	const char *name;
	json_t *value;

	validation_key(map, place, "map");
	json_object_foreach(json_object_get(rule, "map"), name, value)
		if (strcmp(name, "$comment") != 0)
			report(walk,
			    (struct rule_id){ .role = RULE_OPTION, .name = name, .within = field },
			    value, validation_key(path, map, name));
	report(walk, (struct rule_id){ .role = RULE_OPTION, .name = "", .within = field },
	    json_object_get(rule, "value"), validation_key(path, place, "value"));
}

static void
walk_fields(struct id_walk *walk, const json_t *rules)
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
		field = report(walk, one, json_object_get(rule, "field"), path);
		if (strcmp(one.type, "enum") == 0)
			walk_options(walk, rule, field, place);
	}
}

static void
walk_tasks(struct id_walk *walk, const json_t *rules)
{
	char path[VALIDATION_PATH], place[VALIDATION_PATH];
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(rules, "tasks"), i, rule)
		report(walk, (struct rule_id){ .role = RULE_TASK, .name = "" },
		    json_object_get(rule, "type"),
		    validation_key(path, validation_index(place, "tasks", i), "type"));
}

void
rule_ids(const struct settings *settings, const json_t *rules,
    void (*callback)(void *cookie, const struct rule_id *id), void *cookie)
{
	/* rules_load() has reported what is wrong with the rules; here errors are dropped. */
	struct rule_reader file = {
		.settings = settings, .errors = json_array(), .warnings = json_array()
	};
	struct id_walk walk = { .file = file, .callback = callback, .cookie = cookie };

	walk_subjects(&walk, rules);
	walk_directions(&walk, rules);
	walk_pipelines(&walk, rules);
	walk_finished(&walk, rules);
	walk_fields(&walk, rules);
	walk_tasks(&walk, rules);
	json_decref(file.errors);
	json_decref(file.warnings);
}
