/*
 * POST /webhook/payment: is it a payment of the platform's, and has it been recorded?
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "deliver/deliver.h"
#include "payment/payment.h"
#include "rules/rules.h"
#include "web/internal.h"

/* How long after the worker's deadline payment-syncd may take the row up. */
#define HAND_OVER_MS 2000

/*
 * Above this line a failure is the sender's to hear: nothing has been promised yet.
 */

static bool
is_genuine(const struct webhook *webhook, const struct http_request *request)
{
	const struct settings *set = webhook->settings;
	const struct signature_keys keys = { .secret = set->webhook_secret,
		.previous = set->webhook_secret_previous,
		.accept_legacy = set->webhook_legacy_secret };

	return signature_verify(
	    &keys, &request->signature, request->body, request->size, clock_wall_ms() / 1000);
}

static bool
is_compressed(const struct http_request *request)
{
	const char *encoding = request->content_encoding;

	return encoding != NULL && *encoding != '\0' && strcasecmp(encoding, "identity") != 0;
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
reply_queued(struct http_response *response, const struct payment *paid, const char *reason)
{
	char key[RESPONSE_LOG_KEY];

	response_log(response, "payment=%s answer=queued reason=\"%s\"",
	    response_log_key(key, paid->key), reason);
	response_json(response, 202, "queued",
	    "the payment is recorded and will be carried; no need to send it again", about(paid));
}

static void
reply_success(
    struct http_response *response, const struct payment *paid, const struct delivery *done)
{
	json_t *more = about_lead(paid, done->contact_id, done->lead_id, done->lead_created);
	char key[RESPONSE_LOG_KEY];

	json_object_set_new(more, "message", json_string("Payment processed"));
	response_log(response,
	    "payment=%s answer=success contact=%" PRId64 " lead=%" PRId64 " lead_created=%d",
	    response_log_key(key, paid->key), done->contact_id, done->lead_id, done->lead_created);
	response_json(response, 200, "success", "the payment is in amoCRM", more);
}

static void
reply_failed(struct http_response *response, const struct payment *paid,
    const struct delivery *tried, const struct fault *why)
{
	char key[RESPONSE_LOG_KEY];

	response->level = tried->not_found != NULL ? RESPONSE_WARNING : RESPONSE_ERROR;
	response_log(response, "payment=%s answer=%s reason=\"%s\"",
	    response_log_key(key, paid->key),
	    tried->not_found != NULL ? tried->not_found : "failed", why->text);
	if (tried->not_found != NULL)
		response_json(response, 404, tried->not_found,
		    "nothing was found in amoCRM and CREATE_IF_NOT_FOUND is off", about(paid));
	else
		response_json(response, 500, "failed",
		    "amoCRM refused the payment; it is recorded for a person to look at",
		    about(paid));
}

static void
reply_skipped(struct http_response *response, const struct payment *paid, const char *reason)
{
	json_t *more = about(paid);
	char key[RESPONSE_LOG_KEY];

	json_object_set_new(more, "reason", json_string(reason));
	response_log(response, "payment=%s answer=skipped reason=\"%s\"",
	    response_log_key(key, paid->key), reason);
	response_json(response, 202, "skipped",
	    "an exclusion rule applies; the payment is recorded and not carried", more);
}

static void
reply_carried(struct http_response *response, const struct payment *paid,
    const struct ledger_row *row, int http)
{
	char key[RESPONSE_LOG_KEY];

	response_log(response, "payment=%s answer=duplicate", response_log_key(key, paid->key));
	response_json(response, http, "duplicate", "this payment has been carried already",
	    about_lead(paid, row->contact_id, row->lead_id, row->lead_created));
}

static void
reply_conflict(struct http_response *response, const struct payment *paid)
{
	char key[RESPONSE_LOG_KEY];

	response->level = RESPONSE_ERROR;
	response_log(response, "payment=%s answer=conflict", response_log_key(key, paid->key));
	response_json(response, 409, "conflict",
	    "this payment_id is known with another amount or another payer, or too far carried to "
	    "be "
	    "excluded; "
	    "kept for a person, nothing was changed",
	    about(paid));
}

static void
deliver_inline(struct webhook *webhook, const struct http_request *request,
    const struct payment *paid, int64_t id, struct http_response *response)
{
	int64_t deadline_ms = clock_mono_ms() + webhook->settings->inline_deadline_ms;
	struct attempt attempt = { .id = id,
		.request_id = request->request_id,
		.recorded_ms = clock_wall_ms(),
		.deadline_ms = deadline_ms,
		.lock_deadline_ms = deadline_ms };
	struct delivery delivery;
	struct fault why = { "another process carries it" };
	enum outcome out;

	out = deliver(webhook->service, paid, &attempt, &delivery, &why);
	if (out == DONE && delivery.lead_id != 0)
		reply_success(response, paid, &delivery);
	else if (out == NEVER)
		reply_failed(response, paid, &delivery, &why);
	else
		reply_queued(response, paid, why.text);
	response_log_key(response->payment, paid->key);
	response->warnings = json_incref(delivery.warnings);
	delivery_clear(&delivery);
}

/* Whether this worker carries the payment itself: never may all workers wait for amoCRM at once.  The caller gives the slot
 * back. */
static bool
take_slot(struct webhook *webhook)
{
	return webhook->settings->delivery == DELIVERY_INLINE &&
	    lock_take_any(webhook->service->locks, LOCK_SLOT, webhook->slots) >= 0;
}

/* All in one transaction: none of them is recorded when one cannot be. */
static enum outcome
record(struct webhook *webhook, struct payment_request *const *incoming, size_t count, bool slot,
    struct recording *recordings, struct fault *why)
{
	struct identity who[WEBHOOK_TOGETHER_MAX][IDENTITIES_MAX];
	struct arrival arrivals[WEBHOOK_TOGETHER_MAX];
	int64_t now_ms = clock_wall_ms(), next_ms = now_ms;
	size_t i;

	if (slot)
		next_ms += webhook->settings->inline_deadline_ms + HAND_OVER_MS;

	for (i = 0; i < count; i++) {
		const struct http_request *request = incoming[i]->request;
		const struct payment *paid = incoming[i]->paid;

		arrivals[i] = (struct arrival){ .key = paid->key,
			.kopecks = paid->amount,
			.paid_at = paid->paid_at,
			.who = who[i],
			.who_count = payment_identities(paid, who[i]),
			.payload = request->body,
			.payload_size = request->size,
			.request_id = request->request_id,
			.exclusion = incoming[i]->exclusion,
			.now_ms = now_ms,
			.next_ms = next_ms };
	}
	return ledger_record(webhook->service->ledger, arrivals, count, recordings, why);
}

static void
respond_recorded(struct webhook *webhook, const struct payment_request *incoming,
    const struct recording *recording, bool slot)
{
	if (recording->how == RECORDED_CONFLICT)
		reply_conflict(incoming->response, incoming->paid);
	else if (recording->how == RECORDED_CARRIED)
		reply_carried(incoming->response, incoming->paid, &recording->row,
		    (int)webhook->settings->duplicate_status);
	else if (recording->how == RECORDED_IN_HAND)
		reply_queued(incoming->response, incoming->paid, "already in hand");
	else if (incoming->exclusion != NULL)
		reply_skipped(incoming->response, incoming->paid, incoming->exclusion);
	else if (slot)
		deliver_inline(webhook, incoming->request, incoming->paid, recording->row.id,
		    incoming->response);
	else
		reply_queued(incoming->response, incoming->paid, "left to payment-syncd");
}

static void
take_payments(struct webhook *webhook, struct payment_request *const *incoming, size_t count)
{
	bool slot = count == 1 && incoming[0]->exclusion == NULL && take_slot(webhook);
	struct recording recordings[WEBHOOK_TOGETHER_MAX];
	struct fault why;
	size_t i;

	if (record(webhook, incoming, count, slot, recordings, &why) != DONE) {
		webhook_begin_anew(webhook);
		for (i = 0; i < count; i++)
			response_unavailable(incoming[i]->response, &why);
		return;
	}

	/*
	 * From here on the payments are ours: their rows are on disk, and every failure below is ours to finish.
	 */
	for (i = 0; i < count; i++)
		respond_recorded(webhook, incoming[i], &recordings[i], slot);
	if (slot)
		lock_drop(webhook->service->locks, LOCK_SLOT);
}

/* Is it a payment, and the platform's?  If not, that is the response, and incoming->paid stays NULL. */
static void
read_payment(struct webhook *webhook, struct payment_request *incoming)
{
	const struct http_request *request = incoming->request;
	struct http_response *response = incoming->response;
	json_t *errors = NULL;

	if (request->too_large) {
		response_error(response, 413, "the body is larger than 256 KiB");
	} else if (is_compressed(request)) {
		response_error(response, 415, "the body is compressed; send it as plain JSON");
	} else if (request->incomplete || !is_genuine(webhook, request)) {
		response->level = RESPONSE_WARNING;
		response_log(response, "answer=unauthorized%s",
		    request->incomplete ? " reason=\"the body is incomplete\"" : "");
		response_json(
		    response, 401, "unauthorized", "the signature is missing or wrong", NULL);
	} else if (payment_parse(request->body, request->size, &incoming->paid, &errors) != DONE) {
		response->level = RESPONSE_WARNING;
		response_log(response, "answer=invalid mistakes=%zu first=\"%s\"",
		    json_array_size(errors),
		    json_string_value(json_object_get(json_array_get(errors, 0), "path")));
		response_json(response, 400, "invalid", "the body is not a payment",
		    json_pack("{s:o}", "errors", errors));
	}
}

void
intake_post(struct webhook *webhook, struct payment_request *incoming, size_t count)
{
	struct payment_request *payments[WEBHOOK_TOGETHER_MAX];
	size_t i, found = 0;
	struct fault why;

	for (i = 0; i < count; i++) {
		read_payment(webhook, &incoming[i]);
		if (incoming[i].paid == NULL)
			continue;
		if (!webhook_ready(webhook, &why)) {
			response_unavailable(incoming[i].response, &why);
			continue;
		}
		incoming[i].exclusion =
		    rules_exclusion(webhook->service->mapping, incoming[i].paid);
		payments[found++] = &incoming[i];
	}
	if (found > 0)
		take_payments(webhook, payments, found);
	for (i = 0; i < count; i++)
		payment_free(incoming[i].paid);
}
