#include <inttypes.h>

#include "backlog.h"
#include "base/clock.h"
#include "deliver/deliver.h"
#include "log.h"
#include "payment/payment.h"

/* Due rows that were taken up together. */
struct crate {
	struct due due[BATCH_MAX];
	struct delivery deliveries[BATCH_MAX]; /* Of due[i]; paid is owned. */
	size_t count;
	int64_t last; /* The last row that was looked at. */
	bool
	    left; /* Some payment was left alone, because it or its payer was in somebody's hand. */
	bool moved; /* Some payment was not. */
};

static void
log_outcome(const struct due *due, const struct delivery *delivery)
{
	const struct delivery_result *result = &delivery->result;
	const char *request = due->request_id[0] != '\0' ? due->request_id : "-";
	char key[LOG_TEXT], reason[LOG_TEXT], text[LOG_TEXT];
	const json_t *warning;
	size_t i;

	log_text(key, due->key);
	log_text(reason, delivery->why.text);
	if (delivery->out == DONE)
		log_event(LOG_LEVEL_INFO,
		    "request=%s payment=%s carried contact=%" PRId64 " lead=%" PRId64
		    " lead_created=%d",
		    request, key, result->contact_id, result->lead_id, result->lead_created);
	else if (delivery->out == LATER)
		log_event(LOG_LEVEL_INFO,
		    "request=%s payment=%s postponed attempt=%" PRId64 " next_in_ms=%" PRId64
		    " reason=%s",
		    request, key, due->attempts + 1, result->next_ms - clock_wall_ms(), reason);
	else
		log_event(LOG_LEVEL_ERROR, "request=%s payment=%s %s reason=%s", request, key,
		    delivery->out == NEVER ? "failed" : "unfinished", reason);
	json_array_foreach(result->warnings, i, warning)
		log_event(LOG_LEVEL_WARNING, "request=%s payment=%s remark=%s", request, key,
		    log_text(text, json_string_value(warning)));
}

/* What was once accepted as a payment is none any more: somebody has been at the ledger. */
static enum outcome
refuse(const struct service *service, const struct due *due, struct fault *why)
{
	static const char reason[] = "the recorded payload is no payment";

	log_event(LOG_LEVEL_ERROR, "row=%" PRId64 " failed reason=\"%s\"", due->id, reason);
	return ledger_fail(service->ledger, due->id, NULL, reason, clock_wall_ms(), why);
}

/* Put the row that was read into the crate, where it is a payment. */
static enum outcome
add(const struct service *service, struct crate *crate, int64_t now_ms, struct fault *why)
{
	struct due *due = &crate->due[crate->count];
	struct payment *paid = NULL;
	json_t *errors = NULL;
	enum outcome out;

	if (payment_parse(due->payload, due->payload_size, &paid, &errors) != DONE) {
		json_decref(errors);
		out = refuse(service, due, why);
		due_clear(due);
		return out;
	}
	crate->deliveries[crate->count++] = (struct delivery){ .paid = paid,
		.attempt = { .id = due->id,
		    .request_id = due->request_id,
		    .recorded_ms = due->recorded_ms,
		    .failed = due->attempts,
		    .due_ms = now_ms } };
	return DONE;
}

/* The next due rows after crate->last.  After a call that failed only one: were amoCRM down, the others would be taken in hand
 * and put back for nothing, again and again. */
static enum outcome
fill(const struct service *service, struct crate *crate, struct fault *why)
{
	size_t most = amocrm_unavailable(service->crm) ? 1 : BATCH_MAX;
	int64_t now_ms = clock_wall_ms();
	enum outcome out = DONE;

	crate->count = 0;
	while (out == DONE && crate->count < most) {
		struct due *due = &crate->due[crate->count];

		out = ledger_next_due(service->ledger, crate->last, now_ms, due, why);
		if (out != DONE || due->id == 0)
			break;
		crate->last = due->id;
		out = add(service, crate, now_ms, why);
	}
	return out;
}

static void
empty(struct crate *crate)
{
	size_t i;

	for (i = 0; i < crate->count; i++) {
		due_clear(&crate->due[i]);
		delivery_result_clear(&crate->deliveries[i].result);
		payment_free((struct payment *)crate->deliveries[i].paid);
	}
	crate->count = 0;
}

/* BROKEN when the ledger failed for any of them. */
static enum outcome
carry(const struct service *service, struct crate *crate, bool (*go_on)(void *), void *context,
    struct fault *why)
{
	struct delivery_attempt *first = &crate->deliveries[0].attempt;
	enum outcome out = DONE;
	size_t i;

	first->lock_deadline_ms = clock_mono_ms();
	first->deadline_ms = first->lock_deadline_ms + BACKLOG_BATCH_MS(crate->count);
	deliver_together(service, crate->deliveries, crate->count, go_on, context);
	for (i = 0; i < crate->count; i++) {
		const struct delivery *delivery = &crate->deliveries[i];

		if (delivery->out == LATER && delivery->result.next_ms == 0) {
			crate->left = true;
			continue;
		}
		crate->moved = true;
		log_outcome(&crate->due[i], delivery);
		if (delivery->out == BROKEN) {
			out = BROKEN;
			*why = delivery->why;
		}
	}
	return out;
}

/* Everybody is refused, or told to wait: no use taking payments in hand before then. */
static bool
crm_closed(const struct service *service)
{
	struct limiter_state crm;

	limiter_look(service->limiter, &crm);
	return crm.ready_ms > clock_mono_ms();
}

/* Go through all that is due, once. */
static enum outcome
pass(const struct service *service, struct crate *crate, bool (*go_on)(void *), void *context,
    struct fault *why)
{
	enum outcome out = DONE;
	bool more = true;

	crate->last = 0;
	crate->left = crate->moved = false;
	while (out == DONE && more && go_on(context) && !crm_closed(service)) {
		out = fill(service, crate, why);
		more = crate->count > 0;
		if (out == DONE && more)
			out = carry(service, crate, go_on, context, why);
		empty(crate);
	}
	return out;
}

enum outcome
backlog_carry(
    const struct service *service, bool (*go_on)(void *context), void *context, struct fault *why)
{
	struct crate crate = { .count = 0 };
	enum outcome out;

	/* Of several payments of one payer a batch takes the first; the next pass has room for another. */
	do
		out = pass(service, &crate, go_on, context, why);
	while (out == DONE && crate.left && crate.moved);
	return out;
}
