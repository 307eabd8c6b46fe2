#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/source.h"

/*
 * A setting's text turned into what it means.  A text that has no meaning is an error under the
 * variable's name, and the result is then 0 or false.
 */

/* JSON numbers above this lose digits in JavaScript; an id beyond it is a slip of the hand. */
#define VALUE_ID_MAX INT64_C(9007199254740991)

/* One of a list that ends with a NULL name; case does not matter. */
struct choice {
	const char *name;
	int64_t value;
};

int64_t value_choice(const struct source *source, const char *name, const char *value,
    const struct choice *choices, const char *expected);

/* True, False, 1, 0, yes, no, on or off. */
bool value_flag(const struct source *source, const char *name, const char *value);

/* Digits alone.  With most == VALUE_ID_MAX the warning speaks of an id. */
int64_t value_number(
    const struct source *source, const char *name, const char *value, int64_t least, int64_t most);

#endif
