#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The log belongs to the programs and is in no library. */
#include "../../../cgi/log.c"

/* What a file that stands in for stderr has got; empty when the event was dropped. */
static const char *
logged(enum log_level level, const char *text)
{
	static char line[8192];
	int kept = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	size_t length;

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	log_event(level, "%s", text);
	dup2(kept, STDERR_FILENO);
	close(kept);

	rewind(file);
	length = fread(line, 1, sizeof(line) - 1, file);
	line[length] = '\0';
	fclose(file);
	return line;
}

static void
levels_become_priorities(void **state)
{
	(void)state;
	log_threshold(LOG_LEVEL_DEBUG);
	assert_string_equal(logged(LOG_LEVEL_DEBUG, "a"), "<7>a\n");
	assert_string_equal(logged(LOG_LEVEL_INFO, "a"), "<6>a\n");
	assert_string_equal(logged(LOG_LEVEL_WARNING, "a"), "<4>a\n");
	assert_string_equal(logged(LOG_LEVEL_ERROR, "a"), "<3>a\n");
}

static void
levels_below_the_threshold_are_dropped(void **state)
{
	(void)state;
	log_threshold(LOG_LEVEL_WARNING);
	assert_string_equal(logged(LOG_LEVEL_INFO, "a"), "");
	assert_string_equal(logged(LOG_LEVEL_WARNING, "a"), "<4>a\n");
	log_threshold(LOG_LEVEL_INFO);
}

static void
one_event_is_one_line(void **state)
{
	(void)state;
	assert_string_equal(logged(LOG_LEVEL_INFO, "a\n<3>b\r\x1b[2J\x7f\t"),
	    "<6>a\\x0a<3>b\\x0d\\x1b[2J\\x7f\\x09\n");
	assert_string_equal(
	    logged(LOG_LEVEL_INFO, "\xc2\x85 \xe2\x80\xa8"), "<6>\\xc2\\x85 \\xe2\\x80\\xa8\n");
}

static void
only_sound_utf8_passes(void **state)
{
	(void)state;
	assert_string_equal(
	    logged(LOG_LEVEL_INFO, "Оплата €\xf0\x9f\x98\x80"), "<6>Оплата €\xf0\x9f\x98\x80\n");
	assert_string_equal(logged(LOG_LEVEL_INFO, "\xc0\xaf"), "<6>\\xc0\\xaf\n");
	assert_string_equal(logged(LOG_LEVEL_INFO, "\xe0\x80\x80"), "<6>\\xe0\\x80\\x80\n");
	assert_string_equal(logged(LOG_LEVEL_INFO, "\xed\xa0\x80"), "<6>\\xed\\xa0\\x80\n");
	assert_string_equal(
	    logged(LOG_LEVEL_INFO, "\xf4\x90\x80\x80"), "<6>\\xf4\\x90\\x80\\x80\n");
	assert_string_equal(logged(LOG_LEVEL_INFO, "\xd0"), "<6>\\xd0\n");
}

static void
long_lines_are_cut(void **state)
{
	char text[6000];
	const char *line;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	line = logged(LOG_LEVEL_WARNING, text);
	assert_true(strlen(line) <= LINE_MAX_BYTES + sizeof("<4>...\n"));
	assert_string_equal(line + strlen(line) - 4, "...\n");

	memset(text, 'x', sizeof(text) - 1);
	line = logged(LOG_LEVEL_WARNING, text);
	assert_string_equal(line + strlen(line) - 5, "x...\n");
}

static void
values_are_quoted(void **state)
{
	char out[LOG_TEXT], text[2 * LOG_TEXT];

	(void)state;
	assert_string_equal(log_text(out, NULL), "\"\"");
	assert_string_equal(log_text(out, "a b"), "\"a b\"");
	assert_string_equal(log_text(out, "a\" x=\"\\\n"), "\"a\\\" x=\\\"\\\\\\x0a\"");

	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_text(out, text);
	assert_true(strlen(out) < LOG_TEXT);
	assert_string_equal(out + strlen(out) - 6, "\\\"...\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_become_priorities),
		cmocka_unit_test(levels_below_the_threshold_are_dropped),
		cmocka_unit_test(one_event_is_one_line),
		cmocka_unit_test(only_sound_utf8_passes),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(values_are_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
