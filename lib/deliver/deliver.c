/*
 * The sender was answered when the payment's row was committed; since then losing it would be our fault alone.  So each
 * step asks whether an earlier attempt got that far, acts only if not, and commits what it learnt before the next begins:
 * a crash between any two lines costs a repeated question, never a second lead.
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

/* How much longer than the attempt may take a row stays ours: what a dead process sent last may still be on its way, and
 * no intent says so of a note. */
#define LEASE_MARGIN_MS JOB_SETTLE_MS

/* An entity that amoCRM cannot take without failing would keep back all that go with it in one request, each time again. */
#define TOGETHER_TRIES 3

void
delivery_clear(struct delivery *delivery)
{
	json_decref(delivery->warnings);
	delivery->warnings = NULL;
}

/*
 * The steps.
 */

/* Nobody else may work for this payer meanwhile: two payments of one person could make two contacts. */
static enum outcome
lock_customer(struct job *job, struct fault *why)
{
	int64_t numbers[IDENTITIES_MAX + 1];
	uint8_t digest[CRYPTO_SHA256_SIZE];
	size_t count = 0;

	for (; count < job->who_count; count++)
		numbers[count] = job->who[count].hash;
	/* The payment itself too: it may name no payer. */
	crypto_sha256(job->paid->key, strlen(job->paid->key), digest);
	memcpy(&numbers[count], digest, sizeof(numbers[count]));
	return job_lock(job, LOCK_CUSTOMER, numbers, count + 1, why);
}

/* Take the payment in hand.  Somebody else may have finished it meanwhile: then it is over.  Or somebody put it off, maybe
 * so that amoCRM can carry out what got no answer: then it must wait. */
static enum outcome
take(struct job *job, struct fault *why)
{
	int64_t lease_ms =
	    clock_wall_ms() + (job->context.deadline_ms - clock_mono_ms()) + LEASE_MARGIN_MS;
	enum outcome out;

	if ((out = lock_customer(job, why)) != DONE)
		return out;
	out = ledger_claim(job->with->ledger, job->id, job->due_ms, lease_ms, &job->claimed, why);
	if (out != DONE || job->claimed)
		return out;
	if (job->due_ms != 0)
		return fault_set(why, LATER, "somebody else has had it in hand meanwhile");
	job->over = true;
	return DONE;
}

/* How far did the last attempt get? */
static enum outcome
look_back(struct job *job, struct fault *why)
{
	enum outcome out;

	if ((out = ledger_progress(job->with->ledger, job->id, &job->at, why)) != DONE)
		return out;
	job->applied_before = job->at.applied;
	if (job->at.intent == INTENT_NONE && !job->at.applied)
		return job_await_others(job, 0, why);
	return DONE;
}

static void
warn_of_fields(struct job *job)
{
	const json_t *name;
	char *text;
	size_t i;

	if (json_array_size(job->at.dropped) > 0) {
		text = json_dumps(job->at.dropped, JSON_COMPACT);
		job_warn(job, "amoCRM refused fields %s; the rest was written", text);
		free(text);
	}
	json_array_foreach(job->at.unmapped, i, name)
		job_warn(job, "no rule for subject \"%s\"", json_string_value(name));
}

/* Not batch_each(): whoever is told to stop still puts down what is done. */
static void
finish(struct batch *batch)
{
	size_t i;

	for (i = 0; i < batch->count; i++) {
		struct job *job = &batch->jobs[i];

		warn_of_fields(job);
		if (job_is_under_way(job))
			job->out = ledger_finish(
			    job->with->ledger, job->id, &job->at, clock_wall_ms(), &job->why);
	}
}

static void
carry(struct batch *batch)
{
	batch_each(batch, take);
	batch_each(batch, look_back);

	/* Who paid? */
	batch_each(batch, contact_find);
	batch_send(batch, AMOCRM_CONTACTS);
	batch_each(batch, contact_hold);
	batch_send(batch, AMOCRM_CONTACTS);

	/* For which lead, and how much does it come to? */
	batch_each(batch, lead_read_named);
	batch_each(batch, lead_read_contact);
	batch_read_leads(batch, lead_wants_linked);
	batch_each(batch, lead_settle);
	batch_send(batch, AMOCRM_LEADS);

	/* Tell the manager. */
	batch_each(batch, manager_task);
	batch_send(batch, AMOCRM_TASKS);
	batch_each(batch, manager_note);
	batch_send(batch, AMOCRM_NOTES);

	finish(batch);
}

/*
 * How the attempt ended.
 */

/* What is given up by age alone would be given up at the first failure after an outage in which nothing counted: a breaker
 * that was open for days, or a service that was down. */
#define TRIES_LEAST 5

static bool
too_old(const struct job *job, const struct attempt *attempt, int64_t now_ms)
{
	return attempt->failed + 1 >= TRIES_LEAST &&
	    now_ms - attempt->recorded_ms >
	    job->with->settings->retry_max_age_hours * 60 * 60 * 1000;
}

/* How long amoCRM, or a lost answer, wants to be left alone.  Not until the open breaker's next probe: another process may
 * be making the present one, and once it succeeds there is nothing to wait for. */
static int64_t
advised_wait(const struct job *job, const struct limiter_state *crm, int64_t now_ms)
{
	int64_t crm_ms = crm->open ? 0 : crm->ready_ms - clock_mono_ms(),
		settle_ms = job->wait_until_ms - now_ms;
	int64_t most = crm_ms > settle_ms ? crm_ms : settle_ms;

	return most > 0 ? most : 0;
}

static enum outcome
postpone(
    struct job *job, const struct attempt *attempt, struct delivery *delivery, struct fault *why)
{
	struct limiter_state crm;
	struct fault reason = *why;
	int64_t now_ms = clock_wall_ms();
	bool counts;

	limiter_look(job->with->limiter, &crm);
	/* Neither attempts nor age count against a payment that others keep waiting. */
	counts = !crm.open && !job->waiting;
	if (counts && too_old(job, attempt, now_ms))
		return fault_set(why, NEVER, "given up after %lld hours: %.200s",
		    (long long)job->with->settings->retry_max_age_hours, reason.text);
	delivery->next_ms = now_ms +
	    retry_wait((unsigned)(attempt->failed + 1), DELIVER_WAIT_MIN_MS,
		job->waiting ? DELIVER_WAIT_MIN_MS : DELIVER_WAIT_MAX_MS,
		advised_wait(job, &crm, now_ms), crypto_random_bits());
	/* One that waits for others looks every second or two, and has nothing to tell. */
	if (!job->waiting)
		job_tell(job, "put back for %lld s: %s",
		    (long long)(delivery->next_ms - now_ms + 999) / 1000, reason.text);
	if (ledger_postpone(job->with->ledger, job->id, job->at.events, reason.text, counts,
		delivery->next_ms, why) != DONE)
		return BROKEN;
	return LATER;
}

static enum outcome
fail(struct job *job, struct fault *why)
{
	struct fault reason = *why;

	job_tell(job, "failed: %s", reason.text);
	if (ledger_fail(job->with->ledger, job->id, job->at.events, reason.text, clock_wall_ms(),
		why) != DONE)
		return BROKEN;
	*why = reason;
	return NEVER;
}

/* Write down how the attempt ended; a row that was never in our hand is left alone. */
static enum outcome
conclude(
    struct job *job, const struct attempt *attempt, struct delivery *delivery, struct fault *why)
{
	enum outcome out = job->out;

	*why = job->why;
	if (!job->claimed)
		return out;
	/* What we hung up on may still be carried out: look for it only when it would show. */
	if (out == UNSURE)
		job->wait_until_ms = clock_wall_ms() + JOB_SETTLE_MS;
	if (out == LATER || out == UNSURE)
		out = postpone(job, attempt, delivery, why);
	if (out == NEVER)
		out = fail(job, why);
	return out;
}

/*
 * Jobs and parcels.
 */

/* A job alone uses the service's locks; several need a handle each to exclude each other. */
static void
open_job(struct job *job, const struct service *service, const struct parcel *parcel,
    const struct attempt *first, bool alone)
{
	*job = (struct job){ .with = service,
		.locks = service->locks,
		.paid = parcel->paid,
		.id = parcel->attempt.id,
		.context = { .deadline_ms = first->deadline_ms,
		    .request_id = parcel->attempt.request_id,
		    .trails = &job->at.events,
		    .trail_count = 1 },
		.due_ms = parcel->attempt.due_ms,
		.lock_deadline_ms = first->lock_deadline_ms,
		.apart = parcel->attempt.failed >= TOGETHER_TRIES,
		.out = DONE,
		.warnings = json_array() };
	job->who_count = payment_identities(job->paid, job->who);
	progress_init(&job->at);
	if (!alone)
		job->out = lock_open_again(service->locks, &job->locks, &job->why);
}

static void
drop_locks(struct job *job)
{
	if (job->locks == job->with->locks) {
		lock_drop(job->locks, LOCK_LEAD);
		lock_drop(job->locks, LOCK_CONTACT);
		lock_drop(job->locks, LOCK_CUSTOMER);
	} else {
		lock_close(job->locks);
	}
}

static void
close_job(struct job *job, struct parcel *parcel)
{
	parcel->delivery = (struct delivery){ 0 };
	parcel->out = conclude(job, &parcel->attempt, &parcel->delivery, &parcel->why);
	drop_locks(job);

	parcel->delivery.contact_id = job->at.contact_id;
	parcel->delivery.lead_id = job->at.lead_id;
	parcel->delivery.pipeline_id = job->at.pipeline_id;
	parcel->delivery.lead_created = job->at.lead_created;
	parcel->delivery.not_found = job->not_found;
	parcel->delivery.warnings = job->warnings;
	progress_clear(&job->at);
	json_decref(job->contact);
	json_decref(job->leads);
	json_decref(job->request.entity);
}

void
deliver_together(const struct service *service, struct parcel *parcels, size_t count,
    bool (*go_on)(void *context), void *context)
{
	struct job jobs[BATCH_MAX];
	struct batch batch = {
		.with = service, .jobs = jobs, .count = count, .go_on = go_on, .context = context
	};
	int64_t began_ms = clock_mono_ms();
	size_t i;

	for (i = 0; i < count; i++)
		open_job(&jobs[i], service, &parcels[i], &parcels[0].attempt, count == 1);
	carry(&batch);
	for (i = 0; i < count; i++) {
		close_job(&jobs[i], &parcels[i]);
		if (jobs[i].claimed)
			metrics_delivery(
			    service->metrics, parcels[i].out, clock_mono_ms() - began_ms);
	}
}

enum outcome
deliver(const struct service *service, const struct payment *paid, const struct attempt *attempt,
    struct delivery *delivery, struct fault *why)
{
	struct parcel parcel = { .paid = paid, .attempt = *attempt };

	deliver_together(service, &parcel, 1, NULL, NULL);
	*delivery = parcel.delivery;
	*why = parcel.why;
	return parcel.out;
}
