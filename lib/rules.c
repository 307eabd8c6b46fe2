#include <stdlib.h>
#include <string.h>

#include "mistakes.h"
#include "rules.h"
#include "text.h"

/* Room for as many rules as the array has; all begin as zeros. */
static void *
make_room(const json_t *array, size_t size)
{
	void *room = calloc(json_array_size(array) + 1, size);

	if (room == NULL)
		abort();
	return room;
}

static struct condition *
read_when(struct rulefile *file, const json_t *rule, const char *path)
{
	char key_path[MISTAKE_PATH];

	return condition_read(file, json_object_get(rule, "when"), mistakes_key(key_path, path, "when"));
}

static int64_t
read_id(struct rulefile *file, const json_t *rule, const char *path, const char *key)
{
	char key_path[MISTAKE_PATH];

	return rulefile_id(file, json_object_get(rule, key), mistakes_key(key_path, path, key));
}

static char *
fold_trimmed(const char *text)
{
	size_t length;
	const char *begin = text_trim(text, &length);
	char *trimmed = text_copy(begin, length), *folded = text_fold(trimmed);

	free(trimmed);
	return folded;
}

static void
read_subjects(struct rulefile *file, const json_t *root, struct mapping *mapping)
{
	json_t *subjects = json_object_get(root, "subjects"), *value;
	char path[MISTAKE_PATH];
	const char *name;

	mapping->subjects = json_object();
	if (subjects != NULL && !json_is_object(subjects))
		rulefile_mistake(file, "subjects", "This must be an object.");
	json_object_foreach(subjects, name, value) {
		char *folded = fold_trimmed(name);
		int64_t id = rulefile_id(file, value, mistakes_key(path, "subjects", name));

		if (json_object_get(mapping->subjects, folded) != NULL)
			rulefile_mistake(file, path, "This subject occurs twice.");
		else if (id != 0 && json_object_set_new(mapping->subjects, folded, json_integer(id)) != 0)
			abort();
		free(folded);
	}
}

static void
read_directions(struct rulefile *file, const json_t *root, struct mapping *mapping)
{
	static const char *const known[] = { "when", "enum", NULL };
	json_t *rules = rulefile_array(file, root, "", "directions"), *rule;
	char path[MISTAKE_PATH];
	size_t i;

	mapping->directions = make_room(rules, sizeof(struct direction));
	json_array_foreach(rules, i, rule) {
		struct direction *new = &mapping->directions[mapping->direction_count];

		if (!rulefile_keys(file, rule, mistakes_index(path, "directions", i), known))
			continue;
		new->when = read_when(file, rule, path);
		new->enum_id = read_id(file, rule, path, "enum");
		if (new->enum_id != 0)
			mapping->direction_count++;
		else
			condition_free(new->when);
	}
}

static void
read_pipelines(struct rulefile *file, const json_t *root, struct mapping *mapping)
{
	static const char *const known[] = { "name", "when", "pipeline", "status", NULL };
	json_t *rules = rulefile_array(file, root, "", "pipelines"), *rule;
	char path[MISTAKE_PATH];
	size_t i;

	mapping->pipelines = make_room(rules, sizeof(struct pipeline));
	json_array_foreach(rules, i, rule) {
		struct pipeline *new = &mapping->pipelines[mapping->pipeline_count];
		bool always = json_object_get(rule, "when") == NULL;

		/* The place may hold what is left of a rule that does not exist. */
		memset(new, 0, sizeof(*new));
		if (!rulefile_keys(file, rule, mistakes_index(path, "pipelines", i), known))
			continue;
		if (always && i + 1 < json_array_size(rules))
			rulefile_mistake(file, path,
			    "Only the last rule may be without when: those behind it never apply.");
		new->when = always ? NULL : read_when(file, rule, path);
		new->pipeline_id = read_id(file, rule, path, "pipeline");
		if (json_object_get(rule, "status") != NULL)
			new->status_id = read_id(file, rule, path, "status");
		if (new->pipeline_id != 0)
			mapping->pipeline_count++;
		else
			condition_free(new->when);
	}
}

static void
read_excluded_stages(struct rulefile *file, const json_t *root, struct mapping *mapping)
{
	json_t *stages = rulefile_array(file, root, "", "excluded_stages"), *stage;
	char path[MISTAKE_PATH];
	size_t i;

	mapping->excluded_stages = json_array();
	json_array_foreach(stages, i, stage) {
		int64_t id = rulefile_id(file, stage, mistakes_index(path, "excluded_stages", i));

		if (id != 0 && json_array_append_new(mapping->excluded_stages, json_integer(id)) != 0)
			abort();
	}
}

static void
read_exclusions(struct rulefile *file, const json_t *root, struct mapping *mapping)
{
	static const char *const known[] = { "when", "reason", NULL };
	json_t *rules = rulefile_array(file, root, "", "exclude"), *rule;
	char path[MISTAKE_PATH];
	size_t i;

	mapping->exclusions = make_room(rules, sizeof(struct exclusion));
	json_array_foreach(rules, i, rule) {
		struct exclusion *new = &mapping->exclusions[mapping->exclusion_count];
		const char *reason;

		if (!rulefile_keys(file, rule, mistakes_index(path, "exclude", i), known))
			continue;
		new->when = read_when(file, rule, path);
		reason = rulefile_text(file, rule, path, "reason");
		if (reason != NULL)
			new->reason = text_copy(reason, strlen(reason));
		mapping->exclusion_count++;
	}
}

static void
read_extras(struct rulefile *file, const json_t *root, struct mapping *mapping)
{
	json_t *rules = rulefile_array(file, root, "", "fields"), *rule;
	char path[MISTAKE_PATH];
	size_t i;

	mapping->extras = make_room(rules, sizeof(struct extra *));
	json_array_foreach(rules, i, rule) {
		struct extra *new = extra_read(file, rule, mistakes_index(path, "fields", i));

		if (new != NULL)
			mapping->extras[mapping->extra_count++] = new;
	}
}

struct mapping *
rules_read(struct rulefile *file, const json_t *root)
{
	static const char *const known[] = { "$schema", "version", "subjects", "directions", "pipelines",
		"excluded_stages", "exclude", "fields", NULL };
	struct mapping *new = calloc(1, sizeof(*new));

	if (new == NULL)
		abort();
	if (!rulefile_keys(file, root, "", known))
		return new;
	if (json_integer_value(json_object_get(root, "version")) != 1)
		rulefile_mistake(file, "version", "This must be 1.");
	read_subjects(file, root, new);
	read_directions(file, root, new);
	read_pipelines(file, root, new);
	read_excluded_stages(file, root, new);
	read_exclusions(file, root, new);
	read_extras(file, root, new);
	return new;
}

void
rules_free(struct mapping *mapping)
{
	if (mapping == NULL)
		return;
	for (size_t i = 0; i < mapping->direction_count; i++)
		condition_free(mapping->directions[i].when);
	for (size_t i = 0; i < mapping->pipeline_count; i++)
		condition_free(mapping->pipelines[i].when);
	for (size_t i = 0; i < mapping->exclusion_count; i++) {
		condition_free(mapping->exclusions[i].when);
		free(mapping->exclusions[i].reason);
	}
	for (size_t i = 0; i < mapping->extra_count; i++)
		extra_free(mapping->extras[i]);
	json_decref(mapping->subjects);
	json_decref(mapping->excluded_stages);
	free(mapping->directions);
	free(mapping->pipelines);
	free(mapping->exclusions);
	free(mapping->extras);
	free(mapping);
}
