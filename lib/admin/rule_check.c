/*
 * Checks the ids that the rules name.  The ids are walked twice: first to learn all names, then to
 * compare each, because only all of them together show that two were swapped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/account_guess.h"
#include "admin/finding.h"
#include "admin/rule_check.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/crm_field.h"
#include "rules/rule_ids.h"

struct rule_checker {
	const struct settings *settings;
	const struct account *account;
	json_t *findings;
	json_t *named; /* What the rules name: array of {"role", "label", "name", "id"}. */
};

/*
 * Options.
 */

/* What else the rules give this very name, whose id is another one; NULL when nothing. */
static const char *
named_otherwise(const struct rule_checker *check, enum rule_role role, const char *name, int64_t id)
{
	const json_t *one;
	const char *found = NULL;
	size_t i;

	json_array_foreach(check->named, i, one) {
		if (json_integer_value(json_object_get(one, "role")) != role ||
		    !guess_same_name(json_string_value(json_object_get(one, "name")), name))
			continue;
		if (json_integer_value(json_object_get(one, "id")) == id)
			return NULL;
		found = json_string_value(json_object_get(one, "label"));
	}
	return found;
}

/* The lead field that has this option; NULL when none does. */
static const json_t *
field_with_option(const struct rule_checker *check, int64_t id)
{
	const json_t *field;
	size_t i;

	json_array_foreach(check->account->fields[AMOCRM_LEADS], i, field)
		if (account_option(field, id) != NULL)
			return field;
	return NULL;
}

/* `; "Name" is 123`, or nothing: a new text. */
static char *
suggest_option(const json_t *field, const char *name)
{
	const json_t *meant = name[0] != '\0' ? guess_option(field, name) : NULL;

	if (meant == NULL)
		return text_copy("");
	return text_format("; \"%s\" is %" PRId64, account_name(meant), account_id(meant));
}

static void
check_no_option(struct rule_checker *check, const struct rule_id *one, const json_t *field)
{
	const json_t *owner = field_with_option(check, one->id);
	char *suggestion = suggest_option(field, one->name);

	if (owner != NULL)
		finding_add(check->findings, "wrong", one->label, one->id,
		    "this is an option of \"%s\", not of \"%s\"%s", account_name(owner),
		    account_name(field), suggestion);
	else
		finding_add(check->findings, "wrong", one->label, one->id,
		    "\"%s\" has no such option%s", account_name(field), suggestion);
	free(suggestion);
}

/* An option of the field with this id.  Where there is no such field, that has been said. */
static void
check_option(struct rule_checker *check, const struct rule_id *one, int64_t field_id)
{
	const json_t *field = account_field(check->account, AMOCRM_LEADS, field_id);
	const json_t *option = account_option(field, one->id);
	const char *other;

	if (field == NULL)
		return;
	if (option == NULL) {
		check_no_option(check, one, field);
		return;
	}
	other = named_otherwise(check, one->role, account_name(option), one->id);
	if (other != NULL)
		finding_add(check->findings, "odd", one->label, one->id,
		    "the option \"%s\" is what %s is for", account_name(option), other);
	else
		finding_add(check->findings, "ok", one->label, one->id, "option \"%s\" of \"%s\"",
		    account_name(option), account_name(field));
}

/*
 * Pipelines and stages.
 */

static const json_t *
pipeline_with_stage(const struct rule_checker *check, int64_t id)
{
	const json_t *pipeline;
	size_t i;

	json_array_foreach(check->account->pipelines, i, pipeline)
		if (account_stage(pipeline, id) != NULL)
			return pipeline;
	return NULL;
}

static void
check_pipeline(struct rule_checker *check, const struct rule_id *one)
{
	const json_t *pipeline = account_pipeline(check->account, one->id);
	const json_t *meant = guess_pipeline(check->account, one->name);
	const char *other;

	if (pipeline == NULL && meant != NULL)
		finding_add(check->findings, "wrong", one->label, one->id,
		    "the account has no such pipeline; \"%s\" is %" PRId64, account_name(meant),
		    account_id(meant));
	else if (pipeline == NULL)
		finding_add(check->findings, "wrong", one->label, one->id,
		    "the account has no such pipeline");
	else if (json_is_true(json_object_get(pipeline, "is_archive")))
		finding_add(check->findings, "wrong", one->label, one->id,
		    "the pipeline \"%s\" is archived", account_name(pipeline));
	else if ((other = named_otherwise(check, RULE_PIPELINE, account_name(pipeline), one->id)) !=
	    NULL)
		finding_add(check->findings, "odd", one->label, one->id,
		    "the pipeline \"%s\" is what %s is for", account_name(pipeline), other);
	else
		finding_add(check->findings, "ok", one->label, one->id, "pipeline \"%s\"",
		    account_name(pipeline));
}

static void
check_stage(struct rule_checker *check, const struct rule_id *one)
{
	const json_t *pipeline = account_pipeline(check->account, one->within);
	const json_t *stage = account_stage(pipeline, one->id),
		     *meant = guess_autopay_stage(pipeline);
	const json_t *owner = pipeline_with_stage(check, one->id);
	char *suggestion;

	if (pipeline == NULL)
		return;
	suggestion = meant != NULL ? text_format("; \"%s\" (%" PRId64 ") looks like it",
					 account_name(meant), account_id(meant))
				   : text_copy("");
	if (stage == NULL && owner != NULL)
		finding_add(check->findings, "wrong", one->label, one->id,
		    "this is a stage of the pipeline \"%s\", not of \"%s\"%s", account_name(owner),
		    account_name(pipeline), suggestion);
	else if (stage == NULL)
		finding_add(check->findings, "wrong", one->label, one->id,
		    "the pipeline \"%s\" has no such stage%s", account_name(pipeline), suggestion);
	else if (json_integer_value(json_object_get(stage, "type")) == 1)
		finding_add(check->findings, "wrong", one->label, one->id,
		    "\"%s\" of the pipeline \"%s\" is for unsorted leads, and none can be created "
		    "there%s",
		    account_name(stage), account_name(pipeline), suggestion);
	else
		finding_add(check->findings, "ok", one->label, one->id,
		    "stage \"%s\" of the pipeline \"%s\"", account_name(stage),
		    account_name(pipeline));
	free(suggestion);
}

static void
check_finished(struct rule_checker *check, const struct rule_id *one)
{
	const json_t *pipeline = pipeline_with_stage(check, one->id);

	if (pipeline == NULL)
		finding_add(
		    check->findings, "wrong", one->label, one->id, "no pipeline has such a stage");
	else
		finding_add(check->findings, "ok", one->label, one->id, "stage \"%s\"",
		    account_name(account_stage(pipeline, one->id)));
}

/*
 * Types of tasks.
 */

/* `; it has 1 "one", 2 "two"`: a new text. */
static char *
list_task_types(const struct rule_checker *check)
{
	const char *between = "; it has";
	const json_t *type;
	char *text = NULL;
	size_t size, i;
	FILE *list = memory_stream(&text, &size);

	json_array_foreach(account_task_types(check->account), i, type) {
		fprintf(
		    list, "%s %" PRId64 " \"%s\"", between, account_id(type), account_name(type));
		between = ",";
	}
	memory_stream_end(list);
	return text;
}

static void
check_task_type(struct rule_checker *check, const struct rule_id *one)
{
	const json_t *type = account_task_type(check->account, one->id);
	char *others;

	/* What amoCRM does not tell is not known. */
	if (!json_is_array(account_task_types(check->account)))
		return;
	if (type != NULL) {
		finding_add(check->findings, "ok", one->label, one->id, "type of task \"%s\"",
		    account_name(type));
		return;
	}
	others = list_task_types(check);
	finding_add(check->findings, "wrong", one->label, one->id,
	    "the account has no such type of task%s", others);
	free(others);
}

/*
 * What the rules name.
 */

static enum crm_use
use_of(const char *type)
{
	static const struct {
		const char *type;
		enum crm_use use;
	} uses[] = { { "text", CRM_USE_ANY_TEXT }, { "number", CRM_USE_MONEY },
		{ "checkbox", CRM_USE_FLAG }, { "date", CRM_USE_TIME },
		{ "enum", CRM_USE_CHOICE } };
	size_t i = 0;

	while (i + 1 < sizeof(uses) / sizeof(uses[0]) && strcmp(uses[i].type, type) != 0)
		i++;
	return uses[i].use;
}

/* The setting that names this lead field too; NULL when none does. */
static const char *
setting_of(const struct rule_checker *check, int64_t id)
{
	for (size_t i = 0; i < CRM_FIELD_COUNT; i++)
		if (!crm_fields[i].of_contact && check->settings->crm_fields[i] == id)
			return crm_fields[i].setting;
	return NULL;
}

static void
check_extra(struct rule_checker *check, const struct rule_id *one)
{
	const json_t *field = account_field(check->account, AMOCRM_LEADS, one->id);
	enum crm_use use = use_of(one->type);
	const char *other = setting_of(check, one->id);

	if (field == NULL)
		finding_add(check->findings, "wrong", one->label, one->id,
		    "the account has no such lead field");
	else if (!crm_use_fits(use, account_type(field)))
		finding_add(check->findings, "wrong", one->label, one->id,
		    "\"%s\" is a field of type %s; the rule writes one of type %s",
		    account_name(field), account_type(field), crm_use_types(use));
	else if (other != NULL)
		finding_add(check->findings, "odd", one->label, one->id,
		    "\"%s\" is written for %s already", account_name(field), other);
	else
		finding_add(check->findings, "ok", one->label, one->id, "\"%s\" (%s)",
		    account_name(field), account_type(field));
}

/* A setting may stand at several places in the rules; it is named once. */
static bool
known(const struct rule_checker *check, const char *label)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(check->findings, i, finding)
		if (strcmp(json_string_value(json_object_get(finding, "setting")), label) == 0)
			return true;
	return false;
}

/* The field whose option the rules name; 0 where it is no option. */
static int64_t
field_of(const struct rule_checker *check, const struct rule_id *one)
{
	switch (one->role) {
	case RULE_SUBJECT:
		return check->settings->lead_field_subjects;
	case RULE_DIRECTION:
		return check->settings->lead_field_direction;
	case RULE_OPTION:
		return one->within;
	default:
		return 0;
	}
}

static void
check_unset(struct rule_checker *check, const struct rule_id *one)
{
	const json_t *field = account_field(check->account, AMOCRM_LEADS, field_of(check, one));
	char *suggestion = suggest_option(field, one->name);

	if (one->role == RULE_TASK)
		finding_add(check->findings, "unset", one->label, 0,
		    "not set, so the task is of type 1, follow-up");
	else
		finding_add(check->findings, "unset", one->label, 0,
		    "not set, so the rules that name it do nothing%s", suggestion);
	free(suggestion);
}

static void
check_rule(void *cookie, const struct rule_id *one)
{
	struct rule_checker *check = cookie;

	if (known(check, one->label))
		return;
	if (one->id == 0)
		check_unset(check, one);
	else if (field_of(check, one) != 0)
		check_option(check, one, field_of(check, one));
	else if (one->role == RULE_PIPELINE)
		check_pipeline(check, one);
	else if (one->role == RULE_STAGE)
		check_stage(check, one);
	else if (one->role == RULE_FINISHED)
		check_finished(check, one);
	else if (one->role == RULE_FIELD)
		check_extra(check, one);
	else if (one->role == RULE_TASK)
		check_task_type(check, one);
}

static void
collect(void *cookie, const struct rule_id *one)
{
	struct rule_checker *check = cookie;

	if (one->id != 0 && one->name[0] != '\0')
		json_array_append_new(check->named,
		    json_pack("{s:i, s:s, s:s, s:I}", "role", one->role, "label", one->label,
			"name", one->name, "id", (json_int_t)one->id));
}

void
rule_check(const struct settings *settings, const json_t *rules, const struct account *account,
    json_t *findings)
{
	struct rule_checker check = { settings, account, findings, json_array() };

	rule_ids(settings, rules, collect, &check);
	rule_ids(settings, rules, check_rule, &check);
	json_decref(check.named);
}
