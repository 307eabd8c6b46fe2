#ifndef DELIVER_BATCH_H
#define DELIVER_BATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "amocrm/amocrm.h"
#include "deliver/job.h"

/*
 * Payments that are carried together, so that what all of them want of amoCRM goes in one request.
 *
 * Each job's story is told by one function as if it were alone.  It waits at three kinds of points:
 * batch_turn(), batch_send() and batch_read_leads().  Once all jobs wait or have ended, what is to
 * be sent is sent, then what is to be read is read, and when no job wants either, the turn is given
 * to each in order.  So each job of a batch must pass the same turns in the same order; what it
 * sends and reads between two of them is its own business.
 *
 * A batch of one is the ordinary case: its story runs on the caller's stack and waits for nothing.
 */
#define BATCH_MAX AMOCRM_ITEMS_MAX

struct job_batch {
	const struct service *service;
	struct job *jobs;
	size_t count; /* 1 .. BATCH_MAX */
	/* False: finish what must be finished, begin nothing; NULL: always go on. */
	bool (*go_on)(void *cookie);
	void *cookie;
	struct batch_member *members; /* batch_carry()'s own. */
};

/* Carry each job by `story`; how it ended is in job->out and job->why.  A job whose `out` is not
 * DONE from the beginning is left alone. */
void batch_carry(
    struct job_batch *batch, enum outcome (*story)(struct job *job, struct fault *why));

/*
 * The next part of the story begins, once all others have come as far.  DONE: it is this job's
 * turn.  LATER, with job->waiting set: it is put back untried, because amoCRM turned out to be
 * unwell, go_on() says no, or half of the time until the deadline went to those before it.
 */
enum outcome batch_turn(struct job *job, struct fault *why) MUST_USE;

/*
 * Have amoCRM create an entity (*id is 0, and with DONE is set) or change that of *id, in one
 * request with what the other jobs send.  The intent, unless INTENT_NONE, is written down just
 * before the request leaves; BROKEN when that fails, and nothing is sent.  Other outcomes are
 * amoCRM's for this entity.  A job that is to be kept apart sends by itself.  `entity` is stolen.
 */
enum outcome batch_send(struct job *job, enum intent intent, enum amocrm_kind kind, int64_t *id,
    json_t *entity, struct fault *why) MUST_USE;

/* Read the leads of the contact at hand, in one request with those of other jobs; a new array.
 * *leads stays NULL, with DONE, for a job that is to be kept apart, and where amoCRM refuses to
 * tell of all of them together: then each is to ask for its own, in its turn. */
enum outcome batch_read_leads(struct job *job, json_t **leads, struct fault *why) MUST_USE;

#endif
