#include "job_fixture.h"
#include "base/clock.h"
#include "deliver/batch.h"
#include "deliver/contact.h"
#include "deliver/lead.h"
#include "ledger/arrival.h"

struct settings *settings;
struct service *service;

void
job_fixture_begin(void)
{
	struct fault why = { "" };

	settings = fixture_settings();
	if (service_open(settings, &service, &why) != DONE) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
}

void
job_fixture_end(void)
{
	service_close(service);
	settings_free(settings);
}

static void
fill_job(struct job *job, struct payment *paid, int64_t id)
{
	struct fault why = { "" };

	*job = (struct job){ .locks = service->locks,
		.attempt = { .id = id,
		    .deadline_ms = clock_mono_ms() + 60 * 1000,
		    .lock_deadline_ms = clock_mono_ms() + 100 } };
	known_init(&job->known, service, paid);
	job->known.context.deadline_ms = job->attempt.deadline_ms;
	if (ledger_progress(service->ledger, id, &job->known.at, &why) != DONE)
		abort();
}

void
take_job(struct job *job, const struct sample *sample)
{
	struct payment *paid = sample_payment(sample);
	struct identity who[IDENTITIES_MAX];
	struct arrival arrival = { .key = paid->key,
		.kopecks = paid->amount,
		.who = who,
		.who_count = payment_identities(paid, who),
		.payload = "{}",
		.payload_size = 2,
		.request_id = "",
		.now_ms = clock_wall_ms(),
		.next_ms = clock_wall_ms() };
	struct recording recording;
	struct fault why = { "" };

	if (ledger_record(service->ledger, &arrival, 1, &recording, &why) != DONE)
		abort();
	fill_job(job, paid, recording.row.id);
}

static void
clear_job(struct job *job)
{
	lock_drop(service->locks, LOCK_LEAD);
	known_clear(&job->known);
}

void
drop_job(struct job *job)
{
	clear_job(job);
	payment_free((struct payment *)job->known.paid);
}

void
retake_job(struct job *job)
{
	clear_job(job);
	fill_job(job, (struct payment *)job->known.paid, job->attempt.id);
}

enum outcome
carry_alone(
    struct job *job, enum outcome (*story)(struct job *job, struct fault *why), struct fault *why)
{
	struct job_batch batch = { .service = service, .jobs = job, .count = 1 };

	job->out = DONE;
	job->why.text[0] = '\0';
	batch_carry(&batch, story);
	if (job->why.text[0] != '\0')
		*why = job->why;
	return job->out;
}

enum outcome
settle_contact(struct job *job, struct fault *why)
{
	return carry_alone(job, contact_settle, why);
}

enum outcome
settle_lead(struct job *job, struct fault *why)
{
	return carry_alone(job, lead_settle, why);
}

bool
has_remark(const struct job *job, const char *text)
{
	const json_t *warning;
	size_t i;

	json_array_foreach(job->known.warnings, i, warning)
		if (strstr(json_string_value(warning), text) != NULL)
			return true;
	return false;
}
