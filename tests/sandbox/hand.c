/*
 * What a manager does in the user interface, in few words: fields by name, contacts by id.
 */
#include <string.h>

#include "mistake.h"
#include "plan.h"
#include "seed.h"
#include "text.h"

/* The field that a person calls by id, code or name. */
static json_t *
field_called(const struct account *account, enum kind kind, const char *called)
{
	json_t *field = NULL;
	const char *key;
	int64_t id;

	if (text_integer(called, &id))
		return account_field(account, kind, id);

	json_object_foreach(account_fields(account, kind), key, field) {
		const char *name = json_string_value(json_object_get(field, "name"));

		if (name != NULL && strcmp(name, called) == 0)
			return field;
	}
	return account_field_coded(account, kind, called);
}

/* A plain value as the API wants it; an integer for a field with options is the option. */
static json_t *
wrap_value(const json_t *field, json_t *value)
{
	bool options = json_array_size(json_object_get(field, "enums")) > 0;

	if (json_is_object(value))
		return json_incref(value);

	return json_pack("{s:O}", options && json_is_integer(value) ? "enum_id" : "value", value);
}

static json_t *
wrap_values(const json_t *field, json_t *value)
{
	json_t *values, *item;
	size_t i;

	if (json_is_null(value))
		return json_null();

	values = json_array();
	if (!json_is_array(value))
		json_array_append_new(values, wrap_value(field, value));
	json_array_foreach(value, i, item)
		json_array_append_new(values, wrap_value(field, item));
	return values;
}

/* {"Telegram ID": "1"} into custom_fields_values. */
static void
spell_fields(const struct account *account, enum kind kind, json_t *said, json_t *mistakes)
{
	json_t *fields = json_object_get(said, "fields"), *items, *value;
	const char *called;

	if (fields == NULL)
		return;

	items = json_object_get(said, "custom_fields_values");
	items = json_is_array(items) ? json_copy(items) : json_array();
	json_object_foreach(fields, called, value) {
		const json_t *field = field_called(account, kind, called);

		if (field == NULL)
			mistake_choice(mistakes, "fields.%s", called);
		else
			json_array_append_new(items,
			    json_pack("{s:I, s:o}", "field_id", (json_int_t)entity_id(field),
				"values", wrap_values(field, value)));
	}
	json_object_set_new(said, "custom_fields_values", items);
}

/* [1, 2] into _embedded.contacts. */
static void
spell_contacts(json_t *said)
{
	json_t *ids = json_object_get(said, "contacts"), *links, *id;
	size_t i;

	if (!json_is_array(ids))
		return;

	links = json_array();
	json_array_foreach(ids, i, id)
		json_array_append_new(links, json_pack("{s:O}", "id", id));
	json_object_set_new(said, "_embedded", json_pack("{s:o}", "contacts", links));
}

/* A note may be said as its text alone. */
static json_t *
plan_hand_note(const struct account *account, json_t *said, json_t *mistakes)
{
	json_t *text = json_object_get(said, "text");
	enum kind kind = LEADS;
	json_t *plan;

	kind_parse(json_string_value(json_object_get(said, "entity_type")), &kind);
	if (text != NULL && json_object_get(said, "params") == NULL)
		json_object_set_new(said, "params", json_pack("{s:O}", "text", text));
	if (json_object_get(said, "note_type") == NULL)
		json_object_set_new(said, "note_type", json_string("common"));

	plan = plan_note(account, kind, 0, said, mistakes);
	if (json_object_get(said, "id") != NULL)
		json_object_set(plan, "id", json_object_get(said, "id"));
	return plan;
}

static json_t *
plan_by_hand(const struct account *account, enum kind kind, const json_t *entity, json_t *said,
    json_t *mistakes)
{
	switch (kind) {
	case CONTACTS:
		return plan_contact(account, said, "", true, mistakes);
	case LEADS:
		return plan_lead(account, entity, said, true, mistakes);
	case NOTES:
		return plan_hand_note(account, said, mistakes);
	case TASKS:
	default:
		return plan_task(account, said, mistakes);
	}
}

json_t *
hand_write(struct account *account, enum kind kind, json_t *entity, const json_t *said,
    int64_t due_ns, json_t *mistakes)
{
	json_auto_t *full = json_copy((json_t *)said), *plan = NULL;

	if (!json_is_object(said)) {
		mistake_type(mistakes, "object", "%s", kind_name(kind));
		return NULL;
	}
	if (kind == CONTACTS || kind == LEADS)
		spell_fields(account, kind, full, mistakes);
	if (kind == LEADS)
		spell_contacts(full);
	plan = plan_by_hand(account, kind, entity, full, mistakes);
	if (entity == NULL && account_find(account, kind, entity_id(plan)) != NULL)
		mistake_choice(mistakes, "id");
	if (json_object_get(plan, "~refused") != NULL)
		mistake_unexpected(mistakes, "loss_reason_id");
	if (json_array_size(mistakes) > 0)
		return NULL;

	if (entity == NULL)
		return account_insert(account, kind, plan, due_ns);

	json_object_del(plan, "id");
	account_change(account, kind, entity, plan, due_ns);
	return entity;
}
