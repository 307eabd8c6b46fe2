/*
 * The backlog: all payments that are due, delivered in batches of as many as amoCRM takes in one
 * request.
 *
 * Rows are read in order of arrival and only read: whether another process works on one is decided
 * by deliver_together(), which claims it or leaves it alone.  So several processes may run this at
 * once.  One pass looks at every due row once, by ascending id, and therefore ends even while
 * payments keep failing; a payment that was left alone because another of the same payer was in
 * hand gets its chance in the next pass, which is made only as long as the last one got anywhere.
 */
#include <inttypes.h>

#include "backlog.h"
#include "base/clock.h"
#include "deliver/deliver.h"
#include "ledger/attempt.h"
#include "log.h"
#include "payment/payment.h"

/* Of these the longer counts, and a second more for each payment. */
#define BATCH_LEAST_MS 30000
#define BATCH_CALLS    3

/* Due rows that were read together and are delivered together. */
struct due_batch {
	struct due due[BATCH_MAX];
	struct delivery deliveries[BATCH_MAX]; /* Of due[i]; paid is owned. */
	size_t count;
	int64_t last_id; /* The last row that this pass has looked at. */
	bool skipped;   /* This pass left a payment alone: it or its payer was in another's hand. */
	bool attempted; /* This pass made an attempt at some payment. */
};

int64_t
backlog_batch_ms(const struct settings *settings, size_t count)
{
	int64_t calls_ms = BATCH_CALLS * settings->amo_timeout_ms;

	return (calls_ms > BATCH_LEAST_MS ? calls_ms : BATCH_LEAST_MS) + (int64_t)count * 1000;
}

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
	if (due->recorded_ms > clock_wall_ms())
		log_event(LOG_LEVEL_WARNING,
		    "payment=%s was recorded %" PRId64
		    " s in the future: the clock was wrong then, or is now",
		    key, (due->recorded_ms - clock_wall_ms()) / 1000);
	json_array_foreach(result->warnings, i, warning)
		log_event(LOG_LEVEL_WARNING, "request=%s payment=%s remark=%s", request, key,
		    log_text(text, json_string_value(warning)));
}

/*
 * Put the row that was just read, due[count], into the batch.
 *
 * Ensures: either count has grown by one and the batch owns the row and its payment, or the row is
 * failed in the ledger and freed.
 */
static enum outcome
add_row(const struct service *service, struct due_batch *batch, int64_t now_ms, struct fault *why)
{
	static const char reason[] = "the recorded payload is no payment";
	struct due *due = &batch->due[batch->count];
	struct payment *paid = NULL;
	json_t *errors = NULL;
	enum outcome out;

	/*
	 * It was a payment when it was recorded, so the ledger has been changed by hand.  No later
	 * attempt could succeed: the row fails now, once, instead of falling due for ever.
	 */
	if (payment_parse(due->payload, due->payload_size, &paid, &errors) != DONE) {
		json_decref(errors);
		log_event(LOG_LEVEL_ERROR, "row=%" PRId64 " failed reason=\"%s\"", due->id, reason);
		out = ledger_fail(service->ledger, due->id, NULL, reason, clock_wall_ms(), why);
		due_clear(due);
		return out;
	}

	payment_recorded(paid, due->key, due->recorded_ms / 1000);

	/*
	 * due_ms: another process that has had the row since we read it has put it off beyond now.
	 */
	batch->deliveries[batch->count++] = (struct delivery){ .paid = paid,
		.attempt = { .id = due->id,
		    .request_id = due->request_id,
		    .recorded_ms = due->recorded_ms,
		    .failed = due->attempts,
		    .due_ms = now_ms } };
	return DONE;
}

/*
 * Read the next due rows after last_id into the empty batch.
 *
 * After a call of amoCRM that failed only one is read: were amoCRM down, the others would be
 * claimed and put back for nothing, again and again.
 */
static enum outcome
read_batch(const struct service *service, struct due_batch *batch, struct fault *why)
{
	size_t most = amocrm_unavailable(service->crm) ? 1 : BATCH_MAX;
	int64_t now_ms = clock_wall_ms();
	enum outcome out = DONE;

	batch->count = 0;
	while (out == DONE && batch->count < most) {
		struct due *due = &batch->due[batch->count];

		out = ledger_next_due(service->ledger, batch->last_id, now_ms, due, why);
		if (out != DONE || due->id == 0)
			break;
		batch->last_id = due->id;
		out = add_row(service, batch, now_ms, why);
	}
	return out;
}

static void
clear_batch(struct due_batch *batch)
{
	size_t i;

	for (i = 0; i < batch->count; i++) {
		due_clear(&batch->due[i]);
		delivery_result_clear(&batch->deliveries[i].result);
		payment_free((struct payment *)batch->deliveries[i].paid);
	}
	batch->count = 0;
}

/*
 * Make one attempt at each payment of the batch, of which there is at least one, and log how each
 * ended.  How it ended is in the ledger already, attempts counted; nothing is counted here.
 * BROKEN when the ledger failed for any of them; the others are handled nevertheless.
 */
static enum outcome
deliver_batch(const struct service *service, struct due_batch *batch, bool (*go_on)(void *),
    void *cookie, struct fault *why)
{
	struct delivery_attempt *first = &batch->deliveries[0].attempt;
	enum outcome out = DONE;
	size_t i;

	/* No wait for a payer whom another process has in hand: there is other work to do. */
	first->lock_deadline_ms = clock_mono_ms();
	first->deadline_ms =
	    first->lock_deadline_ms + backlog_batch_ms(service->settings, batch->count);
	deliver_together(service, batch->deliveries, batch->count, go_on, cookie);
	for (i = 0; i < batch->count; i++) {
		const struct delivery *delivery = &batch->deliveries[i];

		/* LATER without a time: it was left alone, and no attempt was made. */
		if (delivery->out == LATER && delivery->result.next_ms == 0) {
			batch->skipped = true;
			continue;
		}
		batch->attempted = true;
		log_outcome(&batch->due[i], delivery);
		if (delivery->out == BROKEN) {
			out = BROKEN;
			*why = delivery->why;
		}
	}
	return out;
}

/* amoCRM refuses every request, or asked for a pause: until then no payment need be claimed. */
static bool
crm_closed(const struct service *service)
{
	struct limiter_state crm;

	limiter_look(service->limiter, &crm);
	return crm.ready_ms > clock_mono_ms();
}

/* Go through all that is due, once, in order of arrival. */
static enum outcome
make_pass(const struct service *service, struct due_batch *batch, bool (*go_on)(void *),
    void *cookie, struct fault *why)
{
	enum outcome out = DONE;
	bool more = true;

	batch->last_id = 0;
	batch->skipped = batch->attempted = false;
	while (out == DONE && more && go_on(cookie) && !crm_closed(service)) {
		out = read_batch(service, batch, why);
		more = batch->count > 0;
		if (out == DONE && more)
			out = deliver_batch(service, batch, go_on, cookie, why);
		clear_batch(batch);
	}
	return out;
}

enum outcome
backlog_carry(
    const struct service *service, bool (*go_on)(void *cookie), void *cookie, struct fault *why)
{
	struct due_batch batch = { .count = 0 };
	enum outcome out;

	/*
	 * Of several payments of one payer a batch takes the first; the next pass takes another.  A
	 * pass without any attempt ends it: what is left is in the hands of other processes.
	 */
	do
		out = make_pass(service, &batch, go_on, cookie, why);
	while (out == DONE && batch.skipped && batch.attempted);
	return out;
}
