/*
 * POST /webhook/payment: is it a payment of the platform's, and has it been recorded?
 *
 * The file reads in the order of the work: check, record, then the one line below which a failure
 * is ours to finish.  Above it nothing has been promised, so each failure is a response the sender
 * can act on: 400, 401, 413 and 415 say "do not send this again", 503 says "send it again later".
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "deliver/deliver.h"
#include "ledger/arrival.h"
#include "ledger/rejected.h"
#include "rules/rules.h"
#include "web/intake.h"

/* How long after the worker's deadline payment-syncd may take the row up. */
#define HAND_OVER_MS 2000

/*
 * Is it a payment, and the platform's?  If not, the response says so and incoming->paid stays NULL.
 *
 * The order matters: the signature is of the bytes as they were sent, so what was cut off or is
 * compressed cannot be verified, and nothing that is not verified is parsed.
 */
static void
read_payment(const struct settings *settings, struct payment_request *incoming)
{
	const struct http_request *request = incoming->request;
	const struct signature_keys keys = { .secret = settings->webhook_secret,
		.previous = settings->webhook_secret_previous,
		.accept_legacy = settings->webhook_legacy_secret };
	struct http_response *response = incoming->response;
	const char *encoding = request->content_encoding;
	json_t *errors = NULL;

	if (request->too_large) {
		response_error(response, 413, "the body is larger than 256 KiB");
	} else if (encoding != NULL && *encoding != '\0' && strcasecmp(encoding, "identity") != 0) {
		response_error(response, 415, "the body is compressed; send it as plain JSON");
	} else if (request->incomplete ||
	    !signature_verify(
		&keys, &request->signature, request->body, request->size, clock_wall_ms() / 1000)) {
		/*
		 * The sender is not told what is wrong with the signature: that would help to guess
		 * one.
		 */
		response->level = RESPONSE_WARNING;
		response_log(response, "answer=unauthorized%s",
		    request->incomplete ? " reason=\"the body is incomplete\"" : "");
		response_json(
		    response, 401, "unauthorized", "the signature is missing or wrong", NULL);
	} else if (payment_parse(request->body, request->size, &incoming->paid, &errors) != DONE) {
		/* Only the path of the first error is logged: the values are a customer's. */
		response->level = RESPONSE_WARNING;
		response_log(response, "answer=invalid mistakes=%zu first=\"%s\"",
		    json_array_size(errors),
		    json_string_value(json_object_get(json_array_get(errors, 0), "path")));
		response_json(response, 400, "invalid", "the body is not a payment",
		    json_pack("{s:O}", "errors", errors));
		incoming->errors = errors;
	} else {
		payment_received(incoming->paid, signature_webhook_id(&request->signature),
		    clock_wall_ms() / 1000);
	}
}

/*
 * Whether this worker delivers the payment itself before it responds.  Never may all workers wait
 * for amoCRM at once, or nothing could be recorded meanwhile; hence the slots.  The caller gives
 * the slot back.
 */
static bool
take_slot(struct worker *worker)
{
	return worker->settings->delivery == DELIVERY_INLINE &&
	    lock_take_any(worker->service->locks, LOCK_SLOT, worker->slots) >= 0;
}

/*
 * Record all payments in one transaction: none is on disk when one cannot be.  With a slot the row
 * falls due only when this worker must have finished it, so that payment-syncd takes up what the
 * worker leaves behind, and nothing sooner.
 */
static enum outcome
record(struct worker *worker, struct payment_request *const *incoming, size_t count, bool slot,
    struct recording *recordings, struct fault *why)
{
	struct identity who[WEBHOOK_TOGETHER_MAX][IDENTITIES_MAX];
	struct arrival arrivals[WEBHOOK_TOGETHER_MAX];
	int64_t now_ms = clock_wall_ms(), next_ms = now_ms;
	size_t i;

	if (slot)
		next_ms += worker->settings->inline_deadline_ms + HAND_OVER_MS;

	for (i = 0; i < count; i++) {
		const struct http_request *request = incoming[i]->request;

		arrivals[i] = arrival_of_payment(
		    incoming[i]->paid, who[i], request->body, request->size, now_ms);
		arrivals[i].request_id = request->request_id;
		arrivals[i].exclusion = incoming[i]->exclusion;
		arrivals[i].next_ms = next_ms;
	}
	return ledger_record(worker->service->ledger, arrivals, count, recordings, why);
}

/*
 * Respond about a payment that is in the ledger.  reason (NULL: none) is for the log; more is taken
 * over.
 */
static void
respond(const struct payment_request *incoming, int status, const char *status_name,
    const char *detail, const char *reason, json_t *more)
{
	struct http_response *response = incoming->response;
	json_t *members = json_pack("{s:s}", "payment_id", incoming->paid->key);

	if (more != NULL)
		json_object_update(members, more);
	json_decref(more);
	response_log_key(response->payment, incoming->paid->key);
	response_log(response, "payment=%s answer=%s%s%s%s", response->payment, status_name,
	    reason != NULL ? " reason=\"" : "", reason != NULL ? reason : "",
	    reason != NULL ? "\"" : "");
	response_json(response, status, status_name, detail, members);
}

static void
respond_queued(const struct payment_request *incoming, const char *reason)
{
	respond(incoming, 202, "queued",
	    "the payment is recorded and will be carried; no need to send it again", reason, NULL);
}

static void
respond_skipped(const struct payment_request *incoming, const char *reason)
{
	respond(incoming, 202, "skipped",
	    "an exclusion rule applies; the payment is recorded and not carried", reason,
	    json_pack("{s:s}", "reason", reason));
}

/* Where in amoCRM the payment is: null for what is not known. */
static json_t *
lead_members(int64_t contact_id, int64_t lead_id, bool lead_created)
{
	return json_pack("{s:o, s:o, s:b}", "contact_id",
	    contact_id != 0 ? json_integer(contact_id) : json_null(), "lead_id",
	    lead_id != 0 ? json_integer(lead_id) : json_null(), "lead_created", lead_created);
}

/* Deliver the recorded payment while the sender waits, up to INLINE_DEADLINE_MS. */
static void
deliver_inline(struct worker *worker, const struct payment_request *incoming, int64_t id)
{
	int64_t deadline_ms = clock_mono_ms() + worker->settings->inline_deadline_ms;
	struct delivery_attempt attempt = { .id = id,
		.request_id = incoming->request->request_id,
		.recorded_ms = clock_wall_ms(),
		.deadline_ms = deadline_ms,
		.lock_deadline_ms = deadline_ms };
	struct http_response *response = incoming->response;
	struct fault why = { "another process carries it" };
	struct delivery_result delivery;
	enum outcome out;

	out = deliver(worker->service, incoming->paid, &attempt, &delivery, &why);
	if (out == DONE && delivery.lead_id != 0) {
		json_t *more =
		    lead_members(delivery.contact_id, delivery.lead_id, delivery.lead_created);

		json_object_set_new(more, "message", json_string("Payment processed"));
		respond(incoming, 200, "success", "the payment is in amoCRM", NULL, more);
		response_log(response,
		    "payment=%s answer=success contact=%" PRId64 " lead=%" PRId64
		    " lead_created=%d",
		    response->payment, delivery.contact_id, delivery.lead_id,
		    delivery.lead_created);
	} else if (out == NEVER && delivery.not_found != NULL) {
		response->level = RESPONSE_WARNING;
		respond(incoming, 404, delivery.not_found,
		    "nothing was found in amoCRM and CREATE_IF_NOT_FOUND is off", why.text, NULL);
	} else if (out == NEVER) {
		response->level = RESPONSE_ERROR;
		respond(incoming, 500, "failed",
		    "amoCRM refused the payment; it is recorded for a person to look at", why.text,
		    NULL);
	} else {
		/*
		 * Not in time, or another process has it: the ledger sees to it, the sender need
		 * not.
		 */
		respond_queued(incoming, why.text);
	}
	response->warnings = json_incref(delivery.warnings);
	delivery_result_clear(&delivery);
}

/* The row is on disk; deliver it if that is this worker's to do, and say what became of it. */
static void
finish_recorded(struct worker *worker, const struct payment_request *incoming,
    const struct recording *recording, bool slot)
{
	const struct ledger_row *row = &recording->row;

	if (recording->how == RECORDED_CONFLICT) {
		incoming->response->level = RESPONSE_ERROR;
		respond(incoming, 409, "conflict",
		    "this payment_id is known with another amount or another payer, or too far "
		    "carried to be excluded; kept for a person",
		    NULL, NULL);
	} else if (recording->how == RECORDED_CARRIED) {
		respond(incoming, (int)worker->settings->duplicate_status, "duplicate",
		    "this payment has been carried already", NULL,
		    lead_members(row->contact_id, row->lead_id, row->lead_created));
	} else if (recording->how == RECORDED_IN_HAND) {
		respond_queued(incoming, "already in hand");
	} else if (recording->how == RECORDED_SKIPPED) {
		respond_skipped(incoming, recording->reason);
	} else if (incoming->exclusion != NULL) {
		respond_skipped(incoming, incoming->exclusion);
	} else if (slot) {
		deliver_inline(worker, incoming, row->id);
	} else {
		respond_queued(incoming, "left to payment-syncd");
	}
}

static void
take_payments(struct worker *worker, struct payment_request *const *incoming, size_t count)
{
	bool slot = count == 1 && incoming[0]->exclusion == NULL && take_slot(worker);
	struct recording recordings[WEBHOOK_TOGETHER_MAX];
	struct fault why;
	size_t i;

	/*
	 * Nothing is known of any of them now, so every sender is told to send again; a second copy
	 * does no harm.
	 */
	if (record(worker, incoming, count, slot, recordings, &why) != DONE) {
		worker_reset(worker);
		for (i = 0; i < count; i++)
			response_unavailable(incoming[i]->response, &why);
		return;
	}

	/*
	 * From here on the payments are ours: their rows are on disk, and every failure below is
	 * ours to finish.
	 */
	for (i = 0; i < count; i++) {
		finish_recorded(worker, incoming[i], &recordings[i], slot);
		free(recordings[i].reason);
	}
	if (slot)
		lock_drop(worker->service->locks, LOCK_SLOT);
}

/*
 * A body that is no payment, and is signed: a person will want to see it, and to have it read again.
 * The response is not changed by a ledger that cannot take it: the sender has to act in either case.
 */
static void
keep_rejected(struct worker *worker, struct payment_request *incoming)
{
	const struct http_request *request = incoming->request;
	struct fault why;

	if (!worker_ready(worker, &why) ||
	    ledger_reject(worker->service->ledger, request->body, request->size, incoming->errors,
		request->request_id, clock_wall_ms(), &why) != DONE)
		response_log(incoming->response, "answer=invalid kept=no reason=\"%s\"", why.text);
	json_decref(incoming->errors);
}

void
intake_payments(struct worker *worker, struct payment_request *incoming, size_t count)
{
	struct payment_request *payments[WEBHOOK_TOGETHER_MAX];
	size_t i, found = 0;
	struct fault why;

	for (i = 0; i < count; i++) {
		read_payment(worker->settings, &incoming[i]);
		if (incoming[i].errors != NULL)
			keep_rejected(worker, &incoming[i]);
		if (incoming[i].paid == NULL)
			continue;
		/* Make sure that it can be recorded before anything else is decided about it. */
		if (!worker_ready(worker, &why)) {
			response_unavailable(incoming[i].response, &why);
			continue;
		}
		incoming[i].exclusion = rules_exclusion(worker->service->rules, incoming[i].paid);
		payments[found++] = &incoming[i];
	}
	if (found > 0)
		take_payments(worker, payments, found);
	for (i = 0; i < count; i++)
		payment_free(incoming[i].paid);
}
