/*
 * The table of CRM fields.
 *
 * It holds everything that does not depend on the account, so that a new field is a row here and a
 * member of struct settings; what is written into it is decided where the payment is delivered.
 */
#include <string.h>

#include "config/crm_field.h"

/* clang-format off */
const struct crm_field crm_fields[CRM_FIELD_COUNT] = {
	/* setting, of_contact, is_public, use, title, code, names */
	[CRM_TG_ID] = { "AMO_CONTACT_FIELD_TG_ID", true, false, CRM_USE_DIGITS, "Telegram ID", NULL,
	    "telegram id|tg id|tgid|telegramid|телеграм id|тг id|id telegram|id тг" },
	[CRM_TG_USERNAME] = { "AMO_CONTACT_FIELD_TG_USERNAME", true, false, CRM_USE_TEXT, "Telegram username", NULL,
	    "telegram username|tg username|telegram tag|tg tag|telegram ник|тг ник|телеграм ник|username" },

	[CRM_SUBJECTS] = { "AMO_LEAD_FIELD_SUBJECTS", false, true, CRM_USE_CHOICES, "Предметы", NULL,
	    "предмет|subject" },
	[CRM_DIRECTION] = { "AMO_LEAD_FIELD_DIRECTION", false, true, CRM_USE_CHOICE, "Направление курса", NULL,
	    "направлен курс|направлен|direction" },
	[CRM_LAST_AMOUNT] = { "AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT", false, true, CRM_USE_MONEY,
	    "Сумма последней оплаты", NULL,
	    "сумм последн оплат|сумм последн платеж|last payment amount|last amount" },
	[CRM_TOTAL_PAID] = { "AMO_LEAD_FIELD_TOTAL_PAID", false, true, CRM_USE_MONEY, "Общий оплаченный итог", NULL,
	    "общ оплач итог|общ сумм оплат|итог оплач|всего оплач|общ оплач|итог оплат|всего оплат|сумм всех оплат|"
	    "total paid" },
	[CRM_PURCHASE_COUNT] = { "AMO_LEAD_FIELD_PURCHASE_COUNT", false, true, CRM_USE_COUNT, "Счётчик покупок", NULL,
	    "счетчик покуп|количество покуп|число покуп|кол покуп|счетчик оплат|количество оплат|purchase count" },
	[CRM_LAST_DATE] = { "AMO_LEAD_FIELD_LAST_PAYMENT_DATE", false, true, CRM_USE_TIME, "Дата последней оплаты", NULL,
	    "дата последн оплат|дата последн платеж|last payment date|дата оплат" },
	[CRM_PAYMENT_ID] = { "AMO_LEAD_FIELD_PAYMENT_ID", false, true, CRM_USE_TEXT, "Payment ID", NULL,
	    "payment id|paymentid|id оплат|id платеж|номер платеж" },
	[CRM_INVOICE_ID] = { "AMO_LEAD_FIELD_INVOICE_ID", false, false, CRM_USE_TEXT, "Invoice ID", NULL,
	    "invoice id|invoice|id счет|номер счет" },
	[CRM_PAYMENT_STATUS] = { "AMO_LEAD_FIELD_PAYMENT_STATUS", false, false, CRM_USE_TEXT, "Статус оплаты", NULL,
	    "статус оплат|статус платеж|payment status" },

	[CRM_UTM_SOURCE] = { "AMO_LEAD_FIELD_UTM_SOURCE", false, false, CRM_USE_MARK, NULL, "UTM_SOURCE", "utm source" },
	[CRM_UTM_MEDIUM] = { "AMO_LEAD_FIELD_UTM_MEDIUM", false, false, CRM_USE_MARK, NULL, "UTM_MEDIUM", "utm medium" },
	[CRM_UTM_CAMPAIGN] = { "AMO_LEAD_FIELD_UTM_CAMPAIGN", false, false, CRM_USE_MARK, NULL, "UTM_CAMPAIGN",
	    "utm campaign" },
	[CRM_UTM_CONTENT] = { "AMO_LEAD_FIELD_UTM_CONTENT", false, false, CRM_USE_MARK, NULL, "UTM_CONTENT", "utm content" },
	[CRM_UTM_TERM] = { "AMO_LEAD_FIELD_UTM_TERM", false, false, CRM_USE_MARK, NULL, "UTM_TERM", "utm term" },
	[CRM_YM_UID] = { "AMO_LEAD_FIELD_YM_UID", false, false, CRM_USE_MARK, NULL, "_YM_UID", "ym uid" },
};
/* clang-format on */

static const char *const types_of[] = {
	[CRM_USE_TEXT] = "text, textarea",
	[CRM_USE_DIGITS] = "text, textarea, numeric",
	[CRM_USE_MONEY] = "numeric, monetary, price, text",
	[CRM_USE_COUNT] = "numeric, select, radiobutton, text",
	[CRM_USE_TIME] = "date_time, date",
	[CRM_USE_CHOICE] = "select, radiobutton, multiselect",
	[CRM_USE_CHOICES] = "multiselect",
	[CRM_USE_MARK] = "tracking_data, text, textarea",
	[CRM_USE_FLAG] = "checkbox",
	[CRM_USE_ANY_TEXT] = "text, textarea, url, tracking_data",
};

const struct crm_field *
crm_field_of_setting(const char *setting)
{
	for (size_t i = 0; i < CRM_FIELD_COUNT; i++)
		if (strcmp(crm_fields[i].setting, setting) == 0)
			return &crm_fields[i];
	return NULL;
}

const char *
crm_use_types(enum crm_use use)
{
	return types_of[use];
}

/* A type must be one of the list's whole words: "text" is not "textarea". */
bool
crm_use_fits(enum crm_use use, const char *type)
{
	const char *listed = types_of[use];
	size_t length;

	for (; *listed != '\0'; listed += length + strspn(listed + length, ", ")) {
		length = strcspn(listed, ",");
		if (strlen(type) == length && strncmp(listed, type, length) == 0)
			return true;
	}
	return false;
}
