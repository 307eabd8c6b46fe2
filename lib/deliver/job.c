#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "amocrm/field.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/trail.h"
#include "deliver/job.h"
#include "deliver/lead_story.h"

enum outcome
job_lock(
    struct job *job, enum lock_range range, const int64_t *numbers, size_t count, struct fault *why)
{
	enum outcome out = lock_take(job->locks, range, numbers, count, job->lock_deadline_ms, why);

	job->waiting = out == LATER;
	return out;
}

enum outcome
job_await_others(struct job *job, int64_t lead_id, struct fault *why)
{
	int64_t blocker = 0;
	enum outcome out;

	if ((out = ledger_blocker(job->with->ledger, job->id, lead_id, &blocker, why)) != DONE ||
	    blocker == 0)
		return out;
	job->waiting = true;
	return fault_set(why, LATER, "waiting for another payment of the same payer or lead");
}

/* In characters; a stranger's text may be in it. */
#define TOLD_MAX 400

static json_t *compose(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static json_t *
compose(const char *format, va_list args)
{
	char *text = text_format_list(format, args);
	json_t *cut = field_cut(text, TOLD_MAX);

	free(text);
	return cut;
}

void
job_tell(struct job *job, const char *format, ...)
{
	json_t *text;
	va_list args;

	va_start(args, format);
	text = compose(format, args);
	va_end(args);
	trail_add(job->at.events, clock_wall_ms(), json_string_value(text));
	json_decref(text);
}

void
job_tell_story(struct job *job, const json_t *lead, const json_t *request)
{
	char *story = lead_story(job->with->settings, lead, request);
	char *text = text_format("write: %s", story);

	trail_add(job->at.events, clock_wall_ms(), text);
	free(story);
	free(text);
}

void
job_warn(struct job *job, const char *format, ...)
{
	json_t *text;
	va_list args;

	va_start(args, format);
	text = compose(format, args);
	va_end(args);
	trail_add(job->at.events, clock_wall_ms(), json_string_value(text));
	json_array_append_new(job->warnings, text);
}

enum outcome
job_save(struct job *job, struct fault *why)
{
	return ledger_save(job->with->ledger, job->id, &job->at, why);
}

enum outcome
job_intend(struct job *job, enum intent intent, struct fault *why)
{
	job->at.intent = intent;
	job->at.intent_ms = intent == INTENT_NONE ? 0 : clock_wall_ms();
	return job_save(job, why);
}

enum outcome
job_withdraw(struct job *job, enum outcome out, struct fault *why)
{
	struct fault ledger_why;

	if ((out != LATER && out != NEVER) || job_intend(job, INTENT_NONE, &ledger_why) == DONE)
		return out;
	*why = ledger_why;
	return BROKEN;
}

enum outcome
job_settled(struct job *job, struct fault *why)
{
	int64_t settled_ms = job->at.intent_ms + JOB_SETTLE_MS;

	if (clock_wall_ms() >= settled_ms)
		return DONE;
	job->wait_until_ms = settled_ms;
	return fault_set(why, LATER, "waiting for amoCRM to show what became of a lost answer");
}
