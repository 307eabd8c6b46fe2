#ifndef AMOCRM_ENTITY_H
#define AMOCRM_ENTITY_H

#include <jansson.h>

/*
 * What every entity has as the API gives it: numbers under their keys, and lists of linked entities
 * under "_embedded".  What is returned is borrowed.  NULL may be given for an entity, and has none
 * of it.
 */

/* 0 when it has no such number. */
json_int_t entity_number(const json_t *entity, const char *key);
json_int_t entity_id(const json_t *entity);

/* The list of that name: of a contact its "leads", of an answer what was asked for; NULL: none. */
json_t *entity_embedded(const json_t *entity, const char *name);

#endif
