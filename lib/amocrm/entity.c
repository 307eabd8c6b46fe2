/*
 * Nothing is checked here: what a caller reads of an answer that has another shape is 0 or NULL,
 * and the caller knows whether that may be.
 */
#include "amocrm/entity.h"

json_int_t
entity_number(const json_t *entity, const char *key)
{
	return json_integer_value(json_object_get(entity, key));
}

json_int_t
entity_id(const json_t *entity)
{
	return entity_number(entity, "id");
}

json_t *
entity_embedded(const json_t *entity, const char *name)
{
	return json_object_get(json_object_get(entity, "_embedded"), name);
}
