/*
 * Lists what each setting probably is in this account, then everything that was not guessed, so
 * that an operator can complete the settings without looking ids up in amoCRM.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/account_guess.h"
#include "admin/discovery.h"
#include "base/memory.h"
#include "base/text.h"
#include "rules/rule_ids.h"

struct discovery {
	const struct account *account;
	json_t *items;
	const json_t *subjects, *direction; /* The guessed fields; NULL: none. */
	const json_t *pipeline;             /* What the last rule's pipeline was guessed to be. */
	bool stands_in;                     /* For want of one of the rule's name. */
	const char *section;
};

static void add(struct discovery *found, const char *setting, const json_t *thing,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
static void
add(struct discovery *found, const char *setting, const json_t *thing, const char *format, ...)
{
	char *comment;
	va_list args;

	va_start(args, format);
	comment = text_format_list(format, args);
	va_end(args);
	json_array_append_new(found->items,
	    json_pack("{s:s, s:s?, s:o, s:s}", "section", found->section, "setting", setting, "id",
		thing != NULL ? json_integer(account_id(thing)) : json_null(), "comment", comment));
	free(comment);
}

static json_t *
item_of(const struct discovery *found, const char *setting)
{
	json_t *item;
	size_t i;

	json_array_foreach(found->items, i, item) {
		const char *named = json_string_value(json_object_get(item, "setting"));

		if (named != NULL && strcmp(named, setting) == 0)
			return item;
	}
	return NULL;
}

/*
 * Fields.
 */

/* A counter without options is a number. */
static void
add_count_options(struct discovery *found, const json_t *field)
{
	const json_t *option;
	char setting[40], number[4];
	int n;

	found->section = "The options of the purchase counter";
	for (n = 1; n <= PURCHASE_COUNT_MAX && json_array_size(account_options(field)) > 0; n++) {
		snprintf(setting, sizeof(setting), "AMO_PURCHASE_COUNT_%d", n);
		snprintf(number, sizeof(number), "%d", n);
		option = guess_option(field, number);
		add(found, setting, option, "%s%s", option != NULL ? "" : "no option is called ",
		    number);
	}
}

static void
add_fields(struct discovery *found, enum amocrm_kind kind)
{
	const json_t *field, *counter = NULL;
	size_t i;

	for (i = 0; i < CRM_FIELD_COUNT; i++) {
		const struct crm_field *wanted = &crm_fields[i];

		if (guess_kind(wanted) != kind)
			continue;
		if ((field = guess_field(found->account, wanted)) != NULL)
			add(found, wanted->setting, field, "\"%s\" (%s)", account_name(field),
			    account_type(field));
		else
			add(found, wanted->setting, NULL, "no field of type %s is called so",
			    crm_use_types(wanted->use));
		if (wanted->use == CRM_USE_CHOICES)
			found->subjects = field;
		if (wanted->use == CRM_USE_CHOICE)
			found->direction = field;
		if (wanted->use == CRM_USE_COUNT)
			counter = field;
	}
	if (kind == AMOCRM_LEADS)
		add_count_options(found, counter);
}

/*
 * What the rules name.
 */

/* A setting may stand for several names, of which one may be the account's. */
static void
add_option(
    struct discovery *found, const char *section, const struct rule_id *one, const json_t *field)
{
	const json_t *option = guess_option(field, one->name);
	json_t *item = item_of(found, one->label);

	if (item != NULL && (option == NULL || !json_is_null(json_object_get(item, "id"))))
		return;
	if (item != NULL) {
		json_object_set_new(item, "id", json_integer(account_id(option)));
		json_object_set_new(item, "comment", json_sprintf("\"%s\"", account_name(option)));
		return;
	}
	found->section = section;
	if (option != NULL)
		add(found, one->label, option, "\"%s\"", account_name(option));
	else
		add(found, one->label, NULL, "no option is called \"%s\"", one->name);
}

static const json_t *
main_pipeline(const struct account *account)
{
	const json_t *pipeline;
	size_t i;

	json_array_foreach(account->pipelines, i, pipeline)
		if (json_is_true(json_object_get(pipeline, "is_main")))
			return pipeline;
	return json_array_get(account->pipelines, 0);
}

static void
add_pipeline(struct discovery *found, const struct rule_id *one)
{
	found->pipeline = guess_pipeline(found->account, one->name);
	found->stands_in = found->pipeline == NULL;
	if (found->stands_in)
		found->pipeline = main_pipeline(found->account);
	if (!one->is_setting || item_of(found, one->label) != NULL)
		return;
	found->section = "Pipelines";
	if (found->stands_in)
		add(found, one->label, found->pipeline, "none is called \"%s\"; \"%s\" stands in",
		    one->name, account_name(found->pipeline));
	else
		add(found, one->label, found->pipeline, "\"%s\"", account_name(found->pipeline));
}

static void
add_stage(struct discovery *found, const struct rule_id *one)
{
	const json_t *stage = guess_autopay_stage(found->pipeline);

	if (!one->is_setting || item_of(found, one->label) != NULL)
		return;
	found->section = "Pipelines";
	if (stage != NULL)
		add(found, one->label, stage, "\"%s\" there", account_name(stage));
	else
		add(found, one->label, NULL, "no stage there is for automatic payments");
}

static void
add_rule(void *cookie, const struct rule_id *one)
{
	struct discovery *found = cookie;

	if (one->role == RULE_PIPELINE)
		add_pipeline(found, one);
	else if (one->role == RULE_STAGE)
		add_stage(found, one);
	else if (one->is_setting && one->role == RULE_SUBJECT)
		add_option(found, "Subjects", one, found->subjects);
	else if (one->is_setting && one->role == RULE_DIRECTION)
		add_option(found, "Directions", one, found->direction);
}

/*
 * What else there is.
 */

static bool
guessed(const struct discovery *found, const json_t *thing)
{
	const json_t *item;
	size_t i;

	json_array_foreach(found->items, i, item)
		if (json_integer_value(json_object_get(item, "id")) == account_id(thing))
			return true;
	return false;
}

/* `name: 1 "one", 2 "two"`: a new text of the things that were not guessed; "" when all were. */
static char *
list_rest(const struct discovery *found, const json_t *things)
{
	char *text = NULL;
	size_t size, i;
	FILE *list = memory_stream(&text, &size);
	const json_t *thing;
	const char *between = ": ";

	json_array_foreach(things, i, thing) {
		if (guessed(found, thing))
			continue;
		fprintf(
		    list, "%s%" PRId64 " \"%s\"", between, account_id(thing), account_name(thing));
		between = ", ";
	}
	memory_stream_end(list);
	return text;
}

static void
add_rest(struct discovery *found, const char *section, const json_t *things,
    const json_t *parts_of(const json_t *))
{
	const json_t *thing;
	size_t i;

	found->section = section;
	json_array_foreach(things, i, thing) {
		char *rest = list_rest(found, parts_of(thing));

		if (!guessed(found, thing) || rest[0] != '\0')
			add(found, NULL, thing, "%" PRId64 " \"%s\"%s%s%s%s", account_id(thing),
			    account_name(thing), account_type(thing)[0] != '\0' ? " (" : "",
			    account_type(thing), account_type(thing)[0] != '\0' ? ")" : "", rest);
		free(rest);
	}
}

static const json_t *
no_parts(const json_t *thing)
{
	(void)thing;
	return NULL;
}

json_t *
discover(const struct settings *settings, const json_t *rules, const struct account *account)
{
	struct discovery found = { .account = account, .items = json_array() };

	found.section = "Fields of contacts";
	add_fields(&found, AMOCRM_CONTACTS);
	found.section = "Fields of leads";
	add_fields(&found, AMOCRM_LEADS);
	rule_ids(settings, rules, add_rule, &found);
	add_rest(&found, "Further fields of contacts", account->fields[AMOCRM_CONTACTS],
	    account_options);
	add_rest(&found, "Further fields of leads", account->fields[AMOCRM_LEADS], account_options);
	add_rest(&found, "Further pipelines and stages", account->pipelines, account_stages);
	add_rest(&found, "Types of tasks", account_task_types(account), no_parts);
	return found.items;
}
