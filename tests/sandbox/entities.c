#include <inttypes.h>
#include <string.h>

#include "document.h"
#include "entities.h"
#include "filter.h"
#include "list.h"
#include "mistake.h"
#include "plan.h"
#include "show.h"

/* Does `query` find the entity?  Its own document decides, unless leads were told to look at their contacts too. */
static bool
found_by_query(const struct call *call, const json_t *entity, const char *query)
{
	json_t *link;
	size_t i;

	if (document_matches(call->account, call->kind, entity_id(entity), query, call->now_ns))
		return true;
	if (call->kind != LEADS || !call->settings->leads_query_sees_contacts)
		return false;

	json_array_foreach(json_object_get(entity, "~links"), i, link) {
		if (document_matches(call->account, CONTACTS, entity_id(link), query, call->now_ns))
			return true;
	}
	return false;
}

static bool
in_list(const struct call *call, const json_t *entity)
{
	const char *query = request_parameter(call->asked, "query");

	if (entity_deleted(entity) != request_with(call->asked, "only_deleted"))
		return false;
	if (call->kind == CONTACTS && account_contact_unsorted(call->account, entity))
		return false;
	if (query != NULL && *query != '\0' && !found_by_query(call, entity, query))
		return false;

	return filter_passes(call, entity);
}

void
entities_list(const struct call *call, struct response *given)
{
	struct list *list = list_new();
	const char *key;
	json_t *entity;

	json_object_foreach(account_entities(call->account, call->kind), key, entity) {
		if (in_list(call, entity))
			list_add(list, entity);
	}
	list_order(list, call->asked);
	list_answer(list, call, kind_name(call->kind),
	    request_with(call->asked, "only_deleted") ? show_deleted : show_entity, given);
	list_free(list);
}

void
entities_get(const struct call *call, struct response *given)
{
	const json_t *entity = account_find(call->account, call->kind, call->id);

	if (entity == NULL ||
	    (entity_deleted(entity) && !call->settings->show_deleted_by_id &&
		!request_with(call->asked, "only_deleted")))
		response_bytes(given, 204, NULL, NULL, 0);
	else if (entity_deleted(entity) && request_with(call->asked, "only_deleted"))
		response_json(given, 200, show_deleted(call, entity));
	else
		response_json(given, 200, show_entity(call, entity));
}

/* What a write says about the entity it created or changed. */
static json_t *
written(const struct call *call, const json_t *entity, json_t *request_id)
{
	json_int_t id = entity_id(entity);
	json_t *links = call_links(call, "%s/%" PRId64, kind_name(call->kind), (int64_t)id);

	if (request_id != NULL)
		return json_pack(
		    "{s:I, s:o, s:o}", "id", id, "request_id", request_id, "_links", links);
	if (call->kind == CONTACTS)
		return json_pack("{s:I, s:O, s:O, s:o}", "id", id, "name",
		    json_object_get(entity, "name"), "updated_at",
		    json_object_get(entity, "updated_at"), "_links", links);

	return json_pack("{s:I, s:O, s:o}", "id", id, "updated_at",
	    json_object_get(entity, "updated_at"), "_links", links);
}

static json_t *
plan_creation(const struct call *call, const json_t *item, json_t *mistakes)
{
	if (call->kind == CONTACTS)
		return plan_contact(call->account, item, "", false, mistakes);

	return plan_lead(call->account, NULL, item, false, mistakes);
}

static json_t *
plan_change(const struct call *call, const json_t *item, json_t *mistakes)
{
	const json_t *id = json_object_get(item, "id");
	const json_t *entity = account_find(call->account, call->kind, json_integer_value(id));

	if (id == NULL)
		mistake_missing(mistakes, "id");
	else if (!json_is_integer(id))
		mistake_type(mistakes, "int", "id");
	else if (entity == NULL || entity_deleted(entity))
		mistake_choice(mistakes, "id");

	if (call->kind == CONTACTS)
		return plan_contact(call->account, item, "", false, mistakes);
	return plan_lead(call->account, entity, item, false, mistakes);
}

/* Rules that are not about one field's form have an answer of their own: true after giving it. */
static bool
refused(const json_t *items, const json_t *plans, struct response *given)
{
	json_t *errors = json_object(), *problem, *plan;
	size_t i;

	json_array_foreach(plans, i, plan) {
		json_t *why = json_object_get(plan, "~refused");

		if (why != NULL)
			keyed_set_new(
			    errors, entity_id(json_array_get(items, i)), json_incref(why));
	}
	if (json_object_size(errors) == 0) {
		json_decref(errors);
		return false;
	}

	problem = problem_json(400, "Invalid request body");
	json_object_set_new(problem, "errors", errors);
	response_json(given, 400, problem);
	return true;
}

void
entities_create(const struct call *call, struct response *given)
{
	json_auto_t *items = call_batch(call, given);
	json_auto_t *plans = items != NULL ? call_plan(call, items, plan_creation, given) : NULL;
	json_t *done, *plan;
	size_t i;

	if (plans == NULL || refused(items, plans, given))
		return;

	done = json_array();
	json_array_foreach(plans, i, plan) {
		const json_t *entity =
		    account_insert(call->account, call->kind, plan, call_due(call));

		json_array_append_new(
		    done, written(call, entity, call_request_id(json_array_get(items, i), i)));
	}
	call_done(call, kind_name(call->kind), done, given);
}

/* Carry out checked changes; the answers in the same order, new. */
static json_t *
change_all(const struct call *call, const json_t *items, const json_t *plans)
{
	json_t *done = json_array(), *plan;
	size_t i;

	json_array_foreach(plans, i, plan) {
		int64_t id = entity_id(json_array_get(items, i));
		json_t *entity = account_find(call->account, call->kind, id);

		account_change(call->account, call->kind, entity, plan, call_due(call));
		json_array_append_new(done, written(call, entity, NULL));
	}
	return done;
}

void
entities_change_batch(const struct call *call, struct response *given)
{
	json_auto_t *items = call_batch(call, given);
	json_auto_t *plans = items != NULL ? call_plan(call, items, plan_change, given) : NULL;

	if (plans == NULL || refused(items, plans, given))
		return;

	call_done(call, kind_name(call->kind), change_all(call, items, plans), given);
}

void
entities_change_one(const struct call *call, struct response *given)
{
	json_auto_t *item = call_object(call, given), *items = json_array(), *plans = NULL,
		    *done = NULL;

	if (item == NULL)
		return;

	json_object_set_new(item, "id", json_integer(call->id));
	json_array_append(items, item);
	plans = call_plan(call, items, plan_change, given);
	if (plans == NULL || refused(items, plans, given))
		return;

	done = change_all(call, items, plans);
	if (call->settings->wrap_patch)
		call_done(call, kind_name(call->kind), json_incref(done), given);
	else
		response_json(given, (int)call->settings->success_status,
		    json_incref(json_array_get(done, 0)));
}

/* The first contact of a lead for /leads/complex: an existing one by id, or the whole of a new one. */
static json_t *
complex_contact(const json_t *item)
{
	return json_array_get(json_object_get(json_object_get(item, "_embedded"), "contacts"), 0);
}

static json_t *
plan_complex(const struct call *call, const json_t *item, json_t *mistakes)
{
	json_auto_t *lead = json_deep_copy(item);
	json_t *embedded = json_object_get(lead, "_embedded"), *contact = complex_contact(item),
	       *plan;

	/* An existing contact is a plain link; a new one is planned apart. */
	if (contact != NULL && json_object_get(contact, "id") == NULL)
		json_object_del(embedded, "contacts");
	plan = plan_lead(call->account, NULL, lead, false, mistakes);
	if (contact != NULL && json_object_get(contact, "id") == NULL)
		json_object_set_new(plan, "~contact",
		    plan_contact(call->account, contact, "_embedded.contacts.0.", false, mistakes));
	return plan;
}

void
leads_complex(const struct call *call, struct response *given)
{
	enum {
		COMPLEX_LIMIT = 50
	};
	json_auto_t *items = call_batch(call, given), *plans = NULL;
	json_t *done, *plan;
	size_t i;

	if (items != NULL && json_array_size(items) > COMPLEX_LIMIT) {
		response_problem(given, 422, "Limit 50 per page");
		return;
	}
	plans = items != NULL ? call_plan(call, items, plan_complex, given) : NULL;
	if (plans == NULL || refused(items, plans, given))
		return;

	done = json_array();
	json_array_foreach(plans, i, plan) {
		const json_t *item = json_array_get(items, i),
			     *wanted = json_object_get(plan, "~contact");
		json_t *lead = account_insert(call->account, LEADS, plan, call_due(call));
		json_int_t contact = entity_id(complex_contact(item));

		if (wanted != NULL) {
			contact = entity_id(
			    account_insert(call->account, CONTACTS, wanted, call_due(call)));
			account_link(call->account, lead, contact, true);
		}
		json_array_append_new(done,
		    json_pack("{s:I, s:o, s:n, s:[o], s:b}", "id", (json_int_t)entity_id(lead),
			"contact_id", contact != 0 ? json_integer(contact) : json_null(),
			"company_id", "request_id", call_request_id(item, i), "merged", 0));
	}
	response_json(given, (int)call->settings->success_status, done);
}
