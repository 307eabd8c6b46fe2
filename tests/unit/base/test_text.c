#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void
trimmed(void **state)
{
	static const struct {
		const char *text, *trimmed;
	} cases[] = { { "", "" }, { " ", "" }, { " \t\r\n\v\f", "" }, { "a", "a" },
		{ "  a b  ", "a b" }, { "\xC2\xA0Анна\xC2\xA0", "Анна" }, { "\xC2\xA0", "" },
		{ "\xC2\xA0 \xC2\xA0", "" }, { "\xC2\xAB", "\xC2\xAB" }, { "à", "à" } };
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *begin = text_trim(cases[i].text, &length);

		assert_int_equal(length, strlen(cases[i].trimmed));
		assert_memory_equal(begin, cases[i].trimmed, length);
	}
}

static void
folded(void **state)
{
	static const struct {
		const char *text, *folded;
	} cases[] = { { "", "" }, { "ABCxyz09@[", "abcxyz09@[" },
		{ "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ", "абвгдеёжзийклмнопрстуфхцчшщъыьэюя" },
		{ "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "абвгдеёжзийклмнопрстуфхцчшщъыьэюя" },
		{ "ЀЂЄІЇЉЏ", "ѐђєіїљџ" }, { "Ünïcode 😀", "Ünïcode 😀" }, { "\xD0", "\xD0" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = text_fold(cases[i].text);

		assert_string_equal(text, cases[i].folded);
		free(text);
	}
}

static void
counted(void **state)
{
	(void)state;
	assert_int_equal(text_characters(""), 0);
	assert_int_equal(text_characters("abc"), 3);
	assert_int_equal(text_characters("Анна"), 4);
	assert_int_equal(text_characters("😀é"), 2);
	assert_false(text_has_controls("Анна 😀"));
	assert_true(text_has_controls("a\nb"));
	assert_true(text_has_controls("\x7F"));
	assert_true(text_has_controls("\x01"));
}

static void
one_line(void **state)
{
	char *line = text_one_line("a\nb\r\nc\td\x7F"
				   "e\xC2\x85"
				   "f\xE2\x80\xA8g\xE2\x80\xA9h Ж\xE2\x80\xA6");

	(void)state;
	assert_string_equal(line, "a b  c d e f g h Ж\xE2\x80\xA6");
	free(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trimmed),
		cmocka_unit_test(folded),
		cmocka_unit_test(counted),
		cmocka_unit_test(one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
