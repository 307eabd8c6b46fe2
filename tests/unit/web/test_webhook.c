#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "host/lock.h"
#include "web/webhook.h"

static struct settings *settings;
static struct worker *worker;
static struct http_response response;
static json_t *said; /* The response's body. */

static void
open_worker(void)
{
	struct fault why = { "" };

	settings = fixture_settings();
	assert_int_equal(worker_open(settings, 4, &worker, &why), DONE);
}

static void
forget_response(void)
{
	free(response.body);
	json_decref(response.warnings);
	response = (struct http_response){ 0 };
	json_decref(said);
	said = NULL;
}

static int
set_up(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	open_worker();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	forget_response();
	worker_close(worker);
	settings_free(settings);
	fixture_end();
	fake_amocrm_reset();
	return 0;
}

/* With other settings from now on. */
static void
reopen_with(const char *name, const char *value)
{
	worker_close(worker);
	settings_free(settings);
	fixture_set(name, value);
	open_worker();
}

static int
handle(const struct http_request *request)
{
	forget_response();
	webhook_handle(worker, request, &response, 1);
	said = json_loads(response.body, 0, NULL);
	assert_non_null(said);
	/* Every answer says what it means, to programs and to people. */
	assert_non_null(json_object_get(said, "status"));
	assert_non_null(json_object_get(said, "detail"));
	assert_null(strchr(response.log, '\n'));
	return response.status;
}

static void
sign(const char *body, size_t size, char hex[static 65])
{
	const struct crypto_piece piece = { body, size };
	uint8_t digest[CRYPTO_SHA256_SIZE];
	size_t i;

	crypto_hmac_sha256(FIXTURE_SECRET, strlen(FIXTURE_SECRET), &piece, 1, digest);
	for (i = 0; i < CRYPTO_SHA256_SIZE; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
}

static int
post_body(const char *body)
{
	char signature[65];
	const struct http_request request = { .method = "POST",
		.path = "/webhook/payment",
		.request_id = "req-1",
		.signature = { .x_signature = signature },
		.body = body,
		.size = strlen(body) };

	sign(body, strlen(body), signature);
	return handle(&request);
}

static int
post(const struct sample *sample)
{
	char *body = sample_body(sample);
	int status = post_body(body);

	free(body);
	return status;
}

static const char *
text(const char *key)
{
	const char *value = json_string_value(json_object_get(said, key));

	return value != NULL ? value : "(none)";
}

static int64_t
rows(const char *where)
{
	return fixture_sql_int(
	    settings->payments_db, "SELECT count(*) FROM payment_events WHERE %s", where);
}

static const struct sample ivan = {
	.name = "Иван", .phone = "89991234567", .email = "ivan@example.com", .telegram = "123456789"
};

static void
assert_nothing_personal(void)
{
	static const char *const personal[] = { "Иван", "9991234567", "ivan@", "123456789",
		FIXTURE_SECRET };
	size_t i;

	char *warnings = response.warnings != NULL ? json_dumps(response.warnings, 0) : strdup("");

	for (i = 0; i < sizeof(personal) / sizeof(personal[0]); i++) {
		assert_null(strstr(response.log, personal[i]));
		assert_null(strstr(warnings, personal[i]));
	}
	free(warnings);
}

static void
test_success(void **state)
{
	(void)state;
	assert_int_equal(post(&ivan), 200);
	assert_string_equal(text("status"), "success");
	assert_string_equal(text("payment_id"), "pay_1");
	assert_string_equal(text("message"), "Payment processed");
	assert_int_equal(json_integer_value(json_object_get(said, "contact_id")),
	    number(json_array_get(account.contacts, 0), "id"));
	assert_int_equal(json_integer_value(json_object_get(said, "lead_id")),
	    number(json_array_get(account.leads, 0), "id"));
	assert_true(json_is_true(json_object_get(said, "lead_created")));
	assert_int_equal(response.level, RESPONSE_INFO);
	assert_non_null(strstr(response.log, "payment=pay_1 answer=success"));
	assert_int_equal(rows("status = 'success' AND request_id = 'req-1'"), 1);
	assert_nothing_personal();
}

static void
test_duplicate(void **state)
{
	int64_t lead_id;

	(void)state;
	post(&ivan);
	lead_id = json_integer_value(json_object_get(said, "lead_id"));
	assert_int_equal(post(&ivan), 409);
	assert_string_equal(text("status"), "duplicate");
	assert_int_equal(json_integer_value(json_object_get(said, "lead_id")), lead_id);
	assert_true(json_is_true(json_object_get(said, "lead_created")));
	assert_int_equal(rows("status = 'success' AND duplicates = 1"), 1);
	assert_int_equal(json_array_size(account.leads), 1);

	reopen_with("DUPLICATE_STATUS", "200");
	assert_int_equal(post(&ivan), 200);
	assert_string_equal(text("status"), "duplicate");
}

static void
test_conflict(void **state)
{
	struct sample other = ivan;

	(void)state;
	post(&ivan);
	other.cost = "1";
	assert_int_equal(post(&other), 409);
	assert_string_equal(text("status"), "conflict");
	assert_int_equal(response.level, RESPONSE_ERROR);
	assert_int_equal(rows("kopecks = 500000"), 1);
	other = (struct sample){ .phone = "80000000001" };
	assert_int_equal(post(&other), 409);
	assert_string_equal(text("status"), "conflict");
	/* An answer of its own, whatever duplicates are answered with. */
	reopen_with("DUPLICATE_STATUS", "200");
	assert_int_equal(post(&other), 409);
	assert_nothing_personal();
}

static void
test_skipped(void **state)
{
	struct sample sample = ivan;

	(void)state;
	sample.status = "NEW";
	assert_int_equal(post(&sample), 202);
	assert_string_equal(text("status"), "skipped");
	assert_string_equal(text("reason"), "the status is not CONFIRMED");
	assert_int_equal(rows("status = 'skipped'"), 1);
	sample.id = "pay_2";
	sample.status = NULL;
	sample.cost = "0";
	assert_int_equal(post(&sample), 202);
	assert_string_equal(text("reason"), "the total is zero");
	assert_int_equal(account.calls, 0);
	/* The first is paid at last. */
	assert_int_equal(post(&ivan), 200);
	assert_string_equal(text("status"), "success");
	/* That it is unpaid after all, a person has to look at. */
	sample = ivan;
	sample.status = "NEW";
	assert_int_equal(post(&sample), 409);
	assert_string_equal(text("status"), "conflict");
}

static void
test_invalid(void **state)
{
	json_t *errors;

	(void)state;
	assert_int_equal(post_body("not json"), 400);
	assert_string_equal(text("status"), "invalid");
	assert_int_equal(json_array_size(json_object_get(said, "errors")), 1);
	assert_int_equal(post_body("{\"course_order\": {\"status\": 5, \"user\": []}}"), 400);
	errors = json_object_get(said, "errors");
	assert_true(json_array_size(errors) >= 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 0), "path")),
	    "course_order.status");
	assert_int_equal(rows("1"), 0);
}

static void
test_unauthorized(void **state)
{
	char signature[65], *body = sample_body(&ivan);
	struct http_request request = { .method = "POST",
		.path = "/webhook/payment",
		.request_id = "",
		.body = body,
		.size = strlen(body) };
	char *first;

	(void)state;
	assert_int_equal(handle(&request), 401);
	first = strdup(response.body);
	sign("another body", 12, signature);
	request.signature.x_signature = signature;
	assert_int_equal(handle(&request), 401);
	/* One and the same answer for all. */
	assert_string_equal(response.body, first);
	sign(body, strlen(body), signature);
	request.signature.repeated = true;
	assert_int_equal(handle(&request), 401);
	assert_string_equal(response.body, first);
	request.signature.repeated = false;
	request.incomplete = true;
	assert_int_equal(handle(&request), 401);
	assert_string_equal(response.body, first);
	request.incomplete = false;
	assert_int_equal(rows("1"), 0);
	assert_int_equal(handle(&request), 200);
	free(first);
	free(body);
}

static void
test_legacy_secret(void **state)
{
	char *body = sample_body(&ivan);
	const struct http_request request = { .method = "POST",
		.path = "/webhook/payment",
		.request_id = "",
		.signature = { .x_webhook_secret = FIXTURE_SECRET },
		.body = body,
		.size = strlen(body) };

	(void)state;
	assert_int_equal(handle(&request), 200);
	reopen_with("WEBHOOK_LEGACY_SECRET", "False");
	assert_int_equal(handle(&request), 401);
	free(body);
}

static void
test_addresses(void **state)
{
	struct http_request request = {
		.method = "GET", .path = "/webhook/payment", .request_id = ""
	};

	(void)state;
	assert_int_equal(handle(&request), 405);
	assert_string_equal(response.allow, "POST");
	request.path = "/webhook/health";
	request.method = "POST";
	assert_int_equal(handle(&request), 405);
	assert_string_equal(response.allow, "GET, HEAD");
	request.path = "/";
	assert_int_equal(handle(&request), 404);
	assert_null(response.allow);
	assert_string_equal(text("status"), "error");
	request.path = "/webhook/payment/";
	assert_int_equal(handle(&request), 404);
}

static void
test_bodies_not_read(void **state)
{
	struct http_request request = { .method = "POST",
		.path = "/webhook/payment",
		.request_id = "",
		.body = "{}",
		.size = 2,
		.too_large = true };

	(void)state;
	assert_int_equal(handle(&request), 413);
	request.too_large = false;
	request.content_encoding = "gzip";
	assert_int_equal(handle(&request), 415);
	/* What says that it is not compressed is not. */
	request.content_encoding = "Identity";
	assert_int_equal(handle(&request), 401);
	request.content_encoding = "";
	assert_int_equal(handle(&request), 401);
}

static void
test_queued_by_setting(void **state)
{
	(void)state;
	reopen_with("DELIVERY", "queue");
	assert_int_equal(post(&ivan), 202);
	assert_string_equal(text("status"), "queued");
	assert_string_equal(text("payment_id"), "pay_1");
	assert_int_equal(account.calls, 0);
	/* payment-syncd may take it at once. */
	assert_int_equal(rows("status = 'pending' AND next_ms = recorded_ms"), 1);
	/* Told again it is in hand. */
	assert_int_equal(post(&ivan), 202);
	assert_string_equal(text("status"), "queued");
	assert_int_equal(rows("duplicates = 1"), 1);
}

static int64_t
ledger_bytes(void)
{
	struct stat st;

	assert_int_equal(stat(settings->payments_db, &st), 0);
	return st.st_size;
}

/* Nobody waits for the ledger's file to be put in order: that is for when there is nobody to response. */
static void
test_idle(void **state)
{
	char id[16], *body, *padded;
	struct sample sample = { .id = id };
	int i;

	(void)state;
	reopen_with("DELIVERY", "queue");
	for (i = 0; i < 25; i++) {
		snprintf(id, sizeof(id), "pay_%d", i);
		body = sample_body(&sample);
		assert_true(asprintf(&padded, "%s%*s", body, 200000, "") > 0);
		assert_int_equal(post_body(padded), 202);
		free(padded);
		free(body);
	}
	assert_in_range(ledger_bytes(), 0, 1000000);
	worker_checkpoint(worker);
	assert_in_range(ledger_bytes(), 4000000, 6000000);
}

/* Each is answered as if it had come alone. */
static void
test_together(void **state)
{
	static const int expected[] = { 202, 401, 400, 202, 409, 404, 413 };
	struct http_request requests[7];
	struct http_response responses[7];
	struct sample dearer = ivan, other = ivan;
	char *first, *second, *conflict, signatures[4][65];
	size_t i;

	(void)state;
	assert_int_equal(webhook_together(settings), 1);
	reopen_with("DELIVERY", "queue");
	assert_int_equal(webhook_together(settings), WEBHOOK_TOGETHER_MAX);
	dearer.cost = "1";
	other.id = "pay_2";
	first = sample_body(&ivan);
	second = sample_body(&other);
	conflict = sample_body(&dearer);
	sign(first, strlen(first), signatures[0]);
	sign("{}", 2, signatures[1]);
	sign(second, strlen(second), signatures[2]);
	sign(conflict, strlen(conflict), signatures[3]);
	for (i = 0; i < 7; i++)
		requests[i] = (struct http_request){
			.method = "POST", .path = "/webhook/payment", .request_id = ""
		};
	requests[0].body = requests[1].body = first;
	requests[0].size = requests[1].size = strlen(first);
	requests[0].signature.x_signature = signatures[0];
	requests[1].signature.x_signature = signatures[1];
	requests[2].body = "{}";
	requests[2].size = 2;
	requests[2].signature.x_signature = signatures[1];
	requests[3].body = second;
	requests[3].size = strlen(second);
	requests[3].signature.x_signature = signatures[2];
	requests[4].body = conflict;
	requests[4].size = strlen(conflict);
	requests[4].signature.x_signature = signatures[3];
	requests[5].path = "/";
	requests[6].too_large = true;
	webhook_handle(worker, requests, responses, 7);
	for (i = 0; i < 7; i++) {
		assert_int_equal(responses[i].status, expected[i]);
		free(responses[i].body);
	}
	assert_int_equal(rows("status = 'pending'"), 2);
	free(first);
	free(second);
	free(conflict);
}

static void
test_queued_by_failure(void **state)
{
	static const enum outcome outcomes[] = { LATER, UNSURE };
	struct sample sample = ivan;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		account.always = outcomes[i];
		sample.id = i == 0 ? "a" : "b";
		sample.phone = i == 0 ? "81111111112" : "82222222223";
		sample.telegram = sample.email = NULL;
		assert_int_equal(post(&sample), 202);
		assert_string_equal(text("status"), "queued");
	}
	assert_int_equal(rows("status = 'pending'"), 2);
	assert_nothing_personal();
}

static void
test_queued_for_want_of_a_slot(void **state)
{
	struct locks *others[3];
	struct fault why;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(lock_open(fixture_path("run/locks"), &others[i], &why), DONE);
		assert_true(lock_take_any(others[i], LOCK_SLOT, 3) >= 0);
	}
	assert_int_equal(post(&ivan), 202);
	assert_string_equal(text("status"), "queued");
	assert_int_equal(account.calls, 0);
	for (i = 0; i < 3; i++)
		lock_close(others[i]);
	/* A slot is given back after each payment. */
	for (i = 0; i < 5; i++) {
		struct sample sample = ivan;
		char id[8];

		snprintf(id, sizeof(id), "p%d", i);
		sample.id = id;
		assert_int_equal(post(&sample), 200);
	}
}

static void
test_not_found(void **state)
{
	(void)state;
	reopen_with("CREATE_IF_NOT_FOUND", "False");
	assert_int_equal(post(&ivan), 404);
	assert_string_equal(text("status"), "contact_not_found");
	fake_contact("[{\"field_id\": 101, \"values\": [{\"value\": \"123456789\"}]}]");
	/* Sent again it is taken up again. */
	assert_int_equal(post(&ivan), 404);
	assert_string_equal(text("status"), "lead_not_found");
	assert_string_equal(text("payment_id"), "pay_1");
	assert_int_equal(rows("status = 'failed'"), 1);
	assert_int_equal(response.level, RESPONSE_WARNING);
	fake_lead(1000, STATUS_ACTIVE, "null");
	assert_int_equal(post(&ivan), 200);
	assert_false(json_is_true(json_object_get(said, "lead_created")));
}

static void
test_failed(void **state)
{
	struct sample unpaid = ivan;

	(void)state;
	account.always = NEVER;
	assert_int_equal(post(&ivan), 500);
	assert_string_equal(text("status"), "failed");
	assert_int_equal(response.level, RESPONSE_ERROR);
	assert_int_equal(rows("status = 'failed'"), 1);
	/* Nothing of it is there: it is not to be carried any more, until it is told as paid again. */
	unpaid.status = "REFUNDED";
	assert_int_equal(post(&unpaid), 202);
	assert_string_equal(text("status"), "skipped");
	assert_int_equal(rows("status = 'skipped'"), 1);
	account.always = DONE;
	assert_int_equal(post(&ivan), 200);
	assert_string_equal(text("status"), "success");
}

/* What is a key to us may be anything to the sender; in the log it stays one word. */
static void
test_logged_key(void **state)
{
	struct sample sample = ivan;

	(void)state;
	sample.id = "a b\"c=\\ж";
	assert_int_equal(post(&sample), 200);
	assert_non_null(strstr(response.log, "payment=a_b_c=___ answer=success"));
	assert_string_equal(text("payment_id"), "a b\"c=\\ж");
}

static void
test_no_payment_id(void **state)
{
	struct sample sample = ivan;

	(void)state;
	sample.no_id = true;
	assert_int_equal(post(&sample), 200);
	assert_int_equal(strncmp(text("payment_id"), "sha256:", 7), 0);
	assert_int_equal(post(&sample), 409);
	assert_string_equal(text("status"), "duplicate");
}

static void
test_remarks(void **state)
{
	struct sample sample = ivan;
	char subject[900];
	size_t i;

	(void)state;
	sample.subject = "Астрономия";
	post(&sample);
	assert_int_equal(json_array_size(response.warnings), 1);
	assert_string_equal(json_string_value(json_array_get(response.warnings, 0)),
	    "no rule for subject \"Астрономия\"");
	assert_string_equal(response.payment, "pay_1");

	/* However long the stranger's text is, and wherever it is cut. */
	for (i = 0; i < 400; i++)
		memcpy(subject + 1 + 2 * i, "ж", 3);
	subject[0] = 'x';
	sample.subject = subject;
	sample.id = "pay_2";
	post(&sample);
	assert_int_equal(json_array_size(response.warnings), 1);
	assert_true(json_string_length(json_array_get(response.warnings, 0)) > 400);
}

/* The ledger cannot take it: nothing was accepted, and it heals by itself. */
static void
test_unavailable(void **state)
{
	const struct http_request health = {
		.method = "GET", .path = "/webhook/health", .request_id = ""
	};

	(void)state;
	reopen_with("PAYMENTS_DB", fixture_path("missing/payments.sqlite"));
	assert_int_equal(post(&ivan), 503);
	assert_string_equal(text("status"), "unavailable");
	assert_true(response.retry_after_s > 0);
	assert_int_equal(response.level, RESPONSE_ERROR);
	assert_int_equal(account.calls, 0);
	assert_int_equal(handle(&health), 503);
	assert_string_equal(text("status"), "unhealthy");
	assert_nothing_personal();

	assert_int_equal(mkdir(fixture_path("missing"), 0700), 0);
	assert_int_equal(post(&ivan), 200);
	assert_string_equal(text("status"), "success");
	assert_int_equal(response.retry_after_s, 0);
	assert_int_equal(handle(&health), 200);
}

/* A ledger that fails while it is open is opened anew. */
static void
test_unavailable_meanwhile(void **state)
{
	struct sample second = ivan;

	(void)state;
	assert_int_equal(post(&ivan), 200);
	fixture_sql(settings->payments_db,
	    "CREATE TRIGGER full BEFORE INSERT ON payment_events BEGIN"
	    " SELECT raise(ABORT, 'the disk is full'); END");
	second.id = "pay_2";
	assert_int_equal(post(&second), 503);
	assert_int_equal(rows("1"), 1);
	fixture_sql(settings->payments_db, "DROP TRIGGER full");
	assert_int_equal(post(&second), 200);
	assert_int_equal(post(&ivan), 409);
}

static void
test_health(void **state)
{
	struct http_request request = {
		.method = "GET", .path = "/webhook/health", .request_id = ""
	};

	(void)state;
	assert_int_equal(handle(&request), 200);
	assert_string_equal(text("status"), "healthy");
	assert_int_equal(response.level, RESPONSE_DEBUG);
	request.method = "HEAD";
	assert_int_equal(handle(&request), 200);
	assert_int_equal(account.calls, 0);
}

/* What no waiting cures is told at once. */
static void
test_never_opens(void **state)
{
	struct worker *other = NULL;
	struct fault why = { "" };

	(void)state;
	settings->rules = strdup("no rules");
	settings->rules_size = strlen(settings->rules);
	assert_int_equal(worker_open(settings, 1, &other, &why), NEVER);
	assert_null(other);
}

/*
 * The status page and the metrics.
 */

static int
ask(const char *method, const char *path, const char *body, const char *type, bool by_operator)
{
	const struct http_request request = { .method = method,
		.path = path,
		.request_id = "",
		.content_type = type,
		.host = "pay.example.com",
		.body = body,
		.size = strlen(body),
		.by_operator = by_operator };

	forget_response();
	webhook_handle(worker, &request, &response, 1);
	return response.status;
}

static void
test_status_is_for_operators(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", "/webhook/status", "", NULL, false), 404);
	assert_int_equal(ask("POST", "/webhook/status", "", NULL, false), 404);
	assert_int_equal(ask("GET", "/webhook/metrics", "", NULL, false), 404);
	assert_int_equal(ask("GET", "/webhook/status", "", NULL, true), 200);
	assert_string_equal(response.content_type, "text/html; charset=utf-8");
	assert_non_null(strstr(response.headers, "Content-Security-Policy: default-src 'none'"));
	assert_int_equal(response.level, RESPONSE_DEBUG);
	assert_int_equal(ask("GET", "/webhook/metrics", "", NULL, true), 200);
	assert_non_null(strstr(response.content_type, "text/plain"));
	assert_int_equal(ask("POST", "/webhook/metrics", "", NULL, true), 405);
	assert_int_equal(ask("PUT", "/webhook/status", "", NULL, true), 405);
}

static void
test_metrics_count_answers(void **state)
{
	const struct sample sample = { 0 };

	(void)state;
	assert_int_equal(post(&sample), 200);
	assert_int_equal(post(&sample), 409);
	assert_int_equal(ask("POST", "/webhook/payment", "{}", NULL, false), 401);
	assert_int_equal(ask("GET", "/webhook/metrics", "", NULL, true), 200);
	assert_non_null(strstr(response.body, "requests_total{answer=\"success\"} 1\n"));
	assert_non_null(strstr(response.body, "requests_total{answer=\"duplicate\"} 1\n"));
	assert_non_null(strstr(response.body, "requests_total{answer=\"unauthorized\"} 1\n"));
	assert_non_null(strstr(response.body, "receive_seconds_count 3\n"));
	assert_non_null(strstr(response.body, "payments{status=\"success\"} 1\n"));
}

/* A ledger that cannot be opened: 503s are counted nevertheless, and both pages say so. */
static void
test_status_of_a_sick_host(void **state)
{
	const struct sample sample = { 0 };

	(void)state;
	reopen_with("PAYMENTS_DB", fixture_path("run"));
	assert_int_equal(post(&sample), 503);
	assert_int_equal(ask("GET", "/webhook/status", "", NULL, true), 503);
	assert_non_null(strstr(response.body, "Not working"));
	assert_int_equal(response.level, RESPONSE_ERROR);
	assert_int_equal(ask("GET", "/webhook/metrics", "", NULL, true), 200);
	assert_non_null(strstr(response.body, "payment_sync_ledger_up 0\n"));
	assert_non_null(strstr(response.body, "requests_total{answer=\"unavailable\"} 1\n"));
}

#define FORM "application/x-www-form-urlencoded"

/* The body that the page's first button sends. */
static const char *
button(void)
{
	static const char before[] = "name=\"token\" value=\"";
	static char body[256];
	const char *token;

	assert_int_equal(ask("GET", "/webhook/status", "", NULL, true), 200);
	assert_non_null(token = strstr(response.body, before));
	snprintf(body, sizeof(body), "payment=pay_1&token=%.64s", token + strlen(before));
	return body;
}

static void
test_retry(void **state)
{
	const struct sample sample = { 0 };
	const char *pressed;

	(void)state;
	account.always = NEVER;
	assert_int_equal(post(&sample), 500);
	account.always = DONE;
	pressed = button();
	assert_int_equal(ask("POST", "/webhook/status", pressed, "text/plain", true), 415);
	assert_int_equal(ask("POST", "/webhook/status", "payment=pay_1", FORM, true), 403);
	assert_int_equal(ask("POST", "/webhook/status", "payment=pay_1&token=1", FORM, true), 403);
	assert_int_equal(ask("POST", "/webhook/status", pressed, FORM, false), 404);
	assert_int_equal(
	    fixture_sql_int(settings->payments_db, "SELECT next_ms FROM payment_events"), 0);
	assert_int_equal(
	    ask("POST", "/webhook/status", pressed, FORM "; charset=utf-8", true), 303);
	assert_non_null(strstr(response.headers, "Location: /webhook/status"));
	assert_string_equal(response.log, "payment=pay_1 retried=1 by=operator");
	assert_true(
	    fixture_sql_int(settings->payments_db, "SELECT next_ms FROM payment_events") != 0);
	/* Pressed twice: nothing is left to do. */
	assert_int_equal(ask("POST", "/webhook/status", pressed, FORM, true), 303);
	assert_string_equal(response.log, "payment=pay_1 retried=0 by=operator");
}

static void
test_retry_from_elsewhere(void **state)
{
	static const struct {
		const char *origin, *site;
		int status;
	} senders[] = {
		{ "https://pay.example.com", "same-origin", 303 },
		{ "https://pay.example.com", NULL, 303 },
		{ NULL, "same-origin", 303 },
		{ "https://pay.example.com", "cross-site", 403 },
		{ "https://evil.example.com", NULL, 403 },
		{ "https://pay.example.com.evil.example.com", NULL, 403 },
		{ "null", NULL, 403 },
		{ NULL, "same-site", 403 },
	};
	const struct sample sample = { 0 };
	size_t i;

	(void)state;
	account.always = NEVER;
	assert_int_equal(post(&sample), 500);
	for (i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		struct http_request request = { .method = "POST",
			.path = "/webhook/status",
			.request_id = "",
			.content_type = FORM,
			.host = "pay.example.com",
			.origin = senders[i].origin,
			.sec_fetch_site = senders[i].site,
			.by_operator = true };

		fixture_sql(settings->payments_db,
		    "UPDATE payment_events SET status = 'failed', next_ms = NULL");
		request.body = button();
		request.size = strlen(request.body);
		forget_response();
		webhook_handle(worker, &request, &response, 1);
		assert_int_equal(response.status, senders[i].status);
	}
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_success),
		test(test_duplicate),
		test(test_conflict),
		test(test_skipped),
		test(test_invalid),
		test(test_unauthorized),
		test(test_legacy_secret),
		test(test_addresses),
		test(test_bodies_not_read),
		test(test_queued_by_setting),
		test(test_idle),
		test(test_together),
		test(test_queued_by_failure),
		test(test_queued_for_want_of_a_slot),
		test(test_not_found),
		test(test_failed),
		test(test_logged_key),
		test(test_no_payment_id),
		test(test_remarks),
		test(test_unavailable),
		test(test_unavailable_meanwhile),
		test(test_health),
		test(test_never_opens),
		test(test_status_is_for_operators),
		test(test_metrics_count_answers),
		test(test_status_of_a_sick_host),
		test(test_retry),
		test(test_retry_from_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
