#include "job_fixture.h"
#include "base/clock.h"
#include "deliver/batch.h"
#include "deliver/contact.h"
#include "deliver/lead.h"

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

	*job = (struct job){ .with = service,
		.locks = service->locks,
		.paid = paid,
		.id = id,
		.context.deadline_ms = clock_mono_ms() + 60 * 1000,
		.lock_deadline_ms = clock_mono_ms() + 100,
		.warnings = json_array() };
	job->who_count = payment_identities(paid, job->who);
	progress_init(&job->at);
	if (ledger_progress(service->ledger, id, &job->at, &why) != DONE)
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
	progress_clear(&job->at);
	json_decref(job->contact);
	json_decref(job->request.entity);
	json_decref(job->warnings);
}

void
drop_job(struct job *job)
{
	clear_job(job);
	payment_free((struct payment *)job->paid);
}

void
retake_job(struct job *job)
{
	clear_job(job);
	fill_job(job, (struct payment *)job->paid, job->id);
}

enum outcome
send_prepared(struct job *job, enum amocrm_kind kind, enum outcome out, struct fault *why)
{
	struct batch batch = { .with = service, .jobs = job, .count = 1 };

	job->out = out;
	batch_send(&batch, kind);
	if (job->why.text[0] != '\0')
		*why = job->why;
	return job->out;
}

enum outcome
settle_contact(struct job *job, struct fault *why)
{
	enum outcome out = send_prepared(job, AMOCRM_CONTACTS, contact_find(job, why), why);

	return out != DONE ? out : send_prepared(job, AMOCRM_CONTACTS, contact_hold(job, why), why);
}

enum outcome
settle_lead(struct job *job, struct fault *why)
{
	return send_prepared(job, AMOCRM_LEADS, lead_settle(job, why), why);
}

bool
has_remark(const struct job *job, const char *text)
{
	const json_t *warning;
	size_t i;

	json_array_foreach(job->warnings, i, warning)
		if (strstr(json_string_value(warning), text) != NULL)
			return true;
	return false;
}
