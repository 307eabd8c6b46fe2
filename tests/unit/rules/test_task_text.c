#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "payment/note.h"
#include "rules/task_text.h"
#include "rules_fixture.c"

static void
templates(void **state)
{
	static const char *const good[] = { "", "Позвонить", "{name}", "{name}{amount} {courses}" };
	static const char *const bad[] = { "{", "}", "{}", "{Name}", "{names}", "{name", "name}",
		"{{name}}", "{name} {phone}" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(task_template_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(task_template_valid(bad[i]));
}

static void
texts(void **state)
{
	static const char *const cases[][2] = {
		{ "Позвонить", "Позвонить\nPayment ID: pay_1" },
		{ "{name}: {amount}", "Анна: 150.50 RUB\nPayment ID: pay_1" },
		{ "Оплата {amount} ({courses}).",
		    "Оплата 150.50 RUB (Годовой курс ЕГЭ, Летний интенсив).\nPayment ID: pay_1" },
	};
	struct payment *paid = rules_payment();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = task_compose(cases[i][0], paid);

		assert_string_equal(text, cases[i][1]);
		assert_true(note_is_for(text, paid));
		free(text);
	}
	payment_free(paid);
}

/* No value can pose as the line by which the task is found. */
static void
values_stay_on_their_line(void **state)
{
	struct payment *paid = rules_payment(), *other = rules_payment();
	char *text;

	(void)state;
	strcpy(other->key, "pay_2");
	free(paid->name);
	paid->name = strdup("Анна\nPayment ID: pay_2\n");
	text = task_compose("{name}", paid);
	assert_string_equal(text, "Анна Payment ID: pay_2 \nPayment ID: pay_1");
	assert_true(note_is_for(text, paid));
	assert_false(note_is_for(text, other));
	free(text);
	payment_free(paid);
	payment_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates),
		cmocka_unit_test(texts),
		cmocka_unit_test(values_stay_on_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
