/*
 * What a total becomes, and what became of it.
 *
 * amoCRM can only overwrite, so "add" is a value read before, a value written after, and both kept
 * in the ledger while the answer is out.  An attempt that finds such an intent open compares the
 * lead with the two, instead of adding again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "amocrm/amocrm.h"
#include "amocrm/entity.h"
#include "base/clock.h"
#include "base/shown.h"
#include "base/text.h"
#include "base/trail.h"
#include "deliver/batch.h"
#include "deliver/lead_fields.h"
#include "deliver/lead_story.h"
#include "deliver/totals.h"
#include "ledger/related.h"

/*
 * Deciding.
 */

/* Dollars and roubles make no sum.  What a payment in another currency than the account's adds to
 * amounts is nothing, now and in each later attempt, whatever the settings say by then. */
static void
look_at_currency(struct known *known)
{
	const char *ours = known->service->settings->payment_currency,
		   *theirs = known->paid->currency;
	struct progress *at = &known->at;

	at->foreign[0] = '\0';
	if (ours[0] == '\0' || strcasecmp(ours, theirs) == 0)
		return;
	snprintf(at->foreign, sizeof(at->foreign), "%s",
	    strlen(theirs) < sizeof(at->foreign) ? theirs : "?");
	known_warn(known, "paid in %s, not in %s: nothing is added to or written into amounts",
	    at->foreign, ours);
}

/* What the payment adds to the lead's total. */
static int64_t
addition(const struct known *known)
{
	return known->at.foreign[0] != '\0' ? 0 : known->paid->amount;
}

/* Ensures before + this payment = after, for the total and for the counter. */
static void
count_up(struct known *known, const struct lead_shown *shown)
{
	struct progress *at = &known->at;
	int64_t paid_at = known->paid->paid_at;

	/* A payment older than the lead's last must not become its date, amount and ids. */
	at->older = paid_at != 0 && paid_at < shown->last_date;
	free(at->id_before);
	at->id_before = text_copy(shown->id);
	at->total_before = shown->total;
	at->total_after = shown->total + addition(known);
	at->count_before = shown->count;
	at->count_after = lead_fields_next_count(known->service->settings, shown->count);
}

/* The lead has our payment though the ledger knows nothing of it, having been restored from an older
 * copy: the values are what the payment left there. */
static void
count_back(struct known *known, const struct lead_shown *shown)
{
	struct progress *at = &known->at;

	at->older = false;
	at->total_after = shown->total;
	at->total_before = shown->total - addition(known);
	at->count_after = shown->count;
	at->count_before = shown->count > 0 ? shown->count - 1 : 0;
}

enum outcome
totals_decide(struct known *known, const json_t *lead, json_t **request, struct fault *why)
{
	struct lead_shown shown = { 0 };
	enum outcome out;

	*request = NULL;
	look_at_currency(known);
	if (lead != NULL && (out = lead_fields_read(known, lead, &shown, why)) != DONE)
		return out;
	if (lead != NULL && entity_id(lead) == known->holds_it) {
		count_back(known, &shown);
		return DONE;
	}
	count_up(known, &shown);
	*request = lead == NULL ? lead_fields_new(known) : lead_fields_change(known, lead);
	return DONE;
}

/*
 * Writing.
 */

static void
tell_story(struct known *known, const json_t *lead, const json_t *request)
{
	char *story = lead_story(known->service->settings, lead, request);
	char *text = text_format("write: %s", story);

	trail_add(known->at.events, clock_wall_ms(), text);
	free(story);
	free(text);
}

static void
tell_stage(struct known *known)
{
	struct stage stage = rules_stage(known->service->rules, known->paid);

	if (stage.by.rule < 0)
		known_tell(known, "no rule chooses a pipeline: the account's own default applies");
	else
		known_tell(known, "pipeline %lld, stage %lld by rule pipelines[%d]%s%s",
		    (long long)stage.pipeline_id, (long long)stage.status_id, stage.by.rule,
		    stage.by.name != NULL ? " " : "", stage.by.name != NULL ? stage.by.name : "");
}

/* After so many requests with this lead alone that amoCRM answered with 500 it is likely to be one
 * of the fields that provokes that. */
#define ERRORS_MAX 3

/* Once the payment goes without the fields that are not its own; after that without most of those
 * too. */
static enum outcome
spare(struct job *job, json_t *request, struct fault *why)
{
	int64_t errors = 0;
	enum outcome out = DONE;

	if (job->attempt.failed > 0)
		out = ledger_lead_errors(job->known.service->ledger, job->attempt.id, &errors, why);
	if (out != DONE || errors < ERRORS_MAX)
		return out;
	lead_fields_spare(&job->known, request, errors > ERRORS_MAX);
	known_warn(&job->known,
	    "amoCRM answered 500 to this lead %lld times; it is written without the fields that %s",
	    (long long)errors, errors > ERRORS_MAX ? "can be spared" : "are not the payment's own");
	return DONE;
}

enum outcome
totals_created(struct job *job, int64_t lead_id, int64_t pipeline_id, struct fault *why)
{
	struct progress *at = &job->known.at;

	known_tell(&job->known, "lead %lld created in pipeline %lld", (long long)lead_id,
	    (long long)pipeline_id);
	at->lead_id = lead_id;
	at->pipeline_id = pipeline_id;
	at->lead_created = true;
	at->applied = true;
	return job_intend(job, INTENT_NONE, why);
}

static bool
was_dropped(const struct job *job, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(job->known.at.dropped, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
			return true;
	return false;
}

enum outcome
totals_create(struct job *job, struct fault *why)
{
	int64_t pipeline_id, id = 0;
	json_t *request;
	enum outcome out;

	if ((out = totals_decide(&job->known, NULL, &request, why)) != DONE)
		return out;
	if ((out = spare(job, request, why)) != DONE) {
		json_decref(request);
		return out;
	}
	pipeline_id = json_integer_value(json_object_get(request, "pipeline_id"));
	tell_stage(&job->known);
	tell_story(&job->known, NULL, request);

	/* An answer that is lost leaves the intent: the next attempt looks for the lead among the
	 * contact's (see recover() in lead.c). */
	if ((out = batch_send(job, INTENT_LEAD, AMOCRM_LEADS, &id, request, why)) != DONE)
		return job_withdraw(job, out, why);
	return totals_created(job, id, was_dropped(job, "pipeline_id") ? 0 : pipeline_id, why);
}

/* The change is known to stand in amoCRM. */
static enum outcome
applied(struct job *job, struct fault *why)
{
	known_tell(&job->known, "applied to lead %lld", (long long)job->known.at.lead_id);
	job->known.at.applied = true;
	return job_intend(job, INTENT_NONE, why);
}

/* Write at.total_after and at.count_after, which the intent holds.  An answer that is lost leaves
 * the intent: the next attempt finds out by totals_resume(). */
static enum outcome
change(struct job *job, const json_t *lead, json_t *request, struct fault *why)
{
	int64_t id = job->known.at.lead_id;
	enum outcome out;

	if ((out = spare(job, request, why)) != DONE) {
		json_decref(request);
		return out;
	}
	tell_story(&job->known, lead, request);
	if ((out = batch_send(job, INTENT_TOTALS, AMOCRM_LEADS, &id, request, why)) != DONE)
		return out;
	return applied(job, why);
}

enum outcome
totals_apply(struct job *job, const json_t *lead, struct fault *why)
{
	struct progress *at = &job->known.at;
	json_t *request;
	enum outcome out;

	if ((out = totals_decide(&job->known, lead, &request, why)) != DONE)
		return out;
	at->lead_id = entity_id(lead);
	at->pipeline_id = json_integer_value(json_object_get(lead, "pipeline_id"));
	at->lead_created = false;
	job->responsible_id = json_integer_value(json_object_get(lead, "responsible_user_id"));
	if (request != NULL)
		return change(job, lead, request, why);
	job->applied_before = true;
	known_warn(&job->known, "lead %lld shows this payment already; it is not added again",
	    (long long)at->lead_id);
	return applied(job, why);
}

/*
 * Resuming.
 */

/* Would the lead show our id?  amoCRM may have refused just that field, and the process that heard
 * so died before it was written down.  Where no id stands, the field is gone.  Where another
 * payment's does, that is written once more: it changes nothing, and is refused as ours was. */
static enum outcome
ask_for_id(struct job *job, const json_t *lead, const struct lead_shown *shown, bool *leaves_id,
    struct fault *why)
{
	struct amocrm_item item = { .id = job->known.at.lead_id, .dropped = job->known.at.dropped };
	json_t *same;

	*leaves_id = *shown->id != '\0';
	if (!*leaves_id)
		return DONE;
	item.entity = same = lead_fields_same_id(&job->known, lead);
	amocrm_update(job->known.service->crm, &job->known.context, AMOCRM_LEADS, &item, 1);
	json_decref(same);
	*why = item.why;
	*leaves_id = lead_fields_has_id(&job->known);
	return item.out == NEVER && !*leaves_id ? DONE : item.out;
}

/* Whether the lead tells by its payment id that our change was carried out: it leaves one, and a
 * person had not written that there before. */
static bool
leaves_telling_id(const struct known *known)
{
	const struct progress *at = &known->at;

	return !at->older && lead_fields_has_id(known) &&
	    (at->id_before == NULL || !shown_same_id(at->id_before, known->paid->key));
}

/* The id is not the one that stood there before. */
static bool
shows_another_id(const struct progress *at, const struct lead_shown *shown)
{
	return at->id_before != NULL && *shown->id != '\0' &&
	    !shown_same_id(shown->id, at->id_before);
}

/* Our id, or one that came with exactly our values and is not the one before: amoCRM shows ours in
 * a form that we do not know.  Where it is not known what stood there before, a person may have
 * written our id beside the values before. */
static bool
shows_ours(const struct known *known, const struct lead_shown *shown)
{
	const struct progress *at = &known->at;

	if (at->id_before == NULL)
		return shown->ours &&
		    (shown->total != at->total_before || shown->count != at->count_before);
	return shown->ours ||
	    (shows_another_id(at, shown) && shown->total == at->total_after &&
		shown->count == at->count_after);
}

enum outcome
totals_resume(struct job *job, const json_t *lead, struct fault *why)
{
	struct known *known = &job->known;
	struct progress *at = &known->at;
	bool leaves_id = leaves_telling_id(known), later = false, after;
	struct lead_shown shown, found;
	enum outcome out;

	if ((out = lead_fields_read(known, lead, &shown, why)) != DONE)
		return out;
	if (leaves_id && shows_ours(known, &shown))
		return applied(job, why);

	/* What stood there when our change was, or was not, carried out?  A payment of ours that
	 * came to this lead since then (`later`) wrote down what it found; without one, what the
	 * lead shows now is the best that is known. */
	found = shown;
	out = ledger_base_after(known->service->ledger, at->lead_id, at->intent_ms, &found.total,
	    &found.count, &later, why);
	if (out != DONE)
		return out;

	/* "After" without our id is strange if our change leaves one: does it still? */
	after = found.total == at->total_after && found.count == at->count_after;
	if (after && leaves_id && !later &&
	    (out = ask_for_id(job, lead, &shown, &leaves_id, why)) != DONE)
		return out;

	if (found.total == at->total_before && found.count == at->count_before) {
		/* It was not applied.  Unless later payments stand on the lead, the same values
		 * are right. */
		if (!later)
			return change(job, lead, lead_fields_change(known, lead), why);
	} else if (after && (later || !leaves_id)) {
		return applied(job, why);
	} else if (!leaves_id || (!later && shows_another_id(at, &shown))) {
		return fault_set(why, NEVER,
		    "the lead's total was changed by someone else while this payment was being "
		    "added; check it by hand");
	}
	at->rebased++;
	known_warn(known,
	    "the lead was changed by someone else meanwhile; began again from the values it shows");
	count_up(known, &shown);
	return change(job, lead, lead_fields_change(known, lead), why);
}
