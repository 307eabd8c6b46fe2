#ifndef DELIVER_LEAD_STORY_H
#define DELIVER_LEAD_STORY_H

#include <jansson.h>

#include "config/settings.h"

/*
 * What a request writes into a lead, told for people: "total_paid 1000 -> 8490.5, purchase_count 1
 * -> 2".  `lead` is what stands there, NULL for a new one.  Fields are called by their settings.
 * Values are told of those that we compute, and the payment's id; not of what was passed on as it
 * came, which may be anybody's.  A new string, which the caller frees.
 */
char *lead_story(const struct settings *settings, const json_t *lead, const json_t *request);

#endif
