/* The settings file: read, written again and read again; then taken for the program's settings. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "config/env_file.h"
#include "host/limiter.h"
#include "base/url.h"

static int file;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[64];

	(void)argc, (void)argv;
	settings_free(fuzz_settings());
	clearenv();
	file = memfd_create("settings", 0);
	REQUIRE(file >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	setenv("PAYMENT_SYNC_CONFIG", path, 1);
	return 0;
}

/* Every value in double quotes, which can hold anything. */
static void
check_again(const json_t *values)
{
	json_t *again = json_object();
	const char *name, *at;
	struct fault why;
	json_t *value;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	json_object_foreach((json_t *)values, name, value) {
		fprintf(out, "%s=\"", name);
		for (at = json_string_value(value); *at != '\0'; at++)
			fprintf(out, "%s%c", strchr("\"\\`$", *at) != NULL ? "\\" : "", *at);
		fputs("\"\n", out);
	}
	fclose(out);
	REQUIRE(envfile_parse(text, size, again, &why) == DONE);
	REQUIRE(json_equal(values, again));
	json_decref(again);
	free(text);
}

static void
check_settings(const json_t *values)
{
	json_t *warnings = json_array(), *warning;
	const char *secret = json_string_value(json_object_get(values, "WEBHOOK_SECRET"));
	struct settings *settings = NULL;
	enum outcome out = settings_load(SETTINGS_NEED_ALL, &settings, warnings);
	size_t i;

	if (out == DONE) {
		REQUIRE(settings->webhook_secret != NULL && settings->webhook_secret[0] != '\0');
		REQUIRE(url_is_base(settings->amo_base_url) && settings->amo_access_token[0] != '\0');
		REQUIRE(settings->amo_base_url[strlen(settings->amo_base_url) - 1] != '/');
		REQUIRE(settings->amo_rate_limit >= 1 && settings->amo_rate_limit <= LIMITER_RATE_MAX);
		REQUIRE(settings->amo_timeout_ms >= 100 && settings->retry_max_attempts >= 1);
		REQUIRE(settings->workers >= 0 && settings->retry_max_age_hours >= 1);
		REQUIRE(settings->duplicate_status == 409 || settings->duplicate_status == 200);
		settings_free(settings);
	} else {
		REQUIRE(out == NEVER && json_array_size(warnings) > 0);
	}
	json_array_foreach(warnings, i, warning)
		REQUIRE(secret == NULL || strlen(secret) < 16 ||
		    strstr(json_string_value(warning), secret) == NULL);
	json_decref(warnings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	json_t *values = json_object();
	const char *name;
	json_t *value;
	struct fault why = { "" };
	enum outcome out = envfile_parse(text, size, values, &why);

	REQUIRE(out == DONE || (out == NEVER && why.text[0] != '\0'));
	json_object_foreach(values, name, value) {
		REQUIRE(name[0] != '\0' && (name[0] < '0' || name[0] > '9'));
		REQUIRE(json_is_string(value));
	}
	check_again(values);
	/* Secrets may be said to stand in any file of this host; those are not for a fuzzer to open. */
	if (strstr(text, "_FILE") == NULL && memchr(text, '\0', size) == NULL && size < 8192) {
		REQUIRE(ftruncate(file, 0) == 0 && pwrite(file, text, size, 0) == (ssize_t)size);
		check_settings(values);
	}
	json_decref(values);
	free(text);
	return 0;
}
