#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_http.c"
#include "fixture.c"

#include "amocrm/amocrm.h"

static struct settings *settings;
static struct limiter *limiter;
static struct amocrm *crm;
static struct amocrm_context context;
static json_t *dropped;

static int
set_up(void **state)
{
	struct fault why;

	(void)state;
	fake_clock_reset();
	fake_http_reset();
	fixture_begin();
	settings = fixture_settings();
	dropped = json_array();
	assert_int_equal(limiter_open(fixture_path("limiter"), 200, &limiter, &why), DONE);
	assert_int_equal(amocrm_open(settings, limiter, &crm, &why), DONE);
	context.deadline_ms = clock_mono_ms() + 60 * 1000;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	amocrm_close(crm);
	limiter_close(limiter);
	json_decref(dropped);
	settings_free(settings);
	fixture_end();
	fake_http_reset();
	return 0;
}

#define API "https://account.example.com/api/v4"

static void
assert_request(int number, const char *method, const char *url)
{
	assert_true(number < fake_request_count);
	assert_string_equal(fake_requests[number].method, method);
	assert_string_equal(fake_requests[number].url, url);
}

/* The ids of a list, as "1 2 3"; takes the list over. */
static const char *
ids_of(json_t *list)
{
	static char text[256];
	json_t *one;
	size_t i;

	text[0] = '\0';
	json_array_foreach(list, i, one)
		sprintf(text + strlen(text), "%s%d", i > 0 ? " " : "",
		    (int)json_integer_value(json_object_get(one, "id")));
	json_decref(list);
	return text;
}

static json_t *
parse(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(json);
	return json;
}

static void
assert_dropped(const char *expected)
{
	json_t *wanted = parse(expected);

	assert_true(json_equal(dropped, wanted));
	json_decref(wanted);
}

/*
 * Reading.
 */

#define CONTACT(id)                                                                                \
	"{\"id\": " #id ", \"updated_at\": 1589556420, \"custom_fields_values\": null, "           \
	"\"_embedded\": {\"leads\": []}}"
#define LEAD(id)                                                                                   \
	"{\"id\": " #id ", \"updated_at\": 1589556420, \"status_id\": 142, \"pipeline_id\": 3, "   \
	"\"custom_fields_values\": null, \"_embedded\": {\"contacts\": []}}"

static void
test_search(void **state)
{
	struct fault why = { "" };
	json_t *found = NULL;

	(void)state;
	fake_http_answers(200, "{\"_embedded\": {\"contacts\": [" CONTACT(1) ", " CONTACT(2) "]}}");
	assert_int_equal(
	    amocrm_search(crm, &context, AMOCRM_CONTACTS, "a+b@example.com", &found, &why), DONE);
	assert_string_equal(ids_of(found), "1 2");
	assert_request(
	    0, "GET", API "/contacts?query=a%2Bb%40example.com&with=leads&limit=250&page=1");

	fake_http_answers(200, "{\"_embedded\": {\"leads\": [" LEAD(3) "]}}");
	assert_int_equal(
	    amocrm_search(crm, &context, AMOCRM_LEADS, "9991234567", &found, &why), DONE);
	assert_string_equal(ids_of(found), "3");
	assert_request(1, "GET", API "/leads?query=9991234567&with=contacts&limit=250&page=1");
}

/* An empty list is 204, and beyond the last page too. */
static void
test_search_finds_nothing(void **state)
{
	struct fault why = { "" };
	json_t *found = NULL;

	(void)state;
	fake_http_answers(204, NULL);
	assert_int_equal(amocrm_search(crm, &context, AMOCRM_CONTACTS, "x", &found, &why), DONE);
	assert_string_equal(ids_of(found), "");
	assert_int_equal(fake_request_count, 1);
}

#define NEXT                                                                                       \
	"\"_links\": {\"next\": {\"href\": \"https://other.example/api/v4/contacts?page=2\"}}, "

static void
test_pages(void **state)
{
	struct fault why = { "" };
	json_t *found = NULL;

	(void)state;
	fake_http_answers(
	    200, "{" NEXT "\"_embedded\": {\"contacts\": [" CONTACT(1) ", " CONTACT(2) "]}}");
	fake_http_answers(200, "{" NEXT "\"_embedded\": {\"contacts\": [" CONTACT(3) "]}}");
	fake_http_answers(200,
	    "{\"_links\": {\"self\": {\"href\": \"x\"}}, \"_embedded\": {\"contacts\": [" CONTACT(
		4) "]}}");
	assert_int_equal(amocrm_search(crm, &context, AMOCRM_CONTACTS, "x", &found, &why), DONE);
	assert_string_equal(ids_of(found), "1 2 3 4");
	/* The link to the next page is not followed to wherever it points. */
	assert_request(2, "GET", API "/contacts?query=x&with=leads&limit=250&page=3");
	assert_int_equal(fake_request_count, 3);
}

static void
test_a_page_after_the_last(void **state)
{
	struct fault why = { "" };
	json_t *found = NULL;

	(void)state;
	fake_http_answers(200, "{" NEXT "\"_embedded\": {\"contacts\": [" CONTACT(1) "]}}");
	fake_http_answers(204, NULL);
	assert_int_equal(amocrm_search(crm, &context, AMOCRM_CONTACTS, "x", &found, &why), DONE);
	assert_string_equal(ids_of(found), "1");
}

/* Half a list is no list: what is missing must not look absent. */
static void
test_a_page_fails(void **state)
{
	struct fault why = { "" };
	json_t *found = NULL;

	(void)state;
	settings->retry_max_attempts = 1;
	fake_http_answers(200, "{" NEXT "\"_embedded\": {\"contacts\": [" CONTACT(1) "]}}");
	fake_http_answers(500, NULL);
	assert_int_equal(amocrm_search(crm, &context, AMOCRM_CONTACTS, "x", &found, &why), LATER);
	assert_null(found);
}

static void
test_too_many_pages(void **state)
{
	struct fault why = { "" };
	json_t *found = NULL;
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		fake_http_answers(200, "{" NEXT "\"_embedded\": {\"contacts\": [" CONTACT(1) "]}}");
	assert_int_equal(amocrm_search(crm, &context, AMOCRM_CONTACTS, "x", &found, &why), NEVER);
	assert_null(found);
	assert_int_equal(fake_http_left(), 0);
	assert_true(amocrm_too_many(crm));
	/* A refusal is something else. */
	fake_http_answers(400, "{}");
	assert_int_equal(amocrm_search(crm, &context, AMOCRM_CONTACTS, "x", &found, &why), NEVER);
	assert_false(amocrm_too_many(crm));
}

static void
test_newest(void **state)
{
	struct fault why = { "" };
	json_t *found = NULL;

	(void)state;
	fake_http_answers(
	    200, "{" NEXT "\"_embedded\": {\"contacts\": [" CONTACT(9) ", " CONTACT(8) "]}}");
	assert_int_equal(amocrm_newest(crm, &context, AMOCRM_CONTACTS, &found, &why), DONE);
	assert_string_equal(ids_of(found), "9 8");
	assert_int_equal(fake_request_count, 1);
	assert_request(0, "GET", API "/contacts?order%5Bid%5D=desc&with=leads&limit=250&page=1");
}

static void
test_read(void **state)
{
	struct fault why = { "" };
	json_t *lead = NULL;

	(void)state;
	fake_http_answers(200, LEAD(7));
	assert_int_equal(amocrm_read(crm, &context, AMOCRM_LEADS, 7, &lead, &why), DONE);
	assert_int_equal(json_integer_value(json_object_get(lead, "status_id")), 142);
	assert_request(0, "GET", API "/leads/7?with=contacts");
	json_decref(lead);
}

#define GONE "{\"title\": \"Not Found\", \"status\": 404, \"detail\": \"Not Found\"}"

/* Nothing of that id: 204 by the documentation, 404 is seen too, in an account that is there. */
static void
test_read_absent(void **state)
{
	static const int statuses[] = { 204, 404 };
	struct fault why = { "" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		json_t *contact = (json_t *)&why;

		fake_http_answers(statuses[i], statuses[i] == 404 ? GONE : NULL);
		if (statuses[i] == 404)
			fake_http_answers(200, "{\"id\": 5}");
		assert_int_equal(
		    amocrm_read(crm, &context, AMOCRM_CONTACTS, 7, &contact, &why), DONE);
		assert_null(contact);
	}
}

/* Unknown is not absent: neither a page, nor a stranger's JSON, nor a moved account. */
static void
test_read_unknown(void **state)
{
	static const int statuses[] = { 500, 429, 404, 410, 301, 401 };
	struct fault why = { "" };
	size_t i;

	(void)state;
	settings->retry_max_attempts = 1;
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		json_t *contact = (json_t *)&why;

		fake_http_answers(statuses[i], NULL);
		assert_int_equal(
		    amocrm_read(crm, &context, AMOCRM_CONTACTS, 7, &contact, &why), LATER);
		assert_ptr_equal(contact, &why);
		limiter_close_breaker(limiter);
		fake_clock_pass(10000);
		context.deadline_ms = clock_mono_ms() + 60 * 1000;
	}
	fake_http_answers(422, "{}");
	limiter_close_breaker(limiter);
	fake_clock_pass(10000);
	assert_int_equal(
	    amocrm_read(crm, &context, AMOCRM_CONTACTS, 7, &(json_t *){ NULL }, &why), NEVER);
}

static void
test_read_another(void **state)
{
	struct fault why = { "" };
	json_t *lead = NULL;

	(void)state;
	fake_http_answers(200, "{\"id\": 8}");
	assert_int_equal(amocrm_read(crm, &context, AMOCRM_LEADS, 7, &lead, &why), LATER);
	assert_null(lead);
	fake_http_answers(200, "{}");
	assert_int_equal(amocrm_read(crm, &context, AMOCRM_LEADS, 7, &lead, &why), LATER);
	assert_null(lead);
}

/* What has another form than is known is not taken for what it would have without it. */
static void
test_read_in_another_form(void **state)
{
#define HEAD          "{\"id\": 7, \"updated_at\": 1, \"custom_fields_values\": null"
#define STAGE         ", \"status_id\": 142, \"pipeline_id\": 3"
#define LINKED(links) ", \"_embedded\": {" links "}}"
#define NOBODY        LINKED("\"contacts\": []")
	static const char *const leads[] = {
		HEAD STAGE "}",
		HEAD STAGE LINKED(""),
		HEAD STAGE LINKED("\"contacts\": null"),
		HEAD STAGE LINKED("\"contacts\": {\"0\": {\"id\": 5}}"),
		HEAD STAGE LINKED("\"contacts\": [{\"id\": \"5\"}]"),
		HEAD STAGE LINKED("\"contacts\": [{\"id\": 0}]"),
		HEAD STAGE LINKED("\"contacts\": [5]"),
		HEAD ", \"pipeline_id\": 3" NOBODY,
		HEAD ", \"pipeline_id\": 3, \"status_id\": \"142\"" NOBODY,
		HEAD ", \"is_deleted\": \"yes\"" STAGE NOBODY,
		"{\"id\": 7, \"updated_at\": 1" STAGE NOBODY,
		"{\"id\": 7, \"updated_at\": 1, \"custom_fields_values\": {}" STAGE NOBODY,
		"{\"id\": 7, \"updated_at\": 1, \"custom_fields_values\": [{\"field_id\": 1, "
		"\"values\": {\"0\": {\"value\": \"5\"}}}]" STAGE NOBODY,
		"{\"id\": 7, \"updated_at\": \"today\", \"custom_fields_values\": null" STAGE
		    NOBODY,
		"{\"id\": \"7\", \"updated_at\": 1, \"custom_fields_values\": null" STAGE NOBODY,
		"[" LEAD(7) "]",
	};
	json_t *entity = NULL;
	struct fault why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		fake_http_answers(200, leads[i]);
		assert_int_equal(amocrm_read(crm, &context, AMOCRM_LEADS, 7, &entity, &why), LATER);
		assert_null(entity);
	}
	fake_http_answers(200, HEAD LINKED("\"tags\": []"));
	assert_int_equal(amocrm_read(crm, &context, AMOCRM_CONTACTS, 7, &entity, &why), LATER);
	assert_null(entity);

	/* Of what is in the trash little is told. */
	fake_http_answers(200, "{\"id\": 7, \"is_deleted\": true}");
	assert_int_equal(amocrm_read(crm, &context, AMOCRM_LEADS, 7, &entity, &why), DONE);
	json_decref(entity);
}

/* Nor is a list with one such entity in it a list without it. */
static void
test_list_in_another_form(void **state)
{
	static const char *const lists[] = { "{}", "[]", "{\"_embedded\": null}",
		"{\"_embedded\": {\"contacts\": {\"0\": " CONTACT(1) "}}}",
		"{\"_embedded\": {\"contacts\": [" CONTACT(1) ", {\"name\": \"no id\"}]}}",
		"{\"_embedded\": {\"contacts\": [" CONTACT(1) ", " CONTACT(-2) "]}}",
		"{\"_embedded\": {\"contacts\": [" HEAD "}]}}",
		"{\"_embedded\": {\"leads\": [" LEAD(1) "]}}" };
	json_t *found = NULL;
	struct fault why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		fake_http_answers(200, lists[i]);
		assert_int_equal(
		    amocrm_search(crm, &context, AMOCRM_CONTACTS, "x", &found, &why), LATER);
		fake_http_answers(200, lists[i]);
		assert_int_equal(
		    amocrm_newest(crm, &context, AMOCRM_CONTACTS, &found, &why), LATER);
		assert_null(found);
	}
	/* A note that cannot be read may be ours; one of another type is not. */
	fake_http_answers(200,
	    "{\"_embedded\": {\"notes\": [{\"id\": 3, \"note_type\": \"common\", \"text\": "
	    "\"x\"}]}}");
	assert_int_equal(amocrm_notes(crm, &context, 7, &found, &why), LATER);
	fake_http_answers(200,
	    "{\"_embedded\": {\"notes\": [{\"id\": 3, \"note_type\": \"call_in\", \"params\": {}}, "
	    "{\"id\": 4, \"note_type\": \"common\", \"params\": []}]}}");
	assert_int_equal(amocrm_notes(crm, &context, 7, &found, &why), DONE);
	assert_string_equal(ids_of(found), "3 4");
	found = NULL;
	fake_http_answers(
	    200, "{\"_embedded\": {\"tasks\": [{\"id\": 3, \"entity_type\": \"leads\"}]}}");
	assert_int_equal(amocrm_tasks(crm, &context, 7, &found, &why), LATER);
	assert_null(found);
}

static const char *
read_leads(const char *ids)
{
	struct fault why = { "" };
	json_t *wanted = parse(ids), *leads = NULL;

	assert_int_equal(amocrm_read_leads(crm, &context, wanted, &leads, &why), DONE);
	json_decref(wanted);
	return ids_of(leads);
}

static void
test_read_leads(void **state)
{
	(void)state;
	assert_string_equal(read_leads("[]"), "");
	assert_int_equal(fake_request_count, 0);

	/* One is read by its id, which no account ignores. */
	fake_http_answers(200, LEAD(5));
	assert_string_equal(read_leads("[5]"), "5");
	assert_request(0, "GET", API "/leads/5?with=contacts");

	/* Several at once; one of them does not exist, which is believed only of itself. */
	fake_http_answers(200, "{\"_embedded\": {\"leads\": [" LEAD(7) ", " LEAD(5) "]}}");
	fake_http_answers(204, NULL);
	assert_string_equal(read_leads("[5, 6, 7]"), "7 5");
	assert_int_equal(fake_request_count, 3);
	assert_request(2, "GET", API "/leads/6?with=contacts");
	assert_request(1, "GET",
	    API "/leads?with=contacts&limit=250&filter%5Bid%5D%5B%5D=5&filter%5Bid%5D%5B%5D=6&"
		"filter%5Bid%5D%5B%5D=7");
}

/* An account that ignores the filter answers with any leads: what may be missing is read one by one. */
static void
test_read_leads_filter_ignored(void **state)
{
	(void)state;
	fake_http_answers(
	    200, "{\"_embedded\": {\"leads\": [" LEAD(99) ", " LEAD(6) ", " LEAD(98) "]}}");
	fake_http_answers(200, LEAD(5));
	fake_http_answers(204, NULL);
	assert_string_equal(read_leads("[5, 6, 7]"), "6 5");
	assert_request(1, "GET", API "/leads/5?with=contacts");
	assert_request(2, "GET", API "/leads/7?with=contacts");
}

/* Or it refuses it: likewise. */
static void
test_read_leads_filter_refused(void **state)
{
	(void)state;
	fake_http_answers(400,
	    "{\"title\": \"Bad Request\", \"status\": 400, \"detail\": "
	    "\"Invalid filter for current account\"}");
	fake_http_answers(200, LEAD(5));
	fake_http_answers(200, LEAD(6));
	assert_string_equal(read_leads("[5, 6]"), "5 6");
	assert_request(2, "GET", API "/leads/6?with=contacts");
}

static void
test_read_leads_many(void **state)
{
	json_t *ids = json_array(), *first = json_array(), *lead = parse(LEAD(1)), *leads = NULL;
	json_t *page = json_pack("{s:{s:o}}", "_embedded", "leads", first);
	struct fault why;
	char *text;
	int i;

	(void)state;
	for (i = 1; i <= 151; i++) {
		json_array_append_new(ids, json_integer(i));
		json_object_set_new(lead, "id", json_integer(i));
		if (i < 151)
			json_array_append_new(first, json_deep_copy(lead));
	}
	text = json_dumps(page, 0);
	fake_http_answers(200, text);
	fake_http_answers(200, "{\"_embedded\": {\"leads\": [" LEAD(151) "]}}");
	assert_int_equal(amocrm_read_leads(crm, &context, ids, &leads, &why), DONE);
	assert_int_equal(json_array_size(leads), 151);
	json_decref(leads);
	json_decref(lead);
	json_decref(page);
	free(text);
	assert_request(1, "GET", API "/leads?with=contacts&limit=250&filter%5Bid%5D%5B%5D=151");
	json_decref(ids);
}

static void
test_read_leads_fails(void **state)
{
	json_t *ids = parse("[5, 6]"), *leads = NULL;
	struct fault why;

	(void)state;
	settings->retry_max_attempts = 1;
	fake_http_answers(200, "{\"_embedded\": {\"leads\": [" LEAD(99) "]}}");
	fake_http_answers(200, LEAD(5));
	fake_http_answers(500, NULL);
	assert_int_equal(amocrm_read_leads(crm, &context, ids, &leads, &why), LATER);
	assert_null(leads);
	json_decref(ids);
}

/*
 * Writing.
 */

static enum outcome
create(const char *entity, int64_t *id)
{
	json_t *json = parse(entity), *before = json_deep_copy(json);
	struct amocrm_item item = { .entity = json, .dropped = dropped };

	amocrm_create(crm, &context, AMOCRM_LEADS, &item, 1);
	*id = item.id;
	/* The caller's own is left as it was. */
	assert_true(json_equal(json, before));
	json_decref(json);
	json_decref(before);
	return item.out;
}

static enum outcome
update(const char *entity)
{
	json_t *json = parse(entity);
	struct amocrm_item item = { .id = 7, .entity = json, .dropped = dropped };

	amocrm_update(crm, &context, AMOCRM_LEADS, &item, 1);
	json_decref(json);
	return item.out;
}

static void
test_create(void **state)
{
	int64_t id = 0;

	(void)state;
	fake_http_answers(
	    200, "{\"_embedded\": {\"leads\": [{\"id\": 10185151, \"request_id\": \"0\"}]}}");
	assert_int_equal(create("{\"name\": \"x\"}", &id), DONE);
	assert_int_equal(id, 10185151);
	assert_request(0, "POST", API "/leads");
	assert_string_equal(fake_requests[0].body, "[{\"name\":\"x\"}]");
	assert_true(fake_requests[0].once);
	assert_dropped("[]");
}

/* A creation that does not say what it made may have made it. */
static void
test_create_without_id(void **state)
{
	static const char *const answers[] = { "{}", "{\"_embedded\": {\"leads\": []}}",
		"{\"_embedded\": {\"leads\": [{}]}}", "{\"_embedded\": {\"leads\": [{\"id\": 0}]}}",
		"{\"_embedded\": {\"leads\": [{\"id\": \"7\"}]}}", "[]",
		"{\"_embedded\": {\"contacts\": [{\"id\": 7}]}}" };
	int64_t id = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		fake_http_answers(200, answers[i]);
		assert_int_equal(create("{}", &id), UNSURE);
		assert_int_equal(id, 0);
	}
	fake_http_answers(204, NULL);
	assert_int_equal(create("{}", &id), UNSURE);
	assert_int_equal(fake_http_left(), 0);
}

static void
test_create_is_not_repeated(void **state)
{
	int64_t id = 0;

	(void)state;
	fake_http_answers(504, NULL);
	assert_int_equal(create("{}", &id), UNSURE);
	fake_http_fails(UNSURE);
	assert_int_equal(create("{}", &id), UNSURE);
	assert_int_equal(fake_request_count, 2);
}

#define REFUSAL(path)                                                                              \
	"{\"validation-errors\": [{\"request_id\": \"0\", \"errors\": [{\"code\": "                \
	"\"NotSupportedChoice\", "                                                                 \
	"\"path\": \"" path                                                                        \
	"\", \"detail\": \"x\"}]}], \"title\": \"Bad Request\", \"status\": 400}"
#define THREE_FIELDS                                                                               \
	"{\"custom_fields_values\": [{\"field_id\": 10, \"values\": [{\"value\": \"a\"}]},"        \
	" {\"field_id\": 11, \"values\": [{\"value\": \"b\"}]}, {\"field_id\": 12, \"values\": "   \
	"[{\"value\": \"c\"}]}]}"

static void
test_dropping(void **state)
{
	int64_t id = 0;

	(void)state;
	fake_http_answers(400, REFUSAL("custom_fields_values.0.field_id"));
	fake_http_answers(400, REFUSAL("custom_fields_values.1.values.0.value"));
	fake_http_answers(200, "{\"_embedded\": {\"leads\": [{\"id\": 5}]}}");
	assert_int_equal(create(THREE_FIELDS, &id), DONE);
	assert_int_equal(id, 5);
	assert_dropped("[10, 12]");
	assert_string_equal(fake_requests[2].body,
	    "[{\"custom_fields_values\":[{\"field_id\":11,\"values\":[{\"value\":\"b\"}]}]}]");
	/* A 400 refused all of it, so nothing was created twice. */
	assert_true(fake_requests[2].once);
}

static void
test_dropping_from_a_change(void **state)
{
	(void)state;
	fake_http_answers(400, REFUSAL("custom_fields_values.2.field_id"));
	fake_http_answers(200, "{\"id\": 7, \"updated_at\": 1}");
	assert_int_equal(update(THREE_FIELDS), DONE);
	assert_dropped("[12]");
	assert_request(1, "PATCH", API "/leads/7");
	assert_string_equal(fake_requests[1].body,
	    "{\"custom_fields_values\":[{\"field_id\":10,\"values\":[{\"value\":\"a\"}]},"
	    "{\"field_id\":11,\"values\":[{\"value\":\"b\"}]}]}");
}

static void
test_refused_for_good(void **state)
{
	int64_t id = 0;

	(void)state;
	fake_http_answers(400, REFUSAL("status_id"));
	assert_int_equal(create(THREE_FIELDS, &id), NEVER);
	fake_http_answers(422, REFUSAL("custom_fields_values.0.field_id"));
	assert_int_equal(create(THREE_FIELDS, &id), NEVER);
	assert_int_equal(fake_request_count, 2);
	assert_dropped("[]");
}

/* A lost answer after fields were dropped is as unsure as any. */
static void
test_unsure_after_dropping(void **state)
{
	int64_t id = 0;

	(void)state;
	fake_http_answers(400, REFUSAL("custom_fields_values.0.field_id"));
	fake_http_fails(UNSURE);
	assert_int_equal(create(THREE_FIELDS, &id), UNSURE);
	assert_dropped("[10]");
}

/* An endless complaint comes to an end. */
static void
test_dropping_ends(void **state)
{
	int64_t id = 0;
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		fake_http_answers(400, REFUSAL("custom_fields_values.0.field_id"));
	assert_int_equal(create(THREE_FIELDS, &id), NEVER);
	assert_int_equal(fake_http_left(), 0);
}

/* Both forms of the answer to a change are seen. */
static void
test_update(void **state)
{
	(void)state;
	fake_http_answers(200, "{\"id\": 7, \"updated_at\": 1589556420}");
	assert_int_equal(update("{\"name\": \"x\"}"), DONE);
	assert_request(0, "PATCH", API "/leads/7");
	assert_string_equal(fake_requests[0].body, "{\"name\":\"x\"}");
	/* It overwrites: not even libcurl may repeat it. */
	assert_true(fake_requests[0].once);
	fake_http_answers(200, "{\"_embedded\": {\"leads\": [{\"id\": 7, \"updated_at\": 1}]}}");
	assert_int_equal(update("{}"), DONE);
}

static void
test_update_of_another(void **state)
{
	static const char *const answers[] = { "{}", "{\"id\": 8}",
		"{\"_embedded\": {\"leads\": [{\"id\": 8}]}}",
		"{\"_embedded\": {\"leads\": [{}]}, \"id\": 7}" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		fake_http_answers(200, answers[i]);
		assert_int_equal(update("{}"), UNSURE);
	}
	fake_http_answers(204, NULL);
	assert_int_equal(update("{}"), UNSURE);
}

/* But not while it may still be under way: done late, it would undo what another payment added since. */
static void
test_update_is_repeated(void **state)
{
	(void)state;
	fake_http_answers(500, NULL);
	fake_http_answers(200, "{\"id\": 7}");
	assert_int_equal(update("{}"), DONE);
	assert_int_equal(fake_request_count, 2);

	fake_http_fails(UNSURE);
	assert_int_equal(update("{}"), UNSURE);
	fake_http_answers(502, NULL);
	assert_int_equal(update("{}"), UNSURE);
	fake_http_answers(504, NULL);
	assert_int_equal(update("{}"), UNSURE);
	assert_int_equal(fake_request_count, 5);
}

static void
test_notes(void **state)
{
	struct fault why = { "" };
	json_t *notes = NULL;

	(void)state;
	fake_http_answers(
	    200, "{\"_embedded\": {\"notes\": [{\"id\": 3, \"params\": {\"text\": \"x\"}}]}}");
	assert_int_equal(amocrm_notes(crm, &context, 7, &notes, &why), DONE);
	assert_string_equal(ids_of(notes), "3");
	assert_request(0, "GET",
	    API "/leads/7/notes?filter%5Bnote_type%5D=common&order%5Bid%5D=desc&limit=250&page=1");
	fake_http_answers(204, NULL);
	assert_int_equal(amocrm_notes(crm, &context, 7, &notes, &why), DONE);
	assert_string_equal(ids_of(notes), "");
}

static enum outcome
write_note(const char *text, int64_t *id)
{
	json_t *note = json_pack(
	    "{s:i, s:s, s:{s:s}}", "entity_id", 7, "note_type", "common", "params", "text", text);
	struct amocrm_item item = { .entity = note, .dropped = dropped };

	amocrm_create(crm, &context, AMOCRM_NOTES, &item, 1);
	json_decref(note);
	*id = item.id;
	return item.out;
}

static void
test_write_note(void **state)
{
	int64_t id = 0;

	(void)state;
	fake_http_answers(
	    200, "{\"_embedded\": {\"notes\": [{\"id\": 76787983, \"entity_id\": 7}]}}");
	assert_int_equal(write_note("Оплата\nPayment ID: 1", &id), DONE);
	assert_int_equal(id, 76787983);
	assert_request(0, "POST", API "/leads/notes");
	assert_string_equal(fake_requests[0].body,
	    "[{\"entity_id\":7,\"note_type\":\"common\",\"params\":{\"text\":\"Оплата\\nPayment "
	    "ID: 1\"}}]");
	assert_true(fake_requests[0].once);

	fake_http_answers(200, "{}");
	assert_int_equal(write_note("x", &id), UNSURE);
	fake_http_fails(UNSURE);
	assert_int_equal(write_note("x", &id), UNSURE);
	fake_http_answers(400, "{}");
	assert_int_equal(write_note("x", &id), NEVER);
	assert_int_equal(id, 0);
}

/* Filters may be ignored: other entities' tasks are not this lead's. */
static void
test_tasks(void **state)
{
	struct fault why = { "" };
	json_t *tasks = NULL;

	(void)state;
	fake_http_answers(200,
	    "{\"_embedded\": {\"tasks\": [{\"id\": 3, \"entity_type\": \"leads\", \"entity_id\": "
	    "7, \"text\": \"x\"}, {\"id\": 4, \"entity_type\": \"contacts\", \"entity_id\": 7, "
	    "\"text\": \"x\"}, {\"id\": 5, \"entity_type\": \"leads\", \"entity_id\": 8, \"text\": "
	    "\"x\"}, {\"id\": 6, \"entity_type\": null, \"text\": null}]}}");
	assert_int_equal(amocrm_tasks(crm, &context, 7, &tasks, &why), DONE);
	assert_string_equal(ids_of(tasks), "3");
	assert_request(0, "GET",
	    API "/tasks?filter%5Bentity_type%5D=leads&filter%5Bentity_id%5D=7&order%5Bid%5D=desc&"
		"limit=250&page=1");
	fake_http_answers(204, NULL);
	assert_int_equal(amocrm_tasks(crm, &context, 7, &tasks, &why), DONE);
	assert_string_equal(ids_of(tasks), "");
	tasks = NULL;
	fake_http_answers(400, "{}");
	assert_int_equal(amocrm_tasks(crm, &context, 7, &tasks, &why), NEVER);
	assert_null(tasks);
}

static void
test_create_task(void **state)
{
	json_t *entity = json_pack("{s:s, s:i, s:s, s:i, s:i, s:i}", "entity_type", "leads",
	    "entity_id", 7, "text", "Доплата\nPayment ID: 1", "task_type_id", 2, "complete_till",
	    1900000000, "responsible_user_id", 504141);
	struct amocrm_item item = { .entity = entity, .dropped = dropped };

	(void)state;
	fake_http_answers(
	    200, "{\"_embedded\": {\"tasks\": [{\"id\": 4745251, \"request_id\": \"0\"}]}}");
	amocrm_create(crm, &context, AMOCRM_TASKS, &item, 1);
	assert_int_equal(item.out, DONE);
	assert_int_equal(item.id, 4745251);
	assert_request(0, "POST", API "/tasks");
	assert_string_equal(fake_requests[0].body,
	    "[{\"entity_type\":\"leads\",\"entity_id\":7,\"text\":\"Доплата\\nPayment ID: 1\","
	    "\"task_type_id\":2,\"complete_till\":1900000000,\"responsible_user_id\":504141}]");
	assert_true(fake_requests[0].once);

	item.id = 0;
	fake_http_fails(UNSURE);
	amocrm_create(crm, &context, AMOCRM_TASKS, &item, 1);
	assert_int_equal(item.out, UNSURE);
	/* What a task must have is not dropped. */
	fake_http_answers(400,
	    "{\"validation-errors\": [{\"request_id\": \"0\", \"errors\": [{\"code\":"
	    " \"NotSupportedChoice\", \"path\": \"responsible_user_id\"}]}]}");
	amocrm_create(crm, &context, AMOCRM_TASKS, &item, 1);
	assert_int_equal(item.out, NEVER);
	assert_int_equal(item.id, 0);
	json_decref(entity);
}

/*
 * Several by one request.
 */

#define SEVERAL 3

static struct amocrm_item several[SEVERAL];
static json_t *several_dropped[SEVERAL];

/* Three leads of one field each: 10, 11, 12. */
static void
write_several(bool change)
{
	json_t *entities[SEVERAL];
	int i;

	for (i = 0; i < SEVERAL; i++) {
		entities[i] = json_pack("{s:[{s:i, s:[{s:s}]}]}", "custom_fields_values",
		    "field_id", 10 + i, "values", "value", "x");
		json_decref(several_dropped[i]);
		several_dropped[i] = json_array();
		several[i] = (struct amocrm_item){ .id = change ? 20 + i : 0,
			.entity = entities[i],
			.dropped = several_dropped[i] };
	}
	if (change)
		amocrm_update(crm, &context, AMOCRM_LEADS, several, SEVERAL);
	else
		amocrm_create(crm, &context, AMOCRM_LEADS, several, SEVERAL);
	for (i = 0; i < SEVERAL; i++)
		json_decref(entities[i]);
}

static void
assert_several(enum outcome first, enum outcome second, enum outcome third)
{
	assert_int_equal(several[0].out, first);
	assert_int_equal(several[1].out, second);
	assert_int_equal(several[2].out, third);
}

/* Each gets the id that was given for its own request_id, in whatever order. */
static void
test_create_several(void **state)
{
	json_t *body;

	(void)state;
	fake_http_answers(200,
	    "{\"_embedded\": {\"leads\": [{\"id\": 102, \"request_id\": \"2\"},"
	    "{\"id\": 100, \"request_id\": \"0\"}, {\"id\": 101, \"request_id\": \"1\"}]}}");
	write_several(false);
	assert_several(DONE, DONE, DONE);
	assert_int_equal(several[0].id, 100);
	assert_int_equal(several[1].id, 101);
	assert_int_equal(several[2].id, 102);
	assert_request(0, "POST", API "/leads");
	assert_true(fake_requests[0].once);
	body = parse(fake_requests[0].body);
	assert_int_equal(json_array_size(body), SEVERAL);
	json_decref(body);
}

/* One that is missing in the answer may have been made or not; the others were. */
static void
test_create_several_one_missing(void **state)
{
	(void)state;
	fake_http_answers(200,
	    "{\"_embedded\": {\"leads\": [{\"id\": 100, \"request_id\": \"0\"},"
	    "{\"id\": 102, \"request_id\": \"2\"}]}}");
	write_several(false);
	assert_several(DONE, UNSURE, DONE);
	assert_int_equal(several[1].id, 0);
}

static void
test_change_several(void **state)
{
	(void)state;
	fake_http_answers(200, "{\"_embedded\": {\"leads\": [{\"id\": 22}, {\"id\": 20}]}}");
	write_several(true);
	assert_several(DONE, UNSURE, DONE);
	assert_request(0, "PATCH", API "/leads");
	assert_non_null(strstr(fake_requests[0].body, "\"id\":21"));
}

/* A field that was deleted is dropped from those that have it, and all are sent again together. */
static void
test_several_drop_fields(void **state)
{
	(void)state;
	fake_http_answers(400,
	    "{\"validation-errors\": [{\"request_id\": \"1\", \"errors\": [{\"code\":"
	    " \"NotSupportedChoice\", \"path\": \"custom_fields_values.0.field_id\"}]}]}");
	fake_http_answers(
	    200, "{\"_embedded\": {\"leads\": [{\"id\": 20}, {\"id\": 21}, {\"id\": 22}]}}");
	write_several(true);
	assert_several(DONE, DONE, DONE);
	assert_int_equal(json_integer_value(json_array_get(several_dropped[1], 0)), 11);
	assert_int_equal(
	    json_array_size(several_dropped[0]) + json_array_size(several_dropped[2]), 0);
	assert_non_null(strstr(fake_requests[1].body, "\"field_id\":12"));
	assert_null(strstr(fake_requests[1].body, "\"field_id\":11"));
}

/* One that is refused for another reason does not keep the others back. */
static void
test_several_one_refused(void **state)
{
	json_t *body;

	(void)state;
	fake_http_answers(400,
	    "{\"validation-errors\": [{\"request_id\": \"0\", \"errors\": [{\"code\":"
	    " \"NotSupportedChoice\", \"path\": \"status_id\"}]}]}");
	fake_http_answers(200,
	    "{\"_embedded\": {\"leads\": [{\"id\": 101, \"request_id\": \"1\"},"
	    "{\"id\": 102, \"request_id\": \"2\"}]}}");
	write_several(false);
	assert_several(NEVER, DONE, DONE);
	assert_non_null(strstr(several[0].why.text, "status_id"));
	assert_int_equal(several[2].id, 102);
	body = parse(fake_requests[1].body);
	assert_int_equal(json_array_size(body), 2);
	json_decref(body);
}

/* Several complaints about one, as one entry or as more: none of them is another's. */
static void
test_several_complaints_about_one(void **state)
{
	(void)state;
	fake_http_answers(400,
	    "{\"validation-errors\": [{\"request_id\": \"0\", \"errors\": [{\"code\": "
	    "\"InvalidType\", "
	    "\"path\": \"status_id\"}]}, {\"request_id\": \"0\", \"errors\": [{\"code\": "
	    "\"NotSupportedChoice\", \"path\": \"pipeline_id\"}]}, {\"request_id\": 1, \"errors\": "
	    "[{\"code\": \"InvalidType\", \"path\": \"price\"}]}]}");
	fake_http_answers(200, "{\"id\": 22}");
	write_several(true);
	assert_several(NEVER, NEVER, DONE);
	assert_int_equal(fake_http_left(), 0);

	/* A complaint about nobody we know is not the last one's either. */
	fake_http_answers(400,
	    "{\"validation-errors\": [{\"request_id\": \"0\", \"errors\": [{\"path\": "
	    "\"price\"}]}, "
	    "{\"request_id\": \"1\", \"errors\": [{\"path\": \"price\"}]}, {\"request_id\": "
	    "\"7\"}]}");
	fake_http_answers(200, "{\"id\": 22}");
	write_several(true);
	assert_several(NEVER, NEVER, DONE);
}

/* Each place is one of the request that was sent, not of what the complaint before has left. */
static void
test_complaints_about_several_fields(void **state)
{
	int64_t id = 0;

	(void)state;
	fake_http_answers(400,
	    "{\"validation-errors\": [{\"request_id\": \"0\", \"errors\": [{\"code\": "
	    "\"InvalidType\", "
	    "\"path\": \"custom_fields_values.0.values.0.value\"}]}, {\"request_id\": \"0\", "
	    "\"errors\": "
	    "[{\"code\": \"NotSupportedChoice\", \"path\": "
	    "\"custom_fields_values.1.field_id\"}]}]}");
	fake_http_answers(200, "{\"_embedded\": {\"leads\": [{\"id\": 77}]}}");
	assert_int_equal(create(THREE_FIELDS, &id), DONE);
	assert_dropped("[11, 10]");
}

/* A refusal that does not say of whom: each is sent for itself. */
static void
test_several_refused_without_a_name(void **state)
{
	(void)state;
	fake_http_answers(400, "{\"detail\": \"Invalid request body\"}");
	fake_http_answers(200, "{\"id\": 20}");
	fake_http_answers(400, "{\"detail\": \"Invalid request body\"}");
	fake_http_answers(200, "{\"id\": 22}");
	write_several(true);
	assert_several(DONE, NEVER, DONE);
	assert_request(1, "PATCH", API "/leads/20");
	assert_request(3, "PATCH", API "/leads/22");
}

/* One is forbidden to us: it waits, the others are written, and amoCRM is as well as before. */
static void
test_several_one_forbidden(void **state)
{
	(void)state;
	fake_http_answers(403, "{\"title\": \"Forbidden\", \"status\": 403}");
	fake_http_answers(200, "{\"id\": 5}");
	fake_http_answers(200, "{\"id\": 20}");
	fake_http_answers(403, "{\"title\": \"Forbidden\", \"status\": 403}");
	fake_http_answers(200, "{\"id\": 22}");
	write_several(true);
	assert_several(DONE, LATER, DONE);
	assert_request(1, "GET", API "/account");
	assert_request(3, "PATCH", API "/leads/21");
	assert_int_equal(fake_request_count, 5);

	/* The last of its calls says so, too. */
	fake_http_answers(403, "{\"title\": \"Forbidden\", \"status\": 403}");
	assert_int_equal(update("{}"), LATER);
	assert_false(amocrm_unavailable(crm));
}

static void
test_several_unsure(void **state)
{
	(void)state;
	fake_http_fails(UNSURE);
	write_several(false);
	assert_several(UNSURE, UNSURE, UNSURE);
	assert_true(amocrm_unavailable(crm));
	fake_http_fails(LATER);
	fake_http_fails(LATER);
	fake_http_fails(LATER);
	write_several(true);
	assert_several(LATER, LATER, LATER);
}

/*
 * The account itself.
 */

static void
test_all_notes(void **state)
{
	struct fault why = { "" };
	json_t *found = NULL;

	(void)state;
	fake_http_answers(200,
	    "{\"_embedded\": {\"notes\": [{\"id\": 1, \"params\": {\"text\": null}}]}, \"_links\": "
	    "{\"next\": {\"href\": "
	    "\"x\"}}}");
	fake_http_answers(
	    200, "{\"_embedded\": {\"notes\": [{\"id\": 2, \"params\": {\"text\": null}}]}}");
	assert_int_equal(amocrm_all_notes(crm, &context, 7, &found, &why), DONE);
	assert_string_equal(ids_of(found), "1 2");
	assert_request(
	    1, "GET", API "/leads/7/notes?filter%5Bnote_type%5D=common&limit=250&page=2");
}

static void
test_account(void **state)
{
	struct fault why = { "" };
	json_t *info = NULL;

	(void)state;
	fake_http_answers(200, "{\"id\": 5, \"name\": \"school\"}");
	assert_int_equal(amocrm_account(crm, &context, &info, &why), DONE);
	assert_int_equal(json_integer_value(json_object_get(info, "id")), 5);
	json_decref(info);
	assert_request(0, "GET", API "/account?with=task_types");

	fake_http_answers(200, "{\"name\": \"a gateway's\"}");
	assert_int_equal(amocrm_account(crm, &context, &info, &why), LATER);
}

static void
test_fields_and_pipelines(void **state)
{
	struct fault why = { "" };
	json_t *found = NULL;

	(void)state;
	fake_http_answers(200,
	    "{\"_embedded\": {\"custom_fields\": [{\"id\": 1}]}, \"_links\": {\"next\": {\"href\": "
	    "\"x\"}}}");
	fake_http_answers(200, "{\"_embedded\": {\"custom_fields\": [{\"id\": 2}]}}");
	assert_int_equal(amocrm_fields(crm, &context, AMOCRM_LEADS, &found, &why), DONE);
	assert_string_equal(ids_of(found), "1 2");
	assert_request(1, "GET", API "/leads/custom_fields?order%5Bsort%5D=asc&limit=250&page=2");

	fake_http_answers(200,
	    "{\"_embedded\": {\"pipelines\": [{\"id\": 3, \"_embedded\": {\"statuses\": [{\"id\": "
	    "142}]}}]}}");
	assert_int_equal(amocrm_pipelines(crm, &context, &found, &why), DONE);
	assert_string_equal(ids_of(found), "3");
	fake_http_answers(200, "{\"_embedded\": {\"pipelines\": [{\"id\": 3}]}}");
	assert_int_equal(amocrm_pipelines(crm, &context, &found, &why), LATER);
	fake_http_answers(200, "{}");
	assert_int_equal(amocrm_pipelines(crm, &context, &found, &why), LATER);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_search),
		test(test_search_finds_nothing),
		test(test_pages),
		test(test_a_page_after_the_last),
		test(test_a_page_fails),
		test(test_too_many_pages),
		test(test_newest),
		test(test_read),
		test(test_read_absent),
		test(test_read_unknown),
		test(test_read_another),
		test(test_read_in_another_form),
		test(test_list_in_another_form),
		test(test_read_leads),
		test(test_read_leads_filter_ignored),
		test(test_read_leads_filter_refused),
		test(test_read_leads_many),
		test(test_read_leads_fails),
		test(test_create),
		test(test_create_without_id),
		test(test_create_is_not_repeated),
		test(test_dropping),
		test(test_dropping_from_a_change),
		test(test_refused_for_good),
		test(test_unsure_after_dropping),
		test(test_dropping_ends),
		test(test_update),
		test(test_update_of_another),
		test(test_update_is_repeated),
		test(test_notes),
		test(test_tasks),
		test(test_create_task),
		test(test_write_note),
		test(test_create_several),
		test(test_create_several_one_missing),
		test(test_change_several),
		test(test_several_drop_fields),
		test(test_several_one_refused),
		test(test_several_complaints_about_one),
		test(test_complaints_about_several_fields),
		test(test_several_refused_without_a_name),
		test(test_several_one_forbidden),
		test(test_several_unsure),
		test(test_all_notes),
		test(test_account),
		test(test_fields_and_pipelines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
