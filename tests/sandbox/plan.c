#include <string.h>

#include "fields.h"
#include "mistake.h"
#include "plan.h"
#include "text.h"

/* What lies in the trash cannot be linked with, or written about. */
static bool
exists(const struct account *account, enum kind kind, int64_t id)
{
	const json_t *entity = account_find(account, kind, id);

	return entity != NULL && !entity_deleted(entity);
}

enum type {
	STRING,
	INTEGER,
	INTEGER_OR_NULL,
	USER,
	SWITCH_BY_HAND,
	INTEGER_BY_HAND
};

struct key {
	const char *name;
	enum type type;
};

static const struct key contact_keys[] = {
	{ "id", INTEGER_BY_HAND },
	{ "name", STRING },
	{ "first_name", STRING },
	{ "last_name", STRING },
	{ "responsible_user_id", USER },
	{ "created_by", USER },
	{ "updated_by", USER },
	{ "created_at", INTEGER },
	{ "updated_at", INTEGER },
	{ "is_deleted", SWITCH_BY_HAND },
	{ NULL, STRING },
};

static const struct key lead_keys[] = {
	{ "id", INTEGER_BY_HAND },
	{ "name", STRING },
	{ "price", INTEGER },
	{ "responsible_user_id", USER },
	{ "created_by", USER },
	{ "updated_by", USER },
	{ "created_at", INTEGER },
	{ "updated_at", INTEGER },
	{ "closed_at", INTEGER_OR_NULL },
	{ "loss_reason_id", INTEGER_OR_NULL },
	{ "score", INTEGER_OR_NULL },
	{ "is_deleted", SWITCH_BY_HAND },
	{ NULL, STRING },
};

static const struct key task_keys[] = {
	{ "text", STRING },
	{ "complete_till", INTEGER },
	{ "entity_id", INTEGER },
	{ "entity_type", STRING },
	{ "task_type_id", INTEGER },
	{ "duration", INTEGER },
	{ "responsible_user_id", USER },
	{ "created_by", USER },
	{ "updated_by", USER },
	{ "created_at", INTEGER },
	{ "updated_at", INTEGER },
	{ NULL, STRING },
};

static const struct key note_keys[] = {
	{ "note_type", STRING },
	{ "responsible_user_id", USER },
	{ "created_by", USER },
	{ "updated_by", USER },
	{ "created_at", INTEGER },
	{ "updated_at", INTEGER },
	{ NULL, STRING },
};

/* May this value stand under a key of this type?  If not, the mistake is noted. */
static bool
value_fits(const struct account *account, const struct key *key, const json_t *value,
    const char *prefix, json_t *mistakes)
{
	switch (key->type) {
	case STRING:
		if (json_is_string(value))
			return true;
		mistake_type(mistakes, "string", "%s%s", prefix, key->name);
		return false;
	case INTEGER_OR_NULL:
		if (json_is_null(value))
			return true;
		/* fall through */
	case INTEGER:
	case INTEGER_BY_HAND:
		if (json_is_integer(value))
			return true;
		mistake_type(mistakes, "int", "%s%s", prefix, key->name);
		return false;
	case USER:
		if (!json_is_integer(value))
			mistake_type(mistakes, "int", "%s%s", prefix, key->name);
		else if (!account_has_user(account, json_integer_value(value)))
			mistake_choice(mistakes, "%s%s", prefix, key->name);
		else
			return true;
		return false;
	case SWITCH_BY_HAND:
	default:
		return json_is_boolean(value);
	}
}

/* Copy the keys of the table; unknown ones are ignored, as the original does. */
static void
plan_keys(const struct account *account, const struct key *keys, const json_t *item,
    const char *prefix, bool by_hand, json_t *plan, json_t *mistakes)
{
	for (; keys->name != NULL; keys++) {
		json_t *value = json_object_get(item, keys->name);

		if (value == NULL)
			continue;
		if (!by_hand && (keys->type == SWITCH_BY_HAND || keys->type == INTEGER_BY_HAND))
			continue;
		if (value_fits(account, keys, value, prefix, mistakes))
			json_object_set(plan, keys->name, value);
	}
}

/* One list of tags under the name by which the plan knows it. */
static void
plan_tag_list(const json_t *tags, const char *path, const char *key, json_t *plan, json_t *mistakes)
{
	json_t *tag;
	size_t i;

	if (tags == NULL)
		return;
	if (json_is_null(tags)) {
		json_object_set_new(plan, key, json_array());
		return;
	}
	if (!json_is_array(tags)) {
		mistake_type(mistakes, "array", "%s", path);
		return;
	}
	json_array_foreach(tags, i, tag) {
		if (!json_is_string(json_object_get(tag, "name")) &&
		    !json_is_integer(json_object_get(tag, "id")))
			mistake_missing(mistakes, "%s.%zu.name", path, i);
	}
	json_object_set(plan, key, (json_t *)tags);
}

static void
plan_tags(const json_t *item, json_t *plan, json_t *mistakes)
{
	plan_tag_list(json_object_get(json_object_get(item, "_embedded"), "tags"), "_embedded.tags",
	    "~tags_set", plan, mistakes);
	plan_tag_list(
	    json_object_get(item, "tags_to_add"), "tags_to_add", "~tags_add", plan, mistakes);
	plan_tag_list(json_object_get(item, "tags_to_delete"), "tags_to_delete", "~tags_delete",
	    plan, mistakes);
}

/* The full name and its parts go together. */
static void
plan_name(json_t *plan)
{
	const char *first = json_string_value(json_object_get(plan, "first_name"));
	const char *last = json_string_value(json_object_get(plan, "last_name"));
	json_t *name = json_object_get(plan, "name");

	if (name != NULL && first == NULL && last == NULL) {
		json_object_set(plan, "first_name", name);
		json_object_set_new(plan, "last_name", json_string(""));
	} else if (name == NULL && (first != NULL || last != NULL)) {
		json_object_set_new(plan, "name",
		    json_sprintf(
			"%s%s%s", first ? first : "", first && last ? " " : "", last ? last : ""));
	}
}

json_t *
plan_contact(const struct account *account, const json_t *item, const char *prefix, bool by_hand,
    json_t *mistakes)
{
	json_t *plan = json_object();

	plan_keys(account, contact_keys, item, prefix, by_hand, plan, mistakes);
	plan_name(plan);
	plan_tags(item, plan, mistakes);
	json_object_set_new(plan, "~cf",
	    fields_read(account, CONTACTS, json_object_get(item, "custom_fields_values"), prefix,
		by_hand, mistakes));
	return plan;
}

/* Read an optional integer; false if there is something else. */
static bool
read_id(const json_t *item, const char *key, int64_t *id, json_t *mistakes)
{
	const json_t *value = json_object_get(item, key);

	if (value != NULL && !json_is_integer(value)) {
		mistake_type(mistakes, "int", "%s", key);
		return false;
	}
	*id = json_integer_value(value);
	return true;
}

/* The pipeline meant by a pair of which either may be 0. */
static const json_t *
stage_pipeline(
    const struct account *account, const json_t *current, int64_t pipeline, int64_t status)
{
	const json_t *home = account_pipeline(account, entity_integer(current, "pipeline_id"));

	if (home == NULL)
		home = account_main_pipeline(account);
	if (pipeline != 0)
		return account_pipeline(account, pipeline);
	if (status == 0 || pipeline_status(home, status) != NULL)
		return home;

	return account_pipeline_with(account, status);
}

/* A lead that reaches 142 or 143 is closed at that moment; one that leaves them is open again. */
static void
plan_closing(const json_t *current, int64_t status, json_t *plan)
{
	bool closed = status == STATUS_WON || status == STATUS_LOST;
	bool moved = entity_integer(current, "status_id") != status;

	if (moved && json_object_get(plan, "closed_at") == NULL)
		json_object_set_new(
		    plan, "closed_at", closed ? json_integer(clock_account_s()) : json_null());
	if (current != NULL && moved && status != STATUS_LOST)
		json_object_set_new(plan, "loss_reason_id", json_null());
}

static void
plan_stage(const struct account *account, const json_t *current, const json_t *item, bool by_hand,
    json_t *plan, json_t *mistakes)
{
	const json_t *home, *stage;
	int64_t pipeline, status;

	if (!read_id(item, "pipeline_id", &pipeline, mistakes) ||
	    !read_id(item, "status_id", &status, mistakes))
		return;

	/* A lead that stays where it is; any change by the API accepts an unsorted one. */
	if (current != NULL && pipeline == 0 && status == 0 &&
	    (by_hand ||
		!account_is_unsorted(account, entity_integer(current, "pipeline_id"),
		    entity_integer(current, "status_id"))))
		return;

	home = stage_pipeline(account, current, pipeline, status);
	if (home == NULL) {
		mistake_choice(mistakes, "%s", pipeline != 0 ? "pipeline_id" : "status_id");
		return;
	}

	stage = status != 0 ? pipeline_status(home, status) : pipeline_first_status(home);
	if (stage == NULL ||
	    (!by_hand && account_is_unsorted(account, entity_id(home), entity_id(stage)))) {
		mistake_choice(mistakes, "status_id");
		return;
	}

	json_object_set_new(plan, "pipeline_id", json_integer(entity_id(home)));
	json_object_set_new(plan, "status_id", json_integer(entity_id(stage)));
	plan_closing(current, entity_id(stage), plan);
}

/* Contacts are linked when a lead is created; afterwards there is a route of its own for that. */
static void
plan_links(const struct account *account, const json_t *item, json_t *plan, json_t *mistakes)
{
	json_t *contacts = json_object_get(json_object_get(item, "_embedded"), "contacts"),
	       *contact;
	size_t i;

	if (contacts == NULL || json_is_null(contacts))
		return;
	if (!json_is_array(contacts)) {
		mistake_type(mistakes, "array", "_embedded.contacts");
		return;
	}
	json_array_foreach(contacts, i, contact) {
		const json_t *id = json_object_get(contact, "id");

		if (id == NULL)
			mistake_missing(mistakes, "_embedded.contacts.%zu.id", i);
		else if (!json_is_integer(id))
			mistake_type(mistakes, "int", "_embedded.contacts.%zu.id", i);
		else if (!exists(account, CONTACTS, json_integer_value(id)))
			mistake_choice(mistakes, "_embedded.contacts.%zu.id", i);
	}
	json_object_set(plan, "~links", contacts);
}

json_t *
plan_lead(const struct account *account, const json_t *current, const json_t *item, bool by_hand,
    json_t *mistakes)
{
	json_t *plan = json_object();
	const json_t *status;

	plan_keys(account, lead_keys, item, "", by_hand, plan, mistakes);
	plan_stage(account, current, item, by_hand, plan, mistakes);
	plan_tags(item, plan, mistakes);
	if (current == NULL || by_hand)
		plan_links(account, item, plan, mistakes);
	json_object_set_new(plan, "~cf",
	    fields_read(account, LEADS, json_object_get(item, "custom_fields_values"), "", by_hand,
		mistakes));

	status = json_object_get(plan, "status_id");
	if (status == NULL)
		status = json_object_get(current, "status_id");
	if (json_is_integer(json_object_get(plan, "loss_reason_id")) &&
	    json_integer_value(status) != STATUS_LOST)
		json_object_set_new(plan, "~refused",
		    json_string("Loss reason can be specified only for lost lead"));

	return plan;
}

/* What the params of each type of note are; a '!' marks those that must be there. */
static const struct note_type {
	const char *name;
	const char *params[6];
} note_types[] = {
	{ "common", { "!text" } },
	{ "service_message", { "!service", "!text" } },
	{ "extended_service_message", { "!service", "!text" } },
	{ "sms_in", { "!text", "!phone" } },
	{ "sms_out", { "!text", "!phone" } },
	{ "call_in", { "!uniq", "!duration", "!source", "link", "!phone" } },
	{ "call_out", { "!uniq", "!duration", "!source", "link", "!phone" } },
	{ "geolocation", { "!text", "!address", "!longitude", "!latitude" } },
	{ "message_cashier", { "!status", "!text", "!shop" } },
	{ "attachment", { "!version_uuid", "!file_uuid", "!file_name" } },
};

static void
check_params(const struct note_type *type, json_t *params, json_t *mistakes)
{
	const char *key;
	json_t *value;
	size_t i;

	for (i = 0; i < 6 && type->params[i] != NULL; i++) {
		const char *name = type->params[i] + (type->params[i][0] == '!');

		value = json_object_get(params, name);
		if (value == NULL && type->params[i][0] == '!')
			mistake_missing(mistakes, "params.%s", name);
		else if (value != NULL && strcmp(name, "text") == 0 && !json_is_string(value))
			mistake_type(mistakes, "string", "params.text");
	}
	json_object_foreach(params, key, value) {
		for (i = 0; i < 6 && type->params[i] != NULL; i++) {
			if (strcmp(type->params[i] + (type->params[i][0] == '!'), key) == 0)
				break;
		}
		if (i == 6 || type->params[i] == NULL)
			mistake_unexpected(mistakes, "params.%s", key);
	}
}

static void
plan_params(const json_t *item, json_t *plan, json_t *mistakes)
{
	const char *name = json_string_value(json_object_get(item, "note_type"));
	json_t *params = json_object_get(item, "params");

	if (name == NULL) {
		if (json_object_get(item, "note_type") == NULL)
			mistake_missing(mistakes, "note_type");
		return;
	}
	for (size_t i = 0; i < sizeof(note_types) / sizeof(note_types[0]); i++) {
		if (strcmp(note_types[i].name, name) == 0) {
			check_params(&note_types[i], params, mistakes);
			if (params != NULL)
				json_object_set(plan, "params", params);
			return;
		}
	}
	mistake_choice(mistakes, "note_type");
}

json_t *
plan_note(const struct account *account, enum kind kind, int64_t entity, const json_t *item,
    json_t *mistakes)
{
	json_t *plan = json_object();

	plan_keys(account, note_keys, item, "", false, plan, mistakes);
	plan_params(item, plan, mistakes);

	if (entity == 0) {
		const json_t *named = json_object_get(item, "entity_id");

		entity = json_integer_value(named);
		if (named == NULL)
			mistake_missing(mistakes, "entity_id");
		else if (!json_is_integer(named))
			mistake_type(mistakes, "int", "entity_id");
		else if (!exists(account, kind, entity))
			mistake_choice(mistakes, "entity_id");
	}
	json_object_set_new(plan, "entity_id", json_integer(entity));
	json_object_set_new(plan, "~entity_type", json_string(kind_name(kind)));
	return plan;
}

/* Seconds since 1970 that a person may live to see; milliseconds are not. */
#define LATEST 10000000000

/* What a task must have, and what its type and its time may be. */
static void
check_task(const json_t *plan, json_t *mistakes)
{
	const json_t *text = json_object_get(plan, "text"),
		     *due = json_object_get(plan, "complete_till"),
		     *type = json_object_get(plan, "task_type_id");

	if (json_is_string(text) && json_string_length(text) == 0)
		mistake_missing(mistakes, "text");
	if (json_integer_value(due) < 0 || json_integer_value(due) >= LATEST)
		mistake_type(mistakes, "int", "complete_till");
	if (type != NULL && json_integer_value(type) != TASK_FOLLOW_UP &&
	    json_integer_value(type) != TASK_MEETING)
		mistake_choice(mistakes, "task_type_id");
}

/* What the task is about, if about anything. */
static void
check_subject(const struct account *account, const json_t *item, json_t *mistakes)
{
	const json_t *id = json_object_get(item, "entity_id");
	const char *type = json_string_value(json_object_get(item, "entity_type"));
	enum kind kind;

	if (id == NULL)
		return;
	if (type == NULL)
		mistake_missing(mistakes, "entity_type");
	else if (!kind_parse(type, &kind) || kind == NOTES || kind == TASKS)
		mistake_choice(mistakes, "entity_type");
	else if (!exists(account, kind, json_integer_value(id)))
		mistake_choice(mistakes, "entity_id");
}

json_t *
plan_task(const struct account *account, const json_t *item, json_t *mistakes)
{
	json_t *plan = json_object();

	plan_keys(account, task_keys, item, "", false, plan, mistakes);
	if (json_object_get(item, "text") == NULL)
		mistake_missing(mistakes, "text");
	if (json_object_get(item, "complete_till") == NULL)
		mistake_missing(mistakes, "complete_till");
	check_task(plan, mistakes);
	check_subject(account, item, mistakes);
	return plan;
}
