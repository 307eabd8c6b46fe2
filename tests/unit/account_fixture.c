#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_fixture.h"

/* clang-format off */
static const char contact_fields[] = "["
	"{'id': 1, 'name': 'Телефон', 'type': 'multitext', 'code': 'PHONE'},"
	"{'id': 101, 'name': 'Telegram ID', 'type': 'text', 'enums': null},"
	"{'id': 102, 'name': 'Telegram username', 'type': 'text'}]";

static const char lead_fields[] = "["
	"{'id': 201, 'name': 'Предметы', 'type': 'multiselect', 'enums': ["
		"{'id': 301, 'value': 'Русский'}, {'id': 302, 'value': 'Физика'}, {'id': 303, 'value': 'Химия'}]},"
	"{'id': 202, 'name': 'Направление курса', 'type': 'select', 'enums': ["
		"{'id': 351, 'value': 'ЕГЭ'}, {'id': 352, 'value': 'ОГЭ'}]},"
	"{'id': 203, 'name': 'Сумма последней оплаты', 'type': 'numeric'},"
	"{'id': 204, 'name': 'Общая сумма оплат', 'type': 'numeric'},"
	"{'id': 205, 'name': 'Счётчик покупок', 'type': 'numeric'},"
	"{'id': 206, 'name': 'Дата последней оплаты', 'type': 'date_time'},"
	"{'id': 207, 'name': 'Payment ID', 'type': 'text'},"
	"{'id': 208, 'name': 'Invoice ID', 'type': 'text'},"
	"{'id': 209, 'name': 'Статус оплаты', 'type': 'text'},"
	"{'id': 210, 'name': 'Покупки', 'type': 'select', 'enums': ["
		"{'id': 371, 'value': '1'}, {'id': 372, 'value': '2'}, {'id': 373, 'value': '10'}]},"
	"{'id': 211, 'name': 'Когда', 'type': 'date', 'enums': null},"
	"{'id': 212, 'name': 'Откуда', 'type': 'text', 'enums': null},"
	"{'id': 221, 'name': 'utm_source', 'type': 'tracking_data', 'code': 'UTM_SOURCE'},"
	"{'id': 222, 'name': 'utm_medium', 'type': 'tracking_data', 'code': 'UTM_MEDIUM'},"
	"{'id': 223, 'name': 'utm_campaign', 'type': 'tracking_data', 'code': 'UTM_CAMPAIGN'},"
	"{'id': 224, 'name': 'utm_content', 'type': 'tracking_data', 'code': 'UTM_CONTENT'},"
	"{'id': 225, 'name': 'utm_term', 'type': 'tracking_data', 'code': 'UTM_TERM'},"
	"{'id': 226, 'name': '_ym_uid', 'type': 'tracking_data', 'code': '_YM_UID'}]";

static const char pipelines[] = "["
	"{'id': 401, 'name': 'Сайт', 'is_main': true, 'is_archive': false, '_embedded': {'statuses': ["
		"{'id': 410, 'name': 'Неразобранное', 'type': 1}, {'id': 411, 'name': 'Автооплаты ООО', 'type': 0},"
		"{'id': 500, 'name': 'В работе', 'type': 0}, {'id': 142, 'name': 'Успех', 'type': 0},"
		"{'id': 143, 'name': 'Закрыто', 'type': 0}]}},"
	"{'id': 8598230, 'name': 'Партнеры', 'is_main': false, 'is_archive': false, '_embedded': {'statuses': ["
		"{'id': 80517738, 'name': 'Автооплаты ООО', 'type': 0}]}},"
	"{'id': 10089806, 'name': 'Яндекс', 'is_main': false, 'is_archive': false, '_embedded': {'statuses': ["
		"{'id': 80579130, 'name': 'Автооплаты ООО', 'type': 0}]}}]";
/* clang-format on */

/* JSON with ' for ". */
static json_t *
load(const char *text)
{
	char *quoted = strdup(text), *c;
	json_error_t error;
	json_t *json;

	for (c = quoted; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	if ((json = json_loads(quoted, JSON_DECODE_ANY, &error)) == NULL) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	free(quoted);
	return json;
}

struct account
account_fixture(void)
{
	return (struct account){
		.info = load("{'id': 31, 'name': 'Школа', '_embedded': {'task_types': ["
			     "{'id': 1, 'name': 'Связаться'}, {'id': 2, 'name': 'Встреча'}]}}"),
		.fields = { [AMOCRM_CONTACTS] = load(contact_fields),
		    [AMOCRM_LEADS] = load(lead_fields) },
		.pipelines = load(pipelines)
	};
}

static json_t *
among(json_t *things, int64_t id)
{
	json_t *thing, *part;
	size_t i;

	json_array_foreach(things, i, thing) {
		if (account_id(thing) == id)
			return thing;
		if ((part = (json_t *)account_option(thing, id)) != NULL ||
		    (part = (json_t *)account_stage(thing, id)) != NULL)
			return part;
	}
	return NULL;
}

json_t *
account_thing(const struct account *school, int64_t id)
{
	json_t *thing = among(school->fields[AMOCRM_LEADS], id);

	if (thing == NULL)
		thing = among(school->fields[AMOCRM_CONTACTS], id);
	return thing != NULL ? thing : among(school->pipelines, id);
}

void
account_spoil(const struct account *school, int64_t id, const char *key, const char *json)
{
	json_object_set_new(account_thing(school, id), key, load(json));
}

const char *
finding_about(const json_t *findings, const char *setting)
{
	static char text[800];
	const json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		if (strcmp(json_string_value(json_object_get(finding, "setting")), setting) != 0)
			continue;
		snprintf(text, sizeof(text), "%s: %s",
		    json_string_value(json_object_get(finding, "state")),
		    json_string_value(json_object_get(finding, "message")));
		return text;
	}
	return "";
}
