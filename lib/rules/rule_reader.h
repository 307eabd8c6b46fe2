#ifndef RULES_RULE_READER_H
#define RULES_RULE_READER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"

/*
 * Reading the file of rules: typed look-ups that resolve "${NAME}" and note every error under its
 * path.
 *
 * An error makes the file useless.  A warning tells what is allowed but hardly meant.
 */
struct rule_reader {
	const struct settings *settings;
	json_t *errors; /* Arrays of {"path", "message"}. */
	json_t *warnings;
	/* What is read next may look at one item of the order: its paths may begin there. */
	bool of_items;
};

#define RULE_READER_ERRORS_MAX 200

/* The built-in rules: lib/rules/mapping.json, turned into C by the Makefile. */
extern const char rules_builtin[];

void rule_reader_error(struct rule_reader *reader, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rule_reader_warning(struct rule_reader *reader, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether a key is for people alone.  "$comment" is so everywhere; "comment" only where keys are
 * not names themselves. */
bool rule_reader_is_comment(const char *key);

/* Add an error for every key of the object that is neither in the list, which ends with NULL, nor a
 * comment: a misspelt key would silently do nothing.  False, and an error, when it is no object. */
bool rule_reader_keys(
    struct rule_reader *reader, const json_t *object, const char *path, const char *const known[]);

/* The array under that key; NULL when it is absent or, which is noted, something else. */
json_t *rule_reader_array(
    struct rule_reader *reader, const json_t *object, const char *path, const char *key);

/* The text under that key, not empty; NULL, and noted, otherwise. */
const char *rule_reader_text(
    struct rule_reader *reader, const json_t *object, const char *path, const char *key);

/* The same for a text that is a path into the webhook; one that begins where nothing is known to be
 * is a warning. */
const char *rule_reader_path(
    struct rule_reader *reader, const json_t *object, const char *path, const char *key);

/* A positive id, or "${NAME}" of a setting that holds one; 0 when that setting is not set, or when
 * noted as wrong. */
int64_t rule_reader_id(struct rule_reader *reader, const json_t *value, const char *path);

/* A new text, trimmed and folded: as words are compared. */
char *rule_reader_word(const char *text);

/*
 * A new array of such words out of a plain value or an array of them, where "${NAME}" stands for
 * the setting's comma-separated list.  It is empty when that setting is not set.
 */
json_t *rule_reader_words(struct rule_reader *reader, const json_t *value, const char *path);

#endif
