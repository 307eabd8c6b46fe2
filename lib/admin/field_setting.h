#ifndef ADMIN_FIELD_SETTING_H
#define ADMIN_FIELD_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include "amocrm/amocrm.h"

/*
 * The settings that name amoCRM's custom fields: whose field each is, what is written into it and so which types it may
 * have, and how people usually call it.
 */
enum field_use {
	USE_TEXT,
	USE_DIGITS, /* A number that is only compared: a text or a number field will do. */
	USE_MONEY,
	USE_COUNT, /* A number, or one of the options AMO_PURCHASE_COUNT_n. */
	USE_TIME,
	USE_CHOICE,
	USE_CHOICES, /* Several options at once. */
	USE_MARK,    /* An UTM mark. */
	USE_FLAG,
	USE_ANY_TEXT /* Whatever takes any text. */
};

/* Whether amoCRM takes what we write into a field of this type, and the types of which it does, for people. */
bool field_use_fits(enum field_use use, const char *type);
const char *field_use_types(enum field_use use);

struct field_setting {
	const char *name;
	enum amocrm_kind kind;
	enum field_use use;
	/*
	 * Usual names: alternatives between bars, the most telling first; each some words' beginnings, in small letters and
	 * without ё, that must all occur.
	 */
	const char *words;
	const char *
	    code; /* Of the standard field that is written where the setting is not set; NULL: none is. */
};

extern const struct field_setting field_settings[];
extern const size_t field_setting_count;

#endif
