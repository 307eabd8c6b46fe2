#include <inttypes.h>
#include <string.h>

#include "mistake.h"
#include "relations.h"

/* A link is planned as it is: only the other end has to exist. */
static json_t *
plan_link(const struct call *call, const json_t *item, json_t *mistakes)
{
	const json_t *id = json_object_get(item, "to_entity_id");
	const char *type = json_string_value(json_object_get(item, "to_entity_type"));
	enum kind other = call->kind == LEADS ? CONTACTS : LEADS;

	if (type == NULL)
		mistake_missing(mistakes, "to_entity_type");
	else if (strcmp(type, kind_name(other)) != 0)
		mistake_choice(mistakes, "to_entity_type");
	if (id == NULL)
		mistake_missing(mistakes, "to_entity_id");
	else if (!json_is_integer(id))
		mistake_type(mistakes, "int", "to_entity_id");
	else if (account_find(call->account, other, json_integer_value(id)) == NULL)
		mistake_choice(mistakes, "to_entity_id");

	return json_deep_copy(item);
}

/* The lead of a link, whichever end is in the path; *contact is the other end. */
static json_t *
link_lead(const struct call *call, const json_t *item, int64_t *contact)
{
	int64_t other = entity_integer(item, "to_entity_id");

	*contact = call->kind == LEADS ? other : call->id;
	return account_find(call->account, LEADS, call->kind == LEADS ? call->id : other);
}

/* How a link is shown from the end that is in the path. */
static json_t *
show_link(const struct call *call, int64_t other, bool is_main)
{
	return json_pack("{s:I, s:s, s:I, s:s, s:{s:b}}", "entity_id", (json_int_t)call->id,
	    "entity_type", kind_name(call->kind), "to_entity_id", (json_int_t)other,
	    "to_entity_type", kind_name(call->kind == LEADS ? CONTACTS : LEADS), "metadata",
	    "main_contact", (int)is_main);
}

static bool
link_is_main(const json_t *lead, int64_t contact)
{
	return json_is_true(
	    json_object_get(listed_get(json_object_get(lead, "~links"), contact), "is_main"));
}

static void
links_done(const struct call *call, json_t *links, struct response *given)
{
	response_json(given, (int)call->settings->success_status,
	    json_pack("{s:i, s:o, s:{s:o}}", "_total_items", (int)json_array_size(links), "_links",
		call_links(call, "%s/%" PRId64 "/links", kind_name(call->kind), call->id),
		"_embedded", "links", links));
}

void
relations_link(const struct call *call, struct response *given)
{
	json_auto_t *items = call_batch(call, given);
	json_auto_t *plans = items != NULL ? call_plan(call, items, plan_link, given) : NULL;
	json_t *done, *item;
	size_t i;

	if (plans == NULL)
		return;
	if (account_find(call->account, call->kind, call->id) == NULL) {
		response_problem(given, 404, "Entity not found");
		return;
	}

	done = json_array();
	json_array_foreach(items, i, item) {
		int64_t contact;
		json_t *lead = link_lead(call, item, &contact);

		account_link(call->account, lead, contact,
		    json_is_true(json_object_get(json_object_get(item, "metadata"), "is_main")));
		json_array_append_new(done,
		    show_link(
			call, entity_integer(item, "to_entity_id"), link_is_main(lead, contact)));
	}
	links_done(call, done, given);
}

void
relations_unlink(const struct call *call, struct response *given)
{
	json_auto_t *items = call_batch(call, given);
	json_auto_t *plans = items != NULL ? call_plan(call, items, plan_link, given) : NULL;
	json_t *item;
	size_t i;

	if (plans == NULL)
		return;

	json_array_foreach(items, i, item) {
		int64_t contact;
		json_t *lead = link_lead(call, item, &contact);

		if (lead != NULL)
			account_unlink(call->account, lead, contact);
	}
	response_bytes(given, 204, NULL, NULL, 0);
}

void
relations_list(const struct call *call, struct response *given)
{
	const json_t *entity = account_find(call->account, call->kind, call->id);
	json_t *links = json_array(), *item;
	size_t i;

	json_array_foreach(json_object_get(entity, "~links"), i, item)
		json_array_append_new(
		    links, show_link(call, entity_id(item), link_is_main(entity, entity_id(item))));
	json_array_foreach(json_object_get(entity, "~leads"), i, item) {
		int64_t lead = json_integer_value(item);

		json_array_append_new(links,
		    show_link(call, lead,
			link_is_main(account_find(call->account, LEADS, lead), call->id)));
	}
	if (json_array_size(links) > 0) {
		response_json(given, 200,
		    json_pack("{s:i, s:o, s:{s:o}}", "_total_items", (int)json_array_size(links),
			"_links",
			call_links(call, "%s/%" PRId64 "/links", kind_name(call->kind), call->id),
			"_embedded", "links", links));
		return;
	}
	json_decref(links);
	response_bytes(given, 204, NULL, NULL, 0);
}
