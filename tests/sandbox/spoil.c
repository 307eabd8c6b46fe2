#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoil.h"
#include "text.h"

/* What is added to each id by "wrong_id", and how long a "huge" body is if nothing is said. */
enum {
	WRONG_BY = 1000000,
	HUGE_BYTES = 32 << 20
};

static int64_t
rule_number(const json_t *rule, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(rule, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* The body that the rule gives, as text or JSON. */
static void
own_body(const json_t *body, int status, struct response *given)
{
	char *text;

	if (!json_is_string(body)) {
		response_json(given, status, json_incref((json_t *)body));
		return;
	}
	text = text_format("%s", json_string_value(body));
	response_bytes(given, status, "text/plain", text, strlen(text));
}

static void
do_status(const json_t *rule, bool before, struct response *given)
{
	int status = (int)rule_number(rule, "status", 500);
	json_t *html = json_object_get(rule, "html"), *body = json_object_get(rule, "body"),
	       *problem;
	const char *location = json_string_value(json_object_get(rule, "location"));
	bool page = html != NULL ? json_is_true(html)
				 : (status >= 502 && status <= 504) || status / 100 == 3;

	(void)before;
	if (body != NULL) {
		own_body(body, status, given);
	} else if (page) {
		response_html(given, status);
	} else {
		problem = problem_json(status, json_string_value(json_object_get(rule, "detail")));
		if (json_object_get(rule, "retry_after_body") != NULL)
			json_object_set(
			    problem, "retry_after", json_object_get(rule, "retry_after_body"));
		response_json(given, status, problem);
	}
	given->retry_after = rule_number(rule, "retry_after_header", -1);
	if (location != NULL)
		given->location = text_format("%s", location);
}

static void
do_reset(const json_t *rule, bool before, struct response *given)
{
	(void)rule, (void)before;
	given->delivery = DELIVER_RESET;
}

/* Held back for long.  What was not carried out has no answer to give at the end. */
static void
do_hang(const json_t *rule, bool before, struct response *given)
{
	given->hold_ms = rule_number(rule, "ms", 60000);
	if (before)
		given->delivery = DELIVER_RESET;
}

static void
do_delay(const json_t *rule, bool before, struct response *given)
{
	(void)rule, (void)before, (void)given;
}

static void
do_truncate(const json_t *rule, bool before, struct response *given)
{
	(void)rule, (void)before;
	given->delivery = DELIVER_CUT;
}

static void
do_truncate_header(const json_t *rule, bool before, struct response *given)
{
	(void)rule, (void)before;
	given->delivery = DELIVER_CUT_HEADER;
}

static void
do_empty(const json_t *rule, bool before, struct response *given)
{
	(void)rule, (void)before;
	response_bytes(given, 200, "application/hal+json", NULL, 0);
}

static void
do_junk(const json_t *rule, bool before, struct response *given)
{
	const json_t *body = json_object_get(rule, "body");
	char *page;

	(void)before;
	page = text_format("%s",
	    json_is_string(body)
		? json_string_value(body)
		: "<!DOCTYPE html><html><body>Ведутся технические работы</body></html>");
	response_bytes(given, 200, "text/html", page, strlen(page));
}

static void
do_slow(const json_t *rule, bool before, struct response *given)
{
	(void)before;
	given->delivery = DELIVER_SLOWLY;
	given->pace_ms = rule_number(rule, "ms", 100);
}

/* One JSON string of the size asked for. */
static void
do_huge(const json_t *rule, bool before, struct response *given)
{
	static const char head[] = "{\"_embedded\":{},\"padding\":\"", tail[] = "\"}";
	int64_t wanted = rule_number(rule, "bytes", HUGE_BYTES);
	size_t padding = wanted > 0 ? (size_t)wanted : 0, at = sizeof(head) - 1;
	char *body = must(malloc(at + padding + sizeof(tail)));

	(void)before;
	memcpy(body, head, at);
	memset(body + at, 'x', padding);
	memcpy(body + at + padding, tail, sizeof(tail));
	response_bytes(given, 200, "application/hal+json", body, at + padding + sizeof(tail) - 1);
}

/* Shift every "id" at any depth but inside links. */
static void
shift_ids(json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	json_array_foreach(value, i, item)
		shift_ids(item);
	json_object_foreach(value, key, item) {
		if (strcmp(key, "id") == 0 && json_is_integer(item))
			json_integer_set(item, json_integer_value(item) + WRONG_BY);
		else if (key[0] != '_' || strcmp(key, "_embedded") == 0)
			shift_ids(item);
	}
}

static void
do_wrong_id(const json_t *rule, bool before, struct response *given)
{
	json_t *body = given->size > 0 ? json_loadb(given->body, given->size, 0, NULL) : NULL;

	(void)rule, (void)before;
	if (body == NULL)
		return;
	shift_ids(body);
	response_json(given, given->status, body);
}

/*
 * What a change of the API, or something in between, may do to the shape of a true answer.
 */

/* A copy in which `change` gives every member of that name another value, or NULL: none. */
static json_t *
reshaped(const json_t *value, const char *name, json_t *(*change)(const json_t *member))
{
	json_t *copy = json_deep_copy(value), *item, *now;
	const char *key;
	size_t i;

	json_array_foreach(value, i, item)
		json_array_set_new(copy, i, reshaped(item, name, change));
	json_object_foreach((json_t *)value, key, item) {
		now = strcmp(key, name) == 0 ? change(item) : reshaped(item, name, change);
		if (now == NULL)
			json_object_del(copy, key);
		else
			json_object_set_new(copy, key, now);
	}
	return copy;
}

static void
reshape(const json_t *rule, struct response *given, json_t *(*change)(const json_t *member))
{
	json_t *body = given->size > 0 ? json_loadb(given->body, given->size, 0, NULL) : NULL;
	const char *name = json_string_value(json_object_get(rule, "key"));

	if (body == NULL || name == NULL)
		return;
	response_json(given, given->status, reshaped(body, name, change));
	json_decref(body);
}

static json_t *
nothing(const json_t *member)
{
	(void)member;
	return NULL;
}

static void
do_drop(const json_t *rule, bool before, struct response *given)
{
	(void)before;
	reshape(rule, given, nothing);
}

/* PHP gives a list that has a hole as an object: {"0": first, "2": third}. */
static json_t *
keyed(const json_t *member)
{
	json_t *object = json_object(), *item;
	char number[24];
	size_t i;

	json_array_foreach(member, i, item) {
		snprintf(number, sizeof(number), "%zu", i);
		json_object_set(object, number, item);
	}
	return object;
}

static void
do_keyed(const json_t *rule, bool before, struct response *given)
{
	(void)before;
	reshape(rule, given, keyed);
}

static json_t *
texted(const json_t *member)
{
	char *text = must(json_dumps(member, JSON_ENCODE_ANY));
	json_t *string = json_string(text);

	free(text);
	return string;
}

static void
do_texted(const json_t *rule, bool before, struct response *given)
{
	(void)before;
	reshape(rule, given, texted);
}

static const struct spoil spoils[] = {
	{ "status", true, false, do_status },
	{ "reset", true, false, do_reset },
	{ "hang", true, false, do_hang },
	{ "delay", false, true, do_delay },
	{ "truncate", false, false, do_truncate },
	{ "truncate_header", false, false, do_truncate_header },
	{ "empty", false, false, do_empty },
	{ "junk", false, false, do_junk },
	{ "slow", false, false, do_slow },
	{ "huge", false, false, do_huge },
	{ "wrong_id", false, true, do_wrong_id },
	{ "drop", false, true, do_drop },
	{ "keyed", false, true, do_keyed },
	{ "texted", false, true, do_texted },
};

const struct spoil *
spoil_find(const char *name)
{
	for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		if (strcmp(spoils[i].name, name) == 0)
			return &spoils[i];
	}
	return NULL;
}
