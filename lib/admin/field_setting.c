#include <string.h>

#include "admin/field_setting.h"

static const char *const types_of[] = {
	[USE_TEXT] = "text, textarea",
	[USE_DIGITS] = "text, textarea, numeric",
	[USE_MONEY] = "numeric, monetary, price, text",
	[USE_COUNT] = "numeric, select, radiobutton, text",
	[USE_TIME] = "date_time, date",
	[USE_CHOICE] = "select, radiobutton, multiselect",
	[USE_CHOICES] = "multiselect",
	[USE_MARK] = "tracking_data, text, textarea",
	[USE_FLAG] = "checkbox",
	[USE_ANY_TEXT] = "text, textarea, url, tracking_data",
};

const char *
field_use_types(enum field_use use)
{
	return types_of[use];
}

bool
field_use_fits(enum field_use use, const char *type)
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

/* clang-format off */
const struct field_setting field_settings[] = {
	{ "AMO_CONTACT_FIELD_TG_ID", AMOCRM_CONTACTS, USE_DIGITS,
	    "telegram id|tg id|tgid|telegramid|телеграм id|тг id|id telegram|id тг", NULL },
	{ "AMO_CONTACT_FIELD_TG_USERNAME", AMOCRM_CONTACTS, USE_TEXT,
	    "telegram username|tg username|telegram tag|tg tag|telegram ник|тг ник|телеграм ник|username", NULL },

	{ "AMO_LEAD_FIELD_SUBJECTS", AMOCRM_LEADS, USE_CHOICES, "предмет|subject", NULL },
	{ "AMO_LEAD_FIELD_DIRECTION", AMOCRM_LEADS, USE_CHOICE, "направлен курс|направлен|direction", NULL },
	{ "AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT", AMOCRM_LEADS, USE_MONEY,
	    "сумм последн оплат|сумм последн платеж|last payment amount|last amount", NULL },
	{ "AMO_LEAD_FIELD_TOTAL_PAID", AMOCRM_LEADS, USE_MONEY,
	    "общ оплач итог|общ сумм оплат|итог оплач|всего оплач|общ оплач|итог оплат|всего оплат|сумм всех оплат|total paid",
	    NULL },
	{ "AMO_LEAD_FIELD_PURCHASE_COUNT", AMOCRM_LEADS, USE_COUNT,
	    "счетчик покуп|количество покуп|число покуп|кол покуп|счетчик оплат|количество оплат|purchase count", NULL },
	{ "AMO_LEAD_FIELD_LAST_PAYMENT_DATE", AMOCRM_LEADS, USE_TIME,
	    "дата последн оплат|дата последн платеж|last payment date|дата оплат", NULL },
	{ "AMO_LEAD_FIELD_PAYMENT_ID", AMOCRM_LEADS, USE_TEXT,
	    "payment id|paymentid|id оплат|id платеж|номер платеж", NULL },
	{ "AMO_LEAD_FIELD_INVOICE_ID", AMOCRM_LEADS, USE_TEXT, "invoice id|invoice|id счет|номер счет", NULL },
	{ "AMO_LEAD_FIELD_PAYMENT_STATUS", AMOCRM_LEADS, USE_TEXT,
	    "статус оплат|статус платеж|payment status", NULL },

	{ "AMO_LEAD_FIELD_UTM_SOURCE", AMOCRM_LEADS, USE_MARK, "utm source", "UTM_SOURCE" },
	{ "AMO_LEAD_FIELD_UTM_MEDIUM", AMOCRM_LEADS, USE_MARK, "utm medium", "UTM_MEDIUM" },
	{ "AMO_LEAD_FIELD_UTM_CAMPAIGN", AMOCRM_LEADS, USE_MARK, "utm campaign", "UTM_CAMPAIGN" },
	{ "AMO_LEAD_FIELD_UTM_CONTENT", AMOCRM_LEADS, USE_MARK, "utm content", "UTM_CONTENT" },
	{ "AMO_LEAD_FIELD_UTM_TERM", AMOCRM_LEADS, USE_MARK, "utm term", "UTM_TERM" },
	{ "AMO_LEAD_FIELD_YM_UID", AMOCRM_LEADS, USE_MARK, "ym uid", "_YM_UID" },
};
/* clang-format on */

const size_t field_setting_count = sizeof(field_settings) / sizeof(field_settings[0]);
