#include <string.h>

#include "mistake.h"
#include "seed.h"

static const char *const option_types[] = { "select", "radiobutton", "multiselect", "multitext" };

/* Keys that the description leaves out. */
static void
fill_in(json_t *object, json_t *defaults)
{
	json_object_update_missing(object, defaults);
	json_decref(defaults);
}

static json_t *
system_status(int id, const char *name, int sort, const char *color, int type)
{
	return json_pack("{s:i, s:s, s:i, s:b, s:s, s:i}", "id", id, "name", name, "sort", sort,
	    "is_editable", 0, "color", color, "type", type);
}

/* Every pipeline ends in the two stages that all of them share. */
static void
load_pipeline(struct account *account, json_t *pipeline, size_t number)
{
	json_t *statuses = json_object_get(pipeline, "statuses"), *status;
	size_t i;

	json_array_foreach(statuses, i, status)
		fill_in(status,
		    json_pack("{s:i, s:b, s:s, s:i}", "sort", (int)(i + 1) * 10, "is_editable",
			(int)(entity_integer(status, "type") == 0), "color", "#99ccff", "type", 0));
	if (statuses == NULL) {
		statuses = json_array();
		json_object_set_new(pipeline, "statuses", statuses);
	}
	if (listed_get(statuses, STATUS_WON) == NULL)
		json_array_append_new(statuses,
		    system_status(STATUS_WON, "Успешно реализовано", 10000, "#CCFF66", 0));
	if (listed_get(statuses, STATUS_LOST) == NULL)
		json_array_append_new(statuses,
		    system_status(STATUS_LOST, "Закрыто и не реализовано", 11000, "#D5D8DB", 0));

	fill_in(pipeline,
	    json_pack("{s:i, s:b, s:b, s:b}", "sort", (int)number + 1, "is_main",
		(int)(number == 0), "is_unsorted_on", 1, "is_archive", 0));
	json_array_append(account_pipelines(account), pipeline);
}

static bool
has_options(const json_t *field)
{
	const char *type = json_string_value(json_object_get(field, "type"));

	for (size_t i = 0; i < sizeof(option_types) / sizeof(option_types[0]); i++) {
		if (strcmp(type, option_types[i]) == 0)
			return true;
	}
	return false;
}

static void
load_field(struct account *account, enum kind kind, json_t *field, json_t *mistakes)
{
	json_t *option, *fields = account_fields(account, kind);
	size_t i;

	if (!json_is_integer(json_object_get(field, "id")) ||
	    !json_is_string(json_object_get(field, "name")) ||
	    !json_is_string(json_object_get(field, "type"))) {
		mistake_missing(mistakes, "fields.%s: id, name, type", kind_name(kind));
		return;
	}
	json_array_foreach(json_object_get(field, "enums"), i, option)
		fill_in(option, json_pack("{s:i}", "sort", (int)i));
	if (has_options(field))
		fill_in(field, json_pack("{s:[]}", "enums"));

	fill_in(field,
	    json_pack("{s:n, s:i, s:b, s:n, s:n, s:[], s:b, s:b, s:n, s:n, s:n, s:n, s:[], s:n}",
		"code", "sort", (int)json_object_size(fields) + 1, "is_api_only", 0, "enums",
		"group_id", "required_statuses", "is_deletable", 1, "is_predefined", 0,
		"tracking_callback", "remind", "triggers", "currency", "hidden_statuses",
		"chained_lists"));
	keyed_set_new(fields, entity_id(field), json_incref(field));
}

static void
load_fields(struct account *account, const json_t *fields, json_t *mistakes)
{
	json_t *field;
	size_t i;

	json_array_foreach(json_object_get(fields, "contacts"), i, field)
		load_field(account, CONTACTS, field, mistakes);
	json_array_foreach(json_object_get(fields, "leads"), i, field)
		load_field(account, LEADS, field, mistakes);
}

static void
load_entities(struct account *account, const json_t *seed, json_t *mistakes)
{
	static const enum kind order[] = { CONTACTS, LEADS, NOTES, TASKS };
	json_t *said;
	size_t i, n;

	for (n = 0; n < KINDS; n++) {
		json_array_foreach(json_object_get(seed, kind_name(order[n])), i, said) {
			/* An entity of the seed was there for ever: searching finds it. */
			hand_write(account, order[n], NULL, said, 0, mistakes);
		}
	}
}

struct account *
seed_load(const json_t *seed, json_t **mistakes)
{
	json_auto_t *copy = json_deep_copy(seed);
	struct account *account = account_new();
	json_t *item;
	size_t i;

	*mistakes = json_array();
	if (!json_is_object(seed))
		mistake_type(*mistakes, "object", "seed");

	json_object_update(account_info(account), json_object_get(copy, "account"));
	fill_in(account_info(account),
	    json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:b, s:b, s:b, "
		      "s:b, s:i}",
		"id", 31000001, "name", "Sandbox", "subdomain", "sandbox", "created_at", 1577826000,
		"created_by", 0, "updated_at", 1577826000, "updated_by", 0, "current_user_id",
		9000001, "country", "RU", "currency", "RUB", "currency_symbol", "₽",
		"customers_mode", "disabled", "is_unsorted_on", 1, "is_loss_reason_enabled", 1,
		"is_helpbot_enabled", 0, "is_technical_account", 0, "contact_name_display_order",
		1));
	json_array_extend(account_users(account), json_object_get(copy, "users"));
	json_array_foreach(json_object_get(copy, "pipelines"), i, item)
		load_pipeline(account, item, i);
	load_fields(account, json_object_get(copy, "fields"), *mistakes);
	load_entities(account, copy, *mistakes);

	if (json_array_size(*mistakes) == 0) {
		json_decref(*mistakes);
		*mistakes = NULL;
		return account;
	}
	account_free(account);
	return NULL;
}
