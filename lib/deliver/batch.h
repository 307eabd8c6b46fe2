#ifndef DELIVER_BATCH_H
#define DELIVER_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "amocrm/amocrm.h"
#include "deliver/job.h"

/*
 * Payments that are carried together, in steps: each step is taken for every job that is still under way before the next
 * step begins, so that what all of them want to send to amoCRM can go in one request.  A batch of one is the ordinary case.
 */
struct batch {
	const struct service *with;
	struct job *jobs;
	size_t count; /* 1 .. BATCH_MAX */
	bool (*go_on)(void *
		context); /* False: finish what must be finished, begin nothing; NULL: always go on. */
	void *context;
};

#define BATCH_MAX AMOCRM_ITEMS_MAX

/* Neither failed, nor put off, nor over: the next step is for it. */
bool job_is_under_way(const struct job *job);

/* Take a step for each job under way; what it returns is how the job goes.  When amoCRM turns out to be unwell, go_on()
 * says no, or half of the time until the deadline is used up, those that have not had their turn are put back untried:
 * LATER, waiting. */
void batch_each(struct batch *batch, enum outcome (*step)(struct job *job, struct fault *why));

/* Send the requests that the last step prepared: their intents are written down first, then all creations go together,
 * and all changes; each job's `then` takes in what came of its own.  A job that is to be kept apart sends by itself. */
void batch_send(struct batch *batch, enum amocrm_kind kind);

/* Read the leads of all contacts that the jobs under way have at hand and want to choose from.  job->leads is then set,
 * except where the job is to be kept apart, and where amoCRM refuses to tell of all of them together. */
void batch_read_leads(struct batch *batch, bool (*wants)(const struct job *job));

#endif
