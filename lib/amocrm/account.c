/*
 * The account's set-up, for those who compare or guess settings: read once, then looked into
 * without further calls.
 *
 * It is kept as the JSON that amoCRM gave: only a few of its many members are ever asked for, and
 * what is missing there is simply not found.
 */
#include <string.h>

#include "amocrm/account.h"
#include "amocrm/entity.h"

enum outcome
account_read(struct amocrm *crm, const struct amocrm_context *context, struct account *account,
    struct fault *why)
{
	struct account read = { 0 };
	enum outcome out = amocrm_account(crm, context, &read.info, why);

	if (out == DONE)
		out = amocrm_fields(
		    crm, context, AMOCRM_CONTACTS, &read.fields[AMOCRM_CONTACTS], why);
	if (out == DONE)
		out = amocrm_fields(crm, context, AMOCRM_LEADS, &read.fields[AMOCRM_LEADS], why);
	if (out == DONE)
		out = amocrm_pipelines(crm, context, &read.pipelines, why);
	if (out == DONE)
		*account = read;
	else
		account_clear(&read);
	return out;
}

void
account_clear(struct account *account)
{
	json_decref(account->info);
	json_decref(account->fields[AMOCRM_CONTACTS]);
	json_decref(account->fields[AMOCRM_LEADS]);
	json_decref(account->pipelines);
	*account = (struct account){ 0 };
}

static const json_t *
find(const json_t *things, int64_t id)
{
	const json_t *thing;
	size_t i;

	json_array_foreach(things, i, thing)
		if (account_id(thing) == id)
			return thing;
	return NULL;
}

const json_t *
account_field(const struct account *account, enum amocrm_kind kind, int64_t id)
{
	return find(account->fields[kind], id);
}

const json_t *
account_field_coded(const struct account *account, enum amocrm_kind kind, const char *code)
{
	const json_t *field;
	size_t i;

	json_array_foreach(account->fields[kind], i, field) {
		const char *given = json_string_value(json_object_get(field, "code"));

		if (given != NULL && strcmp(given, code) == 0)
			return field;
	}
	return NULL;
}

const json_t *
account_pipeline(const struct account *account, int64_t id)
{
	return find(account->pipelines, id);
}

const json_t *
account_task_types(const struct account *account)
{
	return entity_embedded(account->info, "task_types");
}

const json_t *
account_task_type(const struct account *account, int64_t id)
{
	return find(account_task_types(account), id);
}

const json_t *
account_options(const json_t *field)
{
	return json_object_get(field, "enums");
}

const json_t *
account_option(const json_t *field, int64_t id)
{
	return find(account_options(field), id);
}

const json_t *
account_stages(const json_t *pipeline)
{
	return entity_embedded(pipeline, "statuses");
}

const json_t *
account_stage(const json_t *pipeline, int64_t id)
{
	return find(account_stages(pipeline), id);
}

int64_t
account_id(const json_t *thing)
{
	return entity_id(thing);
}

/* An option is called by its value. */
const char *
account_name(const json_t *thing)
{
	const char *name = json_string_value(json_object_get(thing, "name"));

	if (name == NULL)
		name = json_string_value(json_object_get(thing, "value"));
	return name != NULL ? name : "";
}

const char *
account_type(const json_t *field)
{
	const char *type = json_string_value(json_object_get(field, "type"));

	return type != NULL ? type : "";
}
