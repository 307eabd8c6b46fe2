#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carrier.h"
#include "clock.h"
#include "deliver.h"
#include "health.h"
#include "mapping.h"
#include "payment.h"
#include "webhook.h"

/* What a sender is told to wait when we cannot take its payment. */
#define UNAVAILABLE_RETRY_S 30

/* How long after the worker's deadline payment-syncd may take the row up. */
#define HAND_OVER_MS 2000

struct webhook {
	const struct settings *settings;
	int slots;               /* How many workers may carry at the same time. */
	struct carrier *carrier; /* NULL while it cannot be opened. */
};

/*
 * Answers.
 */

static void log_line(struct webhook_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void
log_line(struct webhook_answer *answer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(answer->log, sizeof(answer->log), format, args);
	va_end(args);
}

/* The body is {"status", "detail"} and the members of `more`, which is taken over (NULL: none). */
static void
reply(struct webhook_answer *answer, int http, const char *status, const char *detail, json_t *more)
{
	json_t *body = json_pack("{s:s, s:s}", "status", status, "detail", detail);

	if (more != NULL)
		json_object_update(body, more);
	json_decref(more);
	answer->status = http;
	answer->body = json_dumps(body, JSON_COMPACT);
	if (answer->body == NULL)
		abort();
	json_decref(body);
}

static void
reply_unavailable(struct webhook_answer *answer, const struct fault *why)
{
	answer->retry_after_s = UNAVAILABLE_RETRY_S;
	answer->level = WEBHOOK_BAD;
	log_line(answer, "answer=unavailable reason=\"%s\"", why->text);
	reply(answer, 503, "unavailable", "the payment could not be recorded; send it again later", NULL);
}

static void
reply_error(struct webhook_answer *answer, int http, const char *detail)
{
	answer->level = WEBHOOK_ODD;
	log_line(answer, "answer=error status=%d reason=\"%s\"", http, detail);
	reply(answer, http, "error", detail, NULL);
}

/*
 * The outside world's keys go into the log with everything but letters, digits and a few marks replaced, and cut.
 */
#define LOGGED_KEY 96
static const char *
logged_key(char text[static LOGGED_KEY], const char *key)
{
	size_t i;

	for (i = 0; i < LOGGED_KEY - 1 && key[i] != '\0'; i++)
		text[i] = (key[i] > ' ' && key[i] < 0x7f && key[i] != '"' && key[i] != '\\') ? key[i] : '_';
	text[i] = '\0';
	return text;
}

/*
 * Above this line a failure is the sender's to hear: nothing has been promised yet.
 */

static bool
open_carrier(struct webhook *webhook, struct fault *why)
{
	if (webhook->carrier != NULL)
		return true;
	return carrier_open(webhook->settings, &webhook->carrier, why) == DONE;
}

enum outcome
webhook_open(const struct settings *settings, int workers, struct webhook **webhook, struct fault *why)
{
	struct webhook *opened = calloc(1, sizeof(*opened));
	enum outcome out;

	if (opened == NULL)
		abort();
	opened->settings = settings;
	opened->slots = workers > 1 ? workers - 1 : 1;
	out = carrier_open(settings, &opened->carrier, why);
	if (out == NEVER) {
		webhook_close(opened);
		return NEVER;
	}
	/* A sick disk is no reason to stop answering: senders shall hear 503, and it may get well. */
	*webhook = opened;
	return DONE;
}

void
webhook_close(struct webhook *webhook)
{
	if (webhook == NULL)
		return;
	carrier_close(webhook->carrier);
	free(webhook);
}

static bool
is_genuine(const struct webhook *webhook, const struct webhook_request *request)
{
	const struct settings *set = webhook->settings;
	const struct signature_keys keys = { .secret = set->webhook_secret,
		.previous = set->webhook_secret_previous,
		.accept_legacy = set->webhook_legacy_secret };

	return signature_verify(
	    &keys, &request->signature, request->body, request->size, clock_wall_ms() / 1000);
}

static bool
is_compressed(const struct webhook_request *request)
{
	const char *encoding = request->content_encoding;

	return encoding != NULL && *encoding != '\0' && strcasecmp(encoding, "identity") != 0;
}

static enum outcome
record(struct webhook *webhook, const struct webhook_request *request, const struct payment *paid,
    const char *exclusion, bool slot, enum recorded *recorded, struct ledger_row *row, struct fault *why)
{
	struct identity who[IDENTITIES_MAX];
	struct arrival arrival = { .key = paid->key,
		.kopecks = paid->amount,
		.paid_at = paid->paid_at,
		.who = who,
		.payload = request->body,
		.payload_size = request->size,
		.request_id = request->request_id,
		.exclusion = exclusion,
		.now_ms = clock_wall_ms() };

	arrival.who_count = payment_identities(paid, who);
	arrival.next_ms = arrival.now_ms;
	if (slot)
		arrival.next_ms += webhook->settings->inline_deadline_ms + HAND_OVER_MS;
	return ledger_record(webhook->carrier->ledger, &arrival, recorded, row, why);
}

/*
 * Answers about a payment that is in the ledger.
 */

static json_t *
id_or_null(int64_t id)
{
	return id != 0 ? json_integer(id) : json_null();
}

static json_t *
about(const struct payment *paid)
{
	return json_pack("{s:s}", "payment_id", paid->key);
}

static json_t *
about_lead(const struct payment *paid, int64_t contact_id, int64_t lead_id, bool lead_created)
{
	return json_pack("{s:s, s:o, s:o, s:b}", "payment_id", paid->key, "contact_id",
	    id_or_null(contact_id), "lead_id", id_or_null(lead_id), "lead_created", lead_created);
}

static void
reply_queued(struct webhook_answer *answer, const struct payment *paid, const char *reason)
{
	char key[LOGGED_KEY];

	log_line(answer, "payment=%s answer=queued reason=\"%s\"", logged_key(key, paid->key), reason);
	reply(answer, 202, "queued", "the payment is recorded and will be carried; no need to send it again",
	    about(paid));
}

static void
reply_success(struct webhook_answer *answer, const struct payment *paid, const struct delivery *done)
{
	json_t *more = about_lead(paid, done->contact_id, done->lead_id, done->lead_created);
	char key[LOGGED_KEY];

	json_object_set_new(more, "message", json_string("Payment processed"));
	log_line(answer, "payment=%s answer=success contact=%" PRId64 " lead=%" PRId64 " lead_created=%d",
	    logged_key(key, paid->key), done->contact_id, done->lead_id, done->lead_created);
	reply(answer, 200, "success", "the payment is in amoCRM", more);
}

static void
reply_failed(struct webhook_answer *answer, const struct payment *paid, const struct delivery *tried,
    const struct fault *why)
{
	char key[LOGGED_KEY];

	answer->level = tried->not_found != NULL ? WEBHOOK_ODD : WEBHOOK_BAD;
	log_line(answer, "payment=%s answer=%s reason=\"%s\"", logged_key(key, paid->key),
	    tried->not_found != NULL ? tried->not_found : "failed", why->text);
	if (tried->not_found != NULL)
		reply(answer, 404, tried->not_found,
		    "nothing was found in amoCRM and CREATE_IF_NOT_FOUND is off", about(paid));
	else
		reply(answer, 500, "failed",
		    "amoCRM refused the payment; it is recorded for a person to look at", about(paid));
}

static void
reply_skipped(struct webhook_answer *answer, const struct payment *paid, const char *reason)
{
	json_t *more = about(paid);
	char key[LOGGED_KEY];

	json_object_set_new(more, "reason", json_string(reason));
	log_line(answer, "payment=%s answer=skipped reason=\"%s\"", logged_key(key, paid->key), reason);
	reply(answer, 202, "skipped", "an exclusion rule applies; the payment is recorded and not carried",
	    more);
}

static void
reply_carried(
    struct webhook_answer *answer, const struct payment *paid, const struct ledger_row *row, int http)
{
	char key[LOGGED_KEY];

	log_line(answer, "payment=%s answer=duplicate", logged_key(key, paid->key));
	reply(answer, http, "duplicate", "this payment has been carried already",
	    about_lead(paid, row->contact_id, row->lead_id, row->lead_created));
}

static void
reply_conflict(struct webhook_answer *answer, const struct payment *paid)
{
	char key[LOGGED_KEY];

	answer->level = WEBHOOK_BAD;
	log_line(answer, "payment=%s answer=conflict", logged_key(key, paid->key));
	reply(answer, 409, "conflict",
	    "this payment_id is known with another amount or another payer; kept for a person, nothing was "
	    "changed",
	    about(paid));
}

static void
keep_remarks(struct webhook_answer *answer, const json_t *remarks)
{
	const json_t *remark;
	size_t i, used = 0;

	json_array_foreach(remarks, i, remark) {
		int more = snprintf(answer->remarks + used, sizeof(answer->remarks) - used, "%s%s",
		    used > 0 ? "; " : "", json_string_value(remark));

		if (more < 0 || (size_t)more >= sizeof(answer->remarks) - used)
			return;
		used += (size_t)more;
	}
}

static void
deliver_inline(struct webhook *webhook, const struct payment *paid, int64_t id, struct webhook_answer *answer)
{
	int64_t deadline_ms = clock_mono_ms() + webhook->settings->inline_deadline_ms;
	struct attempt attempt = { .id = id,
		.recorded_ms = clock_wall_ms(),
		.deadline_ms = deadline_ms,
		.lock_deadline_ms = deadline_ms };
	struct delivery delivery;
	struct fault why = { "another process carries it" };
	enum outcome out;

	out = deliver(webhook->carrier, paid, &attempt, &delivery, &why);
	if (out == DONE && delivery.lead_id != 0)
		reply_success(answer, paid, &delivery);
	else if (out == NEVER)
		reply_failed(answer, paid, &delivery, &why);
	else
		reply_queued(answer, paid, why.text);
	keep_remarks(answer, delivery.remarks);
	delivery_clear(&delivery);
}

/* Whether this worker carries the payment itself: never may all workers wait for amoCRM at once.  The caller gives the slot
 * back. */
static bool
take_slot(struct webhook *webhook)
{
	return webhook->settings->delivery == DELIVERY_INLINE &&
	    lock_take_any(webhook->carrier->locks, LOCK_SLOT, webhook->slots) >= 0;
}

/* The ledger failed.  The handle may be beyond repair (a failed sync, a corrupt file): begin anew with the next request. */
static void
give_up_carrier(struct webhook *webhook)
{
	carrier_close(webhook->carrier);
	webhook->carrier = NULL;
}

static void
take_payment(struct webhook *webhook, const struct webhook_request *request, const struct payment *paid,
    struct webhook_answer *answer)
{
	const char *exclusion = mapping_exclusion(webhook->carrier->mapping, paid);
	bool slot = exclusion == NULL && take_slot(webhook);
	enum recorded recorded;
	struct ledger_row row;
	struct fault why;

	if (record(webhook, request, paid, exclusion, slot, &recorded, &row, &why) != DONE) {
		give_up_carrier(webhook);
		reply_unavailable(answer, &why);
		return;
	}

	/*
	 * From here on the payment is ours: its row is on disk, and every failure below is ours to finish.
	 */
	if (recorded == RECORDED_CONFLICT)
		reply_conflict(answer, paid);
	else if (recorded == RECORDED_CARRIED)
		reply_carried(answer, paid, &row, (int)webhook->settings->duplicate_status);
	else if (recorded == RECORDED_IN_HAND)
		reply_queued(answer, paid, "already in hand");
	else if (exclusion != NULL)
		reply_skipped(answer, paid, exclusion);
	else if (slot)
		deliver_inline(webhook, paid, row.id, answer);
	else
		reply_queued(answer, paid, "left to payment-syncd");
	lock_drop(webhook->carrier->locks, LOCK_SLOT);
}

static void
handle_payment(struct webhook *webhook, const struct webhook_request *request, struct webhook_answer *answer)
{
	struct payment *paid = NULL;
	json_t *mistakes = NULL;
	struct fault why;

	if (request->too_large) {
		reply_error(answer, 413, "the body is larger than 256 KiB");
	} else if (is_compressed(request)) {
		reply_error(answer, 415, "the body is compressed; send it as plain JSON");
	} else if (request->incomplete || !is_genuine(webhook, request)) {
		answer->level = WEBHOOK_ODD;
		log_line(answer, "answer=unauthorized%s",
		    request->incomplete ? " reason=\"the body is incomplete\"" : "");
		reply(answer, 401, "unauthorized", "the signature is missing or wrong", NULL);
	} else if (payment_parse(request->body, request->size, &paid, &mistakes) != DONE) {
		answer->level = WEBHOOK_ODD;
		log_line(answer, "answer=invalid mistakes=%zu first=\"%s\"", json_array_size(mistakes),
		    json_string_value(json_object_get(json_array_get(mistakes, 0), "path")));
		reply(answer, 400, "invalid", "the body is not a payment",
		    json_pack("{s:o}", "errors", mistakes));
	} else if (!open_carrier(webhook, &why)) {
		reply_unavailable(answer, &why);
	} else {
		take_payment(webhook, request, paid, answer);
	}
	payment_free(paid);
}

static void
handle_health(struct webhook *webhook, struct webhook_answer *answer)
{
	struct fault why;
	json_t *report;
	bool sick;

	open_carrier(webhook, &why);
	report = health_report(webhook->carrier, &why);
	sick = strcmp(json_string_value(json_object_get(report, "status")), "unhealthy") == 0;
	if (sick) {
		give_up_carrier(webhook);
		answer->retry_after_s = UNAVAILABLE_RETRY_S;
		answer->level = WEBHOOK_BAD;
		log_line(answer, "health=unhealthy reason=\"%s\"",
		    json_string_value(json_object_get(report, "detail")));
	} else {
		answer->level = WEBHOOK_QUIET;
	}
	answer->status = sick ? 503 : 200;
	answer->body = json_dumps(report, JSON_COMPACT);
	json_decref(report);
}

void
webhook_handle(struct webhook *webhook, const struct webhook_request *request, struct webhook_answer *answer)
{
	bool reading = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;

	*answer = (struct webhook_answer){ .level = WEBHOOK_FINE };
	if (strcmp(request->path, "/webhook/payment") == 0) {
		if (strcmp(request->method, "POST") == 0) {
			handle_payment(webhook, request, answer);
		} else {
			answer->allow = "POST";
			reply_error(answer, 405, "this address takes POST only");
		}
	} else if (strcmp(request->path, "/webhook/health") == 0) {
		if (reading) {
			handle_health(webhook, answer);
		} else {
			answer->allow = "GET, HEAD";
			reply_error(answer, 405, "this address takes GET only");
		}
	} else {
		reply_error(answer, 404, "there is nothing at this address");
	}
}
