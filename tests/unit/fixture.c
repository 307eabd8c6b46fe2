#include <ftw.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

static char fixture_directory[64];

/* A sync costs milliseconds on some disks, and what the tests look at does not depend on the power staying on. */
int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

const char *
fixture_path(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", fixture_directory, name);
	return path;
}

void
fixture_set(const char *name, const char *value)
{
	if (value == NULL)
		unsetenv(name);
	else
		setenv(name, value, 1);
}

static void
set_defaults(void)
{
	static const char *const values[][2] = {
		{ "PAYMENT_SYNC_CONFIG", "/dev/null" },
		{ "WEBHOOK_SECRET", FIXTURE_SECRET },
		{ "AMO_BASE_URL", "https://account.example.com" },
		{ "AMO_ACCESS_TOKEN", "token" },
		{ "AMO_RATE_LIMIT", "200" },
		{ "AMO_CONTACT_FIELD_TG_ID", "101" },
		{ "AMO_CONTACT_FIELD_TG_USERNAME", "102" },
		{ "AMO_LEAD_FIELD_SUBJECTS", "201" },
		{ "AMO_LEAD_FIELD_DIRECTION", "202" },
		{ "AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT", "203" },
		{ "AMO_LEAD_FIELD_TOTAL_PAID", "204" },
		{ "AMO_LEAD_FIELD_PURCHASE_COUNT", "205" },
		{ "AMO_LEAD_FIELD_LAST_PAYMENT_DATE", "206" },
		{ "AMO_LEAD_FIELD_PAYMENT_ID", "207" },
		{ "AMO_LEAD_FIELD_INVOICE_ID", "208" },
		{ "AMO_LEAD_FIELD_PAYMENT_STATUS", "209" },
		{ "AMO_SUBJECT_RUSSIAN", "301" },
		{ "AMO_SUBJECT_PHYSICS", "302" },
		{ "AMO_DIRECTION_EGE", "351" },
		{ "AMO_DIRECTION_OGE", "352" },
		{ "AMO_PIPELINE_SITE", "401" },
		{ "AMO_STATUS_AUTOPAY_SITE", "411" },
	};
	size_t i;

	clearenv();
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		fixture_set(values[i][0], values[i][1]);
	fixture_set("PAYMENTS_DB", fixture_path("payments.sqlite"));
	fixture_set("PAYMENTS_RUN_DIR", fixture_path("run"));
}

void
fixture_begin(void)
{
	strcpy(fixture_directory, "/tmp/payment-test.XXXXXX");
	if (mkdtemp(fixture_directory) == NULL)
		abort();
	set_defaults();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void
fixture_end(void)
{
	nftw(fixture_directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct settings *
fixture_settings(void)
{
	json_t *warnings = json_array();
	struct settings *settings = NULL;

	if (settings_load(SETTINGS_NEED_ALL, &settings, warnings) != DONE) {
		json_dumpf(warnings, stderr, 0);
		abort();
	}
	json_decref(warnings);
	return settings;
}

static const char *
or_default(const char *given, const char *value)
{
	return given != NULL ? given : value;
}

char *
sample_body(const struct sample *sample)
{
	const char *id = sample->no_id ? NULL : or_default(sample->id, "pay_1");
	json_t *cost = json_loads(or_default(sample->cost, "5000"), JSON_DECODE_ANY, NULL), *body;
	char *text;

	body = json_pack("{s:{s:s, s:s, s:s?, s:s?, s:s?, s:[{s:o, s:{s:s, s:{s:s, s:s}}}],"
			 " s:{s:s?, s:s?, s:s?, s:s?, s:s?}, s:{s:s?, s:s?}}}",
	    "course_order", "status", or_default(sample->status, "CONFIRMED"), "updated_at",
	    or_default(sample->time, "2025-01-20 14:49:20"), "payment_id", id, "invoice_id",
	    sample->invoice, "currency", sample->currency, "course_order_items", "cost", cost,
	    "course", "name", or_default(sample->course, "Годовой"), "subject", "name",
	    or_default(sample->subject, "Русский"), "project", "ЕГЭ", "user", "first_name",
	    sample->name, "phone", sample->phone, "email", sample->email, "telegram_id",
	    sample->telegram, "telegram_tag", sample->tag, "utm", "source", sample->utm_source,
	    "medium", sample->utm_medium);
	text = json_dumps(body, JSON_COMPACT);
	if (text == NULL)
		abort();
	json_decref(body);
	return text;
}

struct payment *
sample_payment(const struct sample *sample)
{
	struct payment *paid = NULL;
	json_t *errors = NULL;
	char *body = sample_body(sample);

	if (payment_parse(body, strlen(body), &paid, &errors) != DONE) {
		json_dumpf(errors, stderr, 0);
		abort();
	}
	free(body);
	return paid;
}

/* Run one statement, or several when nothing is asked back; NULL when there is no row or it is NULL. */
static char *run_sql(const char *path, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static char *
run_sql(const char *path, const char *format, va_list args)
{
	char *sql, *value = NULL;
	const char *rest;
	sqlite3 *file = NULL;
	sqlite3_stmt *statement = NULL;
	int code;

	if (vasprintf(&sql, format, args) < 0 || sqlite3_open(path, &file) != SQLITE_OK)
		abort();
	for (rest = sql; *rest != '\0'; sqlite3_finalize(statement)) {
		code = sqlite3_prepare_v2(file, rest, -1, &statement, &rest);
		if (code == SQLITE_OK && statement != NULL)
			code = sqlite3_step(statement);
		if (code == SQLITE_ROW && value == NULL &&
		    sqlite3_column_type(statement, 0) != SQLITE_NULL)
			value = strdup((const char *)sqlite3_column_text(statement, 0));
		while (code == SQLITE_ROW)
			code = sqlite3_step(statement);
		if (code != SQLITE_DONE && code != SQLITE_OK) {
			fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(file));
			abort();
		}
	}
	sqlite3_close(file);
	free(sql);
	return value;
}

void
fixture_sql(const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	free(run_sql(path, format, args));
	va_end(args);
}

int64_t
fixture_sql_int(const char *path, const char *format, ...)
{
	va_list args;
	char *value;
	int64_t number;

	va_start(args, format);
	value = run_sql(path, format, args);
	va_end(args);
	number = value != NULL ? atoll(value) : 0;
	free(value);
	return number;
}

char *
fixture_sql_text(const char *path, const char *format, ...)
{
	va_list args;
	char *value;

	va_start(args, format);
	value = run_sql(path, format, args);
	va_end(args);
	return value;
}
