#ifndef AMOCRM_REFUSAL_H
#define AMOCRM_REFUSAL_H

#include <jansson.h>
#include <stdbool.h>

/*
 * What amoCRM means by a refusal, mostly a 400.
 *
 * It refuses a whole request for one bad field and names it by its index in the request:
 * {"validation-errors": [{"request_id", "errors": [{"code", "path":
 * "custom_fields_values.3.field_id", "detail"}]}]}.
 */

/*
 * Take every custom field that the answer complains of out of the entity that was sent, and the
 * stage, the pipeline and the responsible user (for which amoCRM has a default); of a field
 * with several values only the value complained of, as long as others are left.  The id (integer),
 * code or name (string) of each field touched is appended to `dropped` unless it is there already.
 * `entity` and `dropped` stay the caller's and are changed in place; `answer` (NULL: no JSON came)
 * is only read.
 *
 * True when something was taken out and nothing else was complained of: send the rest again.  False
 * when the answer complains of anything else as well, of nothing, of a field that was not sent, or
 * of too many to tell: then sending the rest would not help, and what was taken out until then does
 * not matter.
 */
bool refusal_drop_fields(const json_t *answer, json_t *entity, json_t *dropped);

/*
 * Whether the answer to a refusal with this status is amoCRM's own: a gateway, or whoever has the
 * address now, gives another shape or no JSON at all.
 */
bool refusal_is_amocrm(const json_t *answer, int status);

/*
 * For the log: "NotSupportedChoice at custom_fields_values.0.field_id, ..", codes and paths, never
 * values; "" when it names none.  What is more than fits into `size` is cut off.
 */
void refusal_describe(const json_t *answer, char *text, size_t size);

#endif
