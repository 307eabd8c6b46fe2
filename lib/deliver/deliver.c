/*
 * How one payment is carried, from the recorded row to the note.
 *
 * The sender was answered when the payment's row was committed; since then losing it would be our
 * fault alone.  So each step asks whether an earlier attempt got that far, acts only if not, and
 * commits what it learnt before the next begins: a crash between any two lines costs a repeated
 * question, never a second lead.
 *
 * 	step      what is written before     what is sent    when the answer is lost, the next attempt
 * 	claim     the lease                  -               -
 * 	contact   intent "contact"           its creation    looks among the newest contacts
 * 	          -                          what it lacks   reads it and fills in what is missing
 * 	lead      intent "totals" with the   the change      compares the lead with both values
 * 	          values before and after
 * 	      or  intent "lead"              its creation    looks among the contact's leads
 * 	task      -                          the task        looks among the lead's tasks
 * 	note      -                          the note        looks among the lead's notes
 * 	finish    the row is a success       -               -
 *
 * A creation's lost answer is looked for only after JOB_SETTLE_MS, when it would show.  What
 * answers with certainty that it was not done (LATER, NEVER) takes a creation's intent back at
 * once.  A lead or a contact that is gone when it is to be written is looked for anew.
 *
 * Locks are taken in this order and kept until the end of the attempt is written: the payer's
 * identities (claim), the contact, the lead.  A batch holds a handle of its own for each payment.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/retry.h"
#include "deliver/batch.h"
#include "deliver/contact.h"
#include "deliver/deliver.h"
#include "deliver/job.h"
#include "deliver/lead.h"
#include "deliver/manager.h"
#include "ledger/attempt.h"

/* How much longer than the attempt may take a row stays ours: what a dead process sent last may
 * still be on its way, and no intent says so of a note. */
#define LEASE_MARGIN_MS JOB_SETTLE_MS

/* An entity that amoCRM cannot take without failing would keep back all that go with it in one
 * request, each time again. */
#define TOGETHER_TRIES 3

void
delivery_result_clear(struct delivery_result *result)
{
	json_decref(result->warnings);
	result->warnings = NULL;
}

/*
 * The steps.
 */

/* No other process may work for this payer meanwhile: two payments of one person could make two
 * contacts. */
static enum outcome
lock_customer(struct job *job, struct fault *why)
{
	int64_t numbers[IDENTITIES_MAX + 1];
	uint8_t digest[CRYPTO_SHA256_SIZE];
	size_t count = 0;

	for (; count < job->known.who_count; count++)
		numbers[count] = job->known.who[count].hash;
	/* The payment itself too: it may name no payer. */
	crypto_sha256(job->known.paid->key, strlen(job->known.paid->key), digest);
	memcpy(&numbers[count], digest, sizeof(numbers[count]));
	return job_lock(job, LOCK_CUSTOMER, numbers, count + 1, why);
}

/* Claim the row.  Another process may have finished it meanwhile: then it is DONE and not claimed.
 * Or one put it off, maybe so that amoCRM can carry out what got no answer: then it must wait. */
static enum outcome
claim(struct job *job, struct fault *why)
{
	int64_t lease_ms =
	    clock_wall_ms() + (job->attempt.deadline_ms - clock_mono_ms()) + LEASE_MARGIN_MS;
	enum outcome out;

	if ((out = lock_customer(job, why)) != DONE)
		return out;
	out = ledger_claim(job->known.service->ledger, job->attempt.id, job->attempt.due_ms,
	    lease_ms, &job->claimed, why);
	if (out == DONE && !job->claimed && job->attempt.due_ms != 0)
		return fault_set(why, LATER, "somebody else has had it in hand meanwhile");
	return out;
}

/* How far did the last attempt get?  One that begins anew waits for the payer's open intents. */
static enum outcome
look_back(struct job *job, struct fault *why)
{
	struct progress *at = &job->known.at;
	enum outcome out;

	out = ledger_progress(job->known.service->ledger, job->attempt.id, at, why);
	if (out != DONE)
		return out;
	job->applied_before = at->applied;
	if (at->intent == INTENT_NONE && !at->applied)
		return job_await_others(job, 0, why);
	return DONE;
}

static void
warn_of_fields(struct known *known)
{
	const json_t *name;
	char *text;
	size_t i;

	if (json_array_size(known->at.dropped) > 0) {
		text = json_dumps(known->at.dropped, JSON_COMPACT);
		known_warn(known, "amoCRM refused fields %s; the rest was written", text);
		free(text);
	}
	json_array_foreach(known->at.unmapped, i, name)
		known_warn(known, "no rule for subject \"%s\"", json_string_value(name));
	if (known->paid->ahead)
		known_warn(known,
		    "the webhook dates the payment more than a day ahead; that date is not used");
}

static enum outcome
tell_manager(struct job *job, struct fault *why)
{
	enum outcome out;

	if ((out = batch_turn(job, why)) != DONE || (out = manager_task(job, why)) != DONE)
		return out;
	if ((out = batch_turn(job, why)) != DONE)
		return out;
	return manager_note(job, why);
}

/* The steps of one payment, as if it were alone.  At each turn it waits until the others of its
 * batch have come as far; what they send then goes together. */
static enum outcome
take_steps(struct job *job, struct fault *why)
{
	enum outcome out;

	/* Take the row in hand, and see how far the last attempt got. */
	if ((out = batch_turn(job, why)) != DONE || (out = claim(job, why)) != DONE ||
	    !job->claimed)
		return out;
	if ((out = batch_turn(job, why)) != DONE || (out = look_back(job, why)) != DONE)
		return out;

	/* Who paid? */
	if ((out = contact_settle(job, why)) != DONE)
		return out;

	/* For which lead, and how much does it come to? */
	if ((out = lead_settle(job, why)) != DONE)
		return out;

	/* Where the lead vanished before its note was written, the payment needs another. */
	if ((out = tell_manager(job, why)) != NEVER || (out = lead_settle_anew(job, why)) != DONE)
		return out;
	return tell_manager(job, why);
}

/* No turn before the end: a process that is told to stop still writes down what is done. */
static enum outcome
carry(struct job *job, struct fault *why)
{
	enum outcome out = take_steps(job, why);

	warn_of_fields(&job->known);
	if (out != DONE || !job->claimed)
		return out;
	return ledger_finish(
	    job->known.service->ledger, job->attempt.id, &job->known.at, clock_wall_ms(), why);
}

/*
 * How the attempt ended.
 */

/* What is given up by age alone would be given up at the first failure after an outage in which
 * nothing counted: a breaker that was open for days, or a service that was down. */
#define TRIES_LEAST 5

static bool
too_old(const struct job *job, int64_t now_ms)
{
	return job->attempt.failed + 1 >= TRIES_LEAST &&
	    now_ms - job->attempt.recorded_ms >
	    job->known.service->settings->retry_max_age_hours * 60 * 60 * 1000;
}

/* How long amoCRM, or a lost answer, wants to be left alone.  Not until the open breaker's next
 * probe: another process may be making the present one, and once it succeeds there is nothing to
 * wait for. */
static int64_t
advised_wait(const struct job *job, const struct limiter_state *crm, int64_t now_ms)
{
	int64_t crm_ms = crm->open ? 0 : crm->ready_ms - clock_mono_ms(),
		settle_ms = job->wait_until_ms - now_ms;
	int64_t most = crm_ms > settle_ms ? crm_ms : settle_ms;

	return most > 0 ? most : 0;
}

/* Back to pending.  An attempt is counted unless amoCRM refuses everybody or the payment waits for
 * another; one that is too old after an attempt that counts is given up. */
static enum outcome
postpone(struct job *job, int64_t *next_ms, struct fault *why)
{
	struct limiter_state crm;
	struct fault reason = *why;
	int64_t now_ms = clock_wall_ms();
	bool counts;

	limiter_look(job->known.service->limiter, &crm);
	/* Neither attempts nor age count against a payment that others keep waiting. */
	counts = !crm.open && !job->waiting;
	if (counts && too_old(job, now_ms))
		return fault_set(why, NEVER, "given up after %lld hours: %.200s",
		    (long long)job->known.service->settings->retry_max_age_hours, reason.text);
	*next_ms = now_ms +
	    retry_wait((unsigned)(job->attempt.failed + 1), DELIVER_WAIT_MIN_MS,
		job->waiting ? DELIVER_WAIT_MIN_MS : DELIVER_WAIT_MAX_MS,
		advised_wait(job, &crm, now_ms), crypto_random_bits());
	/* One that waits for others looks every second or two, and has nothing to tell. */
	if (!job->waiting)
		known_tell(&job->known, "put back for %lld s: %s",
		    (long long)(*next_ms - now_ms + 999) / 1000, reason.text);
	if (ledger_postpone(job->known.service->ledger, job->attempt.id, job->known.at.events,
		reason.text, counts, *next_ms, why) != DONE)
		return BROKEN;
	return LATER;
}

static enum outcome
fail(struct job *job, struct fault *why)
{
	struct fault reason = *why;

	known_tell(&job->known, "failed: %s", reason.text);
	if (ledger_fail(job->known.service->ledger, job->attempt.id, job->known.at.events,
		reason.text, clock_wall_ms(), why) != DONE)
		return BROKEN;
	*why = reason;
	return NEVER;
}

/* Write down how the attempt ended; a row that was not claimed is left alone.  Ensures: a claimed
 * row is a success, failed, or pending and due at *next_ms, unless the ledger is BROKEN. */
static enum outcome
conclude(struct job *job, int64_t *next_ms, struct fault *why)
{
	enum outcome out = job->out;

	*why = job->why;
	if (!job->claimed)
		return out;
	/* What we hung up on may still be carried out: look for it only when it would show. */
	if (out == UNSURE)
		job->wait_until_ms = clock_wall_ms() + JOB_SETTLE_MS;
	if (out == LATER || out == UNSURE)
		out = postpone(job, next_ms, why);
	if (out == NEVER)
		out = fail(job, why);
	return out;
}

/*
 * Jobs and their results.
 */

/* A job alone uses the service's locks; several need a handle each to exclude each other. */
static void
open_job(struct job *job, const struct service *service, const struct delivery *delivery,
    const struct delivery_attempt *first, bool alone)
{
	*job = (struct job){ .attempt = delivery->attempt,
		.locks = service->locks,
		.apart = delivery->attempt.failed >= TOGETHER_TRIES,
		.out = DONE };
	job->attempt.deadline_ms = first->deadline_ms;
	job->attempt.lock_deadline_ms = first->lock_deadline_ms;
	known_init(&job->known, service, delivery->paid);
	job->known.context.deadline_ms = first->deadline_ms;
	job->known.context.request_id = delivery->attempt.request_id;
	if (!alone)
		job->locks = lock_open_again(service->locks);
}

static void
drop_locks(struct job *job)
{
	if (job->locks == job->known.service->locks) {
		lock_drop(job->locks, LOCK_LEAD);
		lock_drop(job->locks, LOCK_CONTACT);
		lock_drop(job->locks, LOCK_CUSTOMER);
	} else {
		lock_close(job->locks);
	}
}

static void
close_job(struct job *job, struct delivery *delivery)
{
	struct delivery_result *result = &delivery->result;
	const struct progress *at = &job->known.at;

	*result = (struct delivery_result){ 0 };
	delivery->out = conclude(job, &result->next_ms, &delivery->why);
	drop_locks(job);

	result->contact_id = at->contact_id;
	result->lead_id = at->lead_id;
	result->pipeline_id = at->pipeline_id;
	result->lead_created = at->lead_created;
	result->not_found = job->not_found;
	result->warnings = json_incref(job->known.warnings);
	known_clear(&job->known);
}

void
deliver_together(const struct service *service, struct delivery *deliveries, size_t count,
    bool (*go_on)(void *cookie), void *cookie)
{
	struct job jobs[BATCH_MAX];
	struct job_batch batch = {
		.service = service, .jobs = jobs, .count = count, .go_on = go_on, .cookie = cookie
	};
	int64_t began_ms = clock_mono_ms();
	size_t i;

	for (i = 0; i < count; i++)
		open_job(&jobs[i], service, &deliveries[i], &deliveries[0].attempt, count == 1);
	batch_carry(&batch, carry);
	for (i = 0; i < count; i++) {
		close_job(&jobs[i], &deliveries[i]);
		if (jobs[i].claimed)
			metrics_delivery(
			    service->metrics, deliveries[i].out, clock_mono_ms() - began_ms);
	}
}

enum outcome
deliver(const struct service *service, const struct payment *paid,
    const struct delivery_attempt *attempt, struct delivery_result *result, struct fault *why)
{
	struct delivery delivery = { .paid = paid, .attempt = *attempt };

	deliver_together(service, &delivery, 1, NULL, NULL);
	*result = delivery.result;
	*why = delivery.why;
	return delivery.out;
}
