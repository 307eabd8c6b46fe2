#ifndef RULES_CONDITION_H
#define RULES_CONDITION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/rule_reader.h"

/*
 * The "when" of a rule.  One of
 *
 * 	{"all": [...]}  {"any": [...]}  {"not": {...}}
 * 	{"path": P, TEST: V}    TEST is equals, not_equals, contains, begins_with or ends_with; V is one plain value or
 * 	                        several, of which one must fit; "every": true asks it of every place the path leads to.
 * 	                        not_equals is the contrary of equals: with [], that no place has one of the values.
 * 	{"path": P, "exists": true}
 * 	{"amount": {"equals": 0}}, or "below" or "above", in roubles
 *
 * Texts are compared trimmed and without regard to case.  A test against the list of a setting that
 * is not set does not hold, whichever test it is.
 */
struct condition;

/* What a condition is asked about. */
struct condition_subject {
	const json_t *root; /* The webhook. */
	/* The item where paths begin that do not begin with course_order; NULL: at the root. */
	const json_t *item;
	int64_t amount; /* Kopecks. */
};

/* NULL, and everything wrong with it noted, when it is not a condition. */
struct condition *condition_read(struct rule_reader *reader, const json_t *json, const char *path);

void condition_free(struct condition *condition); /* NULL is allowed. */

/* NULL, the condition of a rule without one, holds always. */
bool condition_holds(const struct condition *condition, const struct condition_subject *subject);

/* Where the path begins: at the item, or at the root of the webhook.  Borrowed. */
const json_t *condition_origin(const struct condition_subject *subject, const char *path);

#endif
