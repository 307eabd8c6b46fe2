/*
 * What the steps of a delivery share: what is known of the payment, its trail and warnings, the
 * locks and the intents.
 *
 * An intent in the ledger says what may be under way to amoCRM.  It is written before the request
 * leaves and taken back only when the answer is known, so that an attempt after a crash asks first
 * and writes second.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "amocrm/entity.h"
#include "amocrm/field.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/trail.h"
#include "deliver/job.h"
#include "ledger/related.h"

void
known_init(struct known *known, const struct service *service, const struct payment *paid)
{
	*known = (struct known){ .service = service, .paid = paid, .warnings = json_array() };
	known->who_count = payment_identities(paid, known->who);
	progress_init(&known->at);
	known->context = (struct amocrm_context){ .trails = &known->at.events, .trail_count = 1 };
}

void
known_clear(struct known *known)
{
	progress_clear(&known->at);
	json_decref(known->contact);
	json_decref(known->warnings);
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
known_tell(struct known *known, const char *format, ...)
{
	json_t *text;
	va_list args;

	va_start(args, format);
	text = compose(format, args);
	va_end(args);
	trail_add(known->at.events, clock_wall_ms(), json_string_value(text));
	json_decref(text);
}

void
known_warn(struct known *known, const char *format, ...)
{
	json_t *text;
	va_list args;

	va_start(args, format);
	text = compose(format, args);
	va_end(args);
	trail_add(known->at.events, clock_wall_ms(), json_string_value(text));
	json_array_append_new(known->warnings, text);
}

enum outcome
job_lock(
    struct job *job, enum lock_range range, const int64_t *numbers, size_t count, struct fault *why)
{
	enum outcome out =
	    lock_take(job->locks, range, numbers, count, job->attempt.lock_deadline_ms, why);

	job->waiting = out == LATER;
	return out;
}

enum outcome
job_await_others(struct job *job, int64_t lead_id, struct fault *why)
{
	int64_t blocker = 0;
	enum outcome out;

	if ((out = ledger_blocker(
		 job->known.service->ledger, job->attempt.id, lead_id, &blocker, why)) != DONE ||
	    blocker == 0)
		return out;
	job->waiting = true;
	return fault_set(why, LATER, "waiting for another payment of the same payer or lead");
}

enum outcome
job_save(struct job *job, struct fault *why)
{
	return ledger_save(job->known.service->ledger, job->attempt.id, &job->known.at, why);
}

enum outcome
job_intend(struct job *job, enum intent intent, struct fault *why)
{
	struct progress *at = &job->known.at;
	bool wanted = true;
	enum outcome out;

	at->intent = intent;
	at->intent_ms = intent == INTENT_NONE ? 0 : clock_wall_ms();
	if (intent == INTENT_NONE)
		return job_save(job, why);
	out = ledger_intend(job->known.service->ledger, job->attempt.id, at, &wanted, why);
	if (out != DONE || wanted)
		return out;
	/* The row says already how the payment ended. */
	job->claimed = false;
	return fault_set(why, LATER, "the payment came again as excluded, and is not delivered");
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
	int64_t settled_ms = job->known.at.intent_ms + JOB_SETTLE_MS, now_ms = clock_wall_ms();

	if (now_ms >= settled_ms)
		return DONE;
	/*
	 * The clock was set back since, nobody knows by how much.  A time to come would be moved on
	 * with every attempt, so it is waited for here.
	 */
	if (job->known.at.intent_ms > now_ms) {
		clock_sleep_until(clock_mono_ms() + JOB_SETTLE_MS);
		return DONE;
	}
	job->wait_until_ms = settled_ms;
	return fault_set(why, LATER, "waiting for amoCRM to show what became of a lost answer");
}

bool
known_created_since_intent(const struct known *known, const json_t *entity)
{
	int64_t intent_ms = known->at.intent_ms + amocrm_clock_ahead_ms(known->service->crm);

	return entity_number(entity, "created_at") >= intent_ms / 1000 - JOB_CLOCK_MARGIN_S;
}
