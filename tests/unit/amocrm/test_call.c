#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_http.c"
#include "fixture.c"

#include "amocrm/call.h"

static struct settings *settings;
static struct caller caller;
static struct amocrm_context context;

static int
set_up(void **state)
{
	struct fault why;

	(void)state;
	fake_clock_reset();
	fake_http_reset();
	fixture_begin();
	settings = fixture_settings();
	caller = (struct caller){ .settings = settings };
	context = (struct amocrm_context){ .deadline_ms = clock_mono_ms() + 60 * 1000 };
	assert_int_equal(limiter_open(fixture_path("limiter"), 200, &caller.limiter, &why), DONE);
	assert_int_equal(http_client_open("token", NULL, &caller.http, &why), DONE);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	http_client_close(caller.http);
	limiter_close(caller.limiter);
	settings_free(settings);
	fixture_end();
	fake_http_reset();
	return 0;
}

static struct limiter_state
look(void)
{
	struct limiter_state seen;

	limiter_look(caller.limiter, &seen);
	return seen;
}

/* Perform a call and forget its response. */
static enum outcome
perform(enum call_kind kind, struct fault *why)
{
	char path[] = "/api/v4/leads";
	json_t *body = call_effect(kind) == CALL_READS ? NULL : json_pack("{s:s}", "name", "x");
	struct call_request request = { .kind = kind, .path = path, .body = body };
	struct call_response response;
	enum outcome out = call_perform(&caller, &context, &request, &response, why);

	json_decref(body);
	json_decref(response.json);
	return out;
}

static enum outcome
perform_status(int status, enum call_kind kind)
{
	struct fault why = { "" };

	settings->retry_max_attempts = 1;
	if (status == 403)
		fake_http_answers_html(status);
	else
		fake_http_answers(status, "{\"id\": 1}");
	return perform(kind, &why);
}

static void
test_request(void **state)
{
	char path[] = "/api/v4/leads?page=1";
	json_t *body = json_pack("{s:s}", "name", "Иван");
	struct call_request request = { .kind = CALL_CREATE_LEADS, .path = path, .body = body };
	struct fault why;
	struct call_response response;

	(void)state;
	fake_http_answers(200, "{\"id\": 5}");
	assert_int_equal(call_perform(&caller, &context, &request, &response, &why), DONE);
	assert_int_equal(response.status, 200);
	assert_int_equal(json_integer_value(json_object_get(response.json, "id")), 5);
	assert_int_equal(fake_request_count, 1);
	assert_string_equal(fake_requests[0].method, "POST");
	assert_string_equal(
	    fake_requests[0].url, "https://account.example.com/api/v4/leads?page=1");
	assert_string_equal(fake_requests[0].body, "{\"name\":\"Иван\"}");
	assert_true(fake_requests[0].once);
	/* One exchange has its own patience, within the deadline of all. */
	assert_int_equal(fake_requests[0].patience_ms, 10000);
	json_decref(response.json);
	json_decref(body);
}

static void
test_deadline_of_all(void **state)
{
	struct fault why;

	(void)state;
	context.deadline_ms = clock_mono_ms() + 500;
	fake_http_answers(200, "{}");
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), DONE);
	assert_int_equal(fake_requests[0].deadline_ms, context.deadline_ms);

	/* Past it nothing is sent any more. */
	fake_clock_pass(1000);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	assert_int_equal(fake_request_count, 1);
}

static void
test_every_status(void **state)
{
	static const struct {
		int status;
		enum outcome get, write;
	} cases[] = {
		{ 200, DONE, DONE },
		{ 201, DONE, DONE },
		{ 202, DONE, DONE },
		{ 204, DONE, DONE },
		{ 400, NEVER, NEVER },
		{ 401, LATER, LATER },
		{ 402, LATER, LATER },
		{ 403, LATER, LATER },
		{ 404, LATER, UNSURE }, /* On our list, and not in amoCRM's shape. */
		{ 410, LATER, UNSURE },
		{ 405, NEVER, NEVER },
		{ 409, NEVER, NEVER },
		{ 413, NEVER, NEVER },
		{ 415, NEVER, NEVER },
		{ 422, NEVER, NEVER },
		{ 429, LATER, LATER },
		{ 500, LATER, UNSURE },
		{ 502, LATER, UNSURE },
		{ 503, LATER, UNSURE },
		{ 504, LATER, UNSURE },
		/* What nobody has seen yet proves nothing either. */
		{ 100, LATER, UNSURE },
		{ 206, LATER, UNSURE },
		{ 301, LATER, UNSURE },
		{ 418, LATER, UNSURE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(perform_status(cases[i].status, CALL_SEARCH_LEADS), cases[i].get);
		limiter_close_breaker(caller.limiter);
		fake_clock_pass(60 * 1000);
		context.deadline_ms = clock_mono_ms() + 60 * 1000;
		assert_int_equal(
		    perform_status(cases[i].status, CALL_CHANGE_CONTACTS), cases[i].write);
		limiter_close_breaker(caller.limiter);
		fake_clock_pass(60 * 1000);
		context.deadline_ms = clock_mono_ms() + 60 * 1000;
		assert_int_equal(
		    perform_status(cases[i].status, CALL_CREATE_LEADS), cases[i].write);
		limiter_close_breaker(caller.limiter);
		fake_clock_pass(60 * 1000);
		context.deadline_ms = clock_mono_ms() + 60 * 1000;
	}
	assert_int_equal(fake_http_left(), 0);
}

static void
test_transport(void **state)
{
	struct fault why = { "" };

	(void)state;
	settings->retry_max_attempts = 1;
	fake_http_fails(LATER);
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), LATER);
	assert_string_equal(why.text, "the test says so");
	fake_http_fails(UNSURE);
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), UNSURE);
	fake_http_fails(BROKEN);
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), BROKEN);
}

/* Success is a body that can be read, never a status alone. */
static void
test_unreadable_success(void **state)
{
	struct fault why = { "" };

	(void)state;
	settings->retry_max_attempts = 1;
	fake_http_answers_html(200);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	fake_http_answers_html(200);
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), UNSURE);
	fake_http_answers(200, "{\"id\": 12");
	assert_int_equal(perform(CALL_CHANGE_CONTACTS, &why), UNSURE);
	fake_http_answers(200, NULL);
	assert_int_equal(perform(CALL_CHANGE_CONTACTS, &why), UNSURE);
	/* Nothing is a good answer where it says so. */
	fake_http_answers(204, NULL);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), DONE);
}

static void
test_repeats(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_answers(500, NULL);
	fake_http_fails(LATER);
	fake_http_answers(200, "{}");
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), DONE);
	assert_int_equal(fake_request_count, 3);
	/* RETRY_WAIT_MIN is 2 s, then 4 s, each shortened by chance to no less than its half. */
	assert_in_range(fake_requests[1].at_ms - fake_requests[0].at_ms, 1000, 2100);
	assert_in_range(fake_requests[2].at_ms - fake_requests[1].at_ms, 2000, 4100);
}

static void
test_gives_up_repeating(void **state)
{
	struct fault why = { "" };
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		fake_http_answers(503, NULL);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	assert_int_equal(fake_request_count, 3);
	assert_int_equal(fake_http_left(), 0);
	assert_non_null(strstr(why.text, "503"));
	assert_non_null(strstr(why.text, "id-of-amocrm"));
}

static void
test_no_time_to_repeat(void **state)
{
	struct fault why = { "" };

	(void)state;
	context.deadline_ms = clock_mono_ms() + 900;
	fake_http_answers(500, NULL);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	assert_int_equal(fake_request_count, 1);
	/* And nobody slept for a try that was not made. */
	assert_int_equal(fake_clock_slept(), 0);
}

static void
test_a_refusal_is_not_repeated(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_answers(400,
	    "{\"validation-errors\": [{\"errors\": [{\"code\": \"InvalidType\", \"path\": "
	    "\"status_id\","
	    " \"detail\": \"Иван\"}]}]}");
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), NEVER);
	assert_int_equal(fake_request_count, 1);
	assert_non_null(strstr(why.text, "InvalidType at status_id"));
	/* Never what the customer or amoCRM wrote. */
	assert_null(strstr(why.text, "Иван"));
}

/* What creates something is sent again only when it surely did nothing. */
static void
test_once(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_answers(502, NULL);
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), UNSURE);
	assert_int_equal(fake_request_count, 1);

	fake_http_fails(UNSURE);
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), UNSURE);
	assert_int_equal(fake_request_count, 2);

	fake_http_fails(LATER);
	fake_http_answers(429, NULL);
	fake_http_answers(200, "{}");
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), DONE);
	assert_int_equal(fake_request_count, 5);

	/* Surely nothing, then perhaps something: that is the end. */
	fake_http_fails(LATER);
	fake_http_fails(UNSURE);
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), UNSURE);
	assert_int_equal(fake_request_count, 7);
}

static void
test_repeats_a_change(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_fails(UNSURE);
	fake_http_answers(504, NULL);
	fake_http_answers(200, "{}");
	assert_int_equal(perform(CALL_CHANGE_CONTACTS, &why), DONE);
	assert_int_equal(fake_request_count, 3);
}

/* What overwrites is not repeated while its first try may be carried out late: neither here nor by libcurl. */
static void
test_overwrites(void **state)
{
	char path[] = "/api/v4/leads/1";
	json_t *body = json_object();
	struct call_request request = { .kind = CALL_CHANGE_LEADS, .path = path, .body = body };
	struct call_response response;
	struct fault why = { "" };

	(void)state;
	fake_http_fails(UNSURE);
	assert_int_equal(call_perform(&caller, &context, &request, &response, &why), UNSURE);
	assert_int_equal(fake_request_count, 1);
	assert_true(fake_requests[0].once);
	/* amoCRM itself answered: it is over. */
	fake_http_answers(500, NULL);
	fake_http_answers(200, "{}");
	assert_int_equal(call_perform(&caller, &context, &request, &response, &why), DONE);
	assert_int_equal(fake_request_count, 3);
	json_decref(response.json);
	json_decref(body);
}

/* A later try that surely did nothing says nothing about an earlier one. */
static void
test_unsure_sticks(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_fails(UNSURE);
	fake_http_fails(LATER);
	fake_http_fails(LATER);
	assert_int_equal(perform(CALL_CHANGE_CONTACTS, &why), UNSURE);

	fake_http_answers(500, NULL);
	fake_http_answers(401, NULL);
	assert_int_equal(perform(CALL_CHANGE_CONTACTS, &why), UNSURE);
}

/* Also when no turn was to be had any more for the second try. */
static void
test_unsure_sticks_without_a_turn(void **state)
{
	struct fault why = { "" };

	(void)state;
	context.deadline_ms = clock_mono_ms() + 5000;
	fake_http_fails(UNSURE);
	limiter_hold(caller.limiter, 0);
	settings->retry_wait_min_s = settings->retry_wait_max_s = 1;
	fake_http_answers(429, NULL);
	fake_http_retry_after(60 * 1000);
	assert_int_equal(perform(CALL_CHANGE_CONTACTS, &why), UNSURE);
	assert_int_equal(fake_request_count, 2);
}

/* For whom it is sent: by our own log's name. */
static void
test_request_id(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_answers(204, NULL);
	fake_http_answers(204, NULL);
	fake_http_answers(204, NULL);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), DONE);
	context.request_id = "";
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), DONE);
	context.request_id = "0123-abc";
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), DONE);
	assert_null(fake_requests[0].header);
	assert_null(fake_requests[1].header);
	assert_string_equal(fake_requests[2].header, "X-Request-Id: 0123-abc");
}

static void
test_429_header(void **state)
{
	struct fault why = { "" };
	struct limiter_state seen;

	(void)state;
	context.deadline_ms = clock_mono_ms() + 5000;
	fake_http_answers(429, "{\"retry_after\": 3}");
	fake_http_retry_after(30 * 1000);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	assert_int_equal(fake_request_count, 1);
	seen = look();
	assert_in_range(seen.ready_ms - clock_mono_ms(), 29000, 30000);
	assert_false(seen.open);

	/* Everybody waits: the next call does not even ask. */
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	assert_int_equal(fake_request_count, 1);
}

static void
test_429_body(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_answers(
	    429, "{\"title\": \"Too Many Requests\", \"status\": 429, \"retry_after\": 20}");
	fake_http_answers(200, "{}");
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), DONE);
	assert_in_range(fake_requests[1].at_ms - fake_requests[0].at_ms, 19900, 21000);
}

/* The advice is given on to whoever decides when the payment is tried again. */
static void
test_429_reply(void **state)
{
	char path[] = "/";
	struct call_request request = { .kind = CALL_SEARCH_LEADS, .path = path };
	struct fault why = { "" };
	struct call_response response;

	(void)state;
	settings->retry_max_attempts = 1;
	fake_http_answers(429, "{\"retry_after\": 300}");
	assert_int_equal(call_perform(&caller, &context, &request, &response, &why), LATER);
	assert_int_equal(response.status, 429);
	assert_int_equal(response.advice_ms, 300 * 1000);
	json_decref(response.json);
}

/* Without advice, or with a foolish one, all wait as long as between two tries. */
static void
test_429_no_advice(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"{\"retry_after\": -5}",
		"{\"retry_after\": \"soon\"}",
	};
	struct fault why = { "" };
	size_t i;

	(void)state;
	settings->retry_max_attempts = 1;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		fake_http_answers(429, bodies[i]);
		assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
		assert_in_range(look().ready_ms - clock_mono_ms(), 1900, 2000);
		fake_clock_pass(3000);
	}
	fake_http_answers_html(429);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	assert_in_range(look().ready_ms - clock_mono_ms(), 1900, 2000);
}

/* A longer wait than an hour is cut to one, not forgotten. */
static void
test_429_long_advice(void **state)
{
	struct fault why = { "" };

	(void)state;
	settings->retry_max_attempts = 1;
	fake_http_answers(429, "{\"retry_after\": 99999999999}");
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	assert_in_range(
	    look().ready_ms - clock_mono_ms(), LIMITER_HOLD_MAX_MS - 100, LIMITER_HOLD_MAX_MS);
}

static void
test_breaker(void **state)
{
	static const int statuses[] = { 401, 402, 403 };
	struct fault why = { "" };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		int before = fake_request_count;

		fake_http_answers_html(statuses[i]);
		assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
		assert_true(look().open);
		assert_int_equal(look().status, statuses[i]);
		/* One request was sent, and no other is until the probe. */
		assert_int_equal(fake_request_count, before + 1);
		assert_int_equal(perform(CALL_CREATE_LEADS, &why), LATER);
		assert_int_equal(fake_request_count, before + 1);
		limiter_close_breaker(caller.limiter);
	}
}

#define PROBLEM(status, detail)                                                                    \
	"{\"title\": \"?\", \"status\": " #status ", \"detail\": \"" detail "\"}"
#define FORBIDDEN PROBLEM(403, "Forbidden")
#define CODE_244  PROBLEM(400, "Код ошибки 244. В случае повторного возникновения ошибки")
#define ACCOUNT   "{\"id\": 5, \"name\": \"school\"}"

/* An unpaid account is sometimes told by a 400 with a number in its text. */
static void
test_breaker_244(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_answers(400, CODE_244);
	fake_http_answers(400, CODE_244);
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), LATER);
	assert_true(look().open);
	assert_int_equal(look().status, 402);
	assert_int_equal(fake_request_count, 2);
}

/* One entity is forbidden and the account is not: nobody else is kept back. */
static void
test_one_is_forbidden(void **state)
{
	static const struct {
		int status;
		const char *body;
	} refusals[] = { { 403, FORBIDDEN }, { 400, CODE_244 } };
	struct fault why = { "" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fake_http_answers(refusals[i].status, refusals[i].body);
		if (i == 0)
			fake_http_answers(200, ACCOUNT);
		assert_int_equal(perform(CALL_CHANGE_LEADS, &why), LATER);
		assert_non_null(strstr(why.text, "does not allow this"));
		assert_false(look().open);
	}
	/* The account was asked once; what it said is remembered for a while, and not for long. */
	assert_string_equal(fake_requests[1].url, "https://account.example.com/api/v4/account");
	assert_int_equal(fake_request_count, 3);
	fake_clock_pass(11 * 1000);
	fake_http_answers(403, FORBIDDEN);
	fake_http_answers(403, FORBIDDEN);
	assert_int_equal(perform(CALL_READ_LEAD, &why), LATER);
	assert_true(look().open);
	assert_int_equal(look().status, 403);
	assert_int_equal(fake_http_left(), 0);
}

/* The account was renamed, or the address is wrong: nobody is told that anything is absent. */
static void
test_address(void **state)
{
	static const struct {
		int status;
		const char *json; /* NULL: a page. */
		enum call_kind kind;
		enum outcome out;
	} answers[] = {
		{ 404, NULL, CALL_READ_LEAD, LATER },
		{ 404, NULL, CALL_CREATE_LEADS, UNSURE },
		{ 301, NULL, CALL_SEARCH_LEADS, LATER },
		{ 302, "{}", CALL_CHANGE_LEADS, UNSURE },
		{ 308, NULL, CALL_READ_ACCOUNT, LATER },
		{ 404, PROBLEM(404, "Not Found"), CALL_SEARCH_CONTACTS, LATER },
		{ 404, PROBLEM(404, "Not Found"), CALL_READ_ACCOUNT, LATER },
		{ 404, "{}", CALL_READ_PIPELINES, LATER },
	};
	struct fault why = { "" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (answers[i].json != NULL)
			fake_http_answers(answers[i].status, answers[i].json);
		else
			fake_http_answers_html(answers[i].status);
		assert_int_equal(perform(answers[i].kind, &why), answers[i].out);
		assert_non_null(strstr(why.text, "AMO_BASE_URL leads to no account"));
		assert_true(look().open);
		assert_string_equal(limiter_cause(look().status), "address");
		assert_int_equal(fake_request_count, (int)i + 1);
		limiter_close_breaker(caller.limiter);
	}
}

/* One entity is not there: only amoCRM itself can tell, in an account that is there. */
static void
test_one_is_gone(void **state)
{
	struct fault why = { "" };

	(void)state;
	settings->retry_max_attempts = 1;
	fake_http_answers(404, PROBLEM(404, "Not Found"));
	fake_http_answers(200, ACCOUNT);
	assert_int_equal(perform(CALL_READ_LEAD, &why), NEVER);
	assert_false(look().open);

	/* A moved account may speak the API's language. */
	fake_clock_pass(11 * 1000);
	fake_http_answers(404, PROBLEM(404, "Not Found"));
	fake_http_answers(404, PROBLEM(404, "Not Found"));
	assert_int_equal(perform(CALL_READ_LEAD, &why), LATER);
	assert_int_equal(look().status, 404);
	limiter_close_breaker(caller.limiter);

	/* Of others' answers, nothing is believed. */
	fake_http_answers(404, "{\"error\": \"no route\"}");
	assert_int_equal(perform(CALL_READ_LEAD, &why), LATER);
	fake_http_answers(404, NULL);
	assert_int_equal(perform(CALL_READ_LEAD, &why), LATER);
	fake_http_answers(410, PROBLEM(410, "Gone"));
	assert_int_equal(perform(CALL_READ_LEAD, &why), LATER);
	assert_false(look().open);
	assert_int_equal(fake_http_left(), 0);
}

/* What the account does not answer decides nothing: neither for one nor for all. */
static void
test_forbidden_and_not_known_why(void **state)
{
	struct fault why = { "" };

	(void)state;
	settings->retry_max_attempts = 1;
	fake_http_answers(403, FORBIDDEN);
	fake_http_answers(200, "{\"name\": \"a gateway's\"}");
	assert_int_equal(perform(CALL_READ_LEAD, &why), LATER);
	assert_string_equal(why.text, "amoCRM answered without an account");
	fake_http_answers(403, FORBIDDEN);
	fake_http_answers(503, NULL);
	assert_int_equal(perform(CALL_READ_LEAD, &why), LATER);
	assert_non_null(strstr(why.text, "503"));
	assert_false(look().open);
}

/* The probe of an open breaker may meet a forbidden entity: it goes on to ask the account at once. */
static void
test_the_probe_is_forbidden(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_answers(402, NULL);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	fake_clock_pass(LIMITER_PROBE_MS + 1);
	fake_http_answers(403, FORBIDDEN);
	fake_http_answers(200, ACCOUNT);
	assert_int_equal(perform(CALL_READ_LEAD, &why), LATER);
	assert_false(look().open);
	assert_int_equal(fake_http_left(), 0);
}

/* A validation error is about this request, whatever numbers stand in it. */
static void
test_no_breaker_for_validation(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_answers(
	    400, "{\"detail\": \"Lead 244 Request validation failed\", \"validation-errors\": []}");
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), NEVER);
	assert_false(look().open);
	fake_http_answers(400, "{\"detail\": \"Field 1244567 is not writable\"}");
	assert_int_equal(perform(CALL_CREATE_LEADS, &why), NEVER);
	assert_false(look().open);
}

/* Whatever else amoCRM says shows that it lets us in. */
static void
test_breaker_closes(void **state)
{
	struct fault why = { "" };

	(void)state;
	fake_http_answers(401, NULL);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	fake_clock_pass(LIMITER_PROBE_MS + 1);
	context.deadline_ms = clock_mono_ms() + 5000;
	fake_http_answers(422, "{}");
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), NEVER);
	assert_false(look().open);

	fake_http_answers(402, NULL);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	fake_clock_pass(LIMITER_PROBE_MS + 1);
	context.deadline_ms = clock_mono_ms() + 5000;
	/* A failing network says nothing about it. */
	fake_http_fails(LATER);
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), LATER);
	assert_true(look().open);
	assert_int_equal(fake_http_left(), 0);
}

/* Each try is counted, also one that nobody answered. */
static void
test_counts(void **state)
{
	struct metrics_values counted;
	struct fault why;

	(void)state;
	assert_int_equal(metrics_open(fixture_path("."), &caller.metrics, &why), DONE);
	settings->retry_max_attempts = 3;
	fake_http_answers(503, NULL);
	fake_http_fails(LATER);
	fake_http_answers(200, "{}");
	assert_int_equal(perform(CALL_SEARCH_LEADS, &why), DONE);
	assert_true(metrics_read(caller.metrics, &counted));
	assert_int_equal(counted.replies[METRICS_LEAD_READ][metrics_reply(503)], 1);
	assert_int_equal(counted.replies[METRICS_LEAD_READ][metrics_reply(0)], 1);
	assert_int_equal(counted.replies[METRICS_LEAD_READ][metrics_reply(200)], 1);
	assert_int_equal(counted.calls[METRICS_LEAD_READ].classes[0], 3);
	metrics_close(caller.metrics);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_request),
		test(test_deadline_of_all),
		test(test_counts),
		test(test_every_status),
		test(test_transport),
		test(test_unreadable_success),
		test(test_repeats),
		test(test_gives_up_repeating),
		test(test_no_time_to_repeat),
		test(test_a_refusal_is_not_repeated),
		test(test_once),
		test(test_overwrites),
		test(test_repeats_a_change),
		test(test_unsure_sticks),
		test(test_unsure_sticks_without_a_turn),
		test(test_request_id),
		test(test_429_header),
		test(test_429_body),
		test(test_429_reply),
		test(test_429_no_advice),
		test(test_429_long_advice),
		test(test_breaker),
		test(test_breaker_244),
		test(test_one_is_forbidden),
		test(test_forbidden_and_not_known_why),
		test(test_address),
		test(test_one_is_gone),
		test(test_the_probe_is_forbidden),
		test(test_no_breaker_for_validation),
		test(test_breaker_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
