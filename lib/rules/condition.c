/*
 * Reads a condition into a tree and evaluates it.  Words are folded when they are read, so that
 * only the webhook's values are folded at each evaluation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_path.h"
#include "base/memory.h"
#include "base/money.h"
#include "base/text.h"
#include "base/validation.h"
#include "rules/condition.h"

enum kind {
	ALL,
	ANY,
	NOT,
	EXISTS,
	EQUALS,
	NOT_EQUALS,
	CONTAINS,
	BEGINS_WITH,
	ENDS_WITH,
	AMOUNT_EQUALS,
	AMOUNT_BELOW,
	AMOUNT_ABOVE
};

struct condition {
	enum kind kind;
	struct condition **parts; /* Of ALL, ANY and NOT. */
	size_t part_count;
	char *path;
	json_t *words; /* Folded. */
	bool every;
	bool wanted; /* Of EXISTS. */
	int64_t amount;
};

static const struct {
	const char *name;
	enum kind kind;
} tests[] = {
	{ "exists", EXISTS },
	{ "equals", EQUALS },
	{ "not_equals", NOT_EQUALS },
	{ "contains", CONTAINS },
	{ "begins_with", BEGINS_WITH },
	{ "ends_with", ENDS_WITH },
}, comparisons[] = {
	{ "equals", AMOUNT_EQUALS },
	{ "below", AMOUNT_BELOW },
	{ "above", AMOUNT_ABOVE },
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct condition *
new_condition(enum kind kind)
{
	struct condition *new = memory_zeroed(1, sizeof(*new));

	new->kind = kind;
	return new;
}

/* Add a part; false when it is no condition. */
static bool
add_part(struct rule_reader *reader, struct condition *whole, const json_t *json, const char *path)
{
	struct condition *part = condition_read(reader, json, path);

	if (part == NULL)
		return false;
	whole->parts =
	    memory_resize_array(whole->parts, whole->part_count + 1, sizeof(struct condition *));
	whole->parts[whole->part_count++] = part;
	return true;
}

static bool
read_parts(
    struct rule_reader *reader, struct condition *whole, const json_t *json, const char *path)
{
	char part_path[VALIDATION_PATH];
	const json_t *part;
	bool good = true;
	size_t i;

	if (whole->kind == NOT)
		return add_part(reader, whole, json, path);
	if (json_array_size(json) == 0) {
		rule_reader_error(
		    reader, path, "This must be an array of conditions that is not empty.");
		return false;
	}
	json_array_foreach(json, i, part)
		good &= add_part(reader, whole, part, validation_index(part_path, path, i));
	return good;
}

static bool
read_amount(
    struct rule_reader *reader, struct condition *condition, const json_t *json, const char *path)
{
	static const char *const known[] = { "equals", "below", "above", NULL };
	size_t found = COUNT(comparisons);
	const json_t *value;

	if (!rule_reader_keys(reader, json, path, known))
		return false;
	for (size_t i = 0; i < COUNT(comparisons); i++)
		if (json_object_get(json, comparisons[i].name) != NULL)
			found = found == COUNT(comparisons) ? i : COUNT(comparisons) + 1;
	if (found >= COUNT(comparisons)) {
		rule_reader_error(
		    reader, path, "This needs exactly one of equals, below and above.");
		return false;
	}
	condition->kind = comparisons[found].kind;
	value = json_object_get(json, comparisons[found].name);
	if ((json_is_integer(value) &&
		money_from_roubles(json_integer_value(value), &condition->amount)) ||
	    (json_is_real(value) && money_from_real(json_real_value(value), &condition->amount)))
		return true;
	rule_reader_error(reader, path, "This must be an amount in roubles.");
	return false;
}

static bool
read_words(
    struct rule_reader *reader, struct condition *condition, const json_t *value, const char *path)
{
	const json_t *word;
	size_t i;

	if (condition->kind == EXISTS) {
		condition->wanted = json_is_true(value);
		if (!json_is_boolean(value))
			rule_reader_error(reader, path, "This must be true or false.");
		return json_is_boolean(value);
	}
	condition->words = rule_reader_words(reader, value, path);
	json_array_foreach(condition->words, i, word) {
		if (json_string_length(word) > 0 || condition->kind == EQUALS ||
		    condition->kind == NOT_EQUALS)
			continue;
		rule_reader_error(reader, path, "An empty text would fit everything.");
		return false;
	}
	return true;
}

static bool
read_test(
    struct rule_reader *reader, struct condition *condition, const json_t *json, const char *path)
{
	static const char *const known[] = { "path", "exists", "equals", "not_equals", "contains",
		"begins_with", "ends_with", "every", NULL };
	const char *where = rule_reader_path(reader, json, path, "path");
	const json_t *every = json_object_get(json, "every");
	char key_path[VALIDATION_PATH];
	size_t found = COUNT(tests);

	rule_reader_keys(reader, json, path, known);
	if (where == NULL)
		return false;
	condition->path = text_copy(where);
	condition->every = json_is_true(every);
	if (every != NULL && !json_is_boolean(every))
		rule_reader_error(
		    reader, validation_key(key_path, path, "every"), "This must be true or false.");
	for (size_t i = 0; i < COUNT(tests); i++)
		if (json_object_get(json, tests[i].name) != NULL)
			found = found == COUNT(tests) ? i : COUNT(tests) + 1;
	if (found >= COUNT(tests)) {
		rule_reader_error(reader, path,
		    "Beside path this needs exactly one of exists, equals, not_equals, contains, "
		    "begins_with "
		    "and ends_with.");
		return false;
	}
	condition->kind = tests[found].kind;
	return read_words(reader, condition, json_object_get(json, tests[found].name),
	    validation_key(key_path, path, tests[found].name));
}

static size_t
count_comments(const json_t *json)
{
	size_t count = 0;
	json_t *value;
	const char *key;

	json_object_foreach((json_t *)json, key, value)
		count += rule_reader_is_comment(key);
	return count;
}

/* Which of the five forms this is, told by its only key but for comments; NULL when it is none of
 * them. */
static const char *
form_of(const json_t *json)
{
	static const char *const forms[] = { "path", "all", "any", "not", "amount" };
	size_t others = count_comments(json);

	for (size_t i = 0; i < COUNT(forms); i++)
		if (json_object_get(json, forms[i]) != NULL &&
		    (i == 0 || json_object_size(json) - others == 1))
			return forms[i];
	return NULL;
}

struct condition *
condition_read(struct rule_reader *reader, const json_t *json, const char *path)
{
	const char *form = form_of(json);
	struct condition *new;
	const json_t *value;
	char key_path[VALIDATION_PATH];
	bool good;

	if (form == NULL) {
		rule_reader_error(reader, path,
		    "This must be a condition: an object with path and a test, or with all, any, "
		    "not or "
		    "amount alone.");
		return NULL;
	}
	value = json_object_get(json, form);
	validation_key(key_path, path, form);
	new = new_condition(form[0] == 'n' ? NOT : strcmp(form, "any") == 0 ? ANY : ALL);
	if (strcmp(form, "path") == 0)
		good = read_test(reader, new, json, path);
	else if (strcmp(form, "amount") == 0)
		good = read_amount(reader, new, value, key_path);
	else
		good = read_parts(reader, new, value, key_path);
	if (good)
		return new;
	condition_free(new);
	return NULL;
}

void
condition_free(struct condition *condition)
{
	if (condition == NULL)
		return;
	for (size_t i = 0; i < condition->part_count; i++)
		condition_free(condition->parts[i]);
	free(condition->parts);
	free(condition->path);
	json_decref(condition->words);
	free(condition);
}

static bool
fits(enum kind kind, const char *text, const char *word)
{
	size_t text_length = strlen(text), length = strlen(word);

	switch (kind) {
	case CONTAINS:
		return strstr(text, word) != NULL;
	case BEGINS_WITH:
		return strncmp(text, word, length) == 0;
	case ENDS_WITH:
		return text_length >= length && strcmp(text + text_length - length, word) == 0;
	default:
		return strcmp(text, word) == 0;
	}
}

static bool
place_fits(const json_t *value, void *arg)
{
	const struct condition *condition = arg;
	char *text = json_path_text(value), *folded;
	bool found = false;
	const json_t *word;
	size_t i;

	if (condition->kind == EXISTS)
		found = value != NULL;
	if (text != NULL && condition->kind != EXISTS) {
		folded = text_fold(text);
		json_array_foreach(condition->words, i, word)
			found |= fits(condition->kind, folded, json_string_value(word));
		free(folded);
	}
	free(text);
	return found;
}

static bool
place_fails(const json_t *value, void *arg)
{
	return !place_fits(value, arg);
}

static bool
is_place(const json_t *value, void *arg)
{
	(void)value;
	(void)arg;
	return true;
}

const json_t *
condition_origin(const struct condition_subject *subject, const char *path)
{
	size_t first = strcspn(path, ".[");

	if (subject->item == NULL ||
	    (first == strlen("course_order") && strncmp(path, "course_order", first) == 0))
		return subject->root;
	return subject->item;
}

/* What is asked of one place is asked of any, or of every one and at least one. */
static bool
test_holds(const struct condition *condition, const struct condition_subject *subject)
{
	const json_t *origin = condition_origin(subject, condition->path);
	void *arg = (void *)condition;

	if (condition->every)
		return json_path_any(origin, condition->path, is_place, NULL) &&
		    !json_path_any(origin, condition->path, place_fails, arg);
	return json_path_any(origin, condition->path, place_fits, arg);
}

static bool
any_part_is(const struct condition *condition, const struct condition_subject *subject, bool wanted)
{
	for (size_t i = 0; i < condition->part_count; i++)
		if (condition_holds(condition->parts[i], subject) == wanted)
			return true;
	return false;
}

bool
condition_holds(const struct condition *condition, const struct condition_subject *subject)
{
	if (condition == NULL)
		return true;
	switch (condition->kind) {
	case ALL:
		return !any_part_is(condition, subject, false);
	case ANY:
		return any_part_is(condition, subject, true);
	case NOT:
		return any_part_is(condition, subject, false);
	case EXISTS:
		return test_holds(condition, subject) == condition->wanted;
	case NOT_EQUALS:
		/* Against a list that is not set: not everything is unequal to it, for then an
		 * exclusion would take all. */
		return json_array_size(condition->words) > 0 && !test_holds(condition, subject);
	case AMOUNT_EQUALS:
		return subject->amount == condition->amount;
	case AMOUNT_BELOW:
		return subject->amount < condition->amount;
	case AMOUNT_ABOVE:
		return subject->amount > condition->amount;
	default:
		return test_holds(condition, subject);
	}
}
