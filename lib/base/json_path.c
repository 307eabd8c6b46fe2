/*
 * Looking at a webhook by path.
 *
 * The path is walked as it is read, step by step, with a test called at each place it leads to.  So
 * no list of places is built, and the first place that satisfies the test ends the walk.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_path.h"
#include "base/text.h"

/*
 * One step of a path: its key, whether [] follows, and what comes after the point (NULL at the
 * end).
 */
struct step {
	char key[JSON_PATH_KEY];
	bool each;
	const char *rest;
};

/*
 * Read the step at the beginning of the path; false when it is none.  What a key may not hold is
 * what steps are made of.
 */
static bool
read_step(const char *path, struct step *step)
{
	size_t length = strcspn(path, "."), key = length;

	step->each = length >= 2 && path[length - 2] == '[' && path[length - 1] == ']';
	if (step->each)
		key -= 2;
	if (key == 0 || key >= sizeof(step->key))
		return false;
	memcpy(step->key, path, key);
	step->key[key] = '\0';
	step->rest = path[length] == '.' ? path + length + 1 : NULL;
	return strpbrk(step->key, "[] ") == NULL;
}

bool
json_path_valid(const char *path)
{
	struct step step;

	do {
		if (!read_step(path, &step))
			return false;
		path = step.rest;
	} while (path != NULL);
	return true;
}

/* Walk on from here or, where the path ends, ask the test; null and nothing are the same to it. */
static bool
go_on(const json_t *at, const char *rest, json_path_test *test, void *arg)
{
	if (rest != NULL)
		return json_path_any(at, rest, test, arg);
	return test(json_is_null(at) ? NULL : at, arg);
}

bool
json_path_any(const json_t *from, const char *path, json_path_test *test, void *arg)
{
	const json_t *found, *element;
	struct step step;
	size_t i;

	if (!read_step(path, &step))
		return false;
	found = json_object_get(from, step.key);
	if (!step.each)
		return go_on(found, step.rest, test, arg);
	json_array_foreach(found, i, element)
		if (go_on(element, step.rest, test, arg))
			return true;
	return false;
}

/*
 * The shortest text that means the same double; a whole one without point or exponent, as an id
 * that went through a spreadsheet (123.0) is still that id.
 */
static char *
real_text(double real)
{
	char text[32];
	int digits = 1;

	if (real == trunc(real) && fabs(real) < 1e18)
		return text_format("%" PRId64, (int64_t)real);
	do
		snprintf(text, sizeof(text), "%.*g", digits, real);
	while (strtod(text, NULL) != real && ++digits <= DBL_DECIMAL_DIG);
	return text_copy(text);
}

char *
json_path_text(const json_t *value)
{
	size_t length;
	const char *text;

	if (json_is_integer(value))
		return text_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	if (json_is_real(value))
		return real_text(json_real_value(value));
	if (json_is_boolean(value))
		return text_copy(json_is_true(value) ? "true" : "false");
	if (!json_is_string(value))
		return NULL;
	text = text_trim(json_string_value(value), &length);
	return text_part(text, length);
}
