#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/env_file.h"

/* What the file says about A; NULL when nothing. */
static void
assert_value(const char *text, const char *expected)
{
	json_t *values = json_object();
	const char *value;
	struct fault why;

	assert_int_equal(envfile_parse(text, strlen(text), values, &why), DONE);
	value = json_string_value(json_object_get(values, "A"));
	if (expected == NULL)
		assert_null(value);
	else if (value == NULL)
		fail_msg("no value in: %s", text);
	else
		assert_string_equal(value, expected);
	json_decref(values);
}

static void
values(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{ "A=b", "b" },
		{ "A=b\n", "b" },
		{ "A=b\r\n", "b" },
		{ "A=", "" },
		{ "A=\n", "" },
		{ "  A=b c  \n", "b c" },
		{ "A=1\nA=2", "2" },
		{ "B=1\nA=2\nC=3", "2" },
		{ "\xEF\xBB\xBF"
		  "A=b",
		    "b" },
		/* Quotes. */
		{ "A=\"b c\"", "b c" },
		{ "A='b c'", "b c" },
		{ "A=\"b\"\n", "b" },
		{ "A=\"\"", "" },
		{ "A=\"  b  \"", "  b  " },
		{ "A='b\\n\"c'", "b\\n\"c" },
		{ "A=\"b\\\"c\\\\d\\$e\\`f\"", "b\"c\\d$e`f" },
		{ "A=\"b\\nc\"", "b\\nc" },
		{ "A=\"b\nc\"", "b\nc" },
		{ "A='b\nc'\nB=1", "b\nc" },
		{ "A=\"b\"'c'", "bc" },
		{ "A=\"b\" 'c'", "bc" },
		{ "A=\"b\"c", "bc" },
		{ "A=it's", "it's" },
		{ "A=b\"c\"", "b\"c\"" },
		{ "A=b 'c' d", "b 'c' d" },
		/* Backslashes outside quotes. */
		{ "A=b\\\nc", "bc" },
		{ "A=b\\\r\nc", "bc" },
		{ "A=b\\\\c", "b\\c" },
		{ "A=b\\ c", "b c" },
		{ "A=\"b\\\nc\"", "bc" },
		{ "A=b\\", "b\\" },
		/* Comments. */
		{ "# A=b", NULL },
		{ "; A=b", NULL },
		{ "  # A=b", NULL },
		{ "# x\nA=b", "b" },
		{ "A=b # c", "b" },
		{ "A=b\t# c", "b" },
		{ "A=b#c", "b#c" },
		{ "A=#b", "#b" },
		{ "A= # b", "" },
		{ "A=\"b # c\" # d", "b # c" },
		{ "A=\"b\"# c", "b# c" },
		{ "A=b ; c", "b ; c" },
		{ "A=b # c\nB=d", "b" },
		/* As shells and Python write it. */
		{ "export A=b", "b" },
		{ "export\tA=b", "b" },
		{ "export A = b", "b" },
		{ "A = b", "b" },
		{ "A =\"b\"", "b" },
		{ "export=b", NULL },
		{ "export", NULL },
		/* No assignments. */
		{ "", NULL },
		{ "\n\n", NULL },
		{ "A", NULL },
		{ "A b=c", NULL },
		{ "1A=b", NULL },
		{ "=b", NULL },
		{ "A-B=c\nA=d", "d" },
		{ "[section]\nA=b", "b" },
		{ "A.b=c", NULL },
		{ "nonsense\nA=b", "b" },
		{ "A=Анна 😀", "Анна 😀" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_value(cases[i].text, cases[i].value);
}

static void
mistakes_name_the_line_alone(void **state)
{
	static const struct {
		const char *text, *why;
		size_t size;
	} cases[] = {
		{ "A=\"hidden", "line 1: a quote is not closed", 0 },
		{ "\n# x\nA='hidden\nB=c\n", "line 3: a quote is not closed", 0 },
		{ "B=1\nA=hidden\xff", "line 2: the value is not UTF-8 text", 0 },
		{ "A=hid\0den", "line 1: the value is not UTF-8 text", 9 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = cases[i].size != 0 ? cases[i].size : strlen(cases[i].text);
		json_t *into = json_object();
		struct fault why;

		assert_int_equal(envfile_parse(cases[i].text, size, into, &why), NEVER);
		assert_string_equal(why.text, cases[i].why);
		json_decref(into);
	}
}

static void
files(void **state)
{
	char path[] = "/tmp/test_envfile.XXXXXX";
	int descriptor = mkstemp(path);
	json_t *into = json_object();
	struct fault why;

	(void)state;
	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, "A=b\n", 4), 4);
	assert_int_equal(envfile_read(path, into, &why), DONE);
	assert_string_equal(json_string_value(json_object_get(into, "A")), "b");

	assert_int_equal(ftruncate(descriptor, ENVFILE_MAX + 1), 0);
	assert_int_equal(envfile_read(path, into, &why), BROKEN);
	assert_int_equal(errno, EFBIG);
	close(descriptor);
	unlink(path);
	assert_int_equal(envfile_read(path, into, &why), BROKEN);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(envfile_read("/tmp", into, &why), BROKEN);
	assert_int_equal(errno, EISDIR);
	json_decref(into);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(mistakes_name_the_line_alone),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
