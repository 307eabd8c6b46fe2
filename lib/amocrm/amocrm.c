/*
 * amoCRM's account as the service reads it: one entity, lists page by page, searches, and the
 * account's own settings.
 *
 * Lists are trusted only as far as they prove something.  Filters may be ignored by an account
 * without that option, so what was not asked for is dropped here; an answer without the list that
 * was asked for, or with anything in it that is not understood, is no answer (LATER), because
 * taking it for an absence would create what is there already.  Creating and changing is write.c's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amocrm/amocrm.h"
#include "amocrm/entity.h"
#include "amocrm/internal.h"
#include "amocrm/shape.h"
#include "base/memory.h"
#include "base/text.h"

/* Pages of 250 entities; a search that fills twenty of them is not about one person. */
#define PAGE_SIZE 250
/*
 * Of leads that are asked for by id: with more, a request line might be longer than the 8 KB that
 * web servers take.
 */
#define IDS_MAX   150
#define PAGES_MAX 20

static const char *const kind_names[] = { "contacts", "leads" };
static const char *const kind_with[] = { "leads", "contacts" };

enum outcome
amocrm_open(const struct settings *settings, struct limiter *limiter, struct amocrm **crm,
    struct fault *why)
{
	struct http_client *http;
	enum outcome out;

	out = http_client_open(settings->amo_access_token, settings->amo_ca_file, &http, why);
	if (out != DONE)
		return out;
	*crm = memory_zeroed(1, sizeof(**crm));
	(*crm)->http = http;
	(*crm)->caller = (struct caller){ .settings = settings, .limiter = limiter, .http = http };
	return DONE;
}

void
amocrm_close(struct amocrm *crm)
{
	if (crm == NULL)
		return;
	http_client_close(crm->http);
	free(crm);
}

void
amocrm_set_metrics(struct amocrm *crm, struct metrics *metrics)
{
	crm->caller.metrics = metrics;
}

bool
amocrm_unavailable(const struct amocrm *crm)
{
	return crm->unavailable;
}

bool
amocrm_too_many(const struct amocrm *crm)
{
	return crm->too_many;
}

int64_t
amocrm_clock_ahead_ms(const struct amocrm *crm)
{
	return http_client_clock_ahead_ms(crm->http);
}

enum outcome
amocrm_perform(struct amocrm *crm, const struct amocrm_context *context,
    const struct call_request *request, struct call_response *response, struct fault *why)
{
	enum outcome out = call_perform(&crm->caller, context, request, response, why);

	crm->unavailable = (out == LATER || out == UNSURE) && !response->own;
	crm->too_many = false;
	return out;
}

/* A GET whose path is taken over. */
static enum outcome
get(struct amocrm *crm, const struct amocrm_context *context, enum call_kind kind, char *path,
    json_t **json, struct fault *why)
{
	struct call_request request = { .kind = kind, .path = path };
	struct call_response response = { 0 };
	enum outcome out = amocrm_perform(crm, context, &request, &response, why);

	free(path);
	if (out == DONE)
		*json = response.json;
	else
		json_decref(response.json);
	return out;
}

/*
 * Reading.
 */

static bool
has_next_page(const json_t *json)
{
	return json_object_get(json_object_get(json_object_get(json, "_links"), "next"), "href") !=
	    NULL;
}

/* One entity that is not understood makes the list one of which it is not known what it lacks. */
static enum outcome
append_entities(json_t *all, const json_t *page, const char *name, struct fault *why)
{
	json_t *entity;
	size_t i;

	json_array_foreach(entity_embedded(page, name), i, entity) {
		if (!shape_known(name, entity))
			return fault_set(why, LATER,
			    "amoCRM answered with %s in a form that is not understood", name);
		json_array_append(all, entity);
	}
	return DONE;
}

/*
 * A page of a list, by a path that is taken over; NULL when amoCRM says that it is empty (204).
 * Anything else that holds no list proves nothing about what there is.
 */
static enum outcome
get_page(struct amocrm *crm, const struct amocrm_context *context, const char *name,
    enum call_kind kind, char *path, json_t **page, struct fault *why)
{
	enum outcome out = get(crm, context, kind, path, page, why);

	if (out != DONE || *page == NULL || json_is_array(entity_embedded(*page, name)))
		return out;
	json_decref(*page);
	return fault_set(why, LATER, "amoCRM answered without a list of %s", name);
}

/*
 * All pages of a list.  The link to the next page may name another host, so only its presence is
 * used.
 */
static enum outcome
list(struct amocrm *crm, const struct amocrm_context *context, const char *name,
    enum call_kind kind, const char *path, int pages, json_t **found, struct fault *why)
{
	json_t *all = json_array(), *page = NULL;
	bool more = true;
	enum outcome out = DONE;
	int number;

	for (number = 1; more && number <= pages && out == DONE; number++) {
		out = get_page(crm, context, name, kind,
		    text_format("%s&limit=%d&page=%d", path, PAGE_SIZE, number), &page, why);
		if (out != DONE)
			break;
		out = append_entities(all, page, name, why);
		more = has_next_page(page);
		json_decref(page);
	}
	crm->too_many = out == DONE && more && pages == PAGES_MAX;
	if (crm->too_many)
		out = fault_set(
		    why, NEVER, "amoCRM: more than %d %s match", PAGES_MAX * PAGE_SIZE, name);
	if (out == DONE)
		*found = all;
	else
		json_decref(all);
	return out;
}

enum outcome
amocrm_search(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    const char *query, json_t **found, struct fault *why)
{
	char *escaped = http_client_escape(crm->http, query);
	char *path =
	    text_format("/api/v4/%s?query=%s&with=%s", kind_names[kind], escaped, kind_with[kind]);
	enum outcome out = list(crm, context, kind_names[kind],
	    (enum call_kind)(CALL_SEARCH_CONTACTS + (int)kind), path, PAGES_MAX, found, why);

	free(escaped);
	free(path);
	return out;
}

enum outcome
amocrm_newest(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    json_t **found, struct fault *why)
{
	char *path = text_format(
	    "/api/v4/%s?order%%5Bid%%5D=desc&with=%s", kind_names[kind], kind_with[kind]);
	enum outcome out = list(crm, context, kind_names[kind],
	    (enum call_kind)(CALL_NEWEST_CONTACTS + (int)kind), path, 1, found, why);

	free(path);
	return out;
}

enum outcome
amocrm_read(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    int64_t id, json_t **entity, struct fault *why)
{
	struct call_request request = { .kind = (enum call_kind)(CALL_READ_CONTACT + (int)kind),
		.path = text_format(
		    "/api/v4/%s/%" PRId64 "?with=%s", kind_names[kind], id, kind_with[kind]) };
	struct call_response response = { 0 };
	enum outcome out = amocrm_perform(crm, context, &request, &response, why);

	free(request.path);
	/* An unknown id is 204 by the documentation; 404 is seen too. */
	if (out == NEVER && response.status == 404) {
		json_decref(response.json);
		*entity = NULL;
		return DONE;
	}
	if (out == DONE && response.json != NULL && entity_id(response.json) != id)
		out =
		    fault_set(why, LATER, "amoCRM answered with another entity than was asked for");
	else if (out == DONE && response.json != NULL &&
	    !shape_known(kind_names[kind], response.json))
		out = fault_set(why, LATER,
		    "amoCRM answered with one of %s in a form that is not understood",
		    kind_names[kind]);
	if (out == DONE)
		*entity = response.json;
	else
		json_decref(response.json);
	return out;
}

static bool
among(const json_t *ids, json_int_t id)
{
	const json_t *one;
	size_t i;

	json_array_foreach(ids, i, one)
		if (json_integer_value(one) == id)
			return true;
	return false;
}

static bool
has_entity(const json_t *entities, json_int_t id)
{
	const json_t *one;
	size_t i;

	json_array_foreach(entities, i, one)
		if (entity_id(one) == id)
			return true;
	return false;
}

/* Those that are not among `leads` yet. */
static enum outcome
read_singly(struct amocrm *crm, const struct amocrm_context *context, const json_t *ids,
    json_t *leads, struct fault *why)
{
	const json_t *id;
	json_t *lead = NULL;
	enum outcome out;
	size_t i;

	json_array_foreach(ids, i, id) {
		if (has_entity(leads, json_integer_value(id)))
			continue;
		if ((out = amocrm_read(
			 crm, context, AMOCRM_LEADS, json_integer_value(id), &lead, why)) != DONE)
			return out;
		if (lead != NULL)
			json_array_append_new(leads, lead);
	}
	return DONE;
}

/*
 * Ask for up to IDS_MAX leads by a filter, and take those that were asked for and are understood.
 * An account may refuse filters: then none came.
 */
static enum outcome
read_filtered(struct amocrm *crm, const struct amocrm_context *context, const json_t *ids,
    size_t from, json_t *leads, struct fault *why)
{
	char *path = NULL;
	size_t size = 0, i;
	FILE *text = memory_stream(&path, &size);
	json_t *page = NULL, *lead;
	enum outcome out;

	fprintf(text, "/api/v4/leads?with=contacts&limit=%d", PAGE_SIZE);
	for (i = from; i < json_array_size(ids) && i < from + IDS_MAX; i++)
		fprintf(text, "&filter%%5Bid%%5D%%5B%%5D=%" JSON_INTEGER_FORMAT,
		    json_integer_value(json_array_get(ids, i)));
	memory_stream_end(text);
	out = get_page(crm, context, "leads", CALL_READ_LEADS, path, &page, why);
	if (out != DONE)
		return out == NEVER ? DONE : out;
	json_array_foreach(entity_embedded(page, "leads"), i, lead)
		if (shape_known("leads", lead) && among(ids, entity_id(lead)) &&
		    !has_entity(leads, entity_id(lead)))
			json_array_append(leads, lead);
	json_decref(page);
	return DONE;
}

enum outcome
amocrm_read_leads(struct amocrm *crm, const struct amocrm_context *context, const json_t *ids,
    json_t **leads, struct fault *why)
{
	json_t *read = json_array();
	size_t from, count = json_array_size(ids);
	enum outcome out = DONE;

	for (from = 0; out == DONE && count > 1 && from < count; from += IDS_MAX)
		out = read_filtered(crm, context, ids, from, read, why);
	/* What did not come may be there all the same: that only its own address tells. */
	if (out == DONE)
		out = read_singly(crm, context, ids, read, why);
	if (out == DONE)
		*leads = read;
	else
		json_decref(read);
	return out;
}

/*
 * Notes and tasks.
 */

enum outcome
amocrm_notes(struct amocrm *crm, const struct amocrm_context *context, int64_t lead_id,
    json_t **notes, struct fault *why)
{
	char *path = text_format("/api/v4/leads/%" PRId64
				 "/notes?filter%%5Bnote_type%%5D=common&order%%5Bid%%5D=desc",
	    lead_id);
	enum outcome out = list(crm, context, "notes", CALL_READ_NOTES, path, 1, notes, why);

	free(path);
	return out;
}

/* Accounts may ignore filters: what belongs to other entities is dropped. */
enum outcome
amocrm_tasks(struct amocrm *crm, const struct amocrm_context *context, int64_t lead_id,
    json_t **tasks, struct fault *why)
{
	char *path = text_format(
	    "/api/v4/tasks?filter%%5Bentity_type%%5D=leads&filter%%5Bentity_id%%5D=%" PRId64
	    "&order%%5Bid%%5D=desc",
	    lead_id);
	json_t *found = NULL, *task, *own;
	enum outcome out = list(crm, context, "tasks", CALL_READ_TASKS, path, 1, &found, why);
	size_t i;

	free(path);
	if (out != DONE)
		return out;
	own = json_array();
	json_array_foreach(found, i, task) {
		const char *type = json_string_value(json_object_get(task, "entity_type"));

		if (type != NULL && strcmp(type, "leads") == 0 &&
		    json_integer_value(json_object_get(task, "entity_id")) == lead_id)
			json_array_append(own, task);
	}
	json_decref(found);
	*tasks = own;
	return DONE;
}

enum outcome
amocrm_all_notes(struct amocrm *crm, const struct amocrm_context *context, int64_t lead_id,
    json_t **notes, struct fault *why)
{
	char *path =
	    text_format("/api/v4/leads/%" PRId64 "/notes?filter%%5Bnote_type%%5D=common", lead_id);
	enum outcome out =
	    list(crm, context, "notes", CALL_READ_NOTES, path, PAGES_MAX, notes, why);

	free(path);
	return out;
}

/*
 * The account itself.
 */

enum outcome
amocrm_account(
    struct amocrm *crm, const struct amocrm_context *context, json_t **info, struct fault *why)
{
	json_t *json = NULL;
	enum outcome out = get(crm, context, CALL_READ_ACCOUNT,
	    text_format("/api/v4/account?with=task_types"), &json, why);

	if (out == DONE && entity_id(json) <= 0)
		out = fault_set(why, LATER, "amoCRM answered without an account");
	if (out == DONE)
		*info = json;
	else
		json_decref(json);
	return out;
}

enum outcome
amocrm_fields(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    json_t **fields, struct fault *why)
{
	char *path =
	    text_format("/api/v4/%s/custom_fields?order%%5Bsort%%5D=asc", kind_names[kind]);
	enum outcome out =
	    list(crm, context, "custom_fields", CALL_READ_FIELDS, path, PAGES_MAX, fields, why);

	free(path);
	return out;
}

enum outcome
amocrm_pipelines(
    struct amocrm *crm, const struct amocrm_context *context, json_t **pipelines, struct fault *why)
{
	json_t *page = NULL, *all;
	enum outcome out = get_page(crm, context, "pipelines", CALL_READ_PIPELINES,
	    text_format("/api/v4/leads/pipelines"), &page, why);

	if (out != DONE)
		return out;
	all = json_array();
	out = append_entities(all, page, "pipelines", why);
	json_decref(page);
	if (out == DONE)
		*pipelines = all;
	else
		json_decref(all);
	return out;
}
