#include <inttypes.h>

#include "fields.h"
#include "show.h"
#include "wear.h"

/* The keys that are the API's own. */
static json_t *
show_keys(const json_t *entity)
{
	json_t *shown = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)entity, key, value) {
		if (key[0] != '~')
			json_object_set(shown, key, value);
	}
	return shown;
}

static json_t *
self(const struct call *call, enum kind kind, int64_t id)
{
	return call_links(call, "%s/%" PRId64, kind_name(kind), id);
}

/* The leads of a contact: ids only. */
static json_t *
show_leads(const struct call *call, const json_t *contact)
{
	json_t *all = json_array(), *item;
	size_t i;

	json_array_foreach(json_object_get(contact, "~leads"), i, item) {
		int64_t id = json_integer_value(item);

		if (!entity_deleted(account_find(call->account, LEADS, id)))
			json_array_append_new(all,
			    json_pack("{s:I, s:o}", "id", (json_int_t)id, "_links",
				self(call, LEADS, id)));
	}
	return all;
}

static json_t *
show_contacts(const struct call *call, const json_t *lead)
{
	json_t *all = json_array(), *item;
	size_t i;

	json_array_foreach(json_object_get(lead, "~links"), i, item) {
		int64_t id = entity_id(item);

		if (!entity_deleted(account_find(call->account, CONTACTS, id)))
			json_array_append_new(all,
			    json_pack("{s:I, s:O, s:o}", "id", (json_int_t)id, "is_main",
				json_object_get(item, "is_main"), "_links",
				self(call, CONTACTS, id)));
	}
	return all;
}

json_t *
show_entity(const struct call *call, const json_t *entity)
{
	json_t *shown = show_keys(entity);
	json_t *tags = json_object_get(entity, "~tags");
	json_t *embedded = json_pack("{s:O, s:[]}", "tags", tags, "companies");

	json_object_set_new(
	    shown, "custom_fields_values", fields_show(call->account, call->kind, entity));
	if (call->kind == CONTACTS)
		json_object_set_new(shown, "is_unsorted",
		    json_boolean(account_contact_unsorted(call->account, entity)));

	if (call->kind == CONTACTS && request_with(call->asked, "leads"))
		json_object_set_new(embedded, "leads", show_leads(call, entity));
	if (call->kind == LEADS && request_with(call->asked, "contacts"))
		json_object_set_new(embedded, "contacts", show_contacts(call, entity));

	json_object_set_new(shown, "_links", self(call, call->kind, entity_id(entity)));
	wear_texts(call->settings, shown);
	json_object_set_new(shown, "_embedded", embedded);
	return shown;
}

json_t *
show_deleted(const struct call *call, const json_t *entity)
{
	return json_pack("{s:I, s:O, s:O, s:b, s:o}", "id", (json_int_t)entity_id(entity),
	    "updated_at", json_object_get(entity, "updated_at"), "updated_by",
	    json_object_get(entity, "updated_by"), "is_deleted", 1, "_links",
	    self(call, call->kind, entity_id(entity)));
}

json_t *
show_note(const struct call *call, const json_t *note)
{
	json_auto_t *keys = show_keys(note);
	json_t *shown = json_deep_copy(keys); /* Its text is inside what is kept. */

	json_object_set_new(shown, "_links",
	    call_links(call, "%s/%" PRId64 "/notes/%" PRId64,
		json_string_value(json_object_get(note, "~entity_type")),
		entity_integer(note, "entity_id"), entity_id(note)));
	wear_texts(call->settings, shown);
	return shown;
}

json_t *
show_task(const struct call *call, const json_t *task)
{
	json_t *shown = show_keys(task);

	json_object_set_new(shown, "_links", self(call, TASKS, entity_id(task)));
	wear_texts(call->settings, shown);
	return shown;
}

/* {"field name": value, or [values] where the field takes several}. */
static json_t *
named_fields(const json_t *shown)
{
	json_t *named = json_object(), *field, *value;
	size_t i, n;

	json_array_foreach(shown, i, field) {
		json_t *values = json_object_get(field, "values"), *all = json_array();
		const char *type = json_string_value(json_object_get(field, "field_type"));

		json_array_foreach(values, n, value)
			json_array_append(all, json_object_get(value, "value"));
		json_object_set(named, json_string_value(json_object_get(field, "field_name")),
		    type[0] == 'm' && type[1] == 'u' ? all : json_array_get(all, 0));
		json_decref(all);
	}
	return named;
}

json_t *
show_state(const struct account *account, enum kind kind, const json_t *entity)
{
	json_t *shown = show_keys(entity), *link, *contacts = json_array();
	size_t i;

	if (kind == NOTES)
		json_object_set(shown, "entity_type", json_object_get(entity, "~entity_type"));
	if (kind == CONTACTS || kind == LEADS) {
		json_t *filled = fields_show(account, kind, entity);

		json_object_set_new(shown, "fields", named_fields(filled));
		json_object_set_new(shown, "custom_fields_values", filled);
		json_object_set(shown, "tags", json_object_get(entity, "~tags"));
	}
	if (kind == CONTACTS) {
		json_t *leads = json_object_get(entity, "~leads");

		json_object_set_new(
		    shown, "leads", leads != NULL ? json_copy(leads) : json_array());
	}
	if (kind == LEADS) {
		json_array_foreach(json_object_get(entity, "~links"), i, link)
			json_array_append(contacts, json_object_get(link, "id"));
		json_object_set(shown, "contacts", contacts);
	}
	json_decref(contacts);
	return shown;
}
