#ifndef MAPPING_H
#define MAPPING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "payment.h"
#include "settings.h"

/*
 * The business's rules as data: which words become which ids in amoCRM.
 *
 * One JSON file, described by lib/mapping.schema.json; lib/mapping.json is the one built in.  A string "${NAME}" stands
 * for the setting or variable of that name; a rule whose id is not set simply does not exist.  Conditions look at the
 * webhook by path ("course_order.utm.source", for items "course.subject.project") and compare without regard to case.
 */
struct mapping;

/* Read the rules that came with the settings, else the built-in ones.
 * DONE: *mapping is new.  NEVER: *mistakes is a new JSON array of {"path", "message"}; why has the first. */
enum outcome mapping_load(
    const struct settings *settings, struct mapping **mapping, json_t **mistakes, struct fault *why) MUST_USE;

void mapping_free(struct mapping *mapping);

/* The reason, in English, why this payment is to be skipped, borrowed from the mapping; NULL when it is to be carried. */
const char *mapping_exclusion(const struct mapping *mapping, const struct payment *paid);

/* The enum ids of the payment's subjects, each once, in the payment's order: a new JSON array of integers.  Names that
 * no rule knows are appended, each once, to the array `unmapped`. */
json_t *mapping_subjects(const struct mapping *mapping, const struct payment *paid, json_t *unmapped);

/* The enum id of the course's direction: that of the first item for which a rule holds; 0 when there is none. */
int64_t mapping_direction(const struct mapping *mapping, const struct payment *paid);

/* Where a new lead goes.  Zeros when no rule holds: then amoCRM's own default applies. */
struct stage {
	int64_t pipeline_id;
	int64_t status_id;
};
struct stage mapping_stage(const struct mapping *mapping, const struct payment *paid);

/* Whether a lead in this stage is finished business, to which no payment is added. */
bool mapping_stage_excluded(const struct mapping *mapping, int64_t status_id);

/* Further lead fields taken from the payload: a new JSON array of {"field_id": id, "values": [...]}. */
json_t *mapping_extra_fields(const struct mapping *mapping, const struct payment *paid);

#endif
