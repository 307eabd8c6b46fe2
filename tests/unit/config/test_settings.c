#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "config/settings.h"

#define SECRET "made-up-secret-of-the-tests-01"
#define TOKEN  "made-up-token"

static char directory[] = "/tmp/test_settings.XXXXXX";
static char config[64];

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* An environment with what is required, and an empty file. */
static int
begin(void **state)
{
	(void)state;
	clearenv();
	write_file(config, "");
	setenv("PAYMENT_SYNC_CONFIG", config, 1);
	setenv("WEBHOOK_SECRET", SECRET, 1);
	setenv("AMO_BASE_URL", "https://demo.example.com/", 1);
	setenv("AMO_ACCESS_TOKEN", TOKEN, 1);
	return 0;
}

static struct settings *
load(void)
{
	json_t *warnings = json_array();
	struct settings *settings = NULL;

	if (settings_load(SETTINGS_NEED_ALL, &settings, warnings) != DONE)
		fail_msg("%s", json_dumps(warnings, 0));
	assert_int_equal(json_array_size(warnings), 0);
	json_decref(warnings);
	return settings;
}

/* The warnings of a load that fails, joined by lines. */
static char *
refuse(void)
{
	json_t *warnings = json_array(), *warning;
	struct settings *settings = NULL;
	char *text;
	size_t size, i;
	FILE *stream = open_memstream(&text, &size);

	assert_int_equal(settings_load(SETTINGS_NEED_ALL, &settings, warnings), NEVER);
	assert_null(settings);
	json_array_foreach(warnings, i, warning)
		fprintf(stream, "%s\n", json_string_value(warning));
	json_decref(warnings);
	fclose(stream);
	return text;
}

static void
assert_refused(const char *expected)
{
	char *text = refuse();

	assert_string_equal(text, expected);
	free(text);
}

static void
defaults(void **state)
{
	struct settings *settings = load();

	(void)state;
	assert_string_equal(settings->webhook_secret, SECRET);
	assert_null(settings->webhook_secret_previous);
	assert_true(settings->webhook_legacy_secret);
	assert_string_equal(settings->amo_base_url, "https://demo.example.com");
	assert_string_equal(settings->amo_access_token, TOKEN);
	assert_null(settings->amo_ca_file);
	assert_int_equal(settings->amo_rate_limit, 7);
	assert_int_equal(settings->amo_timeout_ms, 10000);
	assert_true(settings->create_if_not_found);
	assert_string_equal(
	    settings->payments_db, "/var/lib/platform-payment-sync/payments.sqlite");
	assert_string_equal(settings->payments_run_dir, "/run/platform-payment-sync");
	assert_null(settings->payment_mapping);
	assert_int_equal(settings->delivery, DELIVERY_INLINE);
	assert_int_equal(settings->lead_lookup, LEAD_LOOKUP_LINKED);
	assert_int_equal(settings->log_level, LOG_LEVEL_INFO);
	assert_int_equal(settings->inline_deadline_ms, 8000);
	assert_string_equal(settings->payment_timezone, "Europe/Moscow");
	assert_string_equal(settings->payment_currency, "RUB");
	assert_string_equal(clock_zone_label(), "Moscow");
	assert_int_equal(settings->duplicate_status, 409);
	assert_int_equal(settings->retry_max_attempts, 3);
	assert_int_equal(settings->retry_wait_min_s, 2);
	assert_int_equal(settings->retry_wait_max_s, 10);
	assert_int_equal(settings->retry_max_age_hours, 72);
	assert_int_equal(settings->workers, 4);
	assert_int_equal(settings->lead_field_subjects, 0);
	assert_int_equal(settings->purchase_count_enum[9], 0);
	settings_free(settings);
	settings_free(NULL);
}

static void
environment_overrides_file(void **state)
{
	struct settings *settings;

	(void)state;
	write_file(config,
	    "AMO_RATE_LIMIT=3\nWORKERS=9 # many\nAMO_LEAD_FIELD_YM_UID=17\nexport "
	    "LOG_LEVEL='debug'\n"
	    "AMO_PURCHASE_COUNT_1 = "
	    "55\nAMO_TIMEOUT_MS=500\nSOMETHING_ELSE=whatever\nDUPLICATE_STATUS=200\n");
	setenv("WORKERS", "2", 1);
	/* Empty is not set, so the file's value holds. */
	setenv("AMO_TIMEOUT_MS", "", 1);
	settings = load();
	assert_int_equal(settings->amo_rate_limit, 3);
	assert_int_equal(settings->workers, 2);
	assert_int_equal(settings->lead_field_ym_uid, 17);
	assert_int_equal(settings->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(settings->purchase_count_enum[0], 55);
	assert_int_equal(settings->amo_timeout_ms, 500);
	assert_int_equal(settings->duplicate_status, 200);
	settings_free(settings);
}

/* The table's numbers and the members' names lead to the same ids, in the order in which both are written down. */
static void
crm_field_ids(void **state)
{
	struct settings *settings;

	(void)state;
	for (int i = 0; i < CRM_FIELD_COUNT; i++) {
		char id[8];

		snprintf(id, sizeof(id), "%d", 100 + i);
		setenv(crm_fields[i].setting, id, 1);
		assert_true(settings_knows(crm_fields[i].setting));
	}
	settings = load();
	for (int i = 0; i < CRM_FIELD_COUNT; i++)
		assert_int_equal(settings->crm_fields[i], 100 + i);
	assert_int_equal(settings->contact_field_tg_id, 100 + CRM_TG_ID);
	assert_int_equal(settings->contact_field_tg_username, 100 + CRM_TG_USERNAME);
	assert_int_equal(settings->lead_field_subjects, 100 + CRM_SUBJECTS);
	assert_int_equal(settings->lead_field_direction, 100 + CRM_DIRECTION);
	assert_int_equal(settings->lead_field_last_amount, 100 + CRM_LAST_AMOUNT);
	assert_int_equal(settings->lead_field_total_paid, 100 + CRM_TOTAL_PAID);
	assert_int_equal(settings->lead_field_purchase_count, 100 + CRM_PURCHASE_COUNT);
	assert_int_equal(settings->lead_field_last_date, 100 + CRM_LAST_DATE);
	assert_int_equal(settings->lead_field_payment_id, 100 + CRM_PAYMENT_ID);
	assert_int_equal(settings->lead_field_invoice_id, 100 + CRM_INVOICE_ID);
	assert_int_equal(settings->lead_field_payment_status, 100 + CRM_PAYMENT_STATUS);
	assert_int_equal(settings->lead_field_utm_source, 100 + CRM_UTM_SOURCE);
	assert_int_equal(settings->lead_field_utm_medium, 100 + CRM_UTM_MEDIUM);
	assert_int_equal(settings->lead_field_utm_campaign, 100 + CRM_UTM_CAMPAIGN);
	assert_int_equal(settings->lead_field_utm_content, 100 + CRM_UTM_CONTENT);
	assert_int_equal(settings->lead_field_utm_term, 100 + CRM_UTM_TERM);
	assert_int_equal(settings->lead_field_ym_uid, 100 + CRM_YM_UID);
	settings_free(settings);
}

static void
booleans(void **state)
{
	static const struct {
		const char *text;
		bool value;
	} cases[] = { { "True", true }, { "true", true }, { "TRUE", true }, { "1", true },
		{ "yes", true }, { "On", true }, { "False", false }, { "false", false },
		{ "0", false }, { "No", false }, { "off", false }, { "", true } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings *settings;

		setenv("CREATE_IF_NOT_FOUND", cases[i].text, 1);
		settings = load();
		assert_int_equal(settings->create_if_not_found, cases[i].value);
		settings_free(settings);
	}
}

/* Empty is no default here: it says that every currency is taken. */
static void
currencies(void **state)
{
	static const char *const cases[][2] = { { "RUR", "RUB" }, { "643", "RUB" }, { "₽", "RUB" },
		{ "KZT", "KZT" }, { "", "" } };
	struct settings *settings;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("PAYMENT_CURRENCY", cases[i][0], 1);
		settings = load();
		assert_string_equal(settings->payment_currency, cases[i][1]);
		settings_free(settings);
	}
	/* An empty variable hides nothing of the file's. */
	write_file(config, "PAYMENT_CURRENCY=USD\n");
	settings = load();
	assert_string_equal(settings->payment_currency, "USD");
	settings_free(settings);
	unsetenv("PAYMENT_CURRENCY");
	write_file(config, "PAYMENT_CURRENCY=\n");
	settings = load();
	assert_string_equal(settings->payment_currency, "");
	settings_free(settings);
}

static void
all_mistakes_together(void **state)
{
	static const char *const settings[][2] = { { "WEBHOOK_SECRET", "" },
		{ "AMO_BASE_URL", "http://demo.example.com" },
		{ "AMO_ACCESS_TOKEN", "hidden token\r\nX: y" }, { "CREATE_IF_NOT_FOUND", "maybe" },
		{ "AMO_RATE_LIMIT", "201" }, { "AMO_TIMEOUT_MS", "10s" }, { "DELIVERY", "later" },
		{ "AMO_LEAD_LOOKUP", "guess" }, { "LOG_LEVEL", "LOUD" },
		{ "PAYMENT_TIMEZONE", "Europe/Moskau" }, { "DUPLICATE_STATUS", "500" },
		{ "RETRY_WAIT_MIN", "20" }, { "WORKERS", "-1" }, { "AMO_LEAD_FIELD_SUBJECTS", "0" },
		{ "AMO_CONTACT_FIELD_TG_ID", "12a" },
		{ "AMO_PURCHASE_COUNT_3", "99999999999999999999" }, { "AMO_PIPELINE_SITE", "site" },
		{ "AMO_SUBJECT_MADE_UP", "x" }, { "AMO_DIRECTION_EGE", "-5" },
		{ "AMO_CA_FILE", "/nonexistent/ca.pem" } };

	(void)state;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		setenv(settings[i][0], settings[i][1], 1);
	assert_refused(
	    "WEBHOOK_SECRET is required\n"
	    "AMO_ACCESS_TOKEN must be printable ASCII without spaces\n"
	    "AMO_RATE_LIMIT must be a whole number from 1 to 200\n"
	    "AMO_TIMEOUT_MS must be a whole number from 100 to 300000\n"
	    "CREATE_IF_NOT_FOUND must be True or False\n"
	    "DELIVERY must be inline or queue\n"
	    "AMO_LEAD_LOOKUP must be linked or query\n"
	    "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR\n"
	    "DUPLICATE_STATUS must be 409 or 200\n"
	    "WORKERS must be a whole number from 0 to 256\n"
	    "AMO_CONTACT_FIELD_TG_ID must be an id of amoCRM: a positive whole number\n"
	    "AMO_LEAD_FIELD_SUBJECTS must be an id of amoCRM: a positive whole number\n"
	    "AMO_PURCHASE_COUNT_3 must be an id of amoCRM: a positive whole number\n"
	    "AMO_PIPELINE_SITE must be an id of amoCRM: a positive whole number\n"
	    "AMO_BASE_URL must be like https://name.amocrm.ru (http only for a loopback address)\n"
	    "AMO_SUBJECT_MADE_UP must be an id of amoCRM: a positive whole number\n"
	    "AMO_DIRECTION_EGE must be an id of amoCRM: a positive whole number\n"
	    "AMO_CA_FILE: /nonexistent/ca.pem cannot be read: No such file or directory\n"
	    "PAYMENT_TIMEZONE: this system knows no zone Europe/Moskau\n"
	    "RETRY_WAIT_MIN must not be greater than RETRY_WAIT_MAX\n");
}

static void
required_ones(void **state)
{
	(void)state;
	clearenv();
	setenv("PAYMENT_SYNC_CONFIG", config, 1);
	assert_refused(
	    "WEBHOOK_SECRET is required\nAMO_ACCESS_TOKEN is required\nAMO_BASE_URL is required\n");
}

/* What a newcomer sees who copies the example: only that three values are missing. */
static void
example_lacks_only_what_is_required(void **state)
{
	(void)state;
	clearenv();
	setenv("PAYMENT_SYNC_CONFIG", "env.example", 1);
	assert_refused(
	    "WEBHOOK_SECRET is required\nAMO_ACCESS_TOKEN is required\nAMO_BASE_URL is required\n");
}

static void
secrets_from_files(void **state)
{
	struct settings *settings;
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/webhook-secret", directory);
	write_file(path, "secret-of-the-credentials-directory \n\n");
	snprintf(path, sizeof(path), "%s/amocrm-token", directory);
	write_file(path, "token-of-the-credentials-directory\n");
	snprintf(path, sizeof(path), "%s/webhook-secret-previous", directory);
	write_file(path, "previous-secret-of-the-directory\n");
	setenv("CREDENTIALS_DIRECTORY", directory, 1);

	settings = load();
	assert_string_equal(settings->webhook_secret, SECRET);
	assert_string_equal(settings->webhook_secret_previous, "previous-secret-of-the-directory");
	settings_free(settings);

	unsetenv("WEBHOOK_SECRET");
	unsetenv("AMO_ACCESS_TOKEN");
	settings = load();
	assert_string_equal(settings->webhook_secret, "secret-of-the-credentials-directory");
	assert_string_equal(settings->amo_access_token, "token-of-the-credentials-directory");
	settings_free(settings);

	snprintf(path, sizeof(path), "%s/other", directory);
	write_file(path, "token-of-a-file-of-its-own\r\n");
	setenv("AMO_ACCESS_TOKEN_FILE", path, 1);
	settings = load();
	assert_string_equal(settings->amo_access_token, "token-of-a-file-of-its-own");
	settings_free(settings);

	write_file(config, "AMO_ACCESS_TOKEN=token-of-the-settings\n");
	settings = load();
	assert_string_equal(settings->amo_access_token, "token-of-the-settings");
	settings_free(settings);

	write_file(path, " \n");
	write_file(config, "");
	assert_refused("AMO_ACCESS_TOKEN is required\n");
	setenv("AMO_ACCESS_TOKEN_FILE", "/nonexistent/token", 1);
	assert_refused("AMO_ACCESS_TOKEN_FILE: /nonexistent/token cannot be read: No such file or "
		       "directory\n");
}

static void
short_secret_is_remarked_upon(void **state)
{
	json_t *warnings = json_array();
	struct settings *settings = NULL;

	(void)state;
	setenv("WEBHOOK_SECRET", "hidden", 1);
	setenv("WEBHOOK_SECRET_PREVIOUS", "hidden-as-well", 1);
	assert_int_equal(settings_load(SETTINGS_NEED_ALL, &settings, warnings), DONE);
	assert_int_equal(json_array_size(warnings), 2);
	assert_string_equal(json_string_value(json_array_get(warnings, 0)),
	    "WEBHOOK_SECRET is shorter than 24 bytes and can be guessed");
	settings_free(settings);
	json_decref(warnings);
}

static void
gap_is_remarked_upon(void **state)
{
	json_t *warnings = json_array();
	struct settings *settings = NULL;

	(void)state;
	setenv("AMO_PURCHASE_COUNT_1", "51", 1);
	setenv("AMO_PURCHASE_COUNT_3", "53", 1);
	setenv("AMO_PURCHASE_COUNT_5", "55", 1);
	assert_int_equal(settings_load(SETTINGS_NEED_ALL, &settings, warnings), DONE);
	assert_int_equal(json_array_size(warnings), 1);
	assert_string_equal(json_string_value(json_array_get(warnings, 0)),
	    "AMO_PURCHASE_COUNT_2 is not set though _5 is: no counter will pass the gap");
	settings_free(settings);
	json_decref(warnings);
}

static void
secret_that_is_no_key(void **state)
{
	char *text;

	(void)state;
	setenv("WEBHOOK_SECRET_PREVIOUS", "whsec_%%%%-never-shown", 1);
	text = refuse();
	assert_string_equal(text,
	    "WEBHOOK_SECRET_PREVIOUS must have up to 1024 bytes, in base64 when it begins with "
	    "whsec_\n");
	free(text);
}

/* All settings may come from the environment; but a misspelt path is worth a word. */
static void
file_that_is_named_and_absent(void **state)
{
	json_t *warnings = json_array();
	struct settings *settings = NULL;

	(void)state;
	setenv("PAYMENT_SYNC_CONFIG", "/nonexistent/config.env", 1);
	assert_int_equal(settings_load(SETTINGS_NEED_ALL, &settings, warnings), DONE);
	assert_int_equal(json_array_size(warnings), 1);
	assert_string_equal(json_string_value(json_array_get(warnings, 0)),
	    "PAYMENT_SYNC_CONFIG: /nonexistent/config.env does not exist");
	settings_free(settings);
	json_decref(warnings);
}

static void
broken_file(void **state)
{
	char *text, *expected;

	(void)state;
	write_file(config, "WORKERS=2\nWEBHOOK_SECRET=\"hidden\n");
	text = refuse();
	assert_true(asprintf(&expected, "PAYMENT_SYNC_CONFIG: %s, line 2: a quote is not closed\n",
			config) > 0);
	assert_string_equal(text, expected);
	free(expected);
	free(text);
}

static void
assert_variable(const struct settings *settings, const char *name, const char *expected)
{
	const char *value = settings_variable(settings, name);

	if (expected == NULL)
		assert_null(value);
	else if (value == NULL)
		fail_msg("%s is not set", name);
	else
		assert_string_equal(value, expected);
}

static void
variables(void **state)
{
	struct settings *settings;

	(void)state;
	write_file(config, "AMO_SUBJECT_RUSSIAN=5\nANYTHING=goes\nEMPTY=\n");
	setenv("WEBHOOK_SECRET_PREVIOUS", "made-up-secret-of-the-tests-00", 1);
	setenv("AMO_SUBJECT_HISTORY", "6", 1);
	settings = load();
	assert_variable(settings, "AMO_SUBJECT_RUSSIAN", "5");
	assert_variable(settings, "AMO_SUBJECT_HISTORY", "6");
	assert_variable(settings, "ANYTHING", "goes");
	assert_variable(settings, "EMPTY", NULL);
	assert_variable(settings, "UNKNOWN", NULL);
	assert_variable(settings, "WEBHOOK_SECRET", NULL);
	assert_variable(settings, "WEBHOOK_SECRET_PREVIOUS", NULL);
	assert_variable(settings, "AMO_ACCESS_TOKEN", NULL);
	assert_variable(settings, "STATUS_SUCCESS", "142");
	assert_variable(settings, "STATUS_CLOSED", "143");
	assert_variable(settings, "AMO_PIPELINE_PARTNERS", "8598230");
	assert_variable(settings, "AMO_STATUS_AUTOPAY_PARTNERS", "80517738");
	assert_variable(settings, "AMO_PIPELINE_YANDEX", "10089806");
	assert_variable(settings, "AMO_STATUS_AUTOPAY_YANDEX", "80579130");
	assert_variable(settings, "YANDEX_MEDIUMS", "cpc,el-ege,cpm");
	assert_variable(settings, "PARTNER_SOURCES",
	    "advcake,flocktory,tutortop,sravni,tbank,reshuege,ris.promo,gdeslon,admitad,pfm");
	settings_free(settings);
}

static void
default_pair_stands_in(void **state)
{
	static const struct {
		const char *site, *stage, *pipeline, *status; /* As given. */
		const char *expected_site, *expected_stage;
	} cases[] = {
		{ "", "", "", "", "4423755", "63242022" },
		{ "", "", "10", "20", "10", "20" },
		{ "11", "21", "10", "20", "11", "21" },
		{ "11", "", "10", "20", "11", "20" },
		{ "", "21", "10", "20", "10", "21" },
		{ "", "", "10", "", "10", NULL },
		{ "11", "21", "", "", "11", "21" },
		{ "", "", "", "20", "4423755", "20" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings *settings;

		setenv("AMO_PIPELINE_SITE", cases[i].site, 1);
		setenv("AMO_STATUS_AUTOPAY_SITE", cases[i].stage, 1);
		setenv("AMO_PIPELINE_ID", cases[i].pipeline, 1);
		setenv("AMO_DEFAULT_STATUS_ID", cases[i].status, 1);
		settings = load();
		assert_variable(settings, "AMO_PIPELINE_SITE", cases[i].expected_site);
		assert_variable(settings, "AMO_STATUS_AUTOPAY_SITE", cases[i].expected_stage);
		settings_free(settings);
	}
}

static int
make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(config, sizeof(config), "%s/config.env", directory);
	return 0;
}

static int
remove_directory(void **state)
{
	static const char *const names[] = { "config.env", "webhook-secret",
		"webhook-secret-previous", "amocrm-token", "other" };
	char path[96];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	return rmdir(directory);
}

/* The rules are read together with the settings; what happens to the file later does not matter. */
static void
rules_come_with_the_settings(void **state)
{
	char path[80];
	struct settings *settings;

	(void)state;
	snprintf(path, sizeof(path), "%s/mapping.json", directory);
	write_file(path, "some rules");
	setenv("PAYMENT_MAPPING", path, 1);
	settings = load();
	write_file(path, "others");
	assert_string_equal(settings->payment_mapping, path);
	assert_int_equal(settings->rules_size, 10);
	assert_string_equal(settings->rules, "some rules");
	settings_free(settings);
	assert_int_equal(unlink(path), 0);
}

static void
rules_that_are_not_there(void **state)
{
	(void)state;
	setenv("PAYMENT_MAPPING", "/nonexistent/mapping.json", 1);
	assert_refused("PAYMENT_MAPPING: /nonexistent/mapping.json cannot be read: No such file or "
		       "directory\n");
}

static void
known_names(void **state)
{
	(void)state;
	assert_true(settings_knows("WORKERS"));
	assert_true(settings_knows("AMO_PIPELINE_SITE"));
	assert_false(settings_knows("AMO_ACCESS_TOKEN"));
	assert_false(settings_knows("AMO_PIPELINE_SITES"));
	assert_false(settings_knows(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(defaults, begin),
		cmocka_unit_test_setup(environment_overrides_file, begin),
		cmocka_unit_test_setup(crm_field_ids, begin),
		cmocka_unit_test_setup(booleans, begin),
		cmocka_unit_test_setup(currencies, begin),
		cmocka_unit_test_setup(all_mistakes_together, begin),
		cmocka_unit_test_setup(required_ones, begin),
		cmocka_unit_test_setup(example_lacks_only_what_is_required, begin),
		cmocka_unit_test_setup(secrets_from_files, begin),
		cmocka_unit_test_setup(short_secret_is_remarked_upon, begin),
		cmocka_unit_test_setup(gap_is_remarked_upon, begin),
		cmocka_unit_test_setup(secret_that_is_no_key, begin),
		cmocka_unit_test_setup(file_that_is_named_and_absent, begin),
		cmocka_unit_test_setup(broken_file, begin),
		cmocka_unit_test_setup(variables, begin),
		cmocka_unit_test_setup(default_pair_stands_in, begin),
		cmocka_unit_test_setup(rules_come_with_the_settings, begin),
		cmocka_unit_test_setup(rules_that_are_not_there, begin),
		cmocka_unit_test_setup(known_names, begin),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
