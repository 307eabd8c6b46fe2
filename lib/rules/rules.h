#ifndef RULES_RULES_H
#define RULES_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "config/settings.h"
#include "payment/payment.h"

/*
 * The business's rules as data: which words become which ids in amoCRM.
 *
 * One JSON file, described by lib/rules/mapping.schema.json; lib/rules/mapping.json is the one
 * built in, and a file that says "extends": "builtin" takes over its parts where it has none of its
 * own.  A string "${NAME}" stands for the setting or variable of that name; a rule whose id is not
 * set simply does not exist.  Conditions look at the webhook by path ("course_order.utm.source",
 * for items "course.subject.project") and compare without regard to case.
 */
struct rules;

/* Read the rules that came with the settings, else the built-in ones. DONE: *mapping is new. 
 * NEVER: *errors is a new JSON array of {"path", "message"}; why has the first. */
enum outcome rules_load(const struct settings *settings, struct rules **mapping, json_t **errors,
    struct fault *why) MUST_USE;

/* The rules as rules_load() reads them, before they are understood: a new reference; NULL when they
 * are not JSON. */
json_t *rules_document(const struct settings *settings);

void rules_free(struct rules *mapping); /* NULL is allowed. */

/* What is allowed but hardly meant, such as a misspelt ${NAME}: an array of {"path", "message"},
 * borrowed. */
const json_t *rules_warnings(const struct rules *mapping);

/* The reason, in English, why this payment is to be skipped, borrowed from the mapping; NULL when
 * it is to be carried. */
const char *rules_exclusion(const struct rules *mapping, const struct payment *paid);

/* The enum ids of the payment's subjects, each once, in the payment's order: a new JSON array of
 * integers.  Names that no rule knows are appended, each once, to the array `unmapped`. */
json_t *rules_subjects(const struct rules *mapping, const struct payment *paid, json_t *unmapped);

/* Which rule of a list decided. */
struct ruling {
	int rule;         /* Its place in the file's list, from 0; -1: none held. */
	const char *name; /* What the file calls it, borrowed; NULL: nothing. */
};

/*
 * The course's direction; the id is 0 when no rule holds.  It is that of the first item for which
 * any rule holds or, where "direction_priority" says "rules", that of the first rule that holds for
 * any item.
 */
struct direction {
	int64_t enum_id;
	struct ruling by;
};
struct direction rules_direction(const struct rules *mapping, const struct payment *paid);

/* Where a new lead goes.  Zeros when no rule holds: then amoCRM's own default applies. */
struct stage {
	int64_t pipeline_id;
	int64_t status_id;
	struct ruling by;
};
struct stage rules_stage(const struct rules *mapping, const struct payment *paid);

/* Whether a lead in this stage is finished business, to which no payment is added. */
bool rules_stage_excluded(const struct rules *mapping, int64_t status_id);

/* Further lead fields taken from the payload: a new JSON array of {"field_id": id, "values":
 * [...]}. */
json_t *rules_extra_fields(const struct rules *mapping, const struct payment *paid);

/* The lead that the webhook itself names, where the rules say where to look; 0 when it names none. 
 * Whether there is such a lead, only amoCRM knows. */
int64_t rules_lead_id(const struct rules *mapping, const struct payment *paid);

/* A task for the manager who is responsible for an existing lead to which this payment was added at
 * `now` (Unix seconds). */
struct task {
	char *text;   /* The caller's to free(3).  note_is_for() finds the payment in it. */
	int64_t type; /* amoCRM's task_type_id. */
	int64_t due;  /* Unix seconds. */
	struct ruling by;
};

/* False, with *task untouched, when no rule asks for one. */
bool rules_task(const struct rules *mapping, const struct payment *paid, int64_t now,
    struct task *task) MUST_USE;

#endif
