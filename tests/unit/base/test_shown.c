#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/shown.h"

static void
test_essence(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ " \t\n", "" },
		{ "  Оплата\r\n\r\nPayment  ID: A ", "оплата payment id: a" },
		{ "a\xC2\xA0 \xE2\x80\xA8"
		  "b",
		    "a b" },
		{ "a&amp;b &lt;c&gt; &#39;&quot;&nbsp;d", "a&b <c> '\" d" },
		{ "a&amp;amp;b", "a&b" },
		{ "&unknown; &#0; &#99999; &", "&unknown; &#0; &#99999; &" },
		{ "Анна \xF0\x9F\x98\x80 Й", "анна и" },
		{ "\xE2\x9D\xA4\xEF\xB8\x8F", "\xE2\x9D\xA4" },
		/* Another Unicode form: a letter and its accent. */
		{ "\xD0\x98\xCC\x86\xD0\x95\xCC\x88", "ие" },
		{ "Ё\xC3\xA9\xC3\x89", "еee" },
		{ "e\xCC\x81", "e" },
		{ "\xC3\x97\xC3\xA6", "\xC3\x97\xC3\xA6" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *essence = shown_essence(cases[i][0]);

		assert_string_equal(essence, cases[i][1]);
		free(essence);
	}
}

static void
test_ids(void **state)
{
	static const char *const same[][2] = {
		{ "pay_1", "pay_1" },
		{ "PAY_1", "pay_1" },
		{ "a b", " a  b " },
		{ "a&amp;b", "a&b" },
		{ "a&b", "a&amp;b" },
		{ "7", "007" },
		{ "7.00", "7" },
		{ "12345678901234567000", "12345678901234567890" },
		{ "10000000000000000", "10000000000000001" },
		{ "1.2345678901234567e+19", "12345678901234567890" },
		{ "1.2345678901235E+19", "12345678901234567890" },
		{ "pay_1",
		    "pay_\xF0\x9F\x98\x80"
		    "1" },
		{ "pay_",
		    "pay_\xF0\x9F\x98\x80"
		    "1" },
		{ "pay_??1",
		    "pay_\xF0\x9F\x98\x80"
		    "1" },
		{ "pay_\xEF\xBF\xBD"
		  "1",
		    "pay_\xF0\x9F\x98\x80"
		    "1" },
		{ "платеж-\xD0\xB8\xCC\x86", "Платёж-й" },
	};
	static const char *const other[][2] = {
		{ "pay_1", "pay_12" },
		{ "pay_12", "pay_1" },
		{ "", "\xF0\x9F\x98\x80" },
		{ "", "" },
		{ "pay_?1", "pay_1" },
		{ "8", "7" },
		{ "70", "7" },
		{ "7e", "7" },
		{ "e", "7" },
		{ "0", "pay" },
		{ "1.2345678902e+19", "12345678901234567890" },
		{ "123456789012345", "123456789012346" },
		{ "платеж-1", "оплата-1" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_true(shown_same_id(same[i][0], same[i][1]));
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_false(shown_same_id(other[i][0], other[i][1]));
	assert_true(shown_same_text(" PAY_1", "pay_1"));
	assert_false(shown_same_text("7", "007"));
}

static void
test_names(void **state)
{
	(void)state;
	assert_true(shown_same_name("Оплата Русский - Иван", "Оплата Русский - Иван"));
	assert_false(shown_same_name("Оплата Русский - Ива", "Оплата Русский - Иван"));
	assert_true(shown_same_name("Оплата Русский -", "Оплата Русский - \xF0\x9F\x98\x80 Иван"));
	assert_true(
	    shown_same_name("Оплата Русский - ? Иван", "Оплата Русский - \xF0\x9F\x98\x80 Иван"));
	assert_true(
	    shown_same_name("Оплата Русский - Иван", "Оплата Русский - \xF0\x9F\x98\x80 Иван"));
	assert_false(shown_same_name("Оплата Физика", "Оплата Русский - \xF0\x9F\x98\x80"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_essence),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
