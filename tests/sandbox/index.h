/*
 * What `query` can see: one search document per entity, which lags behind the entity by a settable time.
 *
 * Reading an entity by id is never late; only searching is.
 */
#ifndef SANDBOX_INDEX_H
#define SANDBOX_INDEX_H

#include <stdint.h>

struct index;

struct index *index_new(void);
void index_free(struct index *index);

/* From due_ns on, this document (copied) stands for the entity; until then the one before it does. */
void index_put(
    struct index *index, const char *kind, int64_t id, const char *document, int64_t due_ns);

/* The entity is gone, at once. */
void index_drop(struct index *index, const char *kind, int64_t id);

/* The document visible now, borrowed until the next call on the index; NULL if there is none yet. */
const char *index_visible(struct index *index, const char *kind, int64_t id, int64_t now_ns);

#endif
