/*
 * The sender was answered when the payment's row was committed; since then losing it would be our fault alone.  So each
 * step asks whether an earlier attempt got that far, acts only if not, and commits what it learnt before the next begins:
 * a crash between any two lines costs a repeated question, never a second lead.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "contact.h"
#include "crypto.h"
#include "deliver.h"
#include "job.h"
#include "lead.h"
#include "lead_form.h"
#include "note.h"
#include "retry.h"

/* How much longer than the attempt may take a row stays ours: what a dead process sent last may still be on its way, and
 * no intent says so of a note. */
#define LEASE_MARGIN_MS JOB_SETTLE_MS

void
delivery_clear(struct delivery *delivery)
{
	json_decref(delivery->remarks);
	delivery->remarks = NULL;
}

/*
 * The steps.
 */

/* Nobody else may work for this payer meanwhile: two payments of one person could make two contacts. */
static enum outcome
lock_customer(struct job *job, struct fault *why)
{
	int64_t numbers[IDENTITIES_MAX + 1];
	uint8_t digest[SHA256_SIZE];
	size_t count = 0;

	for (; count < job->who_count; count++)
		numbers[count] = job->who[count].hash;
	/* The payment itself too: it may name no payer. */
	sha256(job->paid->key, strlen(job->paid->key), digest);
	memcpy(&numbers[count], digest, sizeof(numbers[count]));
	return job_lock(job, LOCK_CUSTOMER, numbers, count + 1, why);
}

static enum outcome
claim(struct job *job, bool *claimed, struct fault *why)
{
	int64_t lease_ms = clock_wall_ms() + (job->deadline_ms - clock_mono_ms()) + LEASE_MARGIN_MS;

	return ledger_claim(job->with->ledger, job->id, lease_ms, claimed, why);
}

static enum outcome
note_exists(struct job *job, bool *exists, struct fault *why)
{
	json_t *notes = NULL, *note;
	enum outcome out;
	size_t i;

	if ((out = amocrm_notes(job->with->crm, job->at.lead_id, &notes, why)) != DONE)
		return out;
	*exists = false;
	json_array_foreach(notes, i, note) {
		const char *text =
		    json_string_value(json_object_get(json_object_get(note, "params"), "text"));

		if (text != NULL && note_is_for(text, job->paid)) {
			job->at.note_id = json_integer_value(json_object_get(note, "id"));
			*exists = true;
			break;
		}
	}
	json_decref(notes);
	return DONE;
}

static enum outcome
add_note(struct job *job, struct fault *why)
{
	json_t *titles = json_array(), *field;
	char *text, *title;
	enum outcome out;
	size_t i;

	json_array_foreach(job->at.dropped, i, field) {
		title = lead_form_title(job->with->settings, field);
		json_array_append_new(titles, json_string(title));
		free(title);
	}
	text = note_compose(job->paid, job->at.unmapped, titles);
	out = amocrm_add_note(job->with->crm, job->at.lead_id, text, &job->at.note_id, why);
	free(text);
	json_decref(titles);
	return out;
}

/* A note whose answer was lost may stand there already: look before writing it again.  It is only ever written after the
 * totals are known to be applied, so an attempt that applied them itself has nothing to look for. */
static enum outcome
note_once(struct job *job, bool look, struct fault *why)
{
	bool exists = false;
	enum outcome out;

	if (job->at.note_id != 0)
		return DONE;
	if (look && ((out = note_exists(job, &exists, why)) != DONE || exists))
		return out;
	return add_note(job, why);
}

static enum outcome
carry(struct job *job, struct fault *why)
{
	bool applied_before;
	enum outcome out;

	/* How far did the last attempt get? */
	if ((out = ledger_progress(job->with->ledger, job->id, &job->at, why)) != DONE)
		return out;
	applied_before = job->at.applied;

	/* Who paid? */
	if (job->at.intent == INTENT_NONE && !applied_before && (out = job_await_others(job, 0, why)) != DONE)
		return out;
	if (job->at.contact_id == 0 && (out = contact_settle(job, why)) != DONE)
		return out;

	/* For which lead, and how much does it come to? */
	if ((out = job_lock(job, LOCK_CONTACT, &job->at.contact_id, 1, why)) != DONE)
		return out;
	if (!job->at.applied && (out = lead_settle(job, why)) != DONE)
		return out;

	/* Tell the manager. */
	if ((out = note_once(job, applied_before, why)) != DONE)
		return out;

	return ledger_finish(job->with->ledger, job->id, &job->at, clock_wall_ms(), why);
}

/*
 * How the attempt ended.
 */

static bool
too_old(const struct job *job, const struct attempt *attempt, int64_t now_ms)
{
	return now_ms - attempt->recorded_ms > job->with->settings->retry_max_age_hours * 60 * 60 * 1000;
}

/* How long amoCRM, or a lost answer, wants to be left alone. */
static int64_t
advised_wait(const struct job *job, const struct limiter_state *crm, int64_t now_ms)
{
	int64_t crm_ms = crm->ready_ms - clock_mono_ms(), settle_ms = job->wait_until_ms - now_ms;
	int64_t most = crm_ms > settle_ms ? crm_ms : settle_ms;

	return most > 0 ? most : 0;
}

static enum outcome
postpone(struct job *job, const struct attempt *attempt, struct delivery *delivery, struct fault *why)
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
		job->waiting ? DELIVER_WAIT_MIN_MS : DELIVER_WAIT_MAX_MS, advised_wait(job, &crm, now_ms),
		random_bits());
	if (ledger_postpone(job->with->ledger, job->id, job->at.events, reason.text, counts,
		delivery->next_ms, why) != DONE)
		return BROKEN;
	return LATER;
}

static enum outcome
fail(struct job *job, struct fault *why)
{
	struct fault reason = *why;

	if (ledger_fail(job->with->ledger, job->id, job->at.events, reason.text, clock_wall_ms(), why) !=
	    DONE)
		return BROKEN;
	*why = reason;
	return NEVER;
}

static void
remark_fields(struct job *job)
{
	const json_t *name;
	char *text;
	size_t i;

	if (json_array_size(job->at.dropped) > 0) {
		text = json_dumps(job->at.dropped, JSON_COMPACT);
		job_remark(job, "amoCRM refused fields %s; the rest was written", text);
		free(text);
	}
	json_array_foreach(job->at.unmapped, i, name)
		job_remark(job, "no rule for subject \"%s\"", json_string_value(name));
}

/* Work on the payment while its payer's lock is held, and write down how it ended. */
static enum outcome
attempt_locked(struct job *job, const struct attempt *attempt, struct delivery *delivery, struct fault *why)
{
	bool claimed = false;
	enum outcome out;

	if ((out = claim(job, &claimed, why)) != DONE || !claimed)
		return out;
	out = carry(job, why);
	/* What we hung up on may still be carried out: look for it only when it would show. */
	if (out == UNSURE)
		job->wait_until_ms = clock_wall_ms() + JOB_SETTLE_MS;
	if (out == LATER || out == UNSURE)
		out = postpone(job, attempt, delivery, why);
	if (out == NEVER)
		out = fail(job, why);
	return out;
}

enum outcome
deliver(const struct carrier *carrier, const struct payment *paid, const struct attempt *attempt,
    struct delivery *delivery, struct fault *why)
{
	struct job job = { .with = carrier,
		.paid = paid,
		.id = attempt->id,
		.deadline_ms = attempt->deadline_ms,
		.lock_deadline_ms = attempt->lock_deadline_ms,
		.remarks = json_array() };
	enum outcome out;

	*delivery = (struct delivery){ 0 };
	job.who_count = payment_identities(paid, job.who);
	progress_init(&job.at);
	amocrm_set_deadline(carrier->crm, attempt->deadline_ms);

	if ((out = lock_customer(&job, why)) == DONE)
		out = attempt_locked(&job, attempt, delivery, why);
	lock_drop(carrier->locks, LOCK_LEAD);
	lock_drop(carrier->locks, LOCK_CONTACT);
	lock_drop(carrier->locks, LOCK_CUSTOMER);

	remark_fields(&job);
	delivery->contact_id = job.at.contact_id;
	delivery->lead_id = job.at.lead_id;
	delivery->pipeline_id = job.at.pipeline_id;
	delivery->lead_created = job.at.lead_created;
	delivery->not_found = job.not_found;
	delivery->remarks = job.remarks;
	progress_clear(&job.at);
	json_decref(job.contact);
	return out;
}
