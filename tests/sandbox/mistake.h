/*
 * The mistakes of one entity in a request, in amoCRM's words: an array of {code, path, detail}.
 *
 * Paths are dots and indexes into the caller's own request ("custom_fields_values.0.field_id").
 */
#ifndef SANDBOX_MISTAKE_H
#define SANDBOX_MISTAKE_H

#include <jansson.h>

/* A choice that does not exist: field, option, stage, user, linked entity. */
void mistake_choice(json_t *mistakes, const char *path, ...) __attribute__((format(printf, 2, 3)));

/* A value of another JSON type than `type`. */
void mistake_type(json_t *mistakes, const char *type, const char *path, ...)
    __attribute__((format(printf, 3, 4)));

/* A key that has to be there. */
void mistake_missing(json_t *mistakes, const char *path, ...) __attribute__((format(printf, 2, 3)));

/* A key that may not be there. */
void mistake_unexpected(json_t *mistakes, const char *path, ...)
    __attribute__((format(printf, 2, 3)));

/* A text over `limit` characters. */
void mistake_too_long(json_t *mistakes, int limit, const char *path, ...)
    __attribute__((format(printf, 3, 4)));

/* The text is not an absolute URL. */
void mistake_url(json_t *mistakes, const char *path, ...) __attribute__((format(printf, 2, 3)));

#endif
