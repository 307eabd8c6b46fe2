#ifndef DELIVER_JOB_H
#define DELIVER_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "deliver/service.h"
#include "ledger/ledger.h"
#include "payment/payment.h"

/*
 * One payment on its way into amoCRM: what the steps of deliver.c hand to each other.
 */
struct job;

/* What a job is about to send to amoCRM: a step prepares it, batch_send() sends it. */
struct request {
	json_t *entity;     /* Owned; NULL: there is nothing to send. */
	int64_t id;         /* Of the entity to change; 0: one is created. */
	enum intent intent; /* Written down before it is sent; INTENT_NONE: it need not be. */
	/* Take in how it ended; with DONE, `id` is the entity's.  Returns what that means for the job. */
	enum outcome (*then)(struct job *job, enum outcome out, int64_t id, struct fault *why);
};

struct job {
	const struct service *with;
	struct locks
	    *locks; /* A handle of this job's own: two jobs must exclude each other.  Borrowed. */
	const struct payment *paid;
	int64_t id;     /* The ledger's row. */
	int64_t due_ms; /* Wall clock: left alone unless due by then; 0 = taken whenever. */
	/* Of its calls to amoCRM: the attempt must be over by the deadline; the trail is at.events. */
	struct amocrm_context context;
	int64_t lock_deadline_ms; /* Monotonic: waiting for others' locks must be over by then. */

	/* How it goes: under way as long as `out` is DONE and it is not over. */
	enum outcome out;
	struct fault why;
	bool claimed; /* The row is ours. */
	bool over;    /* Nothing is left to do: somebody else did it. */
	bool waiting; /* A LATER is for another payment's sake, not for a failure of ours. */
	bool
	    applied_before; /* An earlier attempt applied the payment; its note may stand there too. */
	/* It failed so often that it may be what fails: its requests go by themselves, not together with others'. */
	bool apart;

	struct identity who[IDENTITIES_MAX];
	size_t who_count;

	struct progress at; /* As in the ledger; saved after each step. */
	int64_t
	    looked_ms; /* Wall clock: when the contact was looked for and found; 0 = known before, or just created. */
	json_t *
	    contact; /* As last read, with the ids of its leads; NULL when it was not read.  Owned. */
	json_t
	    *leads; /* The leads to choose from, where they were read already; else NULL.  Owned. */
	int64_t
	    responsible_id; /* Amo's user who looks after the lead, as last read; 0 = not read. */
	struct request request;

	const char *not_found; /* "contact_not_found" or "lead_not_found": why a NEVER is one. */
	int64_t wait_until_ms; /* Wall clock: no use trying again before; 0 = none. */
	json_t *warnings; /* What a person may want to know: array of English sentences.  Owned. */
};

/* lock_take() for a job: it waits until lock_deadline_ms, and a LATER is a wait for others. */
enum outcome job_lock(struct job *job, enum lock_range range, const int64_t *numbers, size_t count,
    struct fault *why) MUST_USE;

/* DONE unless another unfinished payment has an open intent for this payer, or (lead_id not 0) on this lead: until it is
 * known what became of that one, nothing that we would look up can be trusted.  Then LATER. */
enum outcome job_await_others(struct job *job, int64_t lead_id, struct fault *why) MUST_USE;

/* Tell the trail. */
void job_tell(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Tell the trail what a request will write into a lead: see lead_story(). */
void job_tell_story(struct job *job, const json_t *lead, const json_t *request);

/* Append a warning, and tell the trail. */
void job_warn(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Save the progress. */
enum outcome job_save(struct job *job, struct fault *why) MUST_USE;

/* Write down what is about to be done to amoCRM, before it is done. */
enum outcome job_intend(struct job *job, enum intent intent, struct fault *why) MUST_USE;

/*
 * After a creation that gave no id.  One that surely did not happen (LATER, NEVER) need not be looked for: its intent is
 * taken back, and the next attempt may create at once.  Returns `out`, or BROKEN when that could not be written down.
 */
enum outcome job_withdraw(struct job *job, enum outcome out, struct fault *why) MUST_USE;

/*
 * amoCRM's search finds a new entity only after a while, and a request that seemed lost may still be carried out.  After
 * a creation whose answer was lost this is waited before it is looked for; the reference observed no lag above seconds.
 */
#define JOB_SETTLE_MS 10000

/* DONE when the open intent is old enough to be looked into; else LATER, with wait_until_ms set. */
enum outcome job_settled(struct job *job, struct fault *why) MUST_USE;

#endif
