#include <string.h>
#include <strings.h>

#include "amocrm/amocrm.h"
#include "amocrm/field.h"
#include "base/clock.h"
#include "base/phone.h"
#include "deliver/contact.h"
#include "host/lock.h"

/*
 * Exactness.
 */

static bool
same_text(const char *value, const char *wanted)
{
	return strcmp(value, wanted) == 0;
}

static bool
same_email(const char *value, const char *wanted)
{
	return strcasecmp(value, wanted) == 0;
}

static bool
any_value(const json_t *item, bool (*same)(const char *, const char *), const char *wanted)
{
	char room[FIELD_ROOM];
	const char *value;
	size_t i;

	for (i = 0; (value = field_value(item, i, room)) != NULL; i++)
		if (same(value, wanted))
			return true;
	return false;
}

static bool
any_field(const json_t *contact, const char *wanted)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(contact, "custom_fields_values"), i, item)
		if (any_value(item, same_text, wanted))
			return true;
	return false;
}

bool
contact_bears(
    const json_t *contact, const struct identity *identity, const struct settings *settings)
{
	switch (identity->kind) {
	case IDENTITY_TELEGRAM:
		if (settings->contact_field_tg_id == 0)
			return any_field(contact, identity->text);
		return any_value(
		    field_by_id(contact, settings->contact_field_tg_id), same_text, identity->text);
	case IDENTITY_PHONE:
		return any_value(field_by_code(contact, "PHONE"), phone_same, identity->text);
	case IDENTITY_EMAIL:
		return any_value(field_by_code(contact, "EMAIL"), same_email, identity->text);
	}
	return false;
}

static json_int_t
updated_at(const json_t *entity)
{
	return json_integer_value(json_object_get(entity, "updated_at"));
}

/* The exact hit that was updated last, borrowed; *exact counts them. */
static json_t *
best_hit(const struct job *job, const json_t *hits, const struct identity *identity, int *exact)
{
	json_t *hit, *best = NULL;
	size_t i;

	*exact = 0;
	json_array_foreach(hits, i, hit) {
		if (json_is_true(json_object_get(hit, "is_deleted")) ||
		    !contact_bears(hit, identity, job->with->settings))
			continue;
		(*exact)++;
		if (best == NULL || updated_at(hit) > updated_at(best))
			best = hit;
	}
	return best;
}

/*
 * Finding.
 */

static void
take(struct job *job, json_t *contact, const char *by)
{
	job->contact = json_incref(contact);
	job->at.contact_id = json_integer_value(json_object_get(contact, "id"));
	strncpy(job->at.matched_by, by, sizeof(job->at.matched_by) - 1);
	job_tell(job, "contact %lld found by %s", (long long)job->at.contact_id, by);
}

static enum outcome
search(struct job *job, const struct identity *identity, struct fault *why)
{
	json_t *hits = NULL, *best;
	enum outcome out;
	int exact;

	if ((out = amocrm_search(job->with->crm, &job->context, AMOCRM_CONTACTS, identity->text,
		 &hits, why)) != DONE)
		return out;
	if ((best = best_hit(job, hits, identity, &exact)) != NULL)
		take(job, best, identity_name(identity->kind));
	else
		job_tell(job, "no contact has this %s", identity_name(identity->kind));
	if (exact > 1)
		job_warn(job, "%d contacts have this %s; took %lld, updated last", exact,
		    identity_name(identity->kind), (long long)job->at.contact_id);
	json_decref(hits);
	return DONE;
}

/* The search may not know yet a contact that we made, or gave this identity, a moment ago; reading by id does. */
static enum outcome
remember(struct job *job, const struct identity *identity, struct fault *why)
{
	json_t *contact = NULL;
	int64_t id = 0;
	enum outcome out;

	if ((out = ledger_remembered(job->with->ledger, identity->hash, &id, why)) != DONE ||
	    id == 0)
		return out;
	if ((out = amocrm_read(
		 job->with->crm, &job->context, AMOCRM_CONTACTS, id, &contact, why)) != DONE)
		return out;
	if (contact != NULL && contact_bears(contact, identity, job->with->settings))
		take(job, contact, identity_name(identity->kind));
	json_decref(contact);
	return DONE;
}

/* After a creation for this payer whose answer was lost: is it among the newest contacts?  That list does not lag as the
 * search does. */
static enum outcome
find_lost(struct job *job, struct fault *why)
{
	json_t *newest = NULL, *contact;
	enum outcome out;
	size_t i, j;

	if ((out = amocrm_newest(job->with->crm, &job->context, AMOCRM_CONTACTS, &newest, why)) !=
	    DONE)
		return out;
	json_array_foreach(newest, i, contact) {
		const char *name = json_string_value(json_object_get(contact, "name"));
		json_int_t created_at = json_integer_value(json_object_get(contact, "created_at"));
		/* A payer without any identity is known by the name, if the contact is as young as our attempt. */
		bool ours = job->who_count == 0 && name != NULL &&
		    strcmp(name, job->paid->name) == 0 &&
		    created_at >= job->at.intent_ms / 1000 - 60;

		for (j = 0; j < job->who_count && !ours; j++)
			ours = contact_bears(contact, &job->who[j], job->with->settings);
		if (ours) {
			take(job, contact, "created");
			break;
		}
	}
	json_decref(newest);
	return DONE;
}

/* A search that amoCRM refuses, or that too many answer (a Telegram id of "1"), does not tell who it is: another identity
 * may.  If none does, that is no reason to take the payer for new. */
enum outcome
contact_look(struct job *job, struct fault *why)
{
	enum outcome out = DONE;
	bool unclear = false;
	size_t i;

	for (i = 0; i < job->who_count && out == DONE && job->at.contact_id == 0; i++) {
		if ((out = search(job, &job->who[i], why)) == NEVER) {
			job_warn(job, "the search by %s tells nothing: %s",
			    identity_name(job->who[i].kind), why->text);
			unclear = true;
			out = DONE;
		}
		if (out == DONE && job->at.contact_id == 0)
			out = remember(job, &job->who[i], why);
	}
	return out == DONE && unclear && job->at.contact_id == 0 ? NEVER : out;
}

static enum outcome
find(struct job *job, struct fault *why)
{
	enum outcome out = contact_look(job, why);
	bool lost = false;

	if (out == DONE && job->at.contact_id == 0)
		out = ledger_lost_contact(job->with->ledger, job->id, &lost, why);
	if (lost)
		out = find_lost(job, why);
	return out;
}

/*
 * Creating and filling.
 */

/* A contact must be called something; a payer who gave no name is called by what is known. */
static const char *
name_of(const struct payment *paid)
{
	const char *const names[] = { paid->name, paid->phone, paid->email, paid->telegram_tag,
		paid->telegram_id };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (*names[i] != '\0')
			return names[i];
	return "Без имени";
}

static enum outcome
save_with_identities(struct job *job, struct fault *why)
{
	return ledger_save_contact(
	    job->with->ledger, job->id, &job->at, job->who, job->who_count, clock_wall_ms(), why);
}

/* What became of the creation. */
static enum outcome
created(struct job *job, enum outcome out, int64_t id, struct fault *why)
{
	if (out != DONE)
		return job_withdraw(job, out, why);
	job_tell(job, "contact %lld created", (long long)id);
	job->at.contact_id = id;
	job->looked_ms = 0;
	job->at.intent = INTENT_NONE;
	job->at.intent_ms = 0;
	strncpy(job->at.matched_by, "created", sizeof(job->at.matched_by) - 1);
	/* It has no leads yet; that need not be asked. */
	job->contact = json_pack("{s:I}", "id", (json_int_t)id);
	return save_with_identities(job, why);
}

static void
prepare_creation(struct job *job)
{
	const struct settings *set = job->with->settings;
	const struct payment *paid = job->paid;
	json_t *fields = json_array();

	field_add_contact(fields, "PHONE", paid->phone);
	field_add_contact(fields, "EMAIL", paid->email);
	field_add_text(fields, set->contact_field_tg_id, paid->telegram_id);
	field_add_text(fields, set->contact_field_tg_username, paid->telegram_tag);
	job->request = (struct request){ .entity = json_pack("{s:o, s:o}", "name",
					     field_cut(name_of(paid), FIELD_TEXT_MAX - 1),
					     "custom_fields_values", fields),
		.intent = INTENT_CONTACT,
		.then = created };
}

/* The contact is settled.  The search will not know for a while what we made, or gave an identity, just now. */
static enum outcome
adopt(struct job *job, bool filled, struct fault *why)
{
	/* Of an imported payment it is the lead that may have been written. */
	if (job->at.intent == INTENT_CONTACT) {
		job->at.intent = INTENT_NONE;
		job->at.intent_ms = 0;
	}
	if (filled || strcmp(job->at.matched_by, "created") == 0)
		return save_with_identities(job, why);
	return job_save(job, why);
}

/* What became of filling it.  A refusal is no reason to keep the payment back. */
static enum outcome
filled(struct job *job, enum outcome out, int64_t id, struct fault *why)
{
	(void)id;
	if (out == NEVER)
		job_warn(job, "the contact's Telegram fields were not filled: %s", why->text);
	else if (out != DONE)
		return out;
	return adopt(job, true, why);
}

/* Fill in what the contact does not have. */
static void
prepare_filling(struct job *job)
{
	const struct settings *set = job->with->settings;
	json_t *fields = json_array();

	if (field_by_id(job->contact, set->contact_field_tg_id) == NULL)
		field_add_text(fields, set->contact_field_tg_id, job->paid->telegram_id);
	if (field_by_id(job->contact, set->contact_field_tg_username) == NULL)
		field_add_text(fields, set->contact_field_tg_username, job->paid->telegram_tag);
	if (json_array_size(fields) > 0)
		job->request =
		    (struct request){ .entity = json_pack("{s:O}", "custom_fields_values", fields),
			    .id = job->at.contact_id,
			    .then = filled };
	json_decref(fields);
}

enum outcome
contact_find(struct job *job, struct fault *why)
{
	enum outcome out;

	if (job->at.contact_id != 0)
		return DONE;
	/* An earlier attempt may have created it without hearing so. */
	if (job->at.intent == INTENT_CONTACT && (out = job_settled(job, why)) != DONE)
		return out;

	job->looked_ms = clock_wall_ms();
	if ((out = find(job, why)) != DONE || job->at.contact_id != 0)
		return out;
	if (!job->with->settings->create_if_not_found) {
		job->not_found = "contact_not_found";
		return fault_set(why, NEVER, "contact_not_found");
	}
	prepare_creation(job);
	return DONE;
}

enum outcome
contact_read(struct job *job, struct fault *why)
{
	enum outcome out;

	if (job->contact != NULL)
		return DONE;
	out = amocrm_read(
	    job->with->crm, &job->context, AMOCRM_CONTACTS, job->at.contact_id, &job->contact, why);
	if (out != DONE || job->contact != NULL)
		return out;
	job->at.contact_id = 0;
	job->at.matched_by[0] = '\0';
	/* A lead that may have been created is linked by now to the contact that this one was merged into: its intent stays. */
	if ((out = job_save(job, why)) != DONE)
		return out;
	return fault_set(
	    why, LATER, "the contact has vanished from amoCRM; it will be looked for again");
}

/* Another payment, that knows the same contact by something else, may have filled it in, or made it a lead, since we read
 * it. */
static enum outcome
read_again_if_touched(struct job *job, struct fault *why)
{
	bool touched = false;
	enum outcome out;

	out = ledger_contact_touched(
	    job->with->ledger, job->at.contact_id, job->looked_ms, &touched, why);
	if (out != DONE || !touched)
		return out;
	json_decref(job->contact);
	job->contact = NULL;
	return contact_read(job, why);
}

enum outcome
contact_hold(struct job *job, struct fault *why)
{
	enum outcome out;

	if ((out = job_lock(job, LOCK_CONTACT, &job->at.contact_id, 1, why)) != DONE ||
	    job->looked_ms == 0)
		return out;
	if ((out = read_again_if_touched(job, why)) != DONE)
		return out;
	prepare_filling(job);
	return job->request.entity != NULL ? DONE : adopt(job, false, why);
}
