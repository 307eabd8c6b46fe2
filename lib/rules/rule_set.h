#ifndef RULES_RULE_SET_H
#define RULES_RULE_SET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/condition.h"
#include "rules/extra_field.h"
#include "rules/rule_reader.h"

/*
 * The rules as they were read, in the order of the file.  A rule whose id is not set is not among
 * them.
 */
struct rule {
	int place;              /* In its list in the reader, from 0. */
	char *name;             /* NULL: it has none. */
	struct condition *when; /* NULL: always. */
};

struct direction_rule {
	struct rule rule;
	int64_t enum_id;
};

struct pipeline_rule {
	struct rule rule;
	int64_t pipeline_id;
	int64_t status_id; /* 0: the pipeline's first stage. */
};

struct exclusion_rule {
	struct rule rule;
	char *reason;
};

struct task_rule {
	struct rule rule;
	char *text; /* A template, see task_text.h. */
	int64_t type;
	int64_t due_s;
};

struct rules {
	json_t *subjects; /* Folded name -> enum id. */
	struct direction_rule *directions;
	size_t direction_count;
	bool rules_first; /* The order of the directions goes before the order of the courses. */
	struct pipeline_rule *pipelines;
	size_t pipeline_count;
	struct exclusion_rule *exclusions;
	size_t exclusion_count;
	struct task_rule *tasks;
	size_t task_count;
	struct extra_field **extras;
	size_t extra_count;
	json_t *excluded_stages; /* Ids. */
	char *lead_id_path;      /* NULL: webhooks name no lead. */
	json_t *warnings; /* What is allowed but hardly meant: array of {"path", "message"}. */
};

/* Read the whole file of rules; what is wrong is noted in reader->errors, and then the result is
 * only good for rule_set_free().  It takes a reference to reader->warnings. */
struct rules *rule_set_read(struct rule_reader *reader, const json_t *root);

void rule_set_free(struct rules *mapping); /* NULL is allowed. */

#endif
