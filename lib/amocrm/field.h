#ifndef AMOCRM_FIELD_H
#define AMOCRM_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * amoCRM's custom_fields_values: reading them from an entity and building them for a request.
 *
 * The forms are those of the API's v4: an item is {"field_id" or "field_code", "values": [{"value",
 * "enum_id", ...}]}; numbers come back as strings, and an entity without filled fields has null
 * instead of a list.
 */

/*
 * amoCRM refuses a text field above 256 characters over the API, though its own pages accept more.
 */
#define FIELD_TEXT_MAX 256

/* The item of a field, borrowed; NULL when the entity does not have it filled. */
const json_t *field_by_id(const json_t *entity, int64_t id);
const json_t *field_by_code(const json_t *entity, const char *code);

/*
 * The i-th value of an item as text (a number is written out into `room`), or NULL past the last.
 */
#define FIELD_ROOM 32
const char *field_value(const json_t *item, size_t i, char room[static FIELD_ROOM]);

/* The i-th value's enum_id, 0 past the last. */
int64_t field_enum(const json_t *item, size_t i);

/*
 * Whether what an entity says of this field can be taken at its word, be it that nothing stands
 * there: the entity has a list of fields or null, and the field's values are texts, numbers, null
 * or options.  Whatever comes in another form is unknown, which is neither empty nor absent.
 */
bool field_is_readable(const json_t *entity, int64_t id);

/* Values of the first kind in the way the service needs them.  Empty or absent: the number 0.
 * False when something stands there that is not such a number, or is not readable. */
bool field_money(const json_t *entity, int64_t id, int64_t *kopecks);
bool field_integer(const json_t *entity, int64_t id, int64_t *value);

/* Append to a list of fields.  An id of 0, an empty text or an enum of 0 append nothing. */
void field_add_text(json_t *fields, int64_t id, const char *text);
void field_add_money(json_t *fields, int64_t id, int64_t kopecks);
void field_add_integer(json_t *fields, int64_t id, int64_t value);
void field_add_time(json_t *fields, int64_t id, int64_t unix_seconds);
void field_add_enum(json_t *fields, int64_t id, int64_t enum_id);
void field_add_enums(json_t *fields, int64_t id, const json_t *enum_ids);
void field_add_code(json_t *fields, const char *code, const char *text); /* tracking data */
void field_add_contact(
    json_t *fields, const char *code, const char *text); /* PHONE, EMAIL: of the kind WORK */

/* Cut to at most `characters` whole UTF-8 characters: a new JSON string. */
json_t *field_cut(const char *text, size_t characters);

#endif
