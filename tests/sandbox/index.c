#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "index.h"
#include "text.h"

/*
 * An object keyed "kind/id"; each value is an array of {due, text} in the order of writing.  The first item is the
 * visible document once it is due; later items wait.
 */
struct index {
	json_t *documents;
};

struct index *
index_new(void)
{
	struct index *index = must(calloc(1, sizeof(*index)));

	index->documents = must(json_object());
	return index;
}

void
index_free(struct index *index)
{
	if (index == NULL)
		return;
	json_decref(index->documents);
	free(index);
}

void
index_put(struct index *index, const char *kind, int64_t id, const char *document, int64_t due_ns)
{
	char *key = text_format("%s/%" PRId64, kind, id);
	json_t *versions = json_object_get(index->documents, key);

	if (versions == NULL) {
		versions = json_array();
		json_object_set_new(index->documents, key, versions);
	}
	json_array_append_new(
	    versions, json_pack("{s:I, s:s}", "due", (json_int_t)due_ns, "text", document));
	free(key);
}

void
index_drop(struct index *index, const char *kind, int64_t id)
{
	char *key = text_format("%s/%" PRId64, kind, id);

	json_object_del(index->documents, key);
	free(key);
}

static int64_t
version_due(const json_t *versions, size_t at)
{
	return json_integer_value(json_object_get(json_array_get(versions, at), "due"));
}

const char *
index_visible(struct index *index, const char *kind, int64_t id, int64_t now_ns)
{
	char *key = text_format("%s/%" PRId64, kind, id);
	json_t *versions = json_object_get(index->documents, key);

	free(key);

	/* Forget what a newer version that is due has replaced. */
	while (json_array_size(versions) > 1 && version_due(versions, 1) <= now_ns)
		json_array_remove(versions, 0);

	if (json_array_size(versions) == 0 || version_due(versions, 0) > now_ns)
		return NULL;

	return json_string_value(json_object_get(json_array_get(versions, 0), "text"));
}
