#ifndef BASE_VALIDATION_H
#define BASE_VALIDATION_H

#include <jansson.h>
#include <stddef.h>

/*
 * What is wrong with a JSON document, all of it: an array of {"path", "message"}.  A path is like
 * a.b[0].c, and "" stands for the document as a whole.
 */

#define VALIDATION_PATH 256

/* Append one mistake; beyond `most` entries it is dropped. */
void validation_add(json_t *errors, size_t most, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Write path.key, or path[index], into out and return it.  A path that does not fit is cut. */
const char *validation_key(char out[static VALIDATION_PATH], const char *path, const char *key);
const char *validation_index(char out[static VALIDATION_PATH], const char *path, size_t index);

#endif
