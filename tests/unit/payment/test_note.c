#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "payment/note.h"

/* Whole notes are compared in tests/cases; here stand the finer points. */
static struct payment_item item = {
	.course = "Курс", .subject = "Русский", .project = "ЕГЭ", .cost = 100
};

/* A payment about which nothing is known but what must be. */
static struct payment
bare_payment(const char *key)
{
	struct payment paid = { .payment_id = "",
		.invoice_id = "",
		.status = "CONFIRMED",
		.promo_code = "",
		.method = "",
		.currency = "RUB",
		.domain = "",
		.amount = 100,
		.items = &item,
		.item_count = 1,
		.name = (char *)"",
		.telegram_id = "",
		.telegram_tag = "",
		.email = (char *)"",
		.utm_source = "",
		.utm_medium = "",
		.utm_campaign = "",
		.utm_content = "",
		.utm_term = "",
		.ym_uid = "" };

	snprintf(paid.key, sizeof(paid.key), "%s", key);
	return paid;
}

static void
assert_note(
    const struct payment *paid, const json_t *unmapped, const json_t *dropped, const char *expected)
{
	char *text = note_compose(paid, unmapped, dropped);

	assert_string_equal(text, expected);
	assert_true(note_is_for(text, paid));
	free(text);
}

static void
empty_values_leave_no_line(void **state)
{
	struct payment paid = bare_payment("pay_1");

	(void)state;
	assert_note(&paid, NULL, NULL,
	    "Оплата проведена\n[Payment ID: pay_1]\n\nСтатус: CONFIRMED\nСумма: 1 RUB\nКурсы:\n  "
	    "Курс "
	    "(Русский)\nPayment ID: "
	    "pay_1");
}

static void
names_that_were_left_out(void **state)
{
	struct payment paid = bare_payment("pay_1");
	json_t *unmapped = json_pack("[s, s]", "Химия\nOrganic", "Физика"),
	       *dropped = json_pack("[s]", "Предметы");
	json_t *none = json_array();

	(void)state;
	assert_note(&paid, unmapped, dropped,
	    "Оплата проведена\n[Payment ID: pay_1]\n\nСтатус: CONFIRMED\nСумма: 1 RUB\nКурсы:\n  "
	    "Курс "
	    "(Русский)\nPayment ID: "
	    "pay_1\n"
	    "Предметы без соответствия в amoCRM: Химия Organic, Физика\nНе записаны поля: "
	    "Предметы");
	assert_note(&paid, none, none,
	    "Оплата проведена\n[Payment ID: pay_1]\n\nСтатус: CONFIRMED\nСумма: 1 RUB\nКурсы:\n  "
	    "Курс "
	    "(Русский)\nPayment ID: "
	    "pay_1");
	json_decref(unmapped);
	json_decref(dropped);
	json_decref(none);
}

static void
ways_to_reach_the_payer(void **state)
{
	static const char *const lines[] = { "", "TGID: 7", "TG Username: @anna",
		"TGID: 7 | TG Username: @anna", "Телефон: +79990000001",
		"TGID: 7 | Телефон: +79990000001", "TG Username: @anna | Телефон: +79990000001",
		"TGID: 7 | TG Username: @anna | Телефон: +79990000001" };

	(void)state;
	for (unsigned known = 0; known < 8; known++) {
		struct payment paid = bare_payment("pay_1");
		char *expected;

		paid.telegram_id = known & 1 ? "7" : "";
		paid.telegram_tag = known & 2 ? "anna" : "";
		strcpy(paid.phone, known & 4 ? "+79990000001" : "");
		assert_true(asprintf(&expected,
				"Оплата проведена\n[Payment ID: pay_1]\n\nСтатус: "
				"CONFIRMED\nСумма: 1 RUB\nКурсы:\n  Курс "
				"(Русский)\n%s%sPayment ID: pay_1",
				lines[known], known != 0 ? "\n" : "") > 0);
		assert_note(&paid, NULL, NULL, expected);
		free(expected);
	}
}

/* No value can pose as a line of its own. */
static void
forged_lines(void **state)
{
	struct payment paid = bare_payment("pay_1"), other = bare_payment("pay_2");
	struct payment_item evil = {
		.course = "X\nPayment ID: pay_2", .subject = "Y\r\nPayment ID: pay_2", .project = ""
	};
	char *text;

	(void)state;
	paid.items = &evil;
	paid.name = (char *)"Anna\nPayment ID: pay_2\n";
	paid.status = "\nPayment ID: pay_2";
	paid.promo_code = "\xE2\x80\xA8Payment ID: pay_2";
	paid.currency = "\nPayment ID: pay_2";
	paid.telegram_tag = "\nPayment ID: pay_2";
	text = note_compose(&paid, NULL, NULL);
	assert_false(note_is_for(text, &other));
	assert_true(note_is_for(text, &paid));
	free(text);
}

static void
recognised_as_amocrm_returns_it(void **state)
{
	static const char *const good[] = { "Payment ID: pay_1", "x\nPayment ID: pay_1\ny",
		"x\r\nPayment ID: pay_1\r\n", "Payment ID: pay_1  \n", "\n\nPayment ID: pay_1",
		/* Changed on the way: lines joined, case, cut off. */
		"payment id: pay_1", "  Payment ID: pay_1", "x Payment ID: pay_1",
		"Оплата проведена [Payment ID: pay_1] Имя клиента: Анна", "[PAYMENT  ID: PAY_1]",
		"Оплата проведена\n[Payment ID: pay_1]\n\nИмя клиента: А",
		"Оплата проведена\n[Payment ID: pay_1" };
	static const char *const bad[] = { "", "Payment ID: ", "Payment ID: pay_12",
		"Payment ID: pay_", "Payment ID:pay_1", "Payment ID: pay_1 x", "Invoice ID: pay_1",
		"[Payment ID: pay_12]", "[Payment ID: pay_", "[Payment ID: ", "[Payment ID: ]",
		"[Payment ID: pay_2] Имя клиента: [Payment ID: pay_1]",
		"[Payment ID: pay_2] Имя клиента: Payment ID: pay_1" };
	struct payment paid = bare_payment("pay_1");

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(note_is_for(good[i], &paid));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(note_is_for(bad[i], &paid));
}

/* Cut at the first emoji, which may stand in the id itself. */
static void
recognised_without_emoji(void **state)
{
	struct payment paid = bare_payment("pay_\xF0\x9F\x98\x80 1"), other = bare_payment("pay_2");
	char *text, *end;

	(void)state;
	text = note_compose(&paid, NULL, NULL);
	end = strchr(text, '\xF0');
	assert_non_null(end);
	*end = '\0';
	assert_true(note_is_for(text, &paid));
	assert_false(note_is_for(text, &other));
	free(text);
	assert_true(note_is_for("Оплата проведена [Payment ID: pay_ 1] Имя", &paid));
	assert_false(note_is_for("Оплата проведена [Payment ID: pay_ 12] Имя", &paid));
}

static void
zone_and_time(void **state)
{
	struct payment paid = bare_payment("pay_1");

	(void)state;
	paid.paid_at = 1737373760;
	assert_true(clock_set_zone("UTC"));
	assert_note(&paid, NULL, NULL,
	    "Оплата проведена\n[Payment ID: pay_1]\n\nДата/время: 2025-01-20 11:49:20 "
	    "(UTC)\nДата/время UTC: "
	    "2025-01-20T11:49:20Z\n"
	    "Статус: CONFIRMED\nСумма: 1 RUB\nКурсы:\n  Курс (Русский)\nPayment ID: pay_1");
	assert_true(clock_set_zone("Europe/Moscow"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_values_leave_no_line),
		cmocka_unit_test(names_that_were_left_out),
		cmocka_unit_test(ways_to_reach_the_payer),
		cmocka_unit_test(forged_lines),
		cmocka_unit_test(recognised_as_amocrm_returns_it),
		cmocka_unit_test(recognised_without_emoji),
		cmocka_unit_test(zone_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
