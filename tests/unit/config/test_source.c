#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "fixture.c"

#include "config/source.h"

static struct source source;
static json_t *notes;

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	clearenv();
	fixture_set("PAYMENT_SYNC_CONFIG", "/dev/null");
	notes = json_array();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	json_decref(notes);
	fixture_end();
	return 0;
}

/* A file in the directory; its path. */
static const char *
file(const char *name, const char *content)
{
	const char *path = fixture_path(name);
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_true(fputs(content, stream) >= 0);
	assert_int_equal(fclose(stream), 0);
	return path;
}

static void
assert_value(const char *name, const char *expected)
{
	const char *value = source_value(&source, name);

	if (expected == NULL)
		assert_null(value);
	else
		assert_string_equal(value, expected);
}

static void
assert_secret(const char *expected)
{
	char *secret = source_secret(&source, "KEY", "key-of-the-test");

	if (expected == NULL)
		assert_null(secret);
	else
		assert_string_equal(secret, expected);
	free(secret);
}

/* The one warning there is begins with the variable's name, says this, and repeats no value. */
static void
assert_remark(const char *variable, const char *said)
{
	const char *warning = json_string_value(json_array_get(notes, 0));

	assert_int_equal(json_array_size(notes), 1);
	assert_int_equal(strncmp(warning, variable, strlen(variable)), 0);
	assert_non_null(strstr(warning, said));
	assert_null(strstr(warning, "s3cret"));
}

static void
environment_over_file(void **state)
{
	(void)state;
	fixture_set("PAYMENT_SYNC_CONFIG",
	    file("env",
		"BOTH=file\nFILE=file\nEMPTY=file\nNONE=\nSPACED=' a b '\n# BOTH=comment\n"));
	fixture_set("BOTH", "environment");
	fixture_set("ENVIRONMENT", "environment");
	fixture_set("EMPTY", "");
	source_open(&source, notes);
	assert_value("BOTH", "environment");
	assert_value("FILE", "file");
	assert_value("ENVIRONMENT", "environment");
	assert_value("EMPTY", "file"); /* An empty value is the same as none. */
	assert_value("NONE", NULL);
	assert_value("SPACED", " a b ");
	assert_value("ABSENT", NULL);
	assert_int_equal(json_array_size(notes), 0);
	assert_null(source.absent);
	source_close(&source);
}

/* All settings may come from the environment, so this is worth a warning and no mistake. */
static void
a_named_file_is_absent(void **state)
{
	const char *path = fixture_path("absent");

	(void)state;
	fixture_set("PAYMENT_SYNC_CONFIG", path);
	fixture_set("NAME", "value");
	source_open(&source, notes);
	assert_string_equal(source.absent, path);
	assert_int_equal(json_array_size(notes), 0);
	assert_value("NAME", "value");
	source_close(&source);
}

static void
the_default_file_may_be_absent(void **state)
{
	(void)state;
	fixture_set("PAYMENT_SYNC_CONFIG", "");
	source_open(&source, notes);
	assert_null(source.absent);
	source_close(&source);
}

static void
a_file_that_cannot_be_read(void **state)
{
	(void)state;
	fixture_set("PAYMENT_SYNC_CONFIG", fixture_path(""));
	source_open(&source, notes);
	assert_remark("PAYMENT_SYNC_CONFIG: ", "cannot be read");
	assert_null(source.absent);
	source_close(&source);
}

static void
a_file_with_a_mistake(void **state)
{
	(void)state;
	fixture_set("PAYMENT_SYNC_CONFIG", file("env", "A=1\nKEY=\"s3cret\n"));
	source_open(&source, notes);
	assert_remark("PAYMENT_SYNC_CONFIG: ", "line 2");
	source_close(&source);
}

/* Other programs' variables may hold anything. */
static void
an_environment_of_strangers(void **state)
{
	(void)state;
	fixture_set("LATIN1", "\xe9t\xe9");
	fixture_set("NAME", "тест=да");
	source_open(&source, notes);
	assert_value("LATIN1", NULL);
	assert_value("NAME", "тест=да");
	assert_int_equal(json_array_size(notes), 0);
	source_close(&source);
}

static void
secrets_and_where_they_come_from(void **state)
{
	(void)state;
	fixture_set("CREDENTIALS_DIRECTORY", fixture_path(""));
	source_open(&source, notes);
	assert_secret(NULL); /* Neither is there. */

	file("key-of-the-test", "s3cret of systemd \t\r\n\n");
	assert_secret("s3cret of systemd");
	assert_null(source_secret(&source, "KEY", NULL));
	source_close(&source);

	fixture_set("KEY_FILE", file("named", " s3cret of a file\n"));
	source_open(&source, notes);
	assert_secret(" s3cret of a file");
	source_close(&source);

	fixture_set("KEY", "s3cret itself");
	source_open(&source, notes);
	assert_secret("s3cret itself");
	source_close(&source);
	assert_int_equal(json_array_size(notes), 0);
}

/* Whoever names a file means it: no other place is looked at. */
static void
a_secret_file_that_is_absent(void **state)
{
	(void)state;
	fixture_set("CREDENTIALS_DIRECTORY", fixture_path(""));
	file("key-of-the-test", "s3cret");
	fixture_set("KEY_FILE", fixture_path("absent"));
	source_open(&source, notes);
	assert_secret(NULL);
	assert_remark("KEY_FILE: ", "No such file");
	source_close(&source);
}

static void
a_secret_file_that_is_empty(void **state)
{
	(void)state;
	fixture_set("KEY_FILE", file("named", " \n"));
	source_open(&source, notes);
	assert_secret(NULL);
	assert_int_equal(
	    json_array_size(notes), 0); /* The same as none, which its reader reports. */
	source_close(&source);
}

static void
a_credential_that_cannot_be_read(void **state)
{
	(void)state;
	fixture_set("CREDENTIALS_DIRECTORY", fixture_path(""));
	assert_int_equal(mkdir(fixture_path("key-of-the-test"), 0700), 0);
	source_open(&source, notes);
	assert_secret(NULL);
	assert_remark("KEY: ", "cannot be read");
	source_close(&source);
}

static void
warnings(void **state)
{
	(void)state;
	source_open(&source, notes);
	source_warn(&source, "%s: %d", "NAME", 7);
	source_warn(&source, "NAME: %s", "\xff");
	assert_string_equal(json_string_value(json_array_get(notes, 0)), "NAME: 7");
	assert_string_equal(
	    json_string_value(json_array_get(notes, 1)), "A path in the settings is not UTF-8.");
	source_close(&source);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(environment_over_file),
		TEST(a_named_file_is_absent),
		TEST(the_default_file_may_be_absent),
		TEST(a_file_that_cannot_be_read),
		TEST(a_file_with_a_mistake),
		TEST(an_environment_of_strangers),
		TEST(secrets_and_where_they_come_from),
		TEST(a_secret_file_that_is_absent),
		TEST(a_secret_file_that_is_empty),
		TEST(a_credential_that_cannot_be_read),
		TEST(warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
