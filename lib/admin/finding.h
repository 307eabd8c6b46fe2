#ifndef ADMIN_FINDING_H
#define ADMIN_FINDING_H

#include <jansson.h>
#include <stdint.h>

/*
 * What a comparison of the settings with the account comes to: an array of {"state", "setting",
 * "id", "message"}.
 *
 * `setting` is the variable that gives the id, or its place in the rules; `id` is null where it
 * gives none (0); the message says what is there, what is wrong, and what may be meant.  States:
 *
 * 	ok      it is there.
 * 	unset   the setting is not set, and so something is not written.
 * 	odd     it would work, but something else is probably meant: ids are swapped, say.
 * 	wrong   amoCRM would refuse it, or what we write would be nonsense.
 *
 * finding_add() appends one to `findings`, which stays the caller's; all texts are copied.
 */
void finding_add(json_t *findings, const char *state, const char *setting, int64_t id,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The state, setting or message of one, by this key: borrowed from it; NULL for any other key. */
const char *finding_text(const json_t *finding, const char *key);

#endif
