#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/wait.h>

/* The log belongs to the programs and is in no library. */
#include "../../../cgi/error_stream.c"
#include "../../../cgi/log.c"
#include "fixture.c"

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

#define WRITTEN 100

/* Reads what the pipe holds; adds up the lines that came and those that are told to be lost. */
static void
read_log(int pipe, int *came, int *told)
{
	static char text[1 << 17];
	ssize_t size = read(pipe, text, sizeof(text) - 1);
	char *line, *rest = text;

	assert_true(size > 0);
	text[size] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		if (strstr(line, " lines were lost: nobody read the log") != NULL)
			*told += atoi(line + strlen("<4>"));
		else
			(*came)++;
	}
}

/*
 * A pipe that nobody reads takes so much and no more; then somebody reads.  The process that lost
 * the lines is gone, and another tells.
 */
static void
lost_lines_are_counted_and_told(void **state)
{
	int kept = dup(STDERR_FILENO), ends[2], status, i, came = 0, told = 0;
	struct metrics_values values;
	struct metrics *counted;
	struct fault why;
	char text[1001];

	(void)state;
	fixture_begin();
	assert_int_equal(metrics_open(fixture_path("."), &counted, &why), DONE);
	log_start_service();
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	if (fork() == 0) {
		alarm(10);
		for (i = 0; i < WRITTEN; i++)
			log_event(LOG_LEVEL_INFO, "%s", text);
		_exit(0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);

	read_log(ends[0], &came, &told);
	assert_in_range(came, 1, WRITTEN - 1);
	log_tell_lost();
	read_log(ends[0], &came, &told);
	assert_int_equal(came + told, WRITTEN);
	log_count_in(counted);
	log_event(LOG_LEVEL_INFO, "again");
	log_count_in(NULL);
	dup2(kept, STDERR_FILENO);
	close(kept);
	assert_true(metrics_read(counted, &values));
	assert_int_equal(values.log_lost, told);

	metrics_close(counted);
	close(ends[0]);
	close(ends[1]);
	fixture_end();
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
		cmocka_unit_test(lost_lines_are_counted_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
