#ifndef PAYMENT_JSON_READER_H
#define PAYMENT_JSON_READER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * Reading a JSON document that a stranger wrote: a strict parse, then typed look-ups that note
 * every mistake under its path and go on with a harmless value, so that one reading finds all of
 * them.
 */
struct json_reader {
	json_t *errors; /* Borrowed. */
	size_t errors_max;
};

/*
 * Where in the document a look-up happens.  object may be NULL: then nothing is found and nothing
 * more is said, since what should have held it has been reported already.
 */
struct json_place {
	json_t *object;
	const char *path;
};

enum json_need {
	JSON_OPTIONAL,  /* May be absent or null. */
	JSON_NOT_EMPTY, /* The same, but what is there must not be empty. */
	JSON_REQUIRED,  /* Must be there, but a text may be empty. */
	JSON_FILLED     /* Must be there and not be empty. */
};

/*
 * Parse bytes into a new tree; NULL, and a mistake noted, for anything but one JSON object or array
 * without duplicate keys, in UTF-8 and nested at most `depth` deep.
 */
json_t *json_reader_document(struct json_reader *reader, const void *bytes, size_t size, int depth);

/*
 * A text, trimmed in the tree itself so that it lives as long as the tree does; "" when it is
 * absent or a mistake.  One that may be absent may also be a number or a boolean, and becomes the
 * text which that shows, in the tree too: 123.0 is "123", 0.5 is "0.5".
 */
const char *json_reader_text(struct json_reader *reader, const struct json_place *place,
    const char *key, enum json_need need);

/* A time as clock_read() reads it; 0 when it is absent, empty, 0 or a mistake. */
int64_t json_reader_time(
    struct json_reader *reader, const struct json_place *place, const char *key);

/*
 * An amount in kopecks, not negative: an integer, a real with at most two decimals or a text as
 * money_read() reads it.
 */
int64_t json_reader_money(
    struct json_reader *reader, const struct json_place *place, const char *key);

/* Borrowed; NULL when it is absent or a mistake. */
json_t *json_reader_object(struct json_reader *reader, const struct json_place *place,
    const char *key, enum json_need need);
json_t *json_reader_array(struct json_reader *reader, const struct json_place *place,
    const char *key, size_t least, size_t most);

#endif
