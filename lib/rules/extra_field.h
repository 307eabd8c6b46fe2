#ifndef RULES_EXTRA_FIELD_H
#define RULES_EXTRA_FIELD_H

#include <jansson.h>

#include "rules/condition.h"
#include "rules/rule_reader.h"

/*
 * Further lead fields, taken from any path of the webhook.  A rule is
 *
 * 	{"field": ID, "path": P, "type": T, "map": {...}, "when": {...}}
 * 	{"field": ID, "value": V, "type": T, "when": {...}}
 *
 * where T says what amoCRM's field is: text (several values are joined), number, date (also date
 * and time), checkbox, or enum (select, radio button, multiselect).  "map" turns the webhook's
 * value, compared without case, into a text, or for enum, where it is required, into an enum id; a
 * value that is not in it is not written.  V is written as it stands, whatever the webhook says, if
 * "when" holds; for enum it is an enum id. When several rules name one field, the first that finds
 * a value writes it.
 */
struct extra_field;

/* NULL when the rule does not exist, be it that its field's id is not set or that it is wrong,
 * which is noted. */
struct extra_field *extra_field_read(
    struct rule_reader *reader, const json_t *json, const char *path);
void extra_field_free(struct extra_field *extra); /* NULL is allowed. */

/* Append {"field_id": id, "values": [...]} to fields, if there is a value and the field is not
 * there already. */
void extra_field_write(
    const struct extra_field *extra, const struct condition_subject *subject, json_t *fields);

#endif
