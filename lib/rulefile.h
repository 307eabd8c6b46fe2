#ifndef RULEFILE_H
#define RULEFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

/*
 * Reading the file of rules: typed look-ups that resolve "${NAME}" and note every mistake under its path.
 */
struct rulefile {
	const struct settings *settings;
	json_t *mistakes;
};

#define RULEFILE_MISTAKES_MAX 200

void rulefile_mistake(struct rulefile *file, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Note every key of the object that is not in the list, which ends with NULL: a misspelt key would silently do nothing.
 * "comment" is allowed everywhere.  False, and noted, when it is no object. */
bool rulefile_keys(struct rulefile *file, const json_t *object, const char *path, const char *const known[]);

/* The array under that key; NULL when it is absent or, which is noted, something else. */
json_t *rulefile_array(struct rulefile *file, const json_t *object, const char *path, const char *key);

/* The text under that key, not empty; NULL, and noted, otherwise. */
const char *rulefile_text(struct rulefile *file, const json_t *object, const char *path, const char *key);

/* A positive id, or "${NAME}" of a setting that holds one; 0 when that setting is not set, or when noted as wrong. */
int64_t rulefile_id(struct rulefile *file, const json_t *value, const char *path);

/*
 * A new array of folded texts out of a plain value or an array of them, where "${NAME}" stands for the setting's
 * comma-separated list.  It is empty when that setting is not set.
 */
json_t *rulefile_words(struct rulefile *file, const json_t *value, const char *path);

#endif
