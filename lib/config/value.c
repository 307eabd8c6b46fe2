/*
 * Turns a setting's text into a flag, a number or one of several words.  A wrong text becomes an
 * error and the value 0: the caller goes on and finds the other errors too.
 */
#include <strings.h>

#include "base/number.h"
#include "config/value.h"

int64_t
value_choice(const struct source *source, const char *name, const char *value,
    const struct choice *choices, const char *expected)
{
	for (const struct choice *choice = choices; choice->name != NULL; choice++)
		if (strcasecmp(choice->name, value) == 0)
			return choice->value;
	source_warn(source, "%s must be %s", name, expected);
	return 0;
}

bool
value_flag(const struct source *source, const char *name, const char *value)
{
	static const struct choice flags[] = { { "True", 1 }, { "False", 0 }, { "1", 1 },
		{ "0", 0 }, { "yes", 1 }, { "no", 0 }, { "on", 1 }, { "off", 0 }, { NULL, 0 } };

	return value_choice(source, name, value, flags, "True or False") != 0;
}

int64_t
value_number(
    const struct source *source, const char *name, const char *value, int64_t least, int64_t most)
{
	int64_t number;

	if (number_parse(value, least, most, &number))
		return number;
	if (most == VALUE_ID_MAX)
		source_warn(source, "%s must be an id of amoCRM: a positive whole number", name);
	else
		source_warn(source, "%s must be a whole number from %lld to %lld", name,
		    (long long)least, (long long)most);
	return 0;
}
