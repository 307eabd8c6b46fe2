#ifndef RULES_RULE_IDS_H
#define RULES_RULE_IDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"

/*
 * Every id of amoCRM's that the rules name, as they stand in the file: where, what it is the id of,
 * what the rules call it.  For comparing them with the account; to apply the rules, use rules.h.
 */
enum rule_role {
	RULE_SUBJECT,   /* An option of the subjects' field. */
	RULE_DIRECTION, /* An option of the direction's field. */
	RULE_PIPELINE,
	RULE_STAGE,    /* Of that pipeline. */
	RULE_FINISHED, /* A stage of any pipeline. */
	RULE_FIELD,    /* A further field of leads. */
	RULE_OPTION,   /* Of that field. */
	RULE_TASK      /* A type of task. */
};

struct rule_id {
	enum rule_role role;
	const char *label; /* The setting that gives the id, or its place in the rules. */
	bool is_setting;
	const char *name; /* What the rules call it; "" where they do not. */
	const char *type; /* RULE_FIELD: what the rules write into it: "text", "number", ... */
	int64_t id;       /* 0: the setting is not set. */
	int64_t within;   /* RULE_STAGE: the pipeline.  RULE_OPTION: the field. */
};

/* Call back for each in the order of the file; its texts live as long as that call.  What does not
 * follow the schema is passed over. */
void rule_ids(const struct settings *settings, const json_t *rules,
    void (*callback)(void *cookie, const struct rule_id *id), void *cookie);

#endif
