#include <string.h>

#include "base/clock.h"
#include "deliver/batch.h"

bool
job_is_under_way(const struct job *job)
{
	return job->out == DONE && !job->over;
}

/* The context of a call made for several jobs: each trail records it, and only a job alone names its webhook's request. */
static struct amocrm_context
common_context(struct job *const jobs[], json_t *const trails[], size_t count)
{
	struct amocrm_context context = { .trails = trails, .trail_count = count };

	if (count > 0)
		context.deadline_ms = jobs[0]->context.deadline_ms;
	if (count == 1)
		context.request_id = jobs[0]->context.request_id;
	return context;
}

static void
put_back(struct job *job)
{
	job->waiting = true;
	job->out = fault_set(&job->why, LATER, "put back untried: its turn did not come");
}

/*
 * Steps.
 */

/* Failures in a row after which amoCRM is taken to be unwell; a single one may be the payment's own. */
#define FAILURES_MAX 2

/* How a step has gone so far. */
struct course {
	int64_t until_ms; /* Monotonic: by then the last job has its turn. */
	bool begun;
	int failures; /* In a row. */
};

/* A step may take half of the time that is left, so that there is some left for those that follow: a batch that spent all
 * of it searching would search again the next time, for ever. */
static int64_t
half_time(const struct batch *batch)
{
	int64_t now_ms = clock_mono_ms();

	return now_ms + (batch->jobs[0].context.deadline_ms - now_ms) / 2;
}

static bool
goes_on(const struct batch *batch, const struct course *course)
{
	if (course->failures >= FAILURES_MAX ||
	    (course->begun && clock_mono_ms() >= course->until_ms))
		return false;
	return batch->go_on == NULL || batch->go_on(batch->context);
}

static void
count_failure(const struct job *job, struct course *course)
{
	if (!amocrm_unavailable(job->with->crm))
		course->failures = 0;
	else if ((job->out == LATER || job->out == UNSURE) && !job->waiting)
		course->failures++;
}

void
batch_each(struct batch *batch, enum outcome (*step)(struct job *job, struct fault *why))
{
	struct course course = { .until_ms = half_time(batch) };
	size_t i;

	for (i = 0; i < batch->count; i++) {
		struct job *job = &batch->jobs[i];

		if (!job_is_under_way(job))
			continue;
		if (!goes_on(batch, &course)) {
			put_back(job);
			continue;
		}
		course.begun = true;
		job->out = step(job, &job->why);
		count_failure(job, &course);
	}
}

/*
 * Sending.
 */

/* Some jobs of a batch, and the items that amoCRM is given for them. */
struct load {
	struct job *jobs[BATCH_MAX];
	struct amocrm_item items[BATCH_MAX];
	json_t *trails[BATCH_MAX];
	size_t count;
};

/* A job joins once what it is about to do is written down. */
static void
join(struct load *load, struct job *job)
{
	struct request *request = &job->request;

	if (request->intent != INTENT_NONE)
		job->out = job_intend(job, request->intent, &job->why);
	if (job->out != DONE)
		return;
	load->jobs[load->count] = job;
	load->trails[load->count] = job->at.events;
	load->items[load->count++] = (struct amocrm_item){
		.id = request->id, .entity = request->entity, .dropped = job->at.dropped
	};
}

static bool
fits(const struct load *load, const struct job *job)
{
	return load->count == 0 || !(job->apart || load->jobs[0]->apart);
}

/* The next jobs that go by one request. */
static void
gather(struct batch *batch, bool creations, struct load *load)
{
	size_t i;

	load->count = 0;
	for (i = 0; i < batch->count; i++) {
		struct job *job = &batch->jobs[i];

		if (job_is_under_way(job) && job->request.entity != NULL &&
		    (job->request.id == 0) == creations && fits(load, job))
			join(load, job);
	}
}

static void
take_in(struct job *job, const struct amocrm_item *item)
{
	job->why = item->why;
	job->out = job->request.then(job, item->out, item->id, &job->why);
	json_decref(job->request.entity);
	job->request = (struct request){ 0 };
}

static void
transmit(struct batch *batch, enum amocrm_kind kind, bool creations, struct load *load)
{
	struct amocrm_context context = common_context(load->jobs, load->trails, load->count);
	size_t i;

	if (creations)
		amocrm_create(batch->with->crm, &context, kind, load->items, load->count);
	else
		amocrm_update(batch->with->crm, &context, kind, load->items, load->count);
	for (i = 0; i < load->count; i++)
		take_in(load->jobs[i], &load->items[i]);
}

static void
send(struct batch *batch, enum amocrm_kind kind, bool creations)
{
	struct load load;

	for (gather(batch, creations, &load); load.count > 0; gather(batch, creations, &load))
		transmit(batch, kind, creations, &load);
}

void
batch_send(struct batch *batch, enum amocrm_kind kind)
{
	send(batch, kind, false);
	send(batch, kind, true);
}

/*
 * Reading.
 */

static json_int_t
id_of(const json_t *entity)
{
	return json_integer_value(json_object_get(entity, "id"));
}

static const json_t *
linked_leads(const struct job *job)
{
	return json_object_get(json_object_get(job->contact, "_embedded"), "leads");
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
			if (id_of(lead) == id_of(link))
				json_array_append(own, lead);
	return own;
}

/* Those that ask together, by one request. */
struct readers {
	struct job *jobs[BATCH_MAX];
	json_t *trails[BATCH_MAX];
	size_t count;
};

/* Whose leads are wanted, and the ids of those.  A job that is to be kept apart asks for its own later. */
static json_t *
wanted(struct batch *batch, bool (*wants)(const struct job *job), struct readers *readers)
{
	json_t *ids = json_array();
	const json_t *link;
	size_t i, j;

	readers->count = 0;
	for (i = 0; i < batch->count; i++) {
		struct job *job = &batch->jobs[i];

		if (!job_is_under_way(job) || job->contact == NULL || job->apart || !wants(job))
			continue;
		json_array_foreach(linked_leads(job), j, link)
			json_array_append(ids, json_object_get(link, "id"));
		readers->trails[readers->count] = job->at.events;
		readers->jobs[readers->count++] = job;
	}
	return ids;
}

void
batch_read_leads(struct batch *batch, bool (*wants)(const struct job *job))
{
	struct readers readers;
	json_t *ids = wanted(batch, wants, &readers), *leads = NULL;
	struct amocrm_context context = common_context(readers.jobs, readers.trails, readers.count);
	struct fault why = { "" };
	enum outcome out;
	size_t i;

	out = amocrm_read_leads(batch->with->crm, &context, ids, &leads, &why);
	/* What is refused to several may be meant for one of them: then each asks for itself. */
	for (i = 0; i < readers.count && (out != NEVER || readers.count == 1); i++) {
		if (out == DONE)
			readers.jobs[i]->leads = own_leads(readers.jobs[i], leads);
		readers.jobs[i]->out = out;
		readers.jobs[i]->why = why;
	}
	if (out == DONE)
		json_decref(leads);
	json_decref(ids);
}
