#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "list.h"

/* What with= may add to the account. */
static json_t *
account_extras(const struct call *call)
{
	json_t *extras = json_object();

	if (request_with(call->asked, "users_groups"))
		json_object_set_new(extras, "users_groups",
		    json_pack("[{s:i, s:s, s:n}]", "id", 0, "name", "Отдел продаж", "uuid"));
	if (request_with(call->asked, "task_types"))
		json_object_set_new(extras, "task_types",
		    json_pack("[{s:i, s:s, s:n, s:n, s:s}, {s:i, s:s, s:n, s:n, s:s}]", "id",
			TASK_FOLLOW_UP, "name", "Связаться", "color", "icon_id", "code",
			"FOLLOW_UP", "id", TASK_MEETING, "name", "Встреча", "color", "icon_id",
			"code", "MEETING"));
	if (request_with(call->asked, "datetime_settings"))
		json_object_set_new(extras, "datetime_settings",
		    json_pack("{s:s, s:s, s:s, s:s, s:s}", "date_pattern", "d.m.Y H:i",
			"short_date_pattern", "d.m.Y", "timezone", "Europe/Moscow",
			"timezone_offset", "+03:00", "time_format", "H:i:s"));
	return extras;
}

void
catalog_account(const struct call *call, struct response *given)
{
	json_t *shown = json_copy(account_info(call->account)), *extras = account_extras(call);

	if (request_with(call->asked, "is_api_filter_enabled"))
		json_object_set_new(
		    shown, "is_api_filter_enabled", json_boolean(call->settings->filter));
	if (request_with(call->asked, "version"))
		json_object_set_new(shown, "version", json_integer(11));
	json_object_set_new(shown, "_links", call_links(call, "account"));
	if (json_object_size(extras) > 0)
		json_object_set_new(shown, "_embedded", extras);
	else
		json_decref(extras);

	response_json(given, 200, shown);
}

static json_t *
show_status(const struct call *call, const json_t *pipeline, const json_t *status)
{
	json_t *shown = json_copy((json_t *)status);

	json_object_set_new(shown, "pipeline_id", json_integer(entity_id(pipeline)));
	json_object_set(shown, "account_id", json_object_get(account_info(call->account), "id"));
	json_object_set_new(shown, "_links",
	    call_links(call, "leads/pipelines/%" PRId64 "/statuses/%" PRId64, entity_id(pipeline),
		entity_id(status)));
	return shown;
}

static json_t *
show_statuses(const struct call *call, const json_t *pipeline)
{
	json_t *statuses = json_array(), *status;
	size_t i;

	json_array_foreach(json_object_get(pipeline, "statuses"), i, status)
		json_array_append_new(statuses, show_status(call, pipeline, status));
	return statuses;
}

static json_t *
show_pipeline(const struct call *call, const json_t *pipeline)
{
	json_t *shown = json_copy((json_t *)pipeline);

	json_object_del(shown, "statuses");
	json_object_set(shown, "account_id", json_object_get(account_info(call->account), "id"));
	json_object_set_new(
	    shown, "_links", call_links(call, "leads/pipelines/%" PRId64, entity_id(pipeline)));
	json_object_set_new(
	    shown, "_embedded", json_pack("{s:o}", "statuses", show_statuses(call, pipeline)));
	return shown;
}

void
catalog_pipelines(const struct call *call, struct response *given)
{
	json_t *all = json_array(), *pipeline;
	size_t i;

	json_array_foreach(account_pipelines(call->account), i, pipeline)
		json_array_append_new(all, show_pipeline(call, pipeline));

	response_json(given, 200,
	    json_pack("{s:i, s:o, s:{s:o}}", "_total_items", (int)json_array_size(all), "_links",
		call_links(call, "leads/pipelines"), "_embedded", "pipelines", all));
}

void
catalog_pipeline(const struct call *call, struct response *given)
{
	const json_t *pipeline = account_pipeline(call->account, call->id);

	if (pipeline == NULL)
		response_problem(given, 404, "Pipeline not found");
	else
		response_json(given, 200, show_pipeline(call, pipeline));
}

void
catalog_statuses(const struct call *call, struct response *given)
{
	const json_t *pipeline = account_pipeline(call->account, call->id);
	json_t *all;

	if (pipeline == NULL) {
		response_problem(given, 404, "Pipeline not found");
		return;
	}
	all = show_statuses(call, pipeline);
	response_json(given, 200,
	    json_pack("{s:i, s:o, s:{s:o}}", "_total_items", (int)json_array_size(all), "_links",
		call_links(call, "leads/pipelines/%" PRId64 "/statuses", call->id), "_embedded",
		"statuses", all));
}

static json_t *
show_field(const struct call *call, const json_t *field)
{
	json_t *shown = json_copy((json_t *)field);

	json_object_set(shown, "account_id", json_object_get(account_info(call->account), "id"));
	json_object_set_new(shown, "entity_type", json_string(kind_name(call->kind)));
	json_object_set_new(shown, "_links",
	    call_links(call, "%s/custom_fields/%" PRId64, kind_name(call->kind), entity_id(field)));
	return shown;
}

/* Fields of the page, and how many there are that pass filter[type]. */
static json_t *
fields_page(const struct call *call, size_t page, size_t limit, size_t *total)
{
	json_t *all = json_array(), *field;
	const char *key;

	*total = 0;
	json_object_foreach(account_fields(call->account, call->kind), key, field) {
		const char *type = json_string_value(json_object_get(field, "type"));

		if (request_has_list(call->asked, "filter[type]") &&
		    !request_list_contains(call->asked, "filter[type]", type))
			continue;
		if (*total >= (page - 1) * limit && *total < page * limit)
			json_array_append_new(all, show_field(call, field));
		++*total;
	}
	return all;
}

static void
add_link(json_t *links, const char *name, const struct call *call, size_t page, size_t limit)
{
	char *href = list_href(call->asked, page, limit);

	json_object_set_new(links, name, json_pack("{s:s}", "href", href));
	free(href);
}

void
catalog_fields(const struct call *call, struct response *given)
{
	size_t page, limit, total, pages;
	json_t *all, *links;

	list_page(call->asked, &page, &limit);
	all = fields_page(call, page, limit, &total);
	pages = (total + limit - 1) / limit;
	if (json_array_size(all) == 0) {
		json_decref(all);
		response_bytes(given, 204, NULL, NULL, 0);
		return;
	}

	links = json_object();
	add_link(links, "self", call, page, limit);
	if (page < pages)
		add_link(links, "next", call, page + 1, limit);
	if (page > 1) {
		add_link(links, "first", call, 1, limit);
		add_link(links, "prev", call, page - 1, limit);
	}
	add_link(links, "last", call, pages, limit);
	response_json(given, 200,
	    json_pack("{s:I, s:I, s:I, s:o, s:{s:o}}", "_total_items", (json_int_t)total, "_page",
		(json_int_t)page, "_page_count", (json_int_t)pages, "_links", links, "_embedded",
		"custom_fields", all));
}

void
catalog_field(const struct call *call, struct response *given)
{
	const json_t *field = account_field(call->account, call->kind, call->id);

	if (field == NULL)
		response_bytes(given, 204, NULL, NULL, 0);
	else
		response_json(given, 200, show_field(call, field));
}

static json_t *
show_user(const struct call *call, const json_t *user)
{
	json_t *shown = json_copy((json_t *)user);

	json_object_set_new(shown, "_links", call_links(call, "users/%" PRId64, entity_id(user)));
	return shown;
}

void
catalog_users(const struct call *call, struct response *given)
{
	struct list *list = list_new();
	json_t *user;
	size_t i;

	json_array_foreach(account_users(call->account), i, user)
		list_add(list, user);
	list_order(list, call->asked);
	list_answer(list, call, "users", show_user, given);
	list_free(list);
}

void
catalog_user(const struct call *call, struct response *given)
{
	const json_t *user = listed_get(account_users(call->account), call->id);

	if (user == NULL)
		response_bytes(given, 204, NULL, NULL, 0);
	else
		response_json(given, 200, show_user(call, user));
}
