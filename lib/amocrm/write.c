/*
 * Creating and changing entities, several by one request.
 *
 * Each item is settled exactly once: with what amoCRM said of it, or with the outcome of the last
 * request that held it.  Items of one request are told apart by "request_id", their index; the
 * order of an answer proves nothing.  A 400 rejects the whole request (no report says otherwise),
 * so even a creation is safe to send again without what was refused.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amocrm/amocrm.h"
#include "amocrm/entity.h"
#include "amocrm/internal.h"
#include "amocrm/refusal.h"
#include "base/text.h"

/*
 * A refused request names at least one field each time; this many rounds would need as many wrong
 * fields.
 */
#define DROP_ROUNDS 24

/* Items under way, with what is sent for each: a copy from which refused fields are taken out. */
struct sending {
	struct amocrm_item *items[AMOCRM_ITEMS_MAX];
	json_t *sent[AMOCRM_ITEMS_MAX]; /* Owned. */
	size_t count;
};

/* Where entities of a kind are created and changed, and the name of their list in the answer. */
static const char *const paths[] = { "/api/v4/contacts", "/api/v4/leads", "/api/v4/leads/notes",
	"/api/v4/tasks" };
static const char *const lists[] = { "contacts", "leads", "notes", "tasks" };

/* What is done to the entities of one request. */
struct operation {
	enum amocrm_kind kind;
	bool creates; /* Else it changes them. */
};

/*
 * The request.
 */

static void
begin(struct sending *sending, struct amocrm_item *items, size_t count)
{
	char number[24];
	size_t i;

	*sending = (struct sending){ .count = count };
	for (i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%zu", i);
		sending->items[i] = &items[i];
		sending->sent[i] = json_deep_copy(items[i].entity);
		if (count == 1)
			break;
		json_object_set_new(sending->sent[i], "request_id", json_string(number));
		if (items[i].id != 0)
			json_object_set_new(sending->sent[i], "id", json_integer(items[i].id));
	}
}

/* What became of an item is known: it leaves the request, and those behind it move up by one. */
static void
settle(struct sending *sending, size_t index, enum outcome out, const struct fault *why)
{
	struct amocrm_item *item = sending->items[index];

	item->out = out;
	item->why = *why;
	json_decref(sending->sent[index]);
	sending->count--;
	for (; index < sending->count; index++) {
		sending->items[index] = sending->items[index + 1];
		sending->sent[index] = sending->sent[index + 1];
	}
}

/*
 * One entity is changed by its own address, which takes the entity itself; everything else takes a
 * list.
 */
static bool
is_addressed(const struct operation *operation, const struct sending *sending)
{
	return !operation->creates && sending->count == 1;
}

static json_t *
body_of(const struct operation *operation, const struct sending *sending)
{
	json_t *body;
	size_t i;

	if (is_addressed(operation, sending)) {
		body = json_copy(sending->sent[0]);
		json_object_del(body, "id");
		json_object_del(body, "request_id");
		return body;
	}
	body = json_array();
	for (i = 0; i < sending->count; i++)
		json_array_append(body, sending->sent[i]);
	return body;
}

static enum outcome
perform(struct amocrm *crm, const struct amocrm_context *context, const struct operation *operation,
    const struct sending *sending, struct call_response *response, struct fault *why)
{
	int first = operation->creates ? CALL_CREATE_CONTACTS : CALL_CHANGE_CONTACTS;
	struct call_request request = { .kind = (enum call_kind)(first + (int)operation->kind),
		.several = sending->count > 1,
		.path = is_addressed(operation, sending)
		    ? text_format("%s/%" PRId64, paths[operation->kind], sending->items[0]->id)
		    : text_copy(paths[operation->kind]),
		.body = body_of(operation, sending) };
	enum outcome out = amocrm_perform(crm, context, &request, response, why);

	json_decref(request.body);
	free(request.path);
	return out;
}

/*
 * A refusal.
 */

/*
 * Whether a complaint or an answer names this item.  amoCRM gives our request_id back as the text
 * that it was, or as a number.
 */
static bool
names(const json_t *request_id, const json_t *sent)
{
	const char *ours = json_string_value(json_object_get(sent, "request_id"));
	char number[24];

	if (!json_is_integer(request_id))
		return json_equal(json_object_get(sent, "request_id"), request_id);
	snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(request_id));
	return ours != NULL && strcmp(ours, number) == 0;
}

/* What the answer complains of in one item; all of it, when that is alone in the request. */
static json_t *
complaints_of(const json_t *complaints, const json_t *sent, bool alone)
{
	json_t *own = json_array(), *complaint;
	size_t i;

	json_array_foreach(complaints, i, complaint)
		if (alone || names(json_object_get(complaint, "request_id"), sent))
			json_array_append(own, complaint);
	return own;
}

/*
 * Make the request one that may be taken: from each item that is complained of, take the fields, or
 * take the item out.  False when the answer complains of nothing, or of what is none of the items.
 *
 * All complaints of an item are looked at together, as the places that they name are those of the
 * request that was sent.
 */
static bool
amend(struct sending *sending, const struct call_response *response, const struct fault *why)
{
	json_t *complaints = json_object_get(response->json, "validation-errors"), *answer, *own;
	size_t i, meant = 0;
	bool alone = sending->count == 1;

	if (response->status != 400)
		return false;
	/* From the end, as settling one moves up those behind it. */
	for (i = sending->count; i-- > 0;) {
		own = complaints_of(complaints, sending->sent[i], alone);
		meant += json_array_size(own);
		answer = json_pack("{s:O}", "validation-errors", own);
		if (json_array_size(own) > 0 &&
		    !refusal_drop_fields(answer, sending->sent[i], sending->items[i]->dropped))
			settle(sending, i, NEVER, why);
		json_decref(answer);
		json_decref(own);
	}
	return meant > 0 && meant == json_array_size(complaints);
}

/*
 * The answer.
 */

/* A creation answers with what it made, each with our request_id; one alone needs none. */
static bool
find_created(const struct sending *sending, size_t index, const json_t *made, int64_t *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach(made, i, one) {
		if (sending->count > 1 &&
		    !names(json_object_get(one, "request_id"), sending->sent[index]))
			continue;
		*id = entity_id(one);
		return *id > 0;
	}
	return false;
}

/* A change answers with a list, or, where one entity was addressed, with that itself. */
static bool
find_changed(int64_t id, const json_t *answer, const json_t *changed)
{
	const json_t *one;
	size_t i;

	json_array_foreach(changed, i, one)
		if (entity_id(one) == id)
			return true;
	return changed == NULL && entity_id(answer) == id;
}

/* Only the id that was expected proves that a thing was done. */
static void
settle_done(const struct operation *operation, struct sending *sending, const json_t *answer)
{
	const json_t *list = entity_embedded(answer, lists[operation->kind]);
	struct fault why = { "" };
	size_t i;

	for (i = 0; i < sending->count; i++) {
		struct amocrm_item *item = sending->items[i];

		item->out = DONE;
		if (operation->creates && !find_created(sending, i, list, &item->id))
			item->out =
			    fault_set(&why, UNSURE, "amoCRM: the answer to a creation has no id");
		if (!operation->creates && !find_changed(item->id, answer, list))
			item->out = fault_set(
			    &why, UNSURE, "amoCRM: the answer to an update does not have its id");
		item->why = why;
		json_decref(sending->sent[i]);
	}
	sending->count = 0;
}

/*
 * All together.
 */

static void write_items(struct amocrm *crm, const struct amocrm_context *context,
    const struct operation *operation, struct amocrm_item *items, size_t count);

/*
 * All are refused and amoCRM does not say which one is meant: each is sent by itself, and only that
 * one is refused.
 */
static void
write_singly(struct amocrm *crm, const struct amocrm_context *context,
    const struct operation *operation, struct sending *sending)
{
	while (sending->count > 0) {
		struct amocrm_item *item = sending->items[0];

		settle(sending, 0, DONE, &item->why);
		write_items(crm, context, operation, item, 1);
	}
}

static void
write_items(struct amocrm *crm, const struct amocrm_context *context,
    const struct operation *operation, struct amocrm_item *items, size_t count)
{
	struct sending sending;
	struct call_response response = { 0 };
	struct fault why = { "" };
	enum outcome out = DONE;
	bool several = false;
	int round;

	begin(&sending, items, count);
	for (round = 0; sending.count > 0; round++) {
		several = sending.count > 1;
		out = perform(crm, context, operation, &sending, &response, &why);
		if (out != NEVER || round == DROP_ROUNDS || !amend(&sending, &response, &why))
			break;
		json_decref(response.json);
		response.json = NULL;
	}
	if (out == DONE)
		settle_done(operation, &sending, response.json);
	else if ((out == NEVER || response.own) && several)
		write_singly(crm, context, operation, &sending);
	while (sending.count > 0)
		settle(&sending, 0, out, &why);
	json_decref(response.json);
}

void
amocrm_create(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    struct amocrm_item *items, size_t count)
{
	write_items(crm, context, &(struct operation){ kind, true }, items, count);
}

void
amocrm_update(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    struct amocrm_item *items, size_t count)
{
	write_items(crm, context, &(struct operation){ kind, false }, items, count);
}
