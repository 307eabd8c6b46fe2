#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "spoil.h"
#include "text.h"

struct fault {
	json_t *rule; /* as given; the texts below are borrowed from it */
	int64_t id;
	const char *method;
	const char *path;
	const char *target;
	const char *body;
	int64_t skip;
	int64_t times; /* negative: no end */
	double probability;
	bool before;
	const struct spoil *spoil;
	int64_t seen;
	int64_t fired;
};

struct faults {
	struct fault *rules;
	size_t count;
	int64_t last_id;
	uint64_t seed;
	uint64_t random;
};

struct faults *
faults_new(uint64_t seed)
{
	struct faults *faults = must(calloc(1, sizeof(*faults)));

	/* The generator must not start from zero. */
	faults->seed = seed * 2654435761u + 88172645463325252u;
	faults->random = faults->seed;
	return faults;
}

void
faults_clear(struct faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		json_decref(faults->rules[i].rule);
	free(faults->rules);
	faults->rules = NULL;
	faults->count = 0;
	faults->random = faults->seed;
}

void
faults_free(struct faults *faults)
{
	if (faults == NULL)
		return;
	faults_clear(faults);
	free(faults);
}

bool
faults_remove(struct faults *faults, int64_t id)
{
	for (size_t i = 0; i < faults->count; i++) {
		if (faults->rules[i].id != id)
			continue;
		json_decref(faults->rules[i].rule);
		faults->count--;
		memmove(&faults->rules[i], &faults->rules[i + 1],
		    (faults->count - i) * sizeof(*faults->rules));
		return true;
	}
	return false;
}

/* xorshift64*: a number from 0 up to, not including, 1. */
static double
chance(struct faults *faults)
{
	uint64_t x = faults->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	faults->random = x;
	return (double)((x * 2685821657736338717u) >> 11) / 9007199254740992.0;
}

static bool
known_keys_only(const json_t *rule, const char **mistake)
{
	static const char *const keys[] = { "match", "skip", "times", "probability", "when", "do",
		"status", "html", "detail", "location", "retry_after_header", "retry_after_body",
		"ms", "body", "bytes", "key", "note" };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)rule, key, value) {
		size_t i = 0;

		while (i < sizeof(keys) / sizeof(keys[0]) && strcmp(keys[i], key) != 0)
			i++;
		if (i == sizeof(keys) / sizeof(keys[0])) {
			*mistake = "a rule has an unknown key";
			return false;
		}
	}
	return true;
}

static int64_t
rule_number(const json_t *rule, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(rule, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* Read one rule; `fault` borrows from it. */
static bool
fault_read(struct fault *fault, json_t *rule, const char **mistake)
{
	const json_t *match = json_object_get(rule, "match"),
		     *chances = json_object_get(rule, "probability");
	const char *when = json_string_value(json_object_get(rule, "when"));
	const char *what = json_string_value(json_object_get(rule, "do"));

	*mistake = "a rule is an object with \"do\"";
	if (!json_is_object(rule) || what == NULL || !known_keys_only(rule, mistake))
		return false;

	*fault = (struct fault){
		.rule = rule,
		.method = json_string_value(json_object_get(match, "method")),
		.path = json_string_value(json_object_get(match, "path")),
		.target = json_string_value(json_object_get(match, "target")),
		.body = json_string_value(json_object_get(match, "body")),
		.skip = rule_number(rule, "skip", 0),
		.times = rule_number(rule, "times", 1),
		.probability = json_is_number(chances) ? json_number_value(chances) : 1,
		.spoil = spoil_find(what),
	};

	*mistake = "\"do\" is none of the known faults";
	if (fault->spoil == NULL)
		return false;

	*mistake = "\"when\" is \"before\" or \"after\"";
	fault->before = fault->spoil->before;
	if (when != NULL) {
		fault->before = strcmp(when, "before") == 0;
		if (!fault->before && strcmp(when, "after") != 0)
			return false;
	}

	*mistake = "this fault needs the request to be carried out: \"when\" is \"after\"";
	if (fault->before && fault->spoil->needs_effect)
		return false;

	*mistake = "\"status\" takes a number from 200 to 599";
	if (strcmp(what, "status") == 0 &&
	    (rule_number(rule, "status", 0) < 200 || rule_number(rule, "status", 0) > 599))
		return false;

	return true;
}

bool
faults_add(struct faults *faults, const json_t *rules, const char **mistake)
{
	size_t count = json_array_size(rules), i;
	struct fault *read;

	*mistake = "rules are an array";
	if (!json_is_array(rules))
		return false;

	read = must(calloc(count + 1, sizeof(*read)));
	for (i = 0; i < count; i++) {
		if (!fault_read(&read[i], json_array_get(rules, i), mistake)) {
			free(read);
			return false;
		}
	}

	faults->rules =
	    must(realloc(faults->rules, (faults->count + count + 1) * sizeof(*faults->rules)));
	for (i = 0; i < count; i++) {
		read[i].id = ++faults->last_id;
		json_incref(read[i].rule);
		faults->rules[faults->count++] = read[i];
	}
	free(read);
	return true;
}

json_t *
faults_list(const struct faults *faults)
{
	json_t *all = json_array();

	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->rules[i];
		json_t *shown = json_copy(fault->rule);

		json_object_set_new(shown, "id", json_integer(fault->id));
		json_object_set_new(shown, "seen", json_integer(fault->seen));
		json_object_set_new(shown, "fired", json_integer(fault->fired));
		json_array_append_new(all, shown);
	}
	return all;
}

static bool
fault_matches(const struct fault *fault, const struct request *asked)
{
	if (fault->method != NULL && strcmp(fault->method, asked->method) != 0)
		return false;
	if (fault->path != NULL && fnmatch(fault->path, asked->path, 0) != 0)
		return false;
	if (fault->target != NULL && strstr(asked->target, fault->target) == NULL)
		return false;

	return fault->body == NULL ||
	    (asked->body != NULL && strstr(asked->body, fault->body) != NULL);
}

const struct fault *
faults_strike(struct faults *faults, const struct request *asked)
{
	for (size_t i = 0; i < faults->count; i++) {
		struct fault *fault = &faults->rules[i];

		if (!fault_matches(fault, asked))
			continue;
		fault->seen++;
		if (fault->seen <= fault->skip ||
		    (fault->times >= 0 && fault->fired >= fault->times))
			continue;
		if (fault->probability < 1 && chance(faults) >= fault->probability)
			continue;
		fault->fired++;
		return fault;
	}
	return NULL;
}

const char *
fault_name(const struct fault *fault)
{
	return fault->spoil->name;
}

bool
fault_prevents(const struct fault *fault)
{
	return fault->before && !fault->spoil->needs_effect;
}

int64_t
fault_delay_ms(const struct fault *fault)
{
	return strcmp(fault->spoil->name, "delay") == 0 ? rule_number(fault->rule, "ms", 1000) : 0;
}

void
fault_spoil(const struct fault *fault, struct response *given)
{
	fault->spoil->spoil(fault->rule, fault->before, given);
}
