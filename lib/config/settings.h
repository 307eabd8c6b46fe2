#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "config/crm_field.h"

/*
 * Everything an operator can choose, read once at start: from the environment, then from the file
 * that PAYMENT_SYNC_CONFIG names, then from files that hold one secret each.  settings.c has the
 * table of names, types, defaults and limits; env.example explains each for people.
 */
enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR
};

enum delivery_mode {
	DELIVERY_INLINE, /* A worker carries the payment before it answers. */
	DELIVERY_QUEUE   /* It answers when the payment is recorded; payment-syncd carries it. */
};

enum lead_lookup {
	LEAD_LOOKUP_LINKED, /* Ask the contact for its leads. */
	LEAD_LOOKUP_QUERY   /* Search leads by phone and e-mail. */
};

#define PURCHASE_COUNT_MAX 10

/* Strings are owned by the settings; an id of 0 and a NULL string mean "not set". */
struct settings {
	char *webhook_secret;
	char *webhook_secret_previous;
	bool webhook_legacy_secret;

	char *amo_base_url; /* Without a slash at the end. */
	char *amo_access_token;
	char *amo_ca_file;
	int64_t amo_rate_limit;
	int64_t amo_timeout_ms;

	bool create_if_not_found;
	char *payments_db;
	char *payments_run_dir;
	char *payment_mapping; /* The file of rules; NULL: the built-in ones. */
	char *rules; /* Its content as it was read with the settings; NULL: the built-in ones. */
	size_t rules_size;
	int64_t delivery;    /* enum delivery_mode */
	int64_t lead_lookup; /* enum lead_lookup */
	int64_t log_level;   /* enum log_level */
	int64_t inline_deadline_ms;
	char *payment_timezone;
	char *payment_currency; /* What the amounts in amoCRM are in; "" = whatever is paid. */
	int64_t duplicate_status;
	int64_t retry_max_attempts;
	int64_t retry_wait_min_s;
	int64_t retry_wait_max_s;
	int64_t retry_max_age_hours;
	int64_t workers;

	/* The ids of the custom fields: each by its name, and all as crm_field.h numbers them. */
	union {
		int64_t crm_fields[CRM_FIELD_COUNT];
		struct {
			int64_t contact_field_tg_id;
			int64_t contact_field_tg_username;
			int64_t lead_field_subjects;
			int64_t lead_field_direction;
			int64_t lead_field_last_amount;
			int64_t lead_field_total_paid;
			int64_t lead_field_purchase_count;
			int64_t lead_field_last_date;
			int64_t lead_field_payment_id;
			int64_t lead_field_invoice_id;
			int64_t lead_field_payment_status;
			int64_t lead_field_utm_source;
			int64_t lead_field_utm_medium;
			int64_t lead_field_utm_campaign;
			int64_t lead_field_utm_content;
			int64_t lead_field_utm_term;
			int64_t lead_field_ym_uid;
		};
	};
	int64_t purchase_count_enum[PURCHASE_COUNT_MAX]; /* [0] is AMO_PURCHASE_COUNT_1 */

	/* Every name and non-empty value seen or defaulted, but for secrets: for "${NAME}". */
	json_t *variables;
};

/* What a program uses and therefore requires; whatever else is given is still checked. */
enum settings_need {
	SETTINGS_NEED_SECRET = 1, /* WEBHOOK_SECRET: to verify or sign webhooks. */
	SETTINGS_NEED_CRM = 2,    /* AMO_BASE_URL and AMO_ACCESS_TOKEN: to call amoCRM. */
	SETTINGS_NEED_RULES = 4,  /* The file that PAYMENT_MAPPING names: to carry payments. */
	SETTINGS_NEED_ALL = SETTINGS_NEED_SECRET | SETTINGS_NEED_CRM | SETTINGS_NEED_RULES
};

/*
 * Read and check all settings.  Secrets that are not needed (see settings_need) are not even looked
 * for: an operator who may not read them can still read the ledger.
 *
 * DONE: *settings is new.  `warnings` may hold warnings (a short secret). NEVER: something is
 * missing or wrong; every error is one string in `warnings`, each naming its variable.
 *
 * warnings is a JSON array of the caller's, to which strings are appended.  No warning contains a
 * value that could be a secret.
 */
enum outcome settings_load(int needs, struct settings **settings, json_t *warnings) MUST_USE;

void settings_free(struct settings *settings);

/* Whether there is a setting of that name, set or not, that is no secret. */
bool settings_knows(const char *name);

/* The value of a variable by its name, as it was given or defaulted; NULL when it is not set or is
 * a secret. */
const char *settings_variable(const struct settings *settings, const char *name);

#endif
