#include "fake_clock.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_amocrm.c"
#include "fixture.c"

#include "base/clock.h"
#include "base/money.h"
#include "deliver/deliver.h"
#include "deliver/job.h"
#include "deliver/service.h"
#include "ledger/arrival.h"
#include "ledger/attempt.h"
#include "ledger/integrity.h"
#include "ledger/operator.h"

/*
 * What every test has: an empty account, an empty ledger, and a service.
 */
static struct settings *settings;
static struct service *service;

static void
begin_test(void)
{
	struct fault why = { "" };

	fake_clock_reset();
	fake_amocrm_reset();
	fixture_begin();
	settings = fixture_settings();
	if (service_open(settings, &service, &why) != DONE)
		fail_msg("%s", why.text);
}

static void
end_test(void)
{
	service_close(service);
	settings_free(settings);
	fixture_end();
	fake_amocrm_reset();
}

static int
set_up(void **state)
{
	(void)state;
	begin_test();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	end_test();
	return 0;
}

/* Change settings in the middle of a test's set-up. */
static void
reload(void)
{
	struct fault why = { "" };

	service_close(service);
	settings_free(settings);
	settings = fixture_settings();
	assert_int_equal(service_open(settings, &service, &why), DONE);
}

static int64_t
record(const struct sample *sample)
{
	struct payment *paid = sample_payment(sample);
	char *body = sample_body(sample);
	struct identity who[IDENTITIES_MAX];
	struct arrival arrival = { .key = paid->key,
		.kopecks = paid->amount,
		.paid_at = paid->paid_at,
		.who = who,
		.who_count = payment_identities(paid, who),
		.payload = body,
		.payload_size = strlen(body),
		.request_id = "",
		.now_ms = clock_wall_ms(),
		.next_ms = clock_wall_ms() };
	struct recording recording;
	struct fault why = { "" };

	assert_int_equal(ledger_record(service->ledger, &arrival, 1, &recording, &why), DONE);
	payment_free(paid);
	free(body);
	return recording.row.id;
}

/* Carry the row that is due, once. */
static enum outcome
attempt(const struct due *due, struct delivery_result *delivery, struct fault *why)
{
	struct payment *paid = NULL;
	json_t *errors = NULL;
	struct delivery_attempt it = { .id = due->id,
		.recorded_ms = due->recorded_ms,
		.failed = due->attempts,
		.deadline_ms = clock_mono_ms() + 60 * 1000,
		.lock_deadline_ms = clock_mono_ms() + 100 };
	enum outcome out;

	assert_int_equal(payment_parse(due->payload, due->payload_size, &paid, &errors), DONE);
	out = deliver(service, paid, &it, delivery, why);
	payment_free(paid);
	return out;
}

/* Carry the first row that is due, once; the outcome. */
static enum outcome
carry_once(struct delivery_result *delivery, struct fault *why)
{
	struct due due;
	enum outcome out;

	assert_int_equal(ledger_next_due(service->ledger, 0, clock_wall_ms(), &due, why), DONE);
	assert_int_not_equal(due.id, 0);
	out = attempt(&due, delivery, why);
	due_clear(&due);
	return out;
}

static enum outcome
carry(struct fault *why)
{
	struct delivery_result delivery;
	enum outcome out = carry_once(&delivery, why);

	delivery_result_clear(&delivery);
	return out;
}

/* What payment-syncd does: carry what is due, wait for what is not, until nothing is unfinished. */
#define ROUNDS_MAX 60
static void
drain(void)
{
	struct fault why = { "" };
	int64_t next_ms = 0, after = 0;
	struct due due;
	struct delivery_result delivery;
	int round;

	for (round = 0; round < ROUNDS_MAX; round++) {
		next_ms = fixture_sql_int(
		    settings->payments_db, "SELECT coalesce(min(next_ms), 0) FROM payment_events");
		if (next_ms == 0)
			return;
		if (next_ms > clock_wall_ms())
			fake_clock_pass(next_ms - clock_wall_ms());
		assert_int_equal(
		    ledger_next_due(service->ledger, after, clock_wall_ms(), &due, &why), DONE);
		after = due.id;
		if (due.id == 0)
			continue;
		if (attempt(&due, &delivery, &why) == BROKEN)
			fail_msg("%s", why.text);
		delivery_result_clear(&delivery);
		due_clear(&due);
	}
	fail_msg("still unfinished after %d rounds: %s", round, why.text);
}

/* A person puts back what failed. */
static int64_t
retry_failed(void)
{
	struct fault why = { "" };
	json_t *retried, *left;
	int64_t count;

	assert_int_equal(
	    ledger_retry_failed(service->ledger, clock_wall_ms(), &retried, &left, &why), DONE);
	count = (int64_t)json_array_size(retried);
	json_decref(retried);
	json_decref(left);
	return count;
}

static void
print_problem(void *told, const char *problem)
{
	(void)told;
	print_error("%s\n", problem);
}

static void
assert_ledger_sound(void)
{
	struct fault why = { "" };

	assert_int_equal(ledger_check(service->ledger, print_problem, NULL, &why), DONE);
}

static int64_t
ledger_int(const char *sql)
{
	return fixture_sql_int(settings->payments_db, "%s", sql);
}

static json_t *
only_lead(void)
{
	assert_int_equal(json_array_size(account.leads), 1);
	return json_array_get(account.leads, 0);
}

/*
 * The ways a payment may go when nothing fails.
 */

static const struct sample ivan = { .name = "Иван",
	.phone = "8 (999) 123-45-67",
	.email = "Ivan@example.com",
	.telegram = "123456789",
	.tag = "@ivan_petrov",
	.invoice = "inv_1" };

static void
test_new_person(void **state)
{
	struct delivery_result delivery;
	struct fault why = { "" };
	json_t *contact, *lead;
	int64_t id = record(&ivan);

	(void)state;
	assert_int_equal(carry_once(&delivery, &why), DONE);
	assert_int_equal(json_array_size(account.contacts), 1);
	contact = json_array_get(account.contacts, 0);
	assert_string_equal(json_string_value(json_object_get(contact, "name")), "Иван");
	assert_string_equal(fake_field(contact, FIELD_TG_ID), "123456789");
	assert_string_equal(fake_field(contact, FIELD_TG_USERNAME), "ivan_petrov");
	lead = only_lead();
	assert_string_equal(
	    json_string_value(json_object_get(lead, "name")), "Оплата Русский - Иван");
	assert_int_equal(number(lead, "price"), 5000);
	assert_int_equal(number(lead, "pipeline_id"), PIPELINE_SITE);
	assert_int_equal(number(lead, "status_id"), STATUS_AUTOPAY_SITE);
	assert_string_equal(fake_field(lead, FIELD_TOTAL), "5000");
	assert_string_equal(fake_field(lead, FIELD_COUNT), "1");
	assert_string_equal(fake_field(lead, FIELD_LAST_AMOUNT), "5000");
	assert_string_equal(fake_field(lead, FIELD_LAST_DATE), "1737373760");
	assert_string_equal(fake_field(lead, FIELD_PAYMENT_ID), "pay_1");
	assert_string_equal(fake_field(lead, FIELD_INVOICE_ID), "inv_1");
	assert_string_equal(fake_field(lead, FIELD_PAYMENT_STATUS), "CONFIRMED");
	assert_string_equal(fake_field(lead, FIELD_SUBJECTS), "301");
	assert_string_equal(fake_field(lead, FIELD_DIRECTION), "351");
	assert_int_equal(fake_notes(number(lead, "id"), "Payment ID: pay_1"), 1);

	assert_int_equal(delivery.contact_id, number(contact, "id"));
	assert_int_equal(delivery.lead_id, number(lead, "id"));
	assert_int_equal(delivery.pipeline_id, PIPELINE_SITE);
	assert_true(delivery.lead_created);
	assert_int_equal(json_array_size(delivery.warnings), 0);
	delivery_result_clear(&delivery);

	assert_int_equal(ledger_int("SELECT count(*) FROM payment_events WHERE status = 'success' "
				    "AND lead_created = 1"),
	    1);
	assert_int_equal(
	    fixture_sql_int(settings->payments_db,
		"SELECT contact_id FROM payment_events WHERE id = %lld", (long long)id),
	    number(contact, "id"));
	assert_ledger_sound();

	/* Three searches, a contact, its leads, a lead, a note: nothing is asked twice. */
	assert_int_equal(fake_calls("search"), 3);
	assert_int_equal(fake_calls("create"), 2);
	assert_true(account.calls <= 7);
}

#define PHONE_FIELD                                                                                \
	"{\"field_id\": 5, \"field_code\": \"PHONE\", \"values\": [{\"value\": \"+7 999 123 45 "   \
	"67\"}]}"
#define LEAD_FIELDS                                                                                \
	"[{\"field_id\": 204, \"values\": [{\"value\": \"1000.50\"}]}, {\"field_id\": 205, "       \
	"\"values\": "                                                                             \
	"[{\"value\": \"2\"}]},"                                                                   \
	" {\"field_id\": 206, \"values\": [{\"value\": 1700000000}]}, {\"field_id\": 201, "        \
	"\"values\": "                                                                             \
	"[{\"enum_id\": 302}]}]"

static void
test_known_person(void **state)
{
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");
	int64_t lead_id = fake_lead(contact_id, STATUS_ACTIVE, LEAD_FIELDS);
	struct delivery_result delivery;
	struct fault why = { "" };
	json_t *lead, *contact;

	(void)state;
	record(&ivan);
	assert_int_equal(carry_once(&delivery, &why), DONE);
	assert_int_equal(delivery.contact_id, contact_id);
	assert_int_equal(delivery.lead_id, lead_id);
	assert_false(delivery.lead_created);
	delivery_result_clear(&delivery);

	assert_int_equal(json_array_size(account.contacts), 1);
	contact = json_array_get(account.contacts, 0);
	assert_string_equal(fake_field(contact, FIELD_TG_ID), "123456789");
	lead = only_lead();
	assert_string_equal(fake_field(lead, FIELD_TOTAL), "6000.50");
	assert_string_equal(fake_field(lead, FIELD_COUNT), "3");
	assert_string_equal(fake_field(lead, FIELD_PAYMENT_ID), "pay_1");
	/* What an existing lead is, it stays. */
	assert_int_equal(number(lead, "status_id"), STATUS_ACTIVE);
	assert_int_equal(number(lead, "pipeline_id"), 400);
	assert_null(json_object_get(lead, "name"));
	assert_null(json_object_get(lead, "price"));
	assert_int_equal(fake_notes(lead_id, "Payment ID: pay_1"), 1);
	assert_ledger_sound();
}

static void
test_known_person_without_active_lead(void **state)
{
	static const int64_t finished[] = { 142, 143, STATUS_AUTOPAY_SITE, 80517738, 80579130 };
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");
	struct fault why = { "" };
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++)
		fake_lead(contact_id, finished[i], LEAD_FIELDS);
	json_object_set_new(
	    fake_entity(account.leads, fake_lead(contact_id, STATUS_ACTIVE, LEAD_FIELDS)),
	    "is_deleted", json_true());
	record(&ivan);
	assert_int_equal(carry(&why), DONE);
	assert_int_equal(json_array_size(account.leads), 7);
	for (i = 0; i < 6; i++)
		assert_string_equal(
		    fake_field(json_array_get(account.leads, i), FIELD_TOTAL), "1000.50");
	assert_string_equal(fake_field(json_array_get(account.leads, 6), FIELD_TOTAL), "5000");
	assert_ledger_sound();
}

static void
test_two_payments(void **state)
{
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");
	struct sample second = ivan;
	json_t *lead;

	(void)state;
	fake_lead(contact_id, STATUS_ACTIVE, LEAD_FIELDS);
	second.id = "pay_2";
	second.cost = "\"0.50\"";
	second.time = "2025-01-20 14:50:00";
	record(&ivan);
	record(&second);
	drain();
	lead = only_lead();
	assert_string_equal(fake_field(lead, FIELD_TOTAL), "6001");
	assert_string_equal(fake_field(lead, FIELD_COUNT), "4");
	assert_string_equal(fake_field(lead, FIELD_PAYMENT_ID), "pay_2");
	assert_int_equal(fake_notes(0, ""), 2);
	assert_ledger_sound();
}

/* A payment older than the one the lead shows adds to the sums only. */
static void
test_older_payment(void **state)
{
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");
	struct sample first = ivan;
	json_t *lead;

	(void)state;
	fake_lead(contact_id, STATUS_ACTIVE, LEAD_FIELDS);
	record(&ivan);
	first.id = "pay_0";
	first.time = "2025-01-19 00:00:00";
	first.cost = "7";
	record(&first);
	drain();
	lead = only_lead();
	assert_string_equal(fake_field(lead, FIELD_TOTAL), "6007.50");
	assert_string_equal(fake_field(lead, FIELD_COUNT), "4");
	assert_string_equal(fake_field(lead, FIELD_PAYMENT_ID), "pay_1");
	assert_string_equal(fake_field(lead, FIELD_LAST_AMOUNT), "5000");
	assert_string_equal(fake_field(lead, FIELD_LAST_DATE), "1737373760");
	assert_int_equal(fake_notes(0, "Payment ID: pay_0"), 1);
	assert_ledger_sound();
}

static void
test_nobody_known(void **state)
{
	const struct sample nobody = { 0 };

	(void)state;
	record(&nobody);
	drain();
	assert_int_equal(json_array_size(account.contacts), 1);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(account.contacts, 0), "name")),
	    "Без имени");
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "5000");
	assert_ledger_sound();
}

/* The search does not know yet whom we made a moment ago; we do. */
static void
test_search_lags(void **state)
{
	struct sample second = ivan;

	(void)state;
	account.search_lag_ms = 24 * 60 * 60 * 1000;
	second.id = "pay_2";
	second.telegram = NULL;
	record(&ivan);
	record(&second);
	drain();
	assert_int_equal(json_array_size(account.contacts), 1);
	/* A lead of the autopay stage is finished business: the second payment gets its own. */
	assert_int_equal(json_array_size(account.leads), 2);
	assert_ledger_sound();
}

/*
 * Refusals.
 */

static void
test_contact_not_found(void **state)
{
	struct delivery_result delivery;
	struct fault why = { "" };

	(void)state;
	fixture_set("CREATE_IF_NOT_FOUND", "False");
	reload();
	record(&ivan);
	assert_int_equal(carry_once(&delivery, &why), NEVER);
	assert_string_equal(delivery.not_found, "contact_not_found");
	delivery_result_clear(&delivery);
	assert_int_equal(json_array_size(account.contacts), 0);
	assert_int_equal(
	    ledger_int("SELECT count(*) FROM payment_events WHERE status = 'failed' AND "
		       "error_message = 'contact_not_found'"),
	    1);
	assert_ledger_sound();
}

static void
test_lead_not_found(void **state)
{
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");
	struct delivery_result delivery;
	struct fault why = { "" };

	(void)state;
	fake_lead(contact_id, 142, "null");
	fixture_set("CREATE_IF_NOT_FOUND", "False");
	reload();
	record(&ivan);
	assert_int_equal(carry_once(&delivery, &why), NEVER);
	assert_string_equal(delivery.not_found, "lead_not_found");
	assert_int_equal(delivery.contact_id, contact_id);
	delivery_result_clear(&delivery);
	assert_int_equal(json_array_size(account.leads), 1);

	/* When a person has made one, the payment finds it. */
	fake_lead(contact_id, STATUS_ACTIVE, "null");
	assert_int_equal(retry_failed(), 1);
	assert_int_equal(carry(&why), DONE);
	assert_string_equal(fake_field(json_array_get(account.leads, 1), FIELD_TOTAL), "5000");
	assert_ledger_sound();
}

static void
test_refused_for_good(void **state)
{
	struct delivery_result delivery;
	struct fault why = { "" };

	(void)state;
	record(&ivan);
	account.always = NEVER;
	assert_int_equal(carry_once(&delivery, &why), NEVER);
	assert_null(delivery.not_found);
	assert_string_equal(why.text, "the account fails on command");
	delivery_result_clear(&delivery);
	assert_int_equal(
	    ledger_int("SELECT count(*) FROM payment_events WHERE status = 'failed'"), 1);
	/* It rests until a person has it tried again. */
	account.always = DONE;
	drain();
	assert_int_equal(json_array_size(account.contacts), 0);
	assert_int_equal(retry_failed(), 1);
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "5000");
	assert_ledger_sound();
}

/* A number that a manager mistyped is not overwritten. */
static void
test_unreadable_total(void **state)
{
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");
	struct fault why = { "" };

	(void)state;
	fake_lead(contact_id, STATUS_ACTIVE,
	    "[{\"field_id\": 204, \"values\": [{\"value\": \"пять тысяч\"}]}]");
	record(&ivan);
	assert_int_equal(carry(&why), NEVER);
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "пять тысяч");
	fake_set_field(only_lead(), FIELD_TOTAL, "5000");
	assert_int_equal(retry_failed(), 1);
	assert_int_equal(carry(&why), DONE);
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "10000");
	assert_ledger_sound();
}

/* Refused fields are dropped, and ledger, warning and note say which. */
static void
test_dropped_fields(void **state)
{
	struct delivery_result delivery;
	struct fault why = { "" };

	(void)state;
	json_array_append_new(account.refused, json_integer(FIELD_SUBJECTS));
	json_array_append_new(account.refused, json_string("_YM_UID"));
	json_array_append_new(account.refused, json_integer(FIELD_TG_ID));
	record(&ivan);
	assert_int_equal(carry_once(&delivery, &why), DONE);
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "5000");
	assert_int_equal(fake_notes(0, "Не записаны поля: Telegram ID (101), Предметы (201)"), 1);
	assert_string_equal(json_string_value(json_array_get(delivery.warnings, 0)),
	    "amoCRM refused fields [101,201]; the rest was written");
	delivery_result_clear(&delivery);
	assert_int_equal(
	    ledger_int("SELECT count(*) FROM delivery WHERE dropped = '[101,201]'"), 1);
	assert_ledger_sound();
}

static void
test_unmapped_subject(void **state)
{
	struct sample sample = ivan;
	struct delivery_result delivery;
	struct fault why = { "" };

	(void)state;
	sample.subject = "Астрономия";
	record(&sample);
	assert_int_equal(carry_once(&delivery, &why), DONE);
	assert_int_equal(fake_notes(0, "Предметы без соответствия в amoCRM: Астрономия"), 1);
	assert_string_equal(json_string_value(json_array_get(delivery.warnings, 0)),
	    "no rule for subject \"Астрономия\"");
	delivery_result_clear(&delivery);
	assert_string_equal(fake_field(only_lead(), FIELD_SUBJECTS), "");
	assert_ledger_sound();
}

/*
 * Waiting.
 */

static void
test_counts_attempts(void **state)
{
	struct delivery_result delivery;
	struct fault why = { "" };
	int64_t now_ms;

	(void)state;
	record(&ivan);
	account.always = LATER;
	now_ms = clock_wall_ms();
	assert_int_equal(carry_once(&delivery, &why), LATER);
	assert_in_range(
	    delivery.next_ms - now_ms, DELIVER_WAIT_MIN_MS / 2, DELIVER_WAIT_MIN_MS + 200);
	assert_int_equal(
	    ledger_int(
		"SELECT count(*) FROM payment_events WHERE status = 'pending' AND retry_count = 1"),
	    1);
	assert_int_equal(ledger_int("SELECT next_ms FROM payment_events"), delivery.next_ms);
	delivery_result_clear(&delivery);

	/* Each wait is longer, up to a quarter of an hour. */
	fixture_sql(
	    settings->payments_db, "UPDATE payment_events SET retry_count = 50, next_ms = 1");
	now_ms = clock_wall_ms();
	assert_int_equal(carry_once(&delivery, &why), LATER);
	assert_in_range(
	    delivery.next_ms - now_ms, DELIVER_WAIT_MAX_MS / 2, DELIVER_WAIT_MAX_MS + 200);
	delivery_result_clear(&delivery);
	assert_ledger_sound();
}

static void
test_gives_up_by_age(void **state)
{
	struct fault why = { "" };

	(void)state;
	record(&ivan);
	account.always = LATER;
	fake_clock_pass(72 * INT64_C(3600000) - 10000);
	assert_int_equal(carry(&why), LATER);
	fake_clock_pass(60 * 1000);
	/* Age alone says little: it may have been an outage in which nothing was tried. */
	assert_int_equal(carry(&why), LATER);
	fixture_sql(
	    settings->payments_db, "UPDATE payment_events SET retry_count = 50, next_ms = 1");
	assert_int_equal(carry(&why), NEVER);
	assert_non_null(strstr(why.text, "given up after 72 hours"));
	assert_non_null(strstr(why.text, "fails on command"));
	assert_int_equal(
	    ledger_int("SELECT count(*) FROM payment_events WHERE status = 'failed'"), 1);
	/* A retry begins a new age. */
	assert_int_equal(retry_failed(), 1);
	assert_int_equal(carry(&why), LATER);
	account.always = DONE;
	drain();
	assert_ledger_sound();
}

/* Too many share a Telegram id that is none: the phone tells who it is. */
static void
test_search_that_tells_nothing(void **state)
{
	struct delivery_result delivery;
	struct fault why = { "" };
	int64_t contact = fake_contact("[" PHONE_FIELD "]");

	(void)state;
	record(&ivan);
	account.failures[0].call = 1;
	account.failures[0].when = FAIL_BEFORE;
	account.failures[0].outcome = NEVER;
	assert_int_equal(carry_once(&delivery, &why), DONE);
	assert_int_equal(delivery.contact_id, contact);
	assert_non_null(
	    strstr(json_string_value(json_array_get(delivery.warnings, 0)), "tells nothing"));
	delivery_result_clear(&delivery);
}

/* If nothing else tells, nobody is taken for new. */
static void
test_searches_that_tell_nothing(void **state)
{
	struct fault why = { "" };

	(void)state;
	record(&(struct sample){ .id = "pay_1", .telegram = "111111" });
	account.failures[0].call = 1;
	account.failures[0].when = FAIL_BEFORE;
	account.failures[0].outcome = NEVER;
	assert_int_equal(carry(&why), NEVER);
	assert_int_equal(json_array_size(account.contacts), 0);
}

/* While amoCRM refuses everybody nothing is used up. */
static void
test_breaker_costs_nothing(void **state)
{
	struct delivery_result delivery;
	struct fault why = { "" };
	int64_t now_ms;

	(void)state;
	record(&ivan);
	account.always = LATER;
	fake_clock_pass(100 * INT64_C(3600000));
	limiter_break(service->limiter, 401);
	now_ms = clock_wall_ms();
	assert_int_equal(carry_once(&delivery, &why), LATER);
	/* Nor does it wait for long: the breaker keeps everybody from calling, and may be closed any moment. */
	assert_in_range(delivery.next_ms - now_ms, 1, DELIVER_WAIT_MIN_MS + 200);
	delivery_result_clear(&delivery);
	assert_int_equal(ledger_int("SELECT retry_count FROM payment_events"), 0);

	limiter_close_breaker(service->limiter);
	account.always = DONE;
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "5000");
	assert_ledger_sound();
}

/* Somebody else has the payer in hand: the row is left to them. */
static void
test_payer_in_hand(void **state)
{
	struct payment *paid = sample_payment(&ivan);
	struct identity who[IDENTITIES_MAX];
	struct locks *others = NULL;
	struct delivery_result delivery;
	struct fault why = { "" };
	int64_t now_ms, next_ms;

	(void)state;
	payment_identities(paid, who);
	record(&ivan);
	next_ms = ledger_int("SELECT next_ms FROM payment_events");
	assert_int_equal(lock_open(fixture_path("run/locks"), &others, &why), DONE);
	assert_int_equal(
	    lock_take(others, LOCK_CUSTOMER, &who[1].hash, 1, clock_mono_ms(), &why), DONE);
	now_ms = clock_wall_ms();
	assert_int_equal(carry_once(&delivery, &why), LATER);
	assert_int_equal(delivery.next_ms, 0);
	delivery_result_clear(&delivery);
	assert_true(clock_wall_ms() - now_ms < 1000);
	assert_int_equal(account.calls, 0);
	assert_int_equal(ledger_int("SELECT next_ms FROM payment_events"), next_ms);
	assert_int_equal(ledger_int("SELECT retry_count FROM payment_events"), 0);
	lock_close(others);
	assert_int_equal(carry(&why), DONE);
	payment_free(paid);
}

/* The contact in hand (another identity's payer): waiting is not counted. */
static void
test_contact_in_hand(void **state)
{
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");
	struct locks *others = NULL;
	struct fault why = { "" };

	(void)state;
	record(&ivan);
	assert_int_equal(lock_open(fixture_path("run/locks"), &others, &why), DONE);
	assert_int_equal(
	    lock_take(others, LOCK_CONTACT, &contact_id, 1, clock_mono_ms(), &why), DONE);
	assert_int_equal(carry(&why), LATER);
	assert_int_equal(
	    ledger_int(
		"SELECT count(*) FROM payment_events WHERE status = 'pending' AND retry_count = 0"),
	    1);
	lock_close(others);
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "5000");
	assert_ledger_sound();
}

/* While it is not known what became of one payment, another of the same payer waits, uncounted. */
static void
test_waits_for_an_open_intent(void **state)
{
	struct sample second = ivan;
	struct delivery_result delivery;
	struct fault why = { "" };
	struct due due;
	int64_t now_ms;

	(void)state;
	second.id = "pay_2";
	record(&ivan);
	record(&second);
	account.failures[0].call = 4; /* The contact's creation. */
	account.failures[0].when = FAIL_AFTER;
	account.failures[0].outcome = UNSURE;
	assert_int_equal(carry(&why), LATER);
	assert_int_equal(fake_calls("create contacts"), 1);

	assert_int_equal(ledger_next_due(service->ledger, 1, clock_wall_ms(), &due, &why), DONE);
	assert_int_equal(due.id, 2);
	fake_clock_pass(100 * INT64_C(3600000));
	now_ms = clock_wall_ms();
	assert_int_equal(attempt(&due, &delivery, &why), LATER);
	/* It is about to be settled, so the wait is short. */
	assert_in_range(delivery.next_ms - now_ms, 0, DELIVER_WAIT_MIN_MS + 200);
	assert_int_equal(account.calls, 4);
	assert_int_equal(ledger_int("SELECT retry_count FROM payment_events WHERE id = 2"), 0);
	delivery_result_clear(&delivery);
	due_clear(&due);

	drain();
	assert_int_equal(json_array_size(account.contacts), 1);
	assert_ledger_sound();
}

/* A lost answer is looked into only when amoCRM had time to show what became of it. */
static void
test_lost_answer_settles(void **state)
{
	struct delivery_result delivery;
	struct fault why = { "" };
	int calls;

	(void)state;
	record(&ivan);
	account.failures[0].call = 4;
	account.failures[0].when = FAIL_BEFORE;
	account.failures[0].outcome = UNSURE;
	assert_int_equal(carry(&why), LATER);
	fixture_sql(settings->payments_db, "UPDATE payment_events SET next_ms = 1");
	calls = account.calls;
	assert_int_equal(carry_once(&delivery, &why), LATER);
	assert_int_equal(account.calls, calls);
	assert_true(delivery.next_ms >= ledger_int("SELECT intent_ms + 10000 FROM delivery"));
	delivery_result_clear(&delivery);
	drain();
	assert_int_equal(json_array_size(account.contacts), 1);
	assert_ledger_sound();
}

/* A row that somebody else finished is nobody's any more. */
static void
test_finished_meanwhile(void **state)
{
	struct delivery_result delivery;
	struct fault why = { "" };
	struct due due;
	int calls;

	(void)state;
	record(&ivan);
	assert_int_equal(ledger_next_due(service->ledger, 0, clock_wall_ms(), &due, &why), DONE);
	drain();
	calls = account.calls;
	assert_int_equal(attempt(&due, &delivery, &why), DONE);
	assert_int_equal(account.calls, calls);
	assert_int_equal(delivery.lead_id, 0);
	delivery_result_clear(&delivery);
	due_clear(&due);
}

/* A process that dies holds its row until the lease is over; then another goes on. */
static void
test_lease(void **state)
{
	struct fault why = { "" };
	bool claimed = false;
	struct due due;
	int64_t id;

	(void)state;
	id = record(&ivan);
	assert_int_equal(
	    ledger_claim(service->ledger, id, 0, clock_wall_ms() + 65000, &claimed, &why), DONE);
	assert_true(claimed);
	assert_int_equal(ledger_next_due(service->ledger, 0, clock_wall_ms(), &due, &why), DONE);
	assert_int_equal(due.id, 0);
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "5000");
	assert_ledger_sound();
}

/*
 * Others at work in the account.
 */

static void
vanish_contact(int call, bool after)
{
	(void)call, (void)after;
	if (fake_calls("update contacts") > 0) {
		json_array_clear(account.contacts);
		account.meanwhile = NULL;
	}
}

/* A contact that was merged away between two attempts is looked for again. */
static void
test_contact_vanishes(void **state)
{
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");

	(void)state;
	fake_lead(contact_id, 142, "null");
	account.meanwhile = vanish_contact;
	record(&ivan);
	account.failures[0].call = 5; /* Reading its leads. */
	account.failures[0].outcome = LATER;
	drain();
	assert_int_equal(json_array_size(account.contacts), 1);
	assert_true(number(json_array_get(account.contacts, 0), "id") != contact_id);
	assert_int_equal(json_array_size(account.leads), 2);
	assert_ledger_sound();
}

/*
 * Every failure at every call.
 */

struct scenario {
	const char *name;
	const char *variables[6]; /* Name, value, ... */
	bool contact_known, active_lead, finished_lead, two_payments, older;
	bool pairs; /* Also tried with two failures. */
	int64_t lag_ms;
};

#define DAY_MS INT64_C(86400000)

static const struct scenario scenarios[] = {
	{ .name = "new person" },
	{ .name = "new person, lagging search", .lag_ms = DAY_MS },
	{ .name = "known person with an active lead", .contact_known = true, .active_lead = true },
	{ .name = "known person without an active lead",
	    .contact_known = true,
	    .finished_lead = true },
	{ .name = "known person without a lead", .contact_known = true },
	{ .name = "older payment", .contact_known = true, .active_lead = true, .older = true },
	{ .name = "two payments of a new person", .two_payments = true },
	{ .name = "two payments of a new person, lagging search",
	    .two_payments = true,
	    .lag_ms = DAY_MS,
	    .pairs = true },
	{ .name = "two payments into an active lead",
	    .contact_known = true,
	    .active_lead = true,
	    .two_payments = true,
	    .pairs = true },
	{ .name = "two older payments",
	    .contact_known = true,
	    .active_lead = true,
	    .two_payments = true,
	    .older = true },
	{ .name = "leads carry no payment id, active lead",
	    .variables = { "AMO_LEAD_FIELD_PAYMENT_ID", NULL },
	    .contact_known = true,
	    .active_lead = true,
	    .two_payments = true },
	{ .name = "leads carry no payment id, new lead",
	    .variables = { "AMO_LEAD_FIELD_PAYMENT_ID", NULL },
	    .two_payments = true },
	{ .name = "leads are searched for",
	    .variables = { "AMO_LEAD_LOOKUP", "query" },
	    .contact_known = true,
	    .active_lead = true,
	    .two_payments = true },
};

/* The total and count of the lead that is there already. */
#define BASE_KOPECKS 100050
#define BASE_COUNT   2

static void
begin_scenario(const struct scenario *it)
{
	struct sample first = ivan, second = ivan;
	int64_t contact_id;

	fixture_begin();
	if (it->variables[0] != NULL)
		fixture_set(it->variables[0], it->variables[1]);
	fake_clock_reset();
	fake_amocrm_reset();
	account.search_lag_ms = it->lag_ms;
	settings = fixture_settings();
	assert_int_equal(service_open(settings, &service, &(struct fault){ "" }), DONE);
	if (it->contact_known) {
		contact_id = fake_contact("[" PHONE_FIELD "]");
		if (it->active_lead)
			fake_lead(contact_id, STATUS_ACTIVE, LEAD_FIELDS);
		if (it->finished_lead)
			fake_lead(contact_id, 142, LEAD_FIELDS);
	}
	second.id = "pay_2";
	second.cost = "700";
	second.time = "2025-01-20 15:00:00";
	if (it->older) {
		first.time = "2020-01-01 00:00:00";
		second.time = "2020-01-02 00:00:00";
	}
	record(&first);
	if (it->two_payments)
		record(&second);
}

static void
end_scenario(void)
{
	service_close(service);
	settings_free(settings);
	fixture_end();
}

static int64_t
total_of(const json_t *lead)
{
	int64_t kopecks = -1;

	assert_true(money_parse(fake_field(lead, FIELD_TOTAL), &kopecks));
	return kopecks;
}

#define check(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return #condition;                                                         \
	} while (0)

static const char *
problem_with_leads(const struct scenario *it)
{
	int64_t sum = it->two_payments ? 570000 : 500000, payments = it->two_payments ? 2 : 1;
	int64_t added = 0, counted = 0;
	size_t i, there = it->active_lead || it->finished_lead, made;
	json_t *lead;

	/* Into the active lead, or each into one of its own, as a new one is in an autopay stage at once. */
	made = it->active_lead ? 0 : (size_t)payments;
	check(json_array_size(account.leads) == there + made);
	json_array_foreach(account.leads, i, lead) {
		check(is_linked(lead, number(json_array_get(account.contacts, 0), "id")));
		added += total_of(lead);
		counted += atoll(fake_field(lead, FIELD_COUNT));
	}
	check(added == sum + (int64_t)there * BASE_KOPECKS);
	check(counted == payments + (int64_t)there * BASE_COUNT);
	if (it->finished_lead)
		check(total_of(json_array_get(account.leads, 0)) == BASE_KOPECKS);
	if (it->active_lead && it->older)
		check(*fake_field(json_array_get(account.leads, 0), FIELD_PAYMENT_ID) == '\0');
	else if (it->active_lead && it->variables[0] == NULL)
		check(strcmp(fake_field(json_array_get(account.leads, 0), FIELD_PAYMENT_ID),
			  it->two_payments ? "pay_2" : "pay_1") == 0);
	return NULL;
}

/* What is not as it must be; NULL when all is well. */
static const char *
problem(const struct scenario *it)
{
	int64_t payments = it->two_payments ? 2 : 1;
	struct fault why = { "" };
	const char *leads;

	check(
	    ledger_int("SELECT count(*) FROM payment_events WHERE status = 'success'") == payments);
	check(json_array_size(account.contacts) == 1);
	if ((leads = problem_with_leads(it)) != NULL)
		return leads;
	check(fake_notes(0, "Payment ID: pay_1") == 1);
	check(fake_notes(0, "Payment ID: pay_2") == it->two_payments);
	check(json_array_size(account.notes) == (size_t)payments);
	check(ledger_check(service->ledger, print_problem, NULL, &why) == DONE);
	return NULL;
}

static const struct {
	const char *name;
	enum fake_when when;
	enum outcome outcome;
} kinds[] = {
	{ "did nothing, and we know", FAIL_BEFORE, LATER },
	{ "did it, and we do not know", FAIL_AFTER, UNSURE },
	{ "did nothing, and we do not know", FAIL_BEFORE, UNSURE },
	{ "was refused", FAIL_BEFORE, NEVER },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Carry on until all is done; what failed is put back by a person, a few times. */
static void
carry_to_the_end(void)
{
	int times;

	for (times = 0; times < 3; times++) {
		drain();
		if (retry_failed() == 0)
			return;
	}
	drain();
}

static void
fail_at(int slot, int call, size_t kind)
{
	account.failures[slot].call = call;
	account.failures[slot].when = kinds[kind].when;
	account.failures[slot].outcome = kinds[kind].outcome;
}

/* How many calls a scenario takes when nothing fails. */
static int
calls_needed(const struct scenario *it)
{
	const char *wrong;
	int calls;

	begin_scenario(it);
	drain();
	if ((wrong = problem(it)) != NULL)
		fail_msg("%s: %s\n%s", it->name, wrong, account.log);
	calls = account.calls;
	end_scenario();
	return calls;
}

static void
test_each_failure_at_each_call(void **state)
{
	size_t s, kind;
	int calls, call, tried = 0, failed = 0;

	(void)state;
	for (s = 0; s < sizeof(scenarios) / sizeof(scenarios[0]); s++) {
		calls = calls_needed(&scenarios[s]);
		for (call = 1; call <= calls; call++) {
			for (kind = 0; kind < KINDS; kind++) {
				const char *wrong;

				begin_scenario(&scenarios[s]);
				fail_at(0, call, kind);
				carry_to_the_end();
				tried++;
				if ((wrong = problem(&scenarios[s])) != NULL) {
					failed++;
					print_error("%s, call %d %s: %s\n%s\n", scenarios[s].name,
					    call, kinds[kind].name, wrong, account.log);
				}
				end_scenario();
			}
		}
	}
	print_message("%d cases\n", tried);
	assert_int_equal(failed, 0);
}

/* Two failures of a scenario; whether all was well in the end. */
static bool
survives(const struct scenario *it, int call, size_t kind, int other, size_t other_kind)
{
	const char *wrong;

	begin_scenario(it);
	fail_at(0, call, kind);
	fail_at(1, other, other_kind);
	carry_to_the_end();
	if ((wrong = problem(it)) != NULL)
		print_error("%s, call %d %s, call %d %s: %s\n%s\n", it->name, call,
		    kinds[kind].name, other, kinds[other_kind].name, wrong, account.log);
	end_scenario();
	return wrong == NULL;
}

/* How soon the second of two failures comes. */
#define SECOND_WITHIN 5

/* A second failure while the first is being made good.  All scenarios take a minute: only when ALL_PAIRS is set. */
static bool all_pairs;

static void
test_each_pair_of_failures(void **state)
{
	size_t s, kind, other_kind, least = all_pairs ? 0 : 1, end;
	int calls, call, other, tried = 0, failed = 0;

	(void)state;
	for (s = 0; s < sizeof(scenarios) / sizeof(scenarios[0]); s++) {
		if (!scenarios[s].pairs && !all_pairs)
			continue;
		/* A refused payment rests with its question open and keeps nobody waiting: a person of whom the search
		 * knows nothing for a whole day could then be made twice. */
		end = all_pairs && scenarios[s].lag_ms == 0 ? KINDS : KINDS - 1;
		calls = calls_needed(&scenarios[s]);
		for (call = 1; call <= calls && failed < 10; call++)
			for (other = call + 1; other <= call + SECOND_WITHIN; other++)
				for (kind = least; kind < end; kind++)
					for (other_kind = least; other_kind < end;
					    other_kind++, tried++)
						failed += !survives(
						    &scenarios[s], call, kind, other, other_kind);
	}
	print_message("%d cases\n", tried);
	assert_int_equal(failed, 0);
}

/*
 * Payments that failed with an intent open and were taken up again, after others came to the same lead.
 */

#define GIVEN_UP_MS (73 * INT64_C(3600000))

static const struct sample first_sale = { .id = "pay_C", .phone = "89991234567", .cost = "1000" };
static const struct sample second_sale = {
	.id = "pay_A", .phone = "89991234567", .cost = "200", .time = "2025-01-20 14:59:20"
};

/* Carry that row as if it had been recorded so long ago, and had failed often. */
static enum outcome
carry_row(int64_t id, int64_t age_ms, struct fault *why)
{
	struct delivery_result delivery;
	struct due due;
	enum outcome out;

	assert_int_equal(
	    ledger_next_due(service->ledger, id - 1, clock_wall_ms() + 3600000, &due, why), DONE);
	assert_int_equal(due.id, id);
	due.recorded_ms -= age_ms;
	due.attempts += age_ms > 0 ? 100 : 0;
	out = attempt(&due, &delivery, why);
	delivery_result_clear(&delivery);
	due_clear(&due);
	return out;
}

/* The answer of the n-th call from now on is lost. */
static void
lose_answer(int n)
{
	account.failures[0].call = account.calls + n;
	account.failures[0].when = FAIL_AFTER;
	account.failures[0].outcome = UNSURE;
}

/* The first one was added unheard and given up; the second, on what that left, unheard too. */
static void
two_on_one_lead(int64_t *first, int64_t *second)
{
	struct fault why = { "" };

	fake_lead(fake_contact("[" PHONE_FIELD "]"), STATUS_ACTIVE,
	    "[{\"field_id\": 204, \"values\": [{\"value\": \"7\"}]}]");
	*first = record(&first_sale);
	lose_answer(3);
	assert_int_equal(carry_row(*first, GIVEN_UP_MS, &why), NEVER);
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1007");
	fake_clock_pass(60000);
	*second = record(&second_sale);
	lose_answer(3);
	assert_int_equal(carry_row(*second, 0, &why), LATER);
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1207");
}

static void
test_retried_beside_a_younger_one(void **state)
{
	struct fault why = { "" };
	int64_t first, second;

	(void)state;
	two_on_one_lead(&first, &second);
	assert_int_equal(retry_failed(), 1);
	assert_ledger_sound();
	/* It waits until it is known what became of the other. */
	assert_int_equal(carry_row(first, 0, &why), LATER);
	assert_non_null(strstr(why.text, "waiting for another payment"));
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1207");
	assert_string_equal(fake_field(only_lead(), FIELD_COUNT), "2");
	assert_ledger_sound();
}

static void
test_retried_beside_a_younger_one_that_failed(void **state)
{
	struct fault why = { "" };
	int64_t first, second;

	(void)state;
	two_on_one_lead(&first, &second);
	fake_clock_pass(20000);
	account.always = LATER;
	assert_int_equal(carry_row(second, GIVEN_UP_MS, &why), NEVER);
	account.always = DONE;
	/* The older one alone, then the other. */
	fixture_sql(settings->payments_db,
	    "UPDATE payment_events SET status = 'pending', next_ms = 1, recorded_ms = %lld WHERE "
	    "id = %lld",
	    (long long)clock_wall_ms(), (long long)first);
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1207");
	assert_int_equal(retry_failed(), 1);
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1207");
	assert_string_equal(fake_field(only_lead(), FIELD_COUNT), "2");
	assert_ledger_sound();
}

/* A lead that was created unheard is known again though it shows by now who paid next. */
static void
test_created_unheard_and_paid_into(void **state)
{
	struct fault why = { "" };
	json_t *lead;

	(void)state;
	fake_contact("[" PHONE_FIELD "]");
	lose_answer(2);
	assert_int_equal(carry_row(record(&first_sale), GIVEN_UP_MS, &why), NEVER);
	lead = only_lead();
	json_object_set_new(lead, "status_id", json_integer(STATUS_ACTIVE));
	fake_clock_pass(60000);
	record(&second_sale);
	drain();
	assert_string_equal(fake_field(lead, FIELD_TOTAL), "1200");
	assert_int_equal(retry_failed(), 1);
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1200");
	assert_string_equal(fake_field(only_lead(), FIELD_COUNT), "2");
	assert_int_equal(fake_notes(number(lead, "id"), "Payment ID: pay_C"), 1);
	assert_ledger_sound();
}

/* The contact was merged into another while it was unknown whether its lead had been created. */
static void
test_merged_while_unsure_of_a_lead(void **state)
{
	struct fault why = { "" };
	int64_t merged, into;

	(void)state;
	merged = fake_contact("[" PHONE_FIELD "]");
	record(&first_sale);
	lose_answer(2);
	assert_int_equal(carry(&why), LATER);
	/* An account that has no field for the id: only our intent tells what to look for. */
	json_object_set_new(only_lead(), "custom_fields_values",
	    json_pack("[{s:i, s:[{s:s}]}]", "field_id", 204, "values", "value", "1000"));
	into = fake_contact("[" PHONE_FIELD "]");
	json_object_set_new(
	    only_lead(), "_embedded", json_pack("{s:[{s:I}]}", "contacts", "id", (json_int_t)into));
	assert_int_equal(number(json_array_get(account.contacts, 0), "id"), merged);
	json_array_remove(account.contacts, 0);
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1000");
	assert_int_equal(ledger_int("SELECT contact_id FROM payment_events"), into);
	assert_ledger_sound();
}

static void
put_note(int64_t lead_id, const char *text)
{
	json_array_append_new(account.notes,
	    json_pack("{s:I, s:I, s:{s:s}}", "id", (json_int_t)account.next_id++, "entity_id",
		(json_int_t)lead_id, "params", "text", text));
}

/* The ledger was restored from an older copy, and the platform sends again what it does not know. */
static void
test_lead_shows_what_the_ledger_forgot(void **state)
{
	static const int stages[] = { STATUS_ACTIVE, STATUS_AUTOPAY_SITE };
	size_t i;

	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		fake_lead(fake_contact("[" PHONE_FIELD "]"), stages[i],
		    "[{\"field_id\": 204, \"values\": [{\"value\": \"1000\"}]},"
		    "{\"field_id\": 205, \"values\": [{\"value\": \"1\"}]},"
		    "{\"field_id\": 207, \"values\": [{\"value\": \"pay_C\"}]}]");
		put_note(number(only_lead(), "id"), "Payment ID: pay_C");
		record(&first_sale);
		drain();
		assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1000");
		assert_string_equal(fake_field(only_lead(), FIELD_COUNT), "1");
		assert_int_equal(fake_notes(number(only_lead(), "id"), "Payment ID: pay_C"), 1);
		assert_ledger_sound();
		tear_down(state);
		set_up(state);
	}
}

static enum fake_when lost_when;

/* The answer to the first change or creation of a lead is lost. */
static void
lose_first_change(int call, bool after)
{
	if (!after && fake_calls("update leads") + fake_calls("create leads") == 1 &&
	    account.failures[0].call == 0) {
		account.failures[0].call = call;
		account.failures[0].when = lost_when;
		account.failures[0].outcome = UNSURE;
	}
}

/* A manager wrote the id there beforehand: that adds nothing, and is no proof that we did. */
static void
test_id_written_beforehand(void **state)
{
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");
	int64_t lead_id = fake_lead(contact_id, STATUS_ACTIVE,
	    "[{\"field_id\": 204, \"values\": [{\"value\": \"1000\"}]},"
	    "{\"field_id\": 205, \"values\": [{\"value\": \"1\"}]},"
	    "{\"field_id\": 207, \"values\": [{\"value\": \"pay_C\"}]}]");

	(void)state;
	put_note(lead_id, "Payment ID: pay_B");
	record(&first_sale);
	drain();
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "2000");
	assert_string_equal(fake_field(only_lead(), FIELD_COUNT), "2");
	assert_int_equal(fake_notes(lead_id, "Payment ID: pay_C"), 1);
	assert_ledger_sound();
}

/* The same, and the answer to our change is lost, be it carried out or not. */
static void
test_id_written_beforehand_and_lost(void **state)
{
	static const enum fake_when when[] = { FAIL_BEFORE, FAIL_AFTER };
	size_t i;

	for (i = 0; i < 2; i++) {
		fake_lead(fake_contact("[" PHONE_FIELD "]"), STATUS_ACTIVE,
		    "[{\"field_id\": 204, \"values\": [{\"value\": \"1000\"}]},"
		    "{\"field_id\": 205, \"values\": [{\"value\": \"1\"}]},"
		    "{\"field_id\": 207, \"values\": [{\"value\": \"pay_C\"}]}]");
		record(&first_sale);
		account.meanwhile = lose_first_change;
		lost_when = when[i];
		drain();
		account.meanwhile = NULL;
		assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "2000");
		assert_string_equal(fake_field(only_lead(), FIELD_COUNT), "2");
		assert_ledger_sound();
		tear_down(state);
		set_up(state);
	}
}

/* A finished lead with the id is not the one that a lost creation made. */
static void
test_id_written_into_a_finished_lead(void **state)
{
	int64_t contact_id = fake_contact("[" PHONE_FIELD "]");

	(void)state;
	fake_lead(contact_id, STATUS_AUTOPAY_SITE,
	    "[{\"field_id\": 207, \"values\": [{\"value\": \"pay_C\"}]}]");
	record(&first_sale);
	account.meanwhile = lose_first_change;
	lost_when = FAIL_BEFORE;
	drain();
	account.meanwhile = NULL;
	assert_int_equal(json_array_size(account.leads), 2);
	assert_string_equal(fake_field(json_array_get(account.leads, 1), FIELD_TOTAL), "1000");
	assert_ledger_sound();
}

/* The lead vanishes before its note is written; what it was merged into has our amount, or there is
 * none. */
static const char *merged_fields;
static void
vanish_before_note(int call, bool after)
{
	int64_t contact_id = number(json_array_get(account.contacts, 0), "id");

	if (after || fake_calls("note ") != 1)
		return;
	account.meanwhile = NULL;
	account.failures[0].call = call;
	account.failures[0].when = FAIL_BEFORE;
	account.failures[0].outcome = NEVER;
	json_array_clear(account.leads);
	if (merged_fields != NULL)
		fake_lead(contact_id, STATUS_ACTIVE, merged_fields);
}

static void
test_lead_vanishes_before_its_note(void **state)
{
	static const char *const merged[] = { NULL,
		"[{\"field_id\": 204, \"values\": [{\"value\": \"1000\"}]},"
		"{\"field_id\": 205, \"values\": [{\"value\": \"1\"}]},"
		"{\"field_id\": 207, \"values\": [{\"value\": \"pay_C\"}]}]" };
	size_t i;

	for (i = 0; i < 2; i++) {
		fake_lead(fake_contact("[" PHONE_FIELD "]"), STATUS_ACTIVE, "null");
		record(&first_sale);
		merged_fields = merged[i];
		account.meanwhile = vanish_before_note;
		drain();
		assert_int_equal(
		    ledger_int("SELECT count(*) FROM payment_events WHERE status = 'success'"), 1);
		assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1000");
		assert_string_equal(fake_field(only_lead(), FIELD_COUNT), "1");
		assert_int_equal(fake_notes(number(only_lead(), "id"), "Payment ID: pay_C"), 1);
		assert_ledger_sound();
		tear_down(state);
		set_up(state);
	}
}

/*
 * Two payments that know one contact by different identities: only the contact's lock keeps them apart, and what was read
 * before it was had may be old.
 */

static struct service *other;
static const struct sample *others_sale;

/* Another process carries its payment once ours has found the contact by phone. */
static void
other_carries(int call, bool after)
{
	struct service *ours = service;
	struct fault why = { "" };
	struct delivery_result delivery;
	struct due due;

	(void)call;
	if (!after || others_sale == NULL || fake_calls("search contacts 9991234567") == 0)
		return;
	service = other;
	record(others_sale);
	others_sale = NULL;
	assert_int_equal(ledger_next_due(service->ledger, 1, clock_wall_ms(), &due, &why), DONE);
	assert_int_equal(attempt(&due, &delivery, &why), DONE);
	delivery_result_clear(&delivery);
	due_clear(&due);
	service = ours;
}

static void
carry_while_another_does(const struct sample *ours, const struct sample *theirs)
{
	struct fault why = { "" };

	assert_int_equal(service_open(settings, &other, &why), DONE);
	others_sale = theirs;
	account.meanwhile = other_carries;
	record(ours);
	drain();
	account.meanwhile = NULL;
	assert_null(others_sale);
	service_close(other);
}

static void
test_lead_made_meanwhile(void **state)
{
	static const struct sample by_phone = {
		.id = "pay_B", .phone = "89991234567", .cost = "1000"
	};
	static const struct sample by_telegram = {
		.id = "pay_A", .telegram = "123456", .cost = "200"
	};
	FILE *rules = fopen(fixture_path("rules.json"), "w");

	(void)state;
	/* Without this a new lead would be finished business, and each would rightly make its own. */
	fputs("{\"version\": 1, \"extends\": \"builtin\", \"excluded_stages\": []}", rules);
	fclose(rules);
	fixture_set("PAYMENT_MAPPING", fixture_path("rules.json"));
	reload();
	fake_contact(
	    "[" PHONE_FIELD ", {\"field_id\": 101, \"values\": [{\"value\": \"123456\"}]}]");
	carry_while_another_does(&by_phone, &by_telegram);
	assert_string_equal(fake_field(only_lead(), FIELD_TOTAL), "1200");
	assert_ledger_sound();
}

static void
test_telegram_filled_meanwhile(void **state)
{
	static const struct sample by_phone = {
		.id = "pay_B", .phone = "89991234567", .telegram = "222222"
	};
	static const struct sample by_email = {
		.id = "pay_A", .email = "a@example.com", .telegram = "111111"
	};
	int64_t contact =
	    fake_contact("[" PHONE_FIELD ", {\"field_id\": 6, \"field_code\": \"EMAIL\", "
			 "\"values\": [{\"value\": \"a@example.com\"}]}]");

	(void)state;
	carry_while_another_does(&by_phone, &by_email);
	assert_string_equal(
	    fake_field(fake_entity(account.contacts, contact), FIELD_TG_ID), "111111");
	assert_ledger_sound();
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_new_person),
		test(test_known_person),
		test(test_known_person_without_active_lead),
		test(test_two_payments),
		test(test_older_payment),
		test(test_nobody_known),
		test(test_search_lags),
		test(test_contact_not_found),
		test(test_lead_not_found),
		test(test_refused_for_good),
		test(test_unreadable_total),
		test(test_dropped_fields),
		test(test_unmapped_subject),
		test(test_counts_attempts),
		test(test_gives_up_by_age),
		test(test_search_that_tells_nothing),
		test(test_searches_that_tell_nothing),
		test(test_breaker_costs_nothing),
		test(test_payer_in_hand),
		test(test_contact_in_hand),
		test(test_waits_for_an_open_intent),
		test(test_lost_answer_settles),
		test(test_finished_meanwhile),
		test(test_lease),
		test(test_contact_vanishes),
		test(test_retried_beside_a_younger_one),
		test(test_retried_beside_a_younger_one_that_failed),
		test(test_created_unheard_and_paid_into),
		test(test_merged_while_unsure_of_a_lead),
		test(test_lead_shows_what_the_ledger_forgot),
		test(test_id_written_beforehand),
		test(test_id_written_beforehand_and_lost),
		test(test_id_written_into_a_finished_lead),
		test(test_lead_vanishes_before_its_note),
		test(test_lead_made_meanwhile),
		test(test_telegram_filled_meanwhile),
		cmocka_unit_test(test_each_failure_at_each_call),
		cmocka_unit_test(test_each_pair_of_failures),
	};

	all_pairs = getenv("ALL_PAIRS") != NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
