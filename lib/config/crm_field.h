#ifndef CONFIG_CRM_FIELD_H
#define CONFIG_CRM_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The custom fields of amoCRM that the service writes: the one table of them.
 *
 * Their ids differ from account to account and are settings.  Whoever reads the settings, compares
 * them with the account, guesses them, writes the fields or tells people about them takes what
 * there is to know about a field from here.
 */

/* The number of a field: its place in this table and in the array crm_fields of struct settings. */
enum crm_field_number {
	CRM_TG_ID,
	CRM_TG_USERNAME,
	CRM_SUBJECTS,
	CRM_DIRECTION,
	CRM_LAST_AMOUNT,
	CRM_TOTAL_PAID,
	CRM_PURCHASE_COUNT,
	CRM_LAST_DATE,
	CRM_PAYMENT_ID,
	CRM_INVOICE_ID,
	CRM_PAYMENT_STATUS,
	CRM_UTM_SOURCE,
	CRM_UTM_MEDIUM,
	CRM_UTM_CAMPAIGN,
	CRM_UTM_CONTENT,
	CRM_UTM_TERM,
	CRM_YM_UID,
	CRM_FIELD_COUNT
};

/* What is written into a field, and so which types amoCRM's field may have. */
enum crm_use {
	CRM_USE_TEXT,
	CRM_USE_DIGITS, /* A number that is only compared: a text or a number field will do. */
	CRM_USE_MONEY,
	CRM_USE_COUNT, /* A number, or one of the options AMO_PURCHASE_COUNT_n. */
	CRM_USE_TIME,
	CRM_USE_CHOICE,
	CRM_USE_CHOICES, /* Several options at once. */
	CRM_USE_MARK,    /* A UTM mark. */
	CRM_USE_FLAG,
	CRM_USE_ANY_TEXT /* Anything that takes any text. */
};

struct crm_field {
	const char *setting; /* The name of the setting that gives its id. */
	bool of_contact;     /* A contact's field; else a lead's. */
	/* Its values may be told in logs and trails: we compute them, or they are the payment's
	 * id.  What is passed on as it came may be a person's, and is private. */
	bool is_public;
	enum crm_use use;
	/* How the manager's note calls it; NULL: by its id or code. */
	const char *title;
	/* The code of the standard tracking_data field that is written where the setting is not
	 * set; NULL: none is. */
	const char *code;
	/*
	 * What people usually call it: alternatives between bars, the most telling first; each some
	 * words' beginnings, in small letters and without ё, that must all occur.
	 */
	const char *names;
};

extern const struct crm_field crm_fields[CRM_FIELD_COUNT];

/* The field whose id this setting gives; NULL when it gives none in the table. */
const struct crm_field *crm_field_of_setting(const char *setting);

/* Whether amoCRM takes what we write into a field of this type, and the types of which it does, for
 * people. */
bool crm_use_fits(enum crm_use use, const char *type);
const char *crm_use_types(enum crm_use use);

#endif
