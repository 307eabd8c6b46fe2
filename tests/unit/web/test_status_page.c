#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "monitor/metrics_text.h"
#include "web/form.h"
#include "web/html.h"
#include "web/locale.h"
#include "web/status_page.h"

#define NOW INT64_C(1737374400) /* 2025-01-20 12:00 UTC. */

static const struct locale *russian, *english;

static int
set_up(void **state)
{
	(void)state;
	russian = locale_choose("ru");
	english = locale_choose(NULL);
	return !clock_set_zone("UTC");
}

/*
 * Languages.
 */

static void
test_language(void **state)
{
	static const struct {
		const char *header, *code;
	} headers[] = {
		{ "ru", "ru" },
		{ "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru" },
		{ "RU", "ru" },
		{ "en-US,en;q=0.9,ru;q=0.8", "en" },
		{ "de, ru;q=0.5", "ru" },
		{ "de", "en" },
		{ "run, rue", "en" },
		{ "ru;q=0", "en" },
		{ "en;q=0.5,ru;q=0.6", "ru" },
		{ "", "en" },
		{ ",,;q=", "en" },
		{ "ru;q=nonsense", "en" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_string_equal(locale_choose(headers[i].header)->code, headers[i].code);
}

/* Neither language has a text or a group of texts that the other lacks, and none is empty. */
static void
check_texts(const json_t *texts, const json_t *others)
{
	const char *name;
	json_t *text;

	assert_int_equal(json_typeof(texts), json_typeof(others));
	if (json_is_string(texts))
		assert_true(json_string_length(texts) > 0);
	if (json_is_array(texts))
		assert_int_equal(json_array_size(texts), json_array_size(others));
	json_object_foreach((json_t *)texts, name, text) {
		assert_non_null(json_object_get(others, name));
		check_texts(text, json_object_get(others, name));
	}
}

extern const char status_template[];

static void
test_every_text_is_there(void **state)
{
	static const char mark[] = "{{text.";
	const char *at = status_template;
	char name[32];
	int kind, status, found = 0;

	(void)state;
	check_texts(english->texts, russian->texts);
	check_texts(russian->texts, english->texts);
	while ((at = strstr(at, mark)) != NULL) {
		at += strlen(mark);
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "}"), at);
		assert_true(json_is_string(json_object_get(english->texts, name)));
		found++;
	}
	assert_true(found > 10);
	for (kind = 0; kind < ALARM_KINDS; kind++)
		assert_non_null(json_object_get(
		    json_object_get(english->texts, "alarms"), alarm_name((enum alarm_kind)kind)));
	for (status = 0; status < PAYMENT_STATUSES; status++)
		assert_non_null(json_object_get(json_object_get(english->texts, "status"),
		    payment_status_name((enum payment_status)status)));
}

static void
test_plural(void **state)
{
	static const struct {
		int64_t count;
		int form;
	} forms[] = { { 0, 2 }, { 1, 0 }, { 2, 1 }, { 4, 1 }, { 5, 2 }, { 11, 2 }, { 12, 2 },
		{ 14, 2 }, { 21, 0 }, { 22, 1 }, { 25, 2 }, { 101, 0 }, { 111, 2 }, { 112, 2 },
		{ 122, 1 } };
	char text[LOCALE_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_int_equal(russian->plural(forms[i].count), forms[i].form);
	assert_string_equal(locale_payments(english, text, 1), "1\xC2\xA0payment");
	assert_string_equal(locale_payments(english, text, 0), "0\xC2\xA0payments");
}

static void
test_numbers_and_times(void **state)
{
	char text[LOCALE_TEXT];

	(void)state;
	assert_string_equal(locale_count(english, text, 0), "0");
	assert_string_equal(locale_count(english, text, 999), "999");
	assert_string_equal(locale_count(english, text, 1234567), "1,234,567");
	assert_string_equal(locale_count(english, text, -123456), "-123,456");
	assert_string_equal(locale_count(russian, text, 1000),
	    "1\xC2\xA0"
	    "000");
	assert_string_equal(locale_amount(english, text, 123450), "1,234.50");
	assert_string_equal(locale_amount(english, text, 500000), "5,000");
	assert_string_equal(locale_amount(russian, text, 5), "0,05");
	assert_string_equal(locale_span(english, text, -5), "under a minute");
	assert_string_equal(locale_span(russian, text, 59), "меньше минуты");
	assert_string_equal(locale_span(english, text, 60), "1\xC2\xA0min");
	assert_string_equal(locale_span(english, text, 3599), "59\xC2\xA0min");
	assert_string_equal(locale_span(english, text, 3660), "1\xC2\xA0h 1\xC2\xA0min");
	assert_string_equal(locale_span(english, text, 50 * 3600),
	    "2\xC2\xA0"
	    "days");
	assert_string_equal(locale_day(russian, text, NOW / 86400), "20\xC2\xA0янв");
	assert_string_equal(locale_time(english, text, NOW, NOW + 60), "12:00");
	assert_string_equal(locale_time(english, text, NOW - 86400, NOW), "19\xC2\xA0Jan, 12:00");
	assert_string_equal(locale_time(english, text, 0, NOW), "never");
}

/*
 * Forms.
 */

static void
test_form_value(void **state)
{
	static const struct {
		const char *body, *value;
	} bodies[] = {
		{ "a=1", "1" },
		{ "b=2&a=x%20y+z", "x y z" },
		{ "a=%D0%9F%d1%8f", "Пя" },
		{ "a=", "" },
		{ "a=b=c", "b=c" },
		{ "", NULL },
		{ "a", NULL },
		{ "aa=1", NULL },
		{ "a=1&a=1", NULL },
		{ "a=%", NULL },
		{ "a=%4", NULL },
		{ "a=%zz", NULL },
		{ "a=1%00", NULL },
	};
	char *value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		value = form_value(bodies[i].body, strlen(bodies[i].body), "a");
		if (bodies[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, bodies[i].value);
		free(value);
	}
}

static void
test_form_token(void **state)
{
	char token[FORM_TOKEN], other[FORM_TOKEN];

	(void)state;
	form_token(token, "secret", "retry 1", NOW);
	assert_true(form_token_holds(token, "secret", "retry 1", NOW));
	assert_true(form_token_holds(token, "secret", "retry 1", NOW + 3600));
	assert_false(form_token_holds(token, "secret", "retry 1", NOW + 7200));
	assert_false(form_token_holds(token, "secret", "retry 1", NOW - 1));
	assert_false(form_token_holds(token, "secret", "retry 2", NOW));
	assert_false(form_token_holds(token, "another", "retry 1", NOW));
	assert_false(form_token_holds("", "secret", "retry 1", NOW));
	assert_string_not_equal(token, form_token(other, "secret", "retry 2", NOW));
	token[0] = token[0] == '0' ? '1' : '0';
	assert_false(form_token_holds(token, "secret", "retry 1", NOW));
}

/*
 * HTML.
 */

static void
renders(const char *template, const char *expected)
{
	json_t *view = json_pack(
	    "{s:s, s:s, s:i, s:s, s:[], s:b, s:n, s:[i, i], s:{s:s, s:[{s:s}, {}]}}", "text",
	    "<a href=\"'&\">", "braces", "{{number}}", "number", -5, "none", "", "nothing", "no", 0,
	    "null", "list", 1, 2, "outer", "text", "inner", "rows", "number", "<b>");
	char *text = html_render(template, view);

	assert_string_equal(text, expected);
	free(text);
	json_decref(view);
}

static void
test_html(void **state)
{
	(void)state;
	renders("<p>{{text}}{{none}}{{absent}}{{number}}</p>",
	    "<p>&lt;a href=&quot;&#39;&amp;&quot;&gt;-5</p>");
	renders("{{#list}}{{.}},{{/list}}", "1,2,");
	renders("{{outer.text}} {{outer.absent}}{{absent.text}}{{text.text}}", "inner ");
	/* The innermost value that has the name gives it. */
	renders("{{#outer}}{{text}}{{#rows}} {{number}}{{/rows}}{{/outer}}", "inner &lt;b&gt; -5");
	renders("{{#text}}once{{/text}}{{#number}} and{{/number}}", "once and");
	renders("{{#none}}1{{/none}}{{#nothing}}2{{/nothing}}{{#no}}3{{/no}}{{#null}}4{{/null}}"
		"{{#absent}}5{{#list}}6{{/list}}{{^list}}7{{/list}}8{{/absent}}",
	    "");
	renders("{{^none}}1{{/none}}{{^nothing}}2{{/nothing}}{{^no}}3{{/no}}{{^null}}4{{/null}}"
		"{{^absent}}5{{/absent}}{{^text}}6{{/text}}{{^list}}7{{/list}}",
	    "12345");
	/* A value that looks like a tag is not one. */
	renders("{{braces}}", "{{number}}");
	renders("no tags } { {", "no tags } { {");
}

static struct overview
overview(void)
{
	return (struct overview){ .now_ms = NOW * 1000, .last_arrival_ms = NOW * 1000 };
}

static char *
page_of(const struct locale *locale, const struct overview *seen, const json_t *newest,
    const json_t *failed)
{
	struct status_facts facts = { .seen = seen,
		.sick = "the disk is gone",
		.account = "https://account.example.com",
		.rate = 7,
		.today = NOW / 86400,
		.newest = newest,
		.failed = failed };

	facts.days[STATUS_DAYS - 1].payments[PAYMENT_SUCCESS] = 2;
	facts.days[STATUS_DAYS - 1].kopecks[PAYMENT_SUCCESS] = 1000000;
	facts.days[STATUS_DAYS - 7].payments[PAYMENT_FAILED] = 1;
	facts.days[STATUS_DAYS - 7].kopecks[PAYMENT_FAILED] = 50050;
	facts.days[0].payments[PAYMENT_PENDING] = 1;
	facts.days[0].kopecks[PAYMENT_PENDING] = 100;
	/* An order that was not paid is no payment. */
	facts.days[0].payments[PAYMENT_SKIPPED] = 5;
	facts.days[0].kopecks[PAYMENT_SKIPPED] = 99900;
	return status_page(locale, &facts);
}

#define HAS(page, text)   assert_non_null(strstr((page), (text)))
#define LACKS(page, text) assert_null(strstr((page), (text)))

static void
test_page_of_a_good_day(void **state)
{
	struct overview seen = overview();
	json_t *none = json_array();
	char *page = page_of(russian, &seen, none, none);

	(void)state;
	HAS(page, "<html lang=\"ru\">");
	HAS(page, "Всё в порядке");
	HAS(page,
	    "10\xC2\xA0"
	    "000\xC2\xA0₽</p><p class=\"quiet\">2\xC2\xA0платежа");
	HAS(page,
	    "10\xC2\xA0"
	    "500,50\xC2\xA0₽</p><p class=\"quiet\">3\xC2\xA0платежа");
	HAS(page,
	    "10\xC2\xA0"
	    "501,50\xC2\xA0₽</p><p class=\"quiet\">4\xC2\xA0платежа");
	HAS(page, "<svg");
	HAS(page, "Недоставленных платежей нет");
	HAS(page, "<b>1</b> не доставлен</li>");
	HAS(page, "<b>0</b> ждут</li>");
	HAS(page,
	    "наибольшая — 10\xC2\xA0"
	    "000\xC2\xA0₽");
	LACKS(page, "<script");
	LACKS(page, "role=\"alert\"");
	free(page);
	json_decref(none);
}

static void
test_page_escapes_what_is_not_ours(void **state)
{
	json_t *rows = json_pack("[{s:s, s:s, s:i, s:i, s:i, s:s, s:s}]", "payment_id",
	    "<script>\"'&", "status", "failed", "kopecks", 100, "at", 1737374000, "lead_id", 77,
	    "reason", "<img src=x>", "token", "abc");
	struct overview seen = overview();
	char *page;

	(void)state;
	seen.stats.payments[PAYMENT_FAILED] = 12;
	page = page_of(english, &seen, rows, rows);
	LACKS(page, "<script");
	LACKS(page, "<img");
	HAS(page, "value=\"&lt;script&gt;&quot;&#39;&amp;\"");
	HAS(page, "&lt;img src=x&gt;");
	HAS(page, "href=\"https://account.example.com/leads/detail/77\"");
	HAS(page, "name=\"token\" value=\"abc\"");
	HAS(page, "The newest 10 of 12 are shown.");
	HAS(page, "Needs a look");
	free(page);
	json_decref(rows);
}

/* Each way in which amoCRM refuses everybody is somebody else's to cure. */
static void
test_page_without_access(void **state)
{
	static const struct {
		int status;
		const char *says;
	} refusals[] = { { 400, "amoCRM отклоняет все запросы: " },
		{ 401, "amoCRM не принимает токен: " }, { 402, "Аккаунт amoCRM не оплачен: " },
		{ 403, "amoCRM запретила доступ: " },
		{ 404, "По адресу AMO_BASE_URL нет аккаунта: " },
		{ 301, "По адресу AMO_BASE_URL нет аккаунта: " } };
	struct overview seen = overview();
	json_t *none = json_array();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		char *page;

		seen.crm = (struct limiter_state){ .open = true, .status = refusals[i].status };
		page = page_of(russian, &seen, none, none);
		HAS(page, refusals[i].says);
		HAS(page, ": платежи записываются и уйдут, когда доступ вернётся</li>");
		free(page);
	}
	json_decref(none);
}

/* What nobody has settled is shown, and all is not well meanwhile. */
static void
test_page_of_conflicts(void **state)
{
	json_t *rows =
	    json_pack("[{s:s, s:s, s:i, s:i, s:i, s:s}]", "payment_id", "<i>", "status", "success",
		"kopecks", 100, "at", 1737374000, "lead_id", 77, "reason", "came again as: <b>");
	json_t *none = json_array();
	struct overview seen = overview();
	struct status_facts facts = { .seen = &seen,
		.account = "https://account.example.com",
		.newest = none,
		.failed = none,
		.conflicts = none };
	char *page = status_page(english, &facts);

	(void)state;
	LACKS(page, "Contradictions");
	free(page);
	seen.stats.conflicts = 3;
	facts.conflicts = rows;
	page = status_page(english, &facts);
	HAS(page, "Needs a look");
	HAS(page, "id=\"conflicts\"");
	HAS(page, "came again as: &lt;b&gt;");
	HAS(page, "leads/detail/77");
	HAS(page, "kept aside: 3.");
	LACKS(page, "<i>");
	free(page);
	page = status_page(russian, &facts);
	HAS(page, "Требует внимания");
	HAS(page, "Противоречия");
	free(page);
	json_decref(rows);
	json_decref(none);
}

static void
test_page_of_a_bad_day(void **state)
{
	struct overview seen = overview();
	json_t *none = json_array();
	char *page;

	(void)state;
	seen.crm =
	    (struct limiter_state){ .open = true, .status = 401, .since_ms = NOW * 1000 - 3600000 };
	seen.stats.oldest_unfinished_ms = NOW * 1000 - 1200000;
	seen.backlog = 1234;
	seen.token_expires = NOW - 1;
	seen.alarms[ALARM_SILENCE] = (struct alarm){ .on = true, .value = 7260 };
	seen.alarms[ALARM_UNAUTHORIZED] = (struct alarm){ .on = true, .value = 60 };
	seen.alarms[ALARM_TOKEN] = (struct alarm){ .on = true, .value = -1 };
	seen.alarms[ALARM_BACKLOG_AGE] = (struct alarm){ .on = true, .value = 1200 };
	seen.alarms[ALARM_BACKLOG_GROWTH] = (struct alarm){ .on = true, .value = 1234 };
	page = page_of(english, &seen, none, none);
	HAS(page, "No payment for 2\xC2\xA0h 1\xC2\xA0min");
	HAS(page, "60\xC2\xA0% of the webhooks");
	HAS(page, "token has expired</li>");
	HAS(page, "waiting for 20\xC2\xA0min");
	HAS(page, "1,234 wait</li>");
	HAS(page, "amoCRM does not accept the token: payments are recorded and will go there");
	HAS(page, "no access: HTTP 401");
	HAS(page, "since 11:00");
	free(page);

	/* Not even the ledger can be read. */
	page = page_of(english, NULL, NULL, NULL);
	HAS(page, "Not working");
	HAS(page, "The ledger cannot be read: the disk is gone");
	free(page);
	json_decref(none);
}

/* A new ledger has nothing to draw, nor a table of it. */
static void
test_page_of_the_first_day(void **state)
{
	struct overview seen = overview();
	json_t *none = json_array();
	struct status_facts facts = {
		.seen = &seen, .account = "", .newest = none, .failed = none
	};
	char *page = status_page(english, &facts);

	(void)state;
	HAS(page, "No payments in the last 30 days");
	LACKS(page, "<svg");
	LACKS(page, "<details");
	free(page);
	json_decref(none);
}

/*
 * What Prometheus reads.
 */

static void
test_metrics_text(void **state)
{
	struct metrics_values values = { 0 };
	struct overview seen = overview();
	char *text;

	(void)state;
	values.requests[0] = 3;
	values.receive.classes[0] = 1;
	values.receive.classes[2] = 1;
	values.receive.classes[METRICS_BOUNDS] = 1;
	values.receive.sum_ms = 60020;
	values.replies[0][2] = 4;
	seen.stats.kopecks[PAYMENT_SUCCESS] = 12345;
	seen.stats.conflicts = 5;
	seen.alarms[ALARM_TOKEN].on = true;
	text = metrics_text(&values, &seen, 7);
	HAS(text,
	    "# TYPE payment_sync_requests_total "
	    "counter\npayment_sync_requests_total{answer=\"success\"} "
	    "3\n");
	/* Each class has all smaller ones in it. */
	HAS(text, "payment_sync_receive_seconds_bucket{le=\"0.005\"} 1\n");
	HAS(text, "payment_sync_receive_seconds_bucket{le=\"0.010\"} 1\n");
	HAS(text, "payment_sync_receive_seconds_bucket{le=\"0.025\"} 2\n");
	HAS(text, "payment_sync_receive_seconds_bucket{le=\"30.000\"} 2\n");
	HAS(text, "payment_sync_receive_seconds_bucket{le=\"+Inf\"} 3\n");
	HAS(text,
	    "payment_sync_receive_seconds_sum 60.020\npayment_sync_receive_seconds_count 3\n");
	HAS(text, "payment_sync_amocrm_replies_total{call=\"contact_read\",reply=\"401\"} 4\n");
	HAS(text, "payment_sync_payments_roubles{status=\"success\"} 123.45\n");
	HAS(text, "payment_sync_alarm{alarm=\"token\"} 1\n");
	HAS(text, "payment_sync_alarm{alarm=\"silence\"} 0\n");
	HAS(text, "payment_sync_conflicts 5\n");
	HAS(text, "payment_sync_ledger_up 1\n");
	LACKS(text, "token_expiry");
	free(text);

	seen.token_expires = 4102444800;
	text = metrics_text(NULL, &seen, 7);
	HAS(text, "payment_sync_token_expiry_timestamp_seconds 4102444800\n");
	LACKS(text, "requests_total");
	free(text);

	text = metrics_text(&values, NULL, 7);
	HAS(text, "payment_sync_ledger_up 0\n");
	HAS(text, "requests_total");
	LACKS(text, "backlog");
	free(text);
}

#define test(function) cmocka_unit_test_setup(function, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_language),
		test(test_every_text_is_there),
		test(test_plural),
		test(test_numbers_and_times),
		test(test_form_value),
		test(test_form_token),
		test(test_html),
		test(test_page_of_a_good_day),
		test(test_page_escapes_what_is_not_ours),
		test(test_page_without_access),
		test(test_page_of_conflicts),
		test(test_page_of_a_bad_day),
		test(test_page_of_the_first_day),
		test(test_metrics_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
