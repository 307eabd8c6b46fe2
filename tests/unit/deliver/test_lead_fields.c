#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "amocrm/field.h"
#include "deliver/lead_fields.h"

static struct settings *settings;
static struct service service;
static struct known known;

static void
load(void)
{
	json_t *errors = NULL;
	struct fault why = { "" };

	settings = fixture_settings();
	service = (struct service){ .settings = settings };
	assert_int_equal(rules_load(settings, &service.rules, &errors, &why), DONE);
	json_decref(errors);
}

static void
unload(void)
{
	rules_free(service.rules);
	settings_free(settings);
}

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	load();
	known = (struct known){ .service = &service };
	progress_init(&known.at);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	progress_clear(&known.at);
	payment_free((struct payment *)known.paid);
	unload();
	fixture_end();
	return 0;
}

static void
set(const char *name, const char *value)
{
	unload();
	fixture_set(name, value);
	load();
}

static const struct sample ivan = {
	.name = "Иван", .utm_source = "vk", .utm_medium = "direct", .invoice = "inv_1"
};

static void
pay(const struct sample *sample)
{
	payment_free((struct payment *)known.paid);
	known.paid = sample_payment(sample);
}

static json_t *
parse(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(json);
	return json;
}

static json_t *
lead_with(const char *fields)
{
	return json_pack("{s:o}", "custom_fields_values", parse(fields));
}

/* The values written for a field, as JSON text; "" when it is not written. */
static const char *
written(const json_t *lead, int64_t field)
{
	static char text[512];
	char *dumped;

	text[0] = '\0';
	if (field_by_id(lead, field) != NULL) {
		dumped =
		    json_dumps(json_object_get(field_by_id(lead, field), "values"), JSON_COMPACT);
		snprintf(text, sizeof(text), "%s", dumped);
		free(dumped);
	}
	return text;
}

static void
test_new(void **state)
{
	char room[FIELD_ROOM];
	json_t *lead, *wanted;

	(void)state;
	pay(&ivan);
	known.at.contact_id = 77;
	known.at.total_after = 500050;
	known.at.count_after = 1;
	lead = lead_fields_new(&known);
	assert_string_equal(
	    json_string_value(json_object_get(lead, "name")), "Оплата Русский - Иван");
	assert_int_equal(json_integer_value(json_object_get(lead, "price")), 5000);
	assert_int_equal(json_integer_value(json_object_get(lead, "pipeline_id")), PIPELINE_SITE);
	assert_int_equal(
	    json_integer_value(json_object_get(lead, "status_id")), STATUS_AUTOPAY_SITE);
	wanted = parse("{\"contacts\": [{\"id\": 77, \"is_main\": true}]}");
	assert_true(json_equal(json_object_get(lead, "_embedded"), wanted));
	json_decref(wanted);
	assert_string_equal(written(lead, FIELD_SUBJECTS), "[{\"enum_id\":301}]");
	assert_string_equal(written(lead, FIELD_DIRECTION), "[{\"enum_id\":351}]");
	assert_string_equal(written(lead, FIELD_TOTAL), "[{\"value\":\"5000.50\"}]");
	assert_string_equal(written(lead, FIELD_COUNT), "[{\"value\":\"1\"}]");
	assert_string_equal(written(lead, FIELD_LAST_AMOUNT), "[{\"value\":\"5000\"}]");
	assert_string_equal(written(lead, FIELD_LAST_DATE), "[{\"value\":1737373760}]");
	assert_string_equal(written(lead, FIELD_PAYMENT_ID), "[{\"value\":\"pay_1\"}]");
	assert_string_equal(written(lead, FIELD_INVOICE_ID), "[{\"value\":\"inv_1\"}]");
	assert_string_equal(written(lead, FIELD_PAYMENT_STATUS), "[{\"value\":\"CONFIRMED\"}]");
	/* UTM marks go to the standard fields where none are configured; empty ones nowhere. */
	assert_string_equal(field_value(field_by_code(lead, "UTM_SOURCE"), 0, room), "vk");
	assert_string_equal(field_value(field_by_code(lead, "UTM_MEDIUM"), 0, room), "direct");
	assert_null(field_by_code(lead, "UTM_TERM"));
	assert_int_equal(json_array_size(known.at.unmapped), 0);
	json_decref(lead);
}

static void
test_utm_fields(void **state)
{
	json_t *lead;

	(void)state;
	set("AMO_LEAD_FIELD_UTM_SOURCE", "220");
	pay(&ivan);
	lead = lead_fields_new(&known);
	assert_string_equal(written(lead, 220), "[{\"value\":\"vk\"}]");
	assert_null(field_by_code(lead, "UTM_SOURCE"));
	assert_non_null(field_by_code(lead, "UTM_MEDIUM"));
	json_decref(lead);
}

/* price is a whole number of roubles. */
static void
test_price(void **state)
{
	static const struct {
		const char *cost;
		int64_t price;
	} cases[] = { { "1.49", 1 }, { "1.50", 2 }, { "5000", 5000 } };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		json_t *lead;

		pay(&(struct sample){ .cost = cases[i].cost });
		lead = lead_fields_new(&known);
		assert_int_equal(
		    json_integer_value(json_object_get(lead, "price")), cases[i].price);
		json_decref(lead);
	}
}

/* A price that amoCRM would refuse, with the whole lead, is left out. */
static void
test_price_too_large(void **state)
{
	json_t *lead;

	(void)state;
	known.warnings = json_array();
	pay(&(struct sample){ .cost = "2147483647" });
	lead = lead_fields_new(&known);
	assert_int_equal(json_integer_value(json_object_get(lead, "price")), 2147483647);
	assert_int_equal(json_array_size(known.warnings), 0);
	json_decref(lead);
	pay(&(struct sample){ .cost = "2147483648" });
	lead = lead_fields_new(&known);
	assert_null(json_object_get(lead, "price"));
	assert_int_equal(json_array_size(known.warnings), 1);
	json_decref(lead);
	json_decref(known.warnings);
}

/* What a payment can do without: first what is not its own, then all but total, counter and id. */
static void
test_spare(void **state)
{
	json_t *lead;

	(void)state;
	pay(&ivan);
	lead = lead_fields_new(&known);
	lead_fields_spare(&known, lead, false);
	assert_null(field_by_code(lead, "UTM_SOURCE"));
	assert_string_equal(written(lead, FIELD_INVOICE_ID), "[{\"value\":\"inv_1\"}]");
	assert_int_equal(json_array_size(known.at.dropped), 2);
	lead_fields_spare(&known, lead, true);
	assert_string_equal(written(lead, FIELD_INVOICE_ID), "");
	assert_string_equal(written(lead, FIELD_PAYMENT_ID), "[{\"value\":\"pay_1\"}]");
	assert_non_null(field_by_id(lead, FIELD_TOTAL));
	assert_non_null(field_by_id(lead, FIELD_COUNT));
	assert_int_equal(json_array_size(json_object_get(lead, "custom_fields_values")), 3);
	json_decref(lead);
}

static void
test_pipelines(void **state)
{
	json_t *lead;

	(void)state;
	pay(&(struct sample){ .utm_source = "x-AdvCake-y" });
	lead = lead_fields_new(&known);
	assert_int_equal(json_integer_value(json_object_get(lead, "pipeline_id")), 8598230);
	assert_int_equal(json_integer_value(json_object_get(lead, "status_id")), 80517738);
	json_decref(lead);
	pay(&(struct sample){ .utm_medium = "CPC" });
	lead = lead_fields_new(&known);
	assert_int_equal(json_integer_value(json_object_get(lead, "pipeline_id")), 10089806);
	json_decref(lead);
}

/* No field shows an amount in another currency, and the lead gets no price. */
static void
test_foreign(void **state)
{
	struct sample dollars = ivan;
	json_t *lead;

	(void)state;
	dollars.currency = "USD";
	pay(&dollars);
	strcpy(known.at.foreign, "USD");
	lead = lead_fields_new(&known);
	assert_null(json_object_get(lead, "price"));
	assert_int_equal(lead_fields_price(&known), 0);
	assert_string_equal(written(lead, FIELD_TOTAL), "");
	assert_string_equal(written(lead, FIELD_LAST_AMOUNT), "");
	assert_string_equal(written(lead, FIELD_PAYMENT_ID), "[{\"value\":\"pay_1\"}]");
	json_decref(lead);
}

static const char *
name(const char *body)
{
	static char text[1200];
	struct payment *paid = NULL;
	json_t *errors = NULL, *cut;

	assert_int_equal(payment_parse(body, strlen(body), &paid, &errors), DONE);
	payment_free((struct payment *)known.paid);
	known.paid = paid;
	cut = lead_fields_name(&known);
	snprintf(text, sizeof(text), "%s", json_string_value(cut));
	json_decref(cut);
	return text;
}

#define ITEM(subject)                                                                              \
	"{\"cost\": 1, \"course\": {\"name\": \"c\", \"subject\": {\"name\": \"" subject           \
	"\", \"project\": \"\"}}}"
#define BODY(items, user)                                                                          \
	"{\"course_order\": {\"status\": \"CONFIRMED\", \"course_order_items\": [" items           \
	"], \"user\": {" user "}}}"

static void
test_name(void **state)
{
	struct sample sample = { .name = "Иван" };
	char longest[900];
	json_t *cut;
	size_t i, characters = 0;

	(void)state;
	assert_string_equal(name(BODY(ITEM("Русский") "," ITEM("Физика") "," ITEM("Русский"),
				"\"first_name\": \"Иван\", \"last_name\": \"Петров\"")),
	    "Оплата Русский, Физика - Иван Петров");
	assert_string_equal(name(BODY(ITEM("Русский"), "")), "Оплата Русский");
	/* A package has no subject. */
	assert_string_equal(name(BODY(ITEM("Русский") ", {\"cost\": 1, \"package_id\": 12}", "")),
	    "Оплата Русский, Пакет 12");
	/* It stays on one line. */
	assert_string_equal(name(BODY(ITEM("Рус\\nский"), "\"first_name\": \"И\\tван\"")),
	    "Оплата Рус ский - И ван");

	/* amoCRM takes no more than it takes. */
	for (i = 0; i < 400; i++)
		memcpy(longest + 2 * i, "ж", 3);
	sample.subject = longest;
	pay(&sample);
	cut = lead_fields_name(&known);
	for (i = 0; i < json_string_length(cut); i++)
		characters += ((unsigned char)json_string_value(cut)[i] & 0xc0) != 0x80;
	assert_in_range(characters, 200, FIELD_TEXT_MAX);
	json_decref(cut);
}

/* Subjects that stand there are kept, and none is written twice. */
static void
test_subjects(void **state)
{
	json_t
	    *lead = lead_with(
		"[{\"field_id\": 201, \"values\": [{\"value\": \"Физика\", \"enum_id\": 302}]}]"),
	    *change;

	(void)state;
	pay(&ivan);
	change = lead_fields_change(&known, lead);
	assert_string_equal(
	    written(change, FIELD_SUBJECTS), "[{\"enum_id\":302},{\"enum_id\":301}]");
	json_decref(change);
	json_decref(lead);

	/* Nothing new is nothing to write. */
	lead = lead_with("[{\"field_id\": 201, \"values\": [{\"enum_id\": 301}]}]");
	change = lead_fields_change(&known, lead);
	assert_string_equal(written(change, FIELD_SUBJECTS), "");
	json_decref(change);
	json_decref(lead);
}

static void
test_unmapped(void **state)
{
	json_t *lead;

	(void)state;
	pay(&(struct sample){ .subject = "Астрономия" });
	lead = lead_fields_new(&known);
	assert_string_equal(written(lead, FIELD_SUBJECTS), "");
	assert_int_equal(json_array_size(known.at.unmapped), 1);
	assert_string_equal(json_string_value(json_array_get(known.at.unmapped, 0)), "Астрономия");
	json_decref(lead);
	/* Forming it again does not name it again. */
	lead = lead_fields_change(&known, NULL);
	assert_int_equal(json_array_size(known.at.unmapped), 1);
	json_decref(lead);
}

/* What an existing lead is, it stays. */
static void
test_change(void **state)
{
	json_t *change;

	(void)state;
	pay(&ivan);
	known.at.total_after = 100;
	known.at.count_after = 2;
	change = lead_fields_change(&known, NULL);
	assert_int_equal(json_object_size(change), 1);
	assert_null(field_by_code(change, "UTM_SOURCE"));
	assert_string_equal(written(change, FIELD_TOTAL), "[{\"value\":\"1\"}]");
	assert_string_equal(written(change, FIELD_PAYMENT_ID), "[{\"value\":\"pay_1\"}]");
	json_decref(change);

	known.at.older = true;
	change = lead_fields_change(&known, NULL);
	assert_string_equal(written(change, FIELD_TOTAL), "[{\"value\":\"1\"}]");
	assert_string_equal(written(change, FIELD_COUNT), "[{\"value\":\"2\"}]");
	assert_string_equal(written(change, FIELD_PAYMENT_ID), "");
	assert_string_equal(written(change, FIELD_INVOICE_ID), "");
	assert_string_equal(written(change, FIELD_LAST_DATE), "");
	assert_string_equal(written(change, FIELD_LAST_AMOUNT), "");
	assert_string_equal(written(change, FIELD_PAYMENT_STATUS), "");
	json_decref(change);
}

/* A field whose id is not configured is simply not written. */
static void
test_unconfigured(void **state)
{
	const json_t *field;
	json_t *change;
	size_t i;

	(void)state;
	set("AMO_LEAD_FIELD_TOTAL_PAID", NULL);
	set("AMO_LEAD_FIELD_PURCHASE_COUNT", NULL);
	pay(&ivan);
	change = lead_fields_change(&known, NULL);
	assert_string_equal(written(change, FIELD_TOTAL), "");
	assert_string_equal(written(change, FIELD_COUNT), "");
	/* Nothing is written into a field without an id. */
	json_array_foreach(json_object_get(change, "custom_fields_values"), i, field)
		assert_true(json_is_string(json_object_get(field, "field_code")) ||
		    json_integer_value(json_object_get(field, "field_id")) > 0);
	assert_true(i > 0);
	json_decref(change);
}

static void
test_count_by_option(void **state)
{
	struct lead_shown shown;
	struct fault why = { "" };
	json_t *lead, *change;

	(void)state;
	assert_int_equal(lead_fields_next_count(settings, 0), 1);
	assert_int_equal(lead_fields_next_count(settings, 41), 42);

	set("AMO_PURCHASE_COUNT_1", "901");
	set("AMO_PURCHASE_COUNT_2", "902");
	set("AMO_PURCHASE_COUNT_3", "903");
	assert_int_equal(lead_fields_next_count(settings, 0), 1);
	assert_int_equal(lead_fields_next_count(settings, 2), 3);
	/* A select field ends at its last option. */
	assert_int_equal(lead_fields_next_count(settings, 3), 3);
	assert_int_equal(lead_fields_next_count(settings, 40), 3);

	pay(&ivan);
	known.at.count_after = 2;
	change = lead_fields_change(&known, NULL);
	assert_string_equal(written(change, FIELD_COUNT), "[{\"enum_id\":902}]");
	json_decref(change);

	lead = lead_with(
	    "[{\"field_id\": 205, \"values\": [{\"value\": \"две\", \"enum_id\": 902}]}]");
	assert_int_equal(lead_fields_read(&known, lead, &shown, &why), DONE);
	assert_int_equal(shown.count, 2);
	json_decref(lead);
	/* An option that the settings do not know, but that is called by its number. */
	lead =
	    lead_with("[{\"field_id\": 205, \"values\": [{\"value\": \"7\", \"enum_id\": 907}]}]");
	assert_int_equal(lead_fields_read(&known, lead, &shown, &why), DONE);
	assert_int_equal(shown.count, 7);
	json_decref(lead);
	lead = lead_with(
	    "[{\"field_id\": 205, \"values\": [{\"value\": \"много\", \"enum_id\": 907}]}]");
	assert_int_equal(lead_fields_read(&known, lead, &shown, &why), NEVER);
	json_decref(lead);
}

static void
test_read(void **state)
{
	struct lead_shown shown;
	struct fault why = { "" };
	json_t *lead;

	(void)state;
	pay(&ivan);
	lead = lead_with("null");
	assert_int_equal(lead_fields_read(&known, lead, &shown, &why), DONE);
	assert_int_equal(shown.total, 0);
	assert_int_equal(shown.count, 0);
	assert_int_equal(shown.last_date, 0);
	assert_false(shown.ours);
	json_decref(lead);

	lead = lead_with("[{\"field_id\": 204, \"values\": [{\"value\": \"1000.5\"}]},"
			 " {\"field_id\": 205, \"values\": [{\"value\": \"3\"}]},"
			 " {\"field_id\": 206, \"values\": [{\"value\": 1737373760}]},"
			 " {\"field_id\": 207, \"values\": [{\"value\": \"pay_1\"}]}]");
	assert_int_equal(lead_fields_read(&known, lead, &shown, &why), DONE);
	assert_int_equal(shown.total, 100050);
	assert_int_equal(shown.count, 3);
	assert_int_equal(shown.last_date, 1737373760);
	assert_true(shown.ours);
	json_decref(lead);

	/* A numeric field gives the id back as a number. */
	pay(&(struct sample){ .id = "123" });
	lead = lead_with("[{\"field_id\": 207, \"values\": [{\"value\": 123}]},"
			 " {\"field_id\": 206, \"values\": [{\"value\": \"вчера\"}]}]");
	assert_int_equal(lead_fields_read(&known, lead, &shown, &why), DONE);
	assert_true(shown.ours);
	/* A date that cannot be read is no date: nothing is added to it. */
	assert_int_equal(shown.last_date, 0);
	json_decref(lead);

	lead = lead_with("[{\"field_id\": 204, \"values\": [{\"value\": \"x\"}]}]");
	assert_int_equal(lead_fields_read(&known, lead, &shown, &why), NEVER);
	json_decref(lead);
}

/* What is written is read back as what was meant. */
static void
test_round_trip(void **state)
{
	struct lead_shown shown;
	struct fault why = { "" };
	json_t *lead;

	(void)state;
	pay(&ivan);
	known.at.total_after = 1234567;
	known.at.count_after = 9;
	lead = lead_fields_change(&known, NULL);
	assert_int_equal(lead_fields_read(&known, lead, &shown, &why), DONE);
	assert_int_equal(shown.total, 1234567);
	assert_int_equal(shown.count, 9);
	assert_int_equal(shown.last_date, SAMPLE_TIME);
	assert_true(shown.ours);
	json_decref(lead);
}

static void
test_has_id(void **state)
{
	(void)state;
	assert_true(lead_fields_has_id(&known));
	json_array_append_new(known.at.dropped, json_integer(FIELD_TOTAL));
	assert_true(lead_fields_has_id(&known));
	json_array_append_new(known.at.dropped, json_integer(FIELD_PAYMENT_ID));
	assert_false(lead_fields_has_id(&known));
	json_array_clear(known.at.dropped);
	set("AMO_LEAD_FIELD_PAYMENT_ID", NULL);
	assert_false(lead_fields_has_id(&known));
	/* A code that was dropped is not the id 0. */
	json_array_append_new(known.at.dropped, json_string("_YM_UID"));
	assert_false(lead_fields_has_id(&known));
}

static void
assert_title(json_t *field, const char *expected)
{
	char *title = lead_form_title(settings, field);

	assert_string_equal(title, expected);
	free(title);
	json_decref(field);
}

static void
test_titles(void **state)
{
	(void)state;
	assert_title(json_integer(FIELD_SUBJECTS), "Предметы (201)");
	assert_title(json_integer(FIELD_TG_ID), "Telegram ID (101)");
	assert_title(json_integer(5555), "5555");
	assert_title(json_string("_YM_UID"), "_YM_UID");
	assert_title(json_string("status_id"), "Этап");
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_new),
		test(test_utm_fields),
		test(test_price),
		test(test_price_too_large),
		test(test_spare),
		test(test_pipelines),
		test(test_foreign),
		test(test_name),
		test(test_subjects),
		test(test_unmapped),
		test(test_change),
		test(test_unconfigured),
		test(test_count_by_option),
		test(test_read),
		test(test_round_trip),
		test(test_has_id),
		test(test_titles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
