/*
 * Reads all settings in one go and reports everything that is wrong together, so that an operator
 * mends a new configuration once, not mistake by mistake.  Each setting is one row of a table; only
 * what a row cannot say, such as two settings that contradict each other, has a function.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "base/money.h"
#include "base/text.h"
#include "base/url.h"
#include "config/crm_field.h"
#include "config/env_file.h"
#include "config/settings.h"
#include "config/source.h"
#include "config/value.h"

enum kind {
	KIND_TEXT,
	KIND_FLAG,
	KIND_NUMBER,
	KIND_ID, /* In amoCRM; 0 when it is not set. */
	KIND_DELIVERY,
	KIND_LOOKUP,
	KIND_LEVEL,
	KIND_CURRENCY,
	KIND_ANSWER,     /* The HTTP status for a duplicate. */
	KIND_VARIABLE,   /* Only for "${NAME}" in the rules. */
	KIND_VARIABLE_ID /* The same, and an id. */
};

struct entry {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *value; /* Where none is given; NULL: stays unset. */
	int64_t least, most;
};

/* clang-format off */
#define AT(member)                  offsetof(struct settings, member)
#define TEXT(name, member, value)   { name, KIND_TEXT, AT(member), value, 0, 0 }
#define FLAG(name, member, value)   { name, KIND_FLAG, AT(member), value, 0, 0 }
#define ID(name, member)            { name, KIND_ID, AT(member), NULL, 1, VALUE_ID_MAX }
#define NUMBER(name, member, value, least, most) { name, KIND_NUMBER, AT(member), value, least, most }
#define VARIABLE(name, value)       { name, KIND_VARIABLE, 0, value, 0, 0 }
#define VARIABLE_ID(name, value)    { name, KIND_VARIABLE_ID, 0, value, 1, VALUE_ID_MAX }

/* What the service itself is told. */
static const struct entry service_entries[] = {
	FLAG("WEBHOOK_LEGACY_SECRET", webhook_legacy_secret, "True"),

	TEXT("AMO_BASE_URL", amo_base_url, NULL),
	TEXT("AMO_CA_FILE", amo_ca_file, NULL),
	NUMBER("AMO_RATE_LIMIT", amo_rate_limit, "7", 1, 200), /* LIMITER_RATE_MAX */
	NUMBER("AMO_TIMEOUT_MS", amo_timeout_ms, "10000", 100, 300000),

	FLAG("CREATE_IF_NOT_FOUND", create_if_not_found, "True"),
	TEXT("PAYMENTS_DB", payments_db, "/var/lib/platform-payment-sync/payments.sqlite"),
	TEXT("PAYMENTS_RUN_DIR", payments_run_dir, "/run/platform-payment-sync"),
	TEXT("PAYMENT_MAPPING", payment_mapping, NULL),
	{ "DELIVERY", KIND_DELIVERY, AT(delivery), "inline", 0, 0 },
	{ "AMO_LEAD_LOOKUP", KIND_LOOKUP, AT(lead_lookup), "linked", 0, 0 },
	{ "LOG_LEVEL", KIND_LEVEL, AT(log_level), "INFO", 0, 0 },
	NUMBER("INLINE_DEADLINE_MS", inline_deadline_ms, "8000", 0, 300000),
	TEXT("PAYMENT_TIMEZONE", payment_timezone, "Europe/Moscow"),
	{ "PAYMENT_CURRENCY", KIND_CURRENCY, AT(payment_currency), "RUB", 0, 0 },
	{ "DUPLICATE_STATUS", KIND_ANSWER, AT(duplicate_status), "409", 0, 0 },
	NUMBER("RETRY_MAX_ATTEMPTS", retry_max_attempts, "3", 1, 100),
	NUMBER("RETRY_WAIT_MIN", retry_wait_min_s, "2", 0, 3600),
	NUMBER("RETRY_WAIT_MAX", retry_wait_max_s, "10", 0, 3600),
	NUMBER("RETRY_MAX_AGE_HOURS", retry_max_age_hours, "72", 1, 8760),
	NUMBER("WORKERS", workers, "4", 0, 256),
};

/* Ids of the account beside those of its custom fields, which crm_field.c has, and what else the
 * rules may name. */
static const struct entry account_entries[] = {
	ID("AMO_PURCHASE_COUNT_1", purchase_count_enum[0]),
	ID("AMO_PURCHASE_COUNT_2", purchase_count_enum[1]),
	ID("AMO_PURCHASE_COUNT_3", purchase_count_enum[2]),
	ID("AMO_PURCHASE_COUNT_4", purchase_count_enum[3]),
	ID("AMO_PURCHASE_COUNT_5", purchase_count_enum[4]),
	ID("AMO_PURCHASE_COUNT_6", purchase_count_enum[5]),
	ID("AMO_PURCHASE_COUNT_7", purchase_count_enum[6]),
	ID("AMO_PURCHASE_COUNT_8", purchase_count_enum[7]),
	ID("AMO_PURCHASE_COUNT_9", purchase_count_enum[8]),
	ID("AMO_PURCHASE_COUNT_10", purchase_count_enum[9]),

	/*
	 * The pair for accounts with one pipeline stands in for the site's; see use_default_pair().
	 */
	VARIABLE_ID("AMO_PIPELINE_ID", NULL),
	VARIABLE_ID("AMO_DEFAULT_STATUS_ID", NULL),
	VARIABLE_ID("AMO_PIPELINE_SITE", "4423755"),
	VARIABLE_ID("AMO_STATUS_AUTOPAY_SITE", "63242022"),
	VARIABLE_ID("AMO_PIPELINE_PARTNERS", "8598230"),
	VARIABLE_ID("AMO_STATUS_AUTOPAY_PARTNERS", "80517738"),
	VARIABLE_ID("AMO_PIPELINE_YANDEX", "10089806"),
	VARIABLE_ID("AMO_STATUS_AUTOPAY_YANDEX", "80579130"),
	VARIABLE_ID("STATUS_SUCCESS", "142"),
	VARIABLE_ID("STATUS_CLOSED", "143"),
	VARIABLE("PARTNER_SOURCES", "advcake,flocktory,tutortop,sravni,tbank,reshuege,ris.promo,gdeslon,admitad,pfm"),
	VARIABLE("YANDEX_MEDIUMS", "cpc,el-ege,cpm"),
};

/* Prefixes of names that operators make up for their rules, and that always mean ids. */
static const char *const id_prefixes[] = { "AMO_SUBJECT_", "AMO_DIRECTION_" };

/* Secrets may come from files of their own, and are never among the variables. */
static const struct {
	const char *name, *credential;
	size_t offset;
	enum settings_need need;
	bool required;
} secrets[] = {
	{ "WEBHOOK_SECRET", "webhook-secret", AT(webhook_secret), SETTINGS_NEED_SECRET, true },
	{ "WEBHOOK_SECRET_PREVIOUS", "webhook-secret-previous", AT(webhook_secret_previous), SETTINGS_NEED_SECRET, false },
	{ "AMO_ACCESS_TOKEN", "amocrm-token", AT(amo_access_token), SETTINGS_NEED_CRM, true },
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A shorter key can be found by trying all. */
#define SECRET_WARN_BYTES 24

#define DEFAULT_RULES "/etc/platform-payment-sync/mapping.json"

static const struct choice delivery_choices[] = { { "inline", DELIVERY_INLINE },
	{ "queue", DELIVERY_QUEUE }, { NULL, 0 } };
static const struct choice lookup_choices[] = { { "linked", LEAD_LOOKUP_LINKED },
	{ "query", LEAD_LOOKUP_QUERY }, { NULL, 0 } };
static const struct choice duplicate_choices[] = { { "409", 409 }, { "200", 200 }, { NULL, 0 } };
/* Python's logging knows CRITICAL and WARN too. */
static const struct choice level_choices[] = { { "DEBUG", LOG_LEVEL_DEBUG },
	{ "INFO", LOG_LEVEL_INFO }, { "WARNING", LOG_LEVEL_WARNING }, { "ERROR", LOG_LEVEL_ERROR },
	{ "WARN", LOG_LEVEL_WARNING }, { "CRITICAL", LOG_LEVEL_ERROR }, { NULL, 0 } };

static void
read_entry(const struct source *source, const struct entry *entry, struct settings *settings)
{
	const char *value = source_value(source, entry->name);
	void *member = (char *)settings + entry->offset;

	/* Empty is a currency too: any. */
	if (value == NULL && entry->kind == KIND_CURRENCY && source_is_empty(source, entry->name))
		value = "";
	if (value == NULL)
		value = entry->value;
	if (value == NULL)
		return;
	switch (entry->kind) {
	case KIND_TEXT:
		*(char **)member = text_copy(value);
		break;
	case KIND_FLAG:
		*(bool *)member = value_flag(source, entry->name, value);
		break;
	case KIND_NUMBER:
	case KIND_ID:
		*(int64_t *)member =
		    value_number(source, entry->name, value, entry->least, entry->most);
		break;
	case KIND_DELIVERY:
		*(int64_t *)member =
		    value_choice(source, entry->name, value, delivery_choices, "inline or queue");
		break;
	case KIND_LOOKUP:
		*(int64_t *)member =
		    value_choice(source, entry->name, value, lookup_choices, "linked or query");
		break;
	case KIND_LEVEL:
		*(int64_t *)member = value_choice(
		    source, entry->name, value, level_choices, "DEBUG, INFO, WARNING or ERROR");
		break;
	case KIND_CURRENCY:
		*(char **)member = text_copy(money_currency(value));
		break;
	case KIND_ANSWER:
		*(int64_t *)member =
		    value_choice(source, entry->name, value, duplicate_choices, "409 or 200");
		break;
	case KIND_VARIABLE:
		break;
	case KIND_VARIABLE_ID:
		value_number(source, entry->name, value, entry->least, entry->most);
		break;
	}
}

static void
read_crm_fields(const struct source *source, struct settings *settings)
{
	for (size_t i = 0; i < CRM_FIELD_COUNT; i++) {
		const char *name = crm_fields[i].setting, *value = source_value(source, name);

		if (value != NULL)
			settings->crm_fields[i] =
			    value_number(source, name, value, 1, VALUE_ID_MAX);
	}
}

/* A secret that cannot stand in a header line would be cut there, or worse, begin another one. */
static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static void
read_secrets(const struct source *source, int needs, struct settings *settings)
{
	for (size_t i = 0; i < COUNT(secrets); i++) {
		size_t before = json_array_size(source->warnings);
		char *value;

		if ((needs & secrets[i].need) == 0)
			continue;
		value = source_secret(source, secrets[i].name, secrets[i].credential);
		*(char **)((char *)settings + secrets[i].offset) = value;
		/* Where its file could not be read, that has been said and is enough. */
		if (value == NULL && secrets[i].required &&
		    json_array_size(source->warnings) == before)
			source_warn(source, "%s is required", secrets[i].name);
	}
	if (settings->amo_access_token != NULL && !is_printable(settings->amo_access_token))
		source_warn(source, "AMO_ACCESS_TOKEN must be printable ASCII without spaces");
}

static void
set_variable(json_t *variables, const char *name, const char *value)
{
	json_object_set_new(variables, name, json_string(value));
}

/* An account with one pipeline has only the default pair set; the site's own ids go before it where
 * they are set. */
static void
use_default_pair(const struct source *source, json_t *variables)
{
	static const char *const pairs[][2] = {
		{ "AMO_PIPELINE_SITE", "AMO_PIPELINE_ID" },
		{ "AMO_STATUS_AUTOPAY_SITE", "AMO_DEFAULT_STATUS_ID" },
	};
	bool other_pipeline = false;

	for (size_t i = 0; i < COUNT(pairs); i++) {
		const char *stand_in = source_value(source, pairs[i][1]);

		if (source_value(source, pairs[i][0]) != NULL)
			continue;
		if (stand_in != NULL)
			set_variable(variables, pairs[i][0], stand_in);
		else if (other_pipeline)
			/* The default stage belongs to another pipeline, and amoCRM would refuse
			 * the two together. */
			json_object_del(variables, pairs[i][0]);
		other_pipeline = stand_in != NULL;
	}
}

static void
add_defaults(json_t *variables, const struct entry entries[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (entries[i].value != NULL && json_object_get(variables, entries[i].name) == NULL)
			set_variable(variables, entries[i].name, entries[i].value);
}

/* Everything that was seen or defaulted, but for secrets and what is empty. */
static json_t *
make_variables(const struct source *source)
{
	json_t *variables = json_object(), *value;
	const char *name;

	json_object_foreach(source->values, name, value)
		if (json_string_length(value) > 0)
			json_object_set(variables, name, value);
	add_defaults(variables, service_entries, COUNT(service_entries));
	add_defaults(variables, account_entries, COUNT(account_entries));
	for (size_t i = 0; i < COUNT(secrets); i++)
		json_object_del(variables, secrets[i].name);
	use_default_pair(source, variables);
	return variables;
}

static void
check_made_up_ids(const struct source *source, const json_t *variables)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)variables, name, value)
		for (size_t i = 0; i < COUNT(id_prefixes); i++)
			if (strncmp(name, id_prefixes[i], strlen(id_prefixes[i])) == 0)
				value_number(
				    source, name, json_string_value(value), 1, VALUE_ID_MAX);
}

static void
check_base_url(const struct source *source, int needs, char *url)
{
	size_t length;

	if (url == NULL) {
		if (needs & SETTINGS_NEED_CRM)
			source_warn(source, "AMO_BASE_URL is required");
		return;
	}
	if (!url_is_base(url))
		source_warn(source,
		    "AMO_BASE_URL must be like https://name.amocrm.ru (http only for a loopback "
		    "address)");
	for (length = strlen(url); length > 0 && url[length - 1] == '/'; length--)
		url[length - 1] = '\0';
}

/*
 * The rules are read together with the settings, and once: a worker that is started tomorrow in
 * another's place must follow the same rules as the others, whatever stands in the file by then.
 */
static void
read_rules(const struct source *source, struct settings *settings)
{
	/* A file that is there but may not be read is no reason to follow other rules than the
	 * operator's. */
	if (settings->payment_mapping == NULL && access(DEFAULT_RULES, F_OK) == 0)
		settings->payment_mapping = text_copy(DEFAULT_RULES);
	if (settings->payment_mapping == NULL)
		return;
	settings->rules = envfile_content(settings->payment_mapping, &settings->rules_size);
	if (settings->rules == NULL)
		source_warn(source, "PAYMENT_MAPPING: %s cannot be read: %s",
		    settings->payment_mapping, strerror(errno));
}

/* No signature would ever fit a key that is none. */
static void
check_secret(const struct source *source, const char *name, const char *secret)
{
	uint8_t key[ENCODING_WEBHOOK_KEY_MAX];
	size_t size;

	if (secret != NULL && !encoding_webhook_key(secret, key, &size))
		source_warn(source,
		    "%s must have up to %d bytes, in base64 when it begins with whsec_", name,
		    ENCODING_WEBHOOK_KEY_MAX);
}

/* What one entry's type and limits do not say. */
static void
check(const struct source *source, int needs, struct settings *settings)
{
	check_secret(source, "WEBHOOK_SECRET", settings->webhook_secret);
	check_secret(source, "WEBHOOK_SECRET_PREVIOUS", settings->webhook_secret_previous);
	check_base_url(source, needs, settings->amo_base_url);
	check_made_up_ids(source, settings->variables);
	if (settings->amo_ca_file != NULL && access(settings->amo_ca_file, R_OK) != 0)
		source_warn(source, "AMO_CA_FILE: %s cannot be read: %s", settings->amo_ca_file,
		    strerror(errno));
	if (!clock_set_zone(settings->payment_timezone))
		source_warn(source, "PAYMENT_TIMEZONE: this system knows no zone %s",
		    settings->payment_timezone);
	if (settings->retry_wait_min_s > settings->retry_wait_max_s)
		source_warn(source, "RETRY_WAIT_MIN must not be greater than RETRY_WAIT_MAX");
}

/* A misspelt path explains what is missing. */
static void
warn_of_absent_file(const struct source *source)
{
	if (source->absent != NULL)
		source_warn(source, "PAYMENT_SYNC_CONFIG: %s does not exist", source->absent);
}

/* A counter that stands before a gap in its options would stay there for ever. */
static void
warn_of_gap(const struct source *source, const int64_t options[static PURCHASE_COUNT_MAX])
{
	int last = PURCHASE_COUNT_MAX, first = 1;

	while (last > 0 && options[last - 1] == 0)
		last--;
	while (first < last && options[first - 1] != 0)
		first++;
	if (first < last)
		source_warn(source,
		    "AMO_PURCHASE_COUNT_%d is not set though _%d is: no counter will pass the gap",
		    first, last);
}

static void
warn(const struct source *source, const struct settings *settings)
{
	warn_of_gap(source, settings->purchase_count_enum);
	if (settings->webhook_secret != NULL &&
	    strlen(settings->webhook_secret) < SECRET_WARN_BYTES)
		source_warn(source, "WEBHOOK_SECRET is shorter than %d bytes and can be guessed",
		    SECRET_WARN_BYTES);
	if (settings->webhook_secret_previous != NULL &&
	    strlen(settings->webhook_secret_previous) < SECRET_WARN_BYTES)
		source_warn(source,
		    "WEBHOOK_SECRET_PREVIOUS is shorter than %d bytes and can be guessed",
		    SECRET_WARN_BYTES);
}

enum outcome
settings_load(int needs, struct settings **settings, json_t *warnings)
{
	struct settings *new = memory_zeroed(1, sizeof(*new));
	size_t before = json_array_size(warnings);
	struct source source;
	bool mistaken;

	source_open(&source, warnings);
	read_secrets(&source, needs, new);
	for (size_t i = 0; i < COUNT(service_entries); i++)
		read_entry(&source, &service_entries[i], new);
	read_crm_fields(&source, new);
	for (size_t i = 0; i < COUNT(account_entries); i++)
		read_entry(&source, &account_entries[i], new);
	new->variables = make_variables(&source);
	if (needs & SETTINGS_NEED_RULES)
		read_rules(&source, new);
	check(&source, needs, new);
	mistaken = json_array_size(warnings) > before;
	warn_of_absent_file(&source);
	if (mistaken) {
		source_close(&source);
		settings_free(new);
		return NEVER;
	}
	warn(&source, new);
	source_close(&source);
	*settings = new;
	return DONE;
}

void
settings_free(struct settings *settings)
{
	if (settings == NULL)
		return;
	for (size_t i = 0; i < COUNT(secrets); i++)
		free(*(char **)((char *)settings + secrets[i].offset));
	for (size_t i = 0; i < COUNT(service_entries); i++)
		if (service_entries[i].kind == KIND_TEXT ||
		    service_entries[i].kind == KIND_CURRENCY)
			free(*(char **)((char *)settings + service_entries[i].offset));
	free(settings->rules);
	json_decref(settings->variables);
	free(settings);
}

const char *
settings_variable(const struct settings *settings, const char *name)
{
	return json_string_value(json_object_get(settings->variables, name));
}

bool
settings_knows(const char *name)
{
	for (size_t i = 0; i < COUNT(service_entries); i++)
		if (strcmp(service_entries[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < COUNT(account_entries); i++)
		if (strcmp(account_entries[i].name, name) == 0)
			return true;
	return crm_field_of_setting(name) != NULL;
}
