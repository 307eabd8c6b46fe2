#ifndef DELIVER_JOB_H
#define DELIVER_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "deliver/service.h"
#include "ledger/progress.h"
#include "payment/payment.h"

/*
 * What is known of a payment that is to be carried: enough to decide what is to be done, and all
 * that the preview needs.
 */
struct known {
	const struct service *service;
	/* Of its calls to amoCRM: until when, for which request, and its own trail. */
	struct amocrm_context context;
	const struct payment *paid;
	struct identity who[IDENTITIES_MAX];
	size_t who_count;
	struct progress at; /* As in the ledger; saved after each step. */
	/* As last read, with the ids of its leads; NULL when it was not read.  Owned. */
	json_t *contact;
	/* Shows this payment's id and has its note: it was added there.  0 = none is known. */
	int64_t holds_it;
	bool moved;       /* A lead that had this payment, or may have, has vanished. */
	json_t *warnings; /* What a person may want to know: array of English sentences.  Owned. */
};

/* Its trail is at.events; so `known` must stay in its place. */
void known_init(struct known *known, const struct service *service, const struct payment *paid);
void known_clear(struct known *known);

/* Tell the trail. */
void known_tell(struct known *known, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append a warning, and tell the trail. */
void known_warn(struct known *known, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One attempt at one row of the ledger. */
struct delivery_attempt {
	int64_t id;
	const char *request_id; /* Of the webhook's request, for amoCRM's log; NULL or "": none. */
	int64_t recorded_ms;
	int64_t failed; /* Attempts that failed before. */
	/* Wall clock: the row is left alone unless it is due by then; 0: whenever. */
	int64_t due_ms;
	int64_t deadline_ms; /* Monotonic: it must be over by then. */
	/* Monotonic: how long to wait while another process works for the same payer. */
	int64_t lock_deadline_ms;
};

/*
 * A payment on its way into amoCRM.
 */
struct job {
	struct known known;
	struct delivery_attempt attempt;
	struct locks *locks; /* A handle of its own: two jobs must exclude each other.  Borrowed. */
	struct job_batch *batch; /* The batch that carries it. */
	/* It failed so often that it may be what fails: its requests go by themselves. */
	bool apart;

	bool claimed; /* The row is ours. */
	/* An earlier attempt applied the payment; its note may stand there too. */
	bool applied_before;
	int64_t mark;           /* ledger_mark() before leads were read for the choice. */
	int64_t responsible_id; /* Amo's user who looks after the lead, as read; 0 = not read. */

	/* How it ended. */
	enum outcome out;
	struct fault why;
	bool waiting; /* A LATER is for another payment's sake, not for a failure of ours. */
	const char *not_found; /* "contact_not_found" or "lead_not_found": why a NEVER is one. */
	int64_t wait_until_ms; /* Wall clock: no use trying again before; 0 = none. */
};

/* lock_take() for a job: it waits until attempt.lock_deadline_ms, and a LATER is a wait for another
 * payment. */
enum outcome job_lock(struct job *job, enum lock_range range, const int64_t *numbers, size_t count,
    struct fault *why) MUST_USE;

/* DONE unless another unfinished payment has an open intent for this payer, or (lead_id not 0) on
 * this lead: until it is known what became of that one, nothing that we would look up can be
 * trusted.  Then LATER. */
enum outcome job_await_others(struct job *job, int64_t lead_id, struct fault *why) MUST_USE;

/* Save the progress. */
enum outcome job_save(struct job *job, struct fault *why) MUST_USE;

/*
 * Write down what is about to be done to amoCRM, before it is done.  LATER: the payment has come again
 * as excluded meanwhile; its row is finished, and nothing may be sent.
 */
enum outcome job_intend(struct job *job, enum intent intent, struct fault *why) MUST_USE;

/*
 * After a creation that gave no id.  One that surely did not happen (LATER, NEVER) need not be
 * looked for: its intent is taken back, and the next attempt may create at once.  Returns `out`,
 * or BROKEN when that could not be written down.
 */
enum outcome job_withdraw(struct job *job, enum outcome out, struct fault *why) MUST_USE;

/*
 * amoCRM's search finds a new entity only after a while, and a request that seemed lost may still
 * be carried out.  After a creation whose answer was lost this is waited before it is looked for;
 * the reference observed no lag above seconds.
 */
#define JOB_SETTLE_MS 10000

/*
 * Whether amoCRM created this entity no earlier than our open intent was written down, told by its
 * own clock.  Ours may have been set since, or jump a little: JOB_CLOCK_MARGIN_S is allowed for it.
 */
#define JOB_CLOCK_MARGIN_S 300
bool known_created_since_intent(const struct known *known, const json_t *entity);

/* DONE when the open intent is old enough to be looked into; else LATER, with wait_until_ms set. */
enum outcome job_settled(struct job *job, struct fault *why) MUST_USE;

#endif
