/*
 * Objects keyed by a decimal id, and arrays of objects that have an "id".
 */
#include <inttypes.h>
#include <stdio.h>

#include "account.h"

struct key {
	char text[24];
};

static struct key
key_of(int64_t id)
{
	struct key key;

	snprintf(key.text, sizeof(key.text), "%" PRId64, id);
	return key;
}

json_t *
keyed_get(const json_t *object, int64_t id)
{
	return json_object_get(object, key_of(id).text);
}

void
keyed_set_new(json_t *object, int64_t id, json_t *value)
{
	json_object_set_new(object, key_of(id).text, value);
}

void
keyed_delete(json_t *object, int64_t id)
{
	json_object_del(object, key_of(id).text);
}

json_t *
listed_get(const json_t *array, int64_t id)
{
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		if (entity_id(item) == id)
			return item;
	}
	return NULL;
}

int64_t
entity_integer(const json_t *entity, const char *key)
{
	return json_integer_value(json_object_get(entity, key));
}

int64_t
entity_id(const json_t *entity)
{
	return entity_integer(entity, "id");
}

bool
entity_deleted(const json_t *entity)
{
	return json_is_true(json_object_get(entity, "is_deleted"));
}
