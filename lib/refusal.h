#ifndef REFUSAL_H
#define REFUSAL_H

#include <jansson.h>
#include <stdbool.h>

/*
 * What amoCRM means by a 400.
 *
 * It refuses a whole request for one bad field and names it by its index in the request:
 * {"validation-errors": [{"request_id", "errors": [{"code", "path": "custom_fields_values.3.field_id", "detail"}]}]}.
 */

/*
 * Take every custom field that the answer complains of out of the entity that was sent; of a field with several values
 * only the value complained of, as long as others are left.  The id (integer) or code (string) of each field touched is
 * appended to `dropped` unless it is there already.  False when the answer complains of anything else as well, or of
 * nothing we can take out: then sending the rest would not help.
 */
bool refusal_drop_fields(const json_t *answer, json_t *entity, json_t *dropped);

/* A sentence for the log: codes and paths, never values. */
void refusal_describe(const json_t *answer, char *text, size_t size);

#endif
