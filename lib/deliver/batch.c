/*
 * When which job of a batch runs, and which of their requests go together.
 *
 * Each job is a fiber, so that its story needs to know nothing of the others: at a turn, a sending
 * or a reading it yields, and serve() decides what comes next.  Requests are made here, on the
 * caller's stack.  A single job calls serve() directly and is never switched.
 */
#include <stdlib.h>
#include <string.h>

#include "amocrm/entity.h"
#include "base/clock.h"
#include "base/memory.h"
#include "deliver/batch.h"
#include "deliver/fiber.h"

enum stop {
	RUNNING,
	AT_TURN,
	AT_SENDING,
	AT_READING,
	ENDED
};

/* A job in its batch. */
struct batch_member {
	struct job *job;
	struct fiber *fiber; /* NULL in a batch of one. */
	enum outcome (*story)(struct job *job, struct fault *why);
	enum stop stop;

	/* What it waits for, while it is at a sending or a reading. */
	enum intent intent;
	enum amocrm_kind kind;
	int64_t id;
	json_t *entity; /* Owned. */
	json_t *leads;  /* Read; owned until the job takes them. */

	/* What came of that, or of its turn. */
	enum outcome out;
	struct fault why;
};

/* Some members of a batch, for whom amoCRM is called by one request. */
struct group {
	struct batch_member *members[BATCH_MAX];
	struct amocrm_item items[BATCH_MAX];
	json_t *trails[BATCH_MAX];
	size_t count;
};

static struct batch_member *
member_of(struct job *job)
{
	return &job->batch->members[job - job->batch->jobs];
}

/* Whether any member has stopped there. */
static bool
anyone(const struct job_batch *batch, enum stop stop)
{
	size_t i;

	for (i = 0; i < batch->count; i++)
		if (batch->members[i].stop == stop)
			return true;
	return false;
}

/* Of a call for several jobs each trail tells; only one job alone names its webhook's request. */
static struct amocrm_context
common_context(const struct group *group)
{
	const struct amocrm_context *first = &group->members[0]->job->known.context;

	return (struct amocrm_context){ .deadline_ms = first->deadline_ms,
		.request_id = group->count == 1 ? first->request_id : NULL,
		.trails = group->trails,
		.trail_count = group->count };
}

/* Let the job go on until it stops next. */
static void
resume(struct batch_member *member)
{
	member->stop = RUNNING;
	if (member->fiber != NULL)
		fiber_resume(member->fiber);
}

/*
 * Turns.
 */

/* Failures in a row after which amoCRM is taken to be unwell; one may be the payment's own. */
#define FAILURES_MAX 2

/* How a turn has gone so far. */
struct turn {
	int64_t until_ms; /* Monotonic: by then the last job has had it. */
	bool begun;
	int failures; /* In a row. */
};

/* A turn may take half of the time that is left, so that there is some left for those that follow:
 * a batch that spent all of it searching would search again the next time, for ever. */
static int64_t
half_time(const struct job_batch *batch)
{
	int64_t now_ms = clock_mono_ms();

	return now_ms + (batch->jobs[0].known.context.deadline_ms - now_ms) / 2;
}

static bool
goes_on(const struct job_batch *batch, const struct turn *turn)
{
	if (turn->failures >= FAILURES_MAX || (turn->begun && clock_mono_ms() >= turn->until_ms))
		return false;
	return batch->go_on == NULL || batch->go_on(batch->cookie);
}

/* A failure without a call that failed, as of a payer whom another process has in hand, says
 * nothing of amoCRM. */
static void
count_failure(const struct batch_member *member, struct turn *turn)
{
	const struct job *job = member->job;

	if (!amocrm_unavailable(job->known.service->crm))
		turn->failures = 0;
	else if (member->stop == ENDED && (job->out == LATER || job->out == UNSURE) &&
	    !job->waiting)
		turn->failures++;
}

static void
give_turns(struct job_batch *batch)
{
	struct turn turn = { .until_ms = half_time(batch) };
	size_t i;

	for (i = 0; i < batch->count; i++) {
		struct batch_member *member = &batch->members[i];

		if (member->stop != AT_TURN)
			continue;
		if (!goes_on(batch, &turn)) {
			member->job->waiting = true;
			member->out = fault_set(
			    &member->why, LATER, "put back untried: its turn did not come");
			resume(member);
			continue;
		}
		turn.begun = true;
		member->out = DONE;
		resume(member);
		count_failure(member, &turn);
	}
}

/*
 * Sending.
 */

/* A member joins once what it is about to do is written down; else that failure is its answer. */
static void
join(struct group *group, struct batch_member *member)
{
	struct job *job = member->job;

	member->out = DONE;
	if (member->intent != INTENT_NONE)
		member->out = job_intend(job, member->intent, &member->why);
	if (member->out != DONE) {
		resume(member);
		return;
	}
	group->items[group->count] = (struct amocrm_item){
		.id = member->id, .entity = member->entity, .dropped = job->known.at.dropped
	};
	group->trails[group->count] = job->known.at.events;
	group->members[group->count++] = member;
}

static bool
fits(const struct group *group, const struct job *job)
{
	return group->count == 0 || !(job->apart || group->members[0]->job->apart);
}

/* The next members whose entities go by one request: creations or changes, of one kind; an entity
 * that is to be kept apart goes alone. */
static void
gather(struct job_batch *batch, bool creations, struct group *group)
{
	size_t i;

	group->count = 0;
	for (i = 0; i < batch->count; i++) {
		struct batch_member *member = &batch->members[i];

		if (member->stop == AT_SENDING && (member->id == 0) == creations &&
		    (group->count == 0 || member->kind == group->members[0]->kind) &&
		    fits(group, member->job))
			join(group, member);
	}
}

static void
transmit(struct job_batch *batch, bool creations, struct group *group)
{
	enum amocrm_kind kind = group->members[0]->kind;
	struct amocrm_context context = common_context(group);
	size_t i;

	if (creations)
		amocrm_create(batch->service->crm, &context, kind, group->items, group->count);
	else
		amocrm_update(batch->service->crm, &context, kind, group->items, group->count);
	for (i = 0; i < group->count; i++) {
		struct batch_member *member = group->members[i];

		member->out = group->items[i].out;
		member->why = group->items[i].why;
		member->id = group->items[i].id;
		resume(member);
	}
}

static void
send_all(struct job_batch *batch, bool creations)
{
	struct group group;

	for (gather(batch, creations, &group); group.count > 0; gather(batch, creations, &group))
		transmit(batch, creations, &group);
}

/*
 * Reading.
 */

static const json_t *
linked_leads(const struct job *job)
{
	return entity_embedded(job->known.contact, "leads");
}

/* From the leads of all, those of one contact. */
static json_t *
own_leads(const struct job *job, const json_t *leads)
{
	json_t *own = json_array(), *lead;
	const json_t *link;
	size_t i, j;

	json_array_foreach(linked_leads(job), i, link)
		json_array_foreach(leads, j, lead)
			if (entity_id(lead) == entity_id(link))
				json_array_append(own, lead);
	return own;
}

static void
read_all(struct job_batch *batch)
{
	json_t *ids = json_array(), *leads = NULL;
	struct group group = { .count = 0 };
	struct amocrm_context context;
	struct fault why = { "" };
	const json_t *link;
	enum outcome out;
	size_t i, j;
	bool own;

	for (i = 0; i < batch->count; i++) {
		struct batch_member *member = &batch->members[i];

		if (member->stop != AT_READING)
			continue;
		json_array_foreach(linked_leads(member->job), j, link)
			json_array_append(ids, json_object_get(link, "id"));
		group.trails[group.count] = member->job->known.at.events;
		group.members[group.count++] = member;
	}
	context = common_context(&group);
	out = amocrm_read_leads(batch->service->crm, &context, ids, &leads, &why);
	own = out == NEVER || (out == LATER && !amocrm_unavailable(batch->service->crm));
	for (i = 0; i < group.count; i++) {
		struct batch_member *member = group.members[i];

		/* What is refused to several may be meant for one: then each asks for itself. */
		member->out = own && group.count > 1 ? DONE : out;
		member->why = why;
		if (out == DONE)
			member->leads = own_leads(member->job, leads);
		resume(member);
	}
	json_decref(leads);
	json_decref(ids);
}

/*
 * Stopping and going on.
 */

/* All have stopped: what is wanted of amoCRM comes first, so that no turn begins before all
 * have come as far. */
static void
serve(struct job_batch *batch)
{
	if (anyone(batch, AT_SENDING)) {
		send_all(batch, false);
		send_all(batch, true);
	} else if (anyone(batch, AT_READING)) {
		read_all(batch);
	} else {
		give_turns(batch);
	}
}

static enum outcome
stop_at(struct batch_member *member, enum stop stop, struct fault *why)
{
	member->stop = stop;
	if (member->fiber != NULL)
		fiber_yield(member->fiber);
	else
		serve(member->job->batch);
	if (member->out != DONE)
		*why = member->why;
	return member->out;
}

enum outcome
batch_turn(struct job *job, struct fault *why)
{
	return stop_at(member_of(job), AT_TURN, why);
}

enum outcome
batch_send(struct job *job, enum intent intent, enum amocrm_kind kind, int64_t *id, json_t *entity,
    struct fault *why)
{
	struct batch_member *member = member_of(job);
	enum outcome out;

	member->intent = intent;
	member->kind = kind;
	member->id = *id;
	member->entity = entity;
	if ((out = stop_at(member, AT_SENDING, why)) == DONE)
		*id = member->id;
	json_decref(entity);
	return out;
}

enum outcome
batch_read_leads(struct job *job, json_t **leads, struct fault *why)
{
	struct batch_member *member = member_of(job);
	enum outcome out;

	if (job->apart)
		return DONE;
	if ((out = stop_at(member, AT_READING, why)) != DONE)
		return out;
	*leads = member->leads;
	member->leads = NULL;
	return DONE;
}

static void
tell_story(void *cookie)
{
	struct batch_member *member = cookie;
	struct job *job = member->job;

	job->out = member->story(job, &job->why);
	member->stop = ENDED;
}

void
batch_carry(struct job_batch *batch, enum outcome (*story)(struct job *job, struct fault *why))
{
	size_t i;

	batch->members = memory_zeroed(batch->count, sizeof(*batch->members));
	for (i = 0; i < batch->count; i++) {
		struct batch_member *member = &batch->members[i];

		*member = (struct batch_member){ .job = &batch->jobs[i], .story = story };
		batch->jobs[i].batch = batch;
		if (batch->jobs[i].out != DONE) {
			member->stop = ENDED;
		} else if (batch->count == 1) {
			tell_story(member);
		} else {
			member->fiber = fiber_new(tell_story, member);
			resume(member);
		}
	}
	while (anyone(batch, AT_TURN) || anyone(batch, AT_SENDING) || anyone(batch, AT_READING))
		serve(batch);
	for (i = 0; i < batch->count; i++)
		fiber_free(batch->members[i].fiber);
	free(batch->members);
	batch->members = NULL;
}
