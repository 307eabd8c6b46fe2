/*
 * The account that is there when no other is asked for.
 *
 * Written as JSON: the macro turns its argument into a string, so that the text reads as it would in a file.
 */
#include "seed.h"
#include "text.h"

#define JSON(...) #__VA_ARGS__

/* clang-format off */

static const char account[] = JSON({
	"account": {"id": 31000001, "name": "Онлайн-школа (песочница)", "subdomain": "sandbox", "current_user_id": 9000001},
	"users": [
		{"id": 9000001, "name": "Интеграция", "email": "integration@example.com", "lang": "ru", "is_active": true},
		{"id": 9000002, "name": "Менеджер Анна", "email": "anna@example.com", "lang": "ru", "is_active": true},
		{"id": 9000003, "name": "Уволенный менеджер", "email": "gone@example.com", "lang": "ru", "is_active": false}
	],
	"pipelines": [
		{"id": 4423755, "name": "Сайт", "is_main": true, "statuses": [
			{"id": 50000000, "name": "Неразобранное", "type": 1, "color": "#c1c1c1"},
			{"id": 50000001, "name": "Новая заявка"},
			{"id": 50000002, "name": "В работе"},
			{"id": 63242022, "name": "Автооплаты ООО"}
		]},
		{"id": 8598230, "name": "Партнеры", "statuses": [
			{"id": 50000010, "name": "Неразобранное", "type": 1, "color": "#c1c1c1"},
			{"id": 50000011, "name": "Новая заявка"},
			{"id": 50000012, "name": "В работе"},
			{"id": 80517738, "name": "Автооплаты ООО"}
		]},
		{"id": 10089806, "name": "Яндекс", "statuses": [
			{"id": 50000020, "name": "Неразобранное", "type": 1, "color": "#c1c1c1"},
			{"id": 50000021, "name": "Новая заявка"},
			{"id": 50000022, "name": "В работе"},
			{"id": 80579130, "name": "Автооплаты ООО"}
		]}
	]
});

static const char contact_fields[] = JSON([
	{"id": 600001, "name": "Телефон", "type": "multitext", "code": "PHONE", "is_predefined": true, "is_deletable": false,
	 "enums": [{"id": 600011, "value": "WORK"}, {"id": 600012, "value": "WORKDD"}, {"id": 600013, "value": "MOB"},
		{"id": 600014, "value": "FAX"}, {"id": 600015, "value": "HOME"}, {"id": 600016, "value": "OTHER"}]},
	{"id": 600002, "name": "Email", "type": "multitext", "code": "EMAIL", "is_predefined": true, "is_deletable": false,
	 "enums": [{"id": 600021, "value": "WORK"}, {"id": 600022, "value": "PRIV"}, {"id": 600023, "value": "OTHER"}]},
	{"id": 700001, "name": "Telegram ID", "type": "text"},
	{"id": 700002, "name": "Telegram username", "type": "text"}
]);

static const char lead_fields[] = JSON([
	{"id": 800001, "name": "Предметы", "type": "multiselect", "enums": [
		{"id": 810001, "value": "Обществознание"}, {"id": 810002, "value": "Английский язык"},
		{"id": 810003, "value": "История"}, {"id": 810004, "value": "Русский"}, {"id": 810005, "value": "Физика"},
		{"id": 810006, "value": "Химия"}, {"id": 810007, "value": "Литература"},
		{"id": 810008, "value": "Проф. мат (Маша)"}, {"id": 810009, "value": "Математика (база)"},
		{"id": 810010, "value": "Биология (Женя)"}, {"id": 810011, "value": "Биология (Геля)"},
		{"id": 810012, "value": "Информатика"}, {"id": 810013, "value": "Проф. мат (Саша)"}]},
	{"id": 800002, "name": "Направление курса", "type": "select", "enums": [
		{"id": 820001, "value": "ЕГЭ"}, {"id": 820002, "value": "ОГЭ"}]},
	{"id": 800003, "name": "Сумма последней оплаты", "type": "numeric"},
	{"id": 800004, "name": "Общий оплаченный итог", "type": "numeric"},
	{"id": 800005, "name": "Счётчик покупок", "type": "numeric"},
	{"id": 800015, "name": "Счётчик покупок (список)", "type": "select", "enums": [
		{"id": 830001, "value": "1"}, {"id": 830002, "value": "2"}, {"id": 830003, "value": "3"},
		{"id": 830004, "value": "4"}, {"id": 830005, "value": "5"}, {"id": 830006, "value": "6"},
		{"id": 830007, "value": "7"}, {"id": 830008, "value": "8"}, {"id": 830009, "value": "9"},
		{"id": 830010, "value": "10"}]},
	{"id": 800006, "name": "Дата последней оплаты", "type": "date_time"},
	{"id": 800007, "name": "Payment ID", "type": "text"},
	{"id": 800008, "name": "Invoice ID", "type": "text"},
	{"id": 800009, "name": "Статус оплаты", "type": "text"},
	{"id": 800021, "name": "utm_source", "type": "tracking_data", "code": "UTM_SOURCE", "is_predefined": true},
	{"id": 800022, "name": "utm_medium", "type": "tracking_data", "code": "UTM_MEDIUM", "is_predefined": true},
	{"id": 800023, "name": "utm_campaign", "type": "tracking_data", "code": "UTM_CAMPAIGN", "is_predefined": true},
	{"id": 800024, "name": "utm_content", "type": "tracking_data", "code": "UTM_CONTENT", "is_predefined": true},
	{"id": 800025, "name": "utm_term", "type": "tracking_data", "code": "UTM_TERM", "is_predefined": true},
	{"id": 800026, "name": "_ym_uid", "type": "tracking_data", "code": "_YM_UID", "is_predefined": true}
]);

/* clang-format on */

json_t *
seed_default(void)
{
	json_t *seed = must(json_loads(account, 0, NULL));

	json_object_set_new(seed, "fields",
	    json_pack("{s:o, s:o}", "contacts", must(json_loads(contact_fields, 0, NULL)), "leads",
		must(json_loads(lead_fields, 0, NULL))));
	return seed;
}
