#ifndef AMOCRM_SHAPE_H
#define AMOCRM_SHAPE_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Whether an entity out of the list of that name ("contacts", "leads", "notes", "tasks",
 * "pipelines", "custom_fields") has the shape that we know, as far as we read it: its id, what is
 * linked to it, its fields.  What has another one must not be taken for an entity without them.
 */
bool shape_known(const char *name, const json_t *entity);

#endif
