/*
 * Who paid?
 *
 * Two contacts of one person split a customer's history, so an answer that does not come is never
 * taken for "there is none", and after a lost creation the newest contacts are looked through
 * before another one is made.
 */
#include <string.h>
#include <strings.h>

#include "amocrm/amocrm.h"
#include "amocrm/entity.h"
#include "amocrm/field.h"
#include "base/clock.h"
#include "base/phone.h"
#include "base/shown.h"
#include "deliver/batch.h"
#include "deliver/contact.h"
#include "host/lock.h"
#include "ledger/related.h"

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

/* Several numbers may stand in one value. */
static bool
has_phone(const json_t *item, const struct phone *wanted)
{
	char room[FIELD_ROOM];
	struct phone number;
	const char *value;
	size_t i;

	for (i = 0; (value = field_value(item, i, room)) != NULL; i++)
		while (phone_next(&value, &number))
			if (phone_same(&number, wanted))
				return true;
	return false;
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

/* Whether a value of the field can be a person's: a dash says nothing. */
static bool
any_plausible(const json_t *item, enum identity_kind kind)
{
	char room[FIELD_ROOM];
	const char *value;
	size_t i;

	for (i = 0; (value = field_value(item, i, room)) != NULL; i++)
		if (identity_plausible(kind, value))
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

/* The field in which identities of this kind stand; NULL where it is not filled, or not known. */
static const json_t *
field_of(const json_t *contact, enum identity_kind kind, const struct settings *settings)
{
	switch (kind) {
	case IDENTITY_TELEGRAM:
		return field_by_id(contact, settings->contact_field_tg_id);
	case IDENTITY_PHONE:
		return field_by_code(contact, "PHONE");
	case IDENTITY_EMAIL:
		return field_by_code(contact, "EMAIL");
	}
	return NULL;
}

bool
contact_bears(
    const json_t *contact, const struct identity *identity, const struct settings *settings)
{
	const json_t *item = field_of(contact, identity->kind, settings);

	switch (identity->kind) {
	case IDENTITY_TELEGRAM:
		if (settings->contact_field_tg_id == 0)
			return any_field(contact, identity->text);
		return any_value(item, same_text, identity->text);
	case IDENTITY_PHONE:
		return has_phone(item, &identity->phone);
	case IDENTITY_EMAIL:
		return any_value(item, same_email, identity->text);
	}
	return false;
}

/* How many of the payer's identities the contact bears, of this kind (-1: of all kinds). */
static size_t
agreement(const struct known *known, const json_t *contact, int kind)
{
	size_t count = 0, i;

	for (i = 0; i < known->who_count; i++)
		count += (kind < 0 || (int)known->who[i].kind == kind) &&
		    contact_bears(contact, &known->who[i], known->service->settings);
	return count;
}

/* Whether the contact is somebody else's by an identity of a kind that both have. */
static bool
contradicts(const struct known *known, const json_t *contact)
{
	size_t i;

	for (i = 0; i < known->who_count; i++) {
		enum identity_kind kind = known->who[i].kind;

		if (agreement(known, contact, (int)kind) == 0 &&
		    any_plausible(field_of(contact, kind, known->service->settings), kind))
			return true;
	}
	return false;
}

static json_int_t
updated_at(const json_t *entity)
{
	return json_integer_value(json_object_get(entity, "updated_at"));
}

/* The exact hit that agrees with the payer in most; of equals the one updated last.  Borrowed. */
struct best {
	json_t *hit; /* NULL: none is exact. */
	size_t agreement;
	int exact, equal; /* How many hits are exact, and how many of these agree in as much. */
};

static struct best
best_hit(const struct known *known, const json_t *hits, const struct identity *identity)
{
	struct best best = { 0 };
	json_t *hit;
	size_t i, agrees;

	json_array_foreach(hits, i, hit) {
		if (json_is_true(json_object_get(hit, "is_deleted")) ||
		    !contact_bears(hit, identity, known->service->settings))
			continue;
		best.exact++;
		agrees = agreement(known, hit, -1);
		if (agrees > best.agreement) {
			best.agreement = agrees;
			best.equal = 0;
			best.hit = hit;
		}
		if (agrees == best.agreement) {
			best.equal++;
			if (updated_at(hit) > updated_at(best.hit))
				best.hit = hit;
		}
	}
	return best;
}

/*
 * Finding.
 */

/* Who cannot be read may be the payer. */
static enum outcome
check_readable(const json_t *contact, struct fault *why)
{
	if (field_is_readable(contact, 0))
		return DONE;
	return fault_set(why, LATER,
	    "amoCRM shows the fields of contact %" JSON_INTEGER_FORMAT
	    " in a form that is not understood",
	    entity_id(contact));
}

static void
take(struct known *known, json_t *contact, const char *by)
{
	known->contact = json_incref(contact);
	known->at.contact_id = entity_id(contact);
	strncpy(known->at.matched_by, by, sizeof(known->at.matched_by) - 1);
	known_tell(known, "contact %lld found by %s", (long long)known->at.contact_id, by);
}

static enum outcome
search(struct known *known, const struct identity *identity, struct fault *why)
{
	const char *name = identity_name(identity->kind);
	json_t *hits = NULL, *hit;
	struct best best;
	enum outcome out;
	size_t i;

	if ((out = amocrm_search(known->service->crm, &known->context, AMOCRM_CONTACTS,
		 identity->text, &hits, why)) != DONE)
		return out;
	json_array_foreach(hits, i, hit)
		if (out == DONE)
			out = check_readable(hit, why);
	if (out != DONE) {
		json_decref(hits);
		return out;
	}
	best = best_hit(known, hits, identity);
	if (best.hit != NULL)
		take(known, best.hit, name);
	else
		known_tell(known, "no contact has this %s", name);
	if (best.exact > 1)
		known_warn(known, "%d contacts have this %s; took %lld, %s", best.exact, name,
		    (long long)known->at.contact_id,
		    best.equal > 1 ? "updated last" : "which agrees in most");
	json_decref(hits);
	return DONE;
}

/* The search may not know yet a contact that we made, or gave this identity, a moment ago; reading
 * by id does. */
static enum outcome
remember(struct known *known, const struct identity *identity, struct fault *why)
{
	json_t *contact = NULL;
	int64_t id = 0;
	enum outcome out;

	if ((out = ledger_remembered(known->service->ledger, identity->hash, &id, why)) != DONE ||
	    id == 0)
		return out;
	if ((out = amocrm_read(
		 known->service->crm, &known->context, AMOCRM_CONTACTS, id, &contact, why)) != DONE)
		return out;
	if (contact != NULL)
		out = check_readable(contact, why);
	if (out == DONE && contact_bears(contact, identity, known->service->settings))
		take(known, contact, identity_name(identity->kind));
	json_decref(contact);
	return out;
}

/* After a creation for this payer whose answer was lost: is it among the newest contacts?  That
 * list does not lag as the search does. */
static enum outcome
find_lost(struct known *known, struct fault *why)
{
	json_t *newest = NULL, *contact;
	enum outcome out;
	size_t i, j;

	if ((out = amocrm_newest(
		 known->service->crm, &known->context, AMOCRM_CONTACTS, &newest, why)) != DONE)
		return out;
	json_array_foreach(newest, i, contact) {
		const char *name = json_string_value(json_object_get(contact, "name"));
		/* A payer without any identity is known by the name, if the contact is as young as
		 * our attempt. */
		bool ours = known->who_count == 0 && name != NULL &&
		    shown_same_name(name, known->paid->name) &&
		    known_created_since_intent(known, contact);

		for (j = 0; j < known->who_count && !ours; j++)
			ours = contact_bears(contact, &known->who[j], known->service->settings);
		if (ours) {
			take(known, contact, "created");
			break;
		}
	}
	json_decref(newest);
	return DONE;
}

/* An identity that thousands of entities have in them (a Telegram id that is part of their numbers)
 * tells no more than none.  A search that amoCRM refuses does not tell who it is, either: another
 * identity may.  If none does, that is no reason to take the payer for new. */
enum outcome
contact_look(struct known *known, struct fault *why)
{
	enum outcome out = DONE;
	bool refused = false;
	size_t i;

	for (i = 0; i < known->who_count && out == DONE && known->at.contact_id == 0; i++) {
		if ((out = search(known, &known->who[i], why)) == NEVER) {
			known_warn(known, "the search by %s tells nothing: %s",
			    identity_name(known->who[i].kind), why->text);
			refused |= !amocrm_too_many(known->service->crm);
			out = DONE;
		}
		if (out == DONE && known->at.contact_id == 0)
			out = remember(known, &known->who[i], why);
	}
	return out == DONE && refused && known->at.contact_id == 0 ? NEVER : out;
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

json_t *
contact_changes(const struct known *known)
{
	const struct settings *set = known->service->settings;
	const struct payment *paid = known->paid;
	json_t *fields = json_array();

	if (known->contact == NULL) {
		field_add_contact(fields, "PHONE", paid->phone);
		field_add_contact(fields, "EMAIL", paid->email);
	}
	if (contradicts(known, known->contact))
		return fields;
	if (field_by_id(known->contact, set->contact_field_tg_id) == NULL)
		field_add_text(fields, set->contact_field_tg_id, paid->telegram_id);
	if (field_by_id(known->contact, set->contact_field_tg_username) == NULL)
		field_add_text(fields, set->contact_field_tg_username, paid->telegram_tag);
	return fields;
}

/* The search will not know for a while what we made, or gave an identity, just now. */
static enum outcome
save_with_identities(struct job *job, struct fault *why)
{
	struct known *known = &job->known;

	return ledger_save_contact(known->service->ledger, job->attempt.id, &known->at, known->who,
	    known->who_count, clock_wall_ms(), why);
}

static enum outcome
create(struct job *job, struct fault *why)
{
	struct known *known = &job->known;
	json_t *entity =
	    json_pack("{s:o, s:o}", "name", field_cut(name_of(known->paid), FIELD_TEXT_MAX - 1),
		"custom_fields_values", contact_changes(known));
	int64_t id = 0;
	enum outcome out;

	/* An answer that is lost leaves the intent: the next attempt looks among the newest. */
	if ((out = batch_send(job, INTENT_CONTACT, AMOCRM_CONTACTS, &id, entity, why)) != DONE)
		return job_withdraw(job, out, why);
	known_tell(known, "contact %lld created", (long long)id);
	known->at.contact_id = id;
	known->at.intent = INTENT_NONE;
	known->at.intent_ms = 0;
	strncpy(known->at.matched_by, "created", sizeof(known->at.matched_by) - 1);
	/* It has no leads yet; that need not be asked. */
	known->contact = json_pack("{s:I}", "id", (json_int_t)id);
	return save_with_identities(job, why);
}

/* Find the contact, or create it; unknown is not absent.  *looked_ms is set when it was found just
 * now. */
static enum outcome
find_or_create(struct job *job, int64_t *looked_ms, struct fault *why)
{
	struct known *known = &job->known;
	int64_t began_ms = clock_wall_ms();
	bool lost = false;
	enum outcome out;

	if (known->at.contact_id != 0)
		return DONE;
	/* An earlier attempt may have created it without hearing so. */
	if (known->at.intent == INTENT_CONTACT && (out = job_settled(job, why)) != DONE)
		return out;

	if ((out = contact_look(known, why)) != DONE)
		return out;
	if (known->at.contact_id == 0) {
		out = ledger_lost_contact(known->service->ledger, job->attempt.id, &lost, why);
		if (lost)
			out = find_lost(known, why);
		if (out != DONE)
			return out;
	}
	if (known->at.contact_id != 0) {
		*looked_ms = began_ms;
		return DONE;
	}
	if (!known->service->settings->create_if_not_found) {
		job->not_found = "contact_not_found";
		return fault_set(why, NEVER, "contact_not_found");
	}
	return create(job, why);
}

enum outcome
contact_read(struct job *job, struct fault *why)
{
	enum outcome out;

	if (job->known.contact != NULL)
		return DONE;
	out = amocrm_read(job->known.service->crm, &job->known.context, AMOCRM_CONTACTS,
	    job->known.at.contact_id, &job->known.contact, why);
	if (out != DONE ||
	    (job->known.contact != NULL &&
		!json_is_true(json_object_get(job->known.contact, "is_deleted"))))
		return out;
	json_decref(job->known.contact);
	job->known.contact = NULL;
	job->known.at.contact_id = 0;
	job->known.at.matched_by[0] = '\0';
	/* A lead that may have been created is linked by now to the contact that this one was
	 * merged into: its intent stays. */
	if ((out = job_save(job, why)) != DONE)
		return out;
	return fault_set(
	    why, LATER, "the contact has vanished from amoCRM; it will be looked for again");
}

enum outcome
contact_refused(struct job *job, struct fault *why)
{
	struct fault refusal = *why;
	enum outcome out;

	json_decref(job->known.contact);
	job->known.contact = NULL;
	if ((out = contact_read(job, why)) != DONE)
		return out;
	*why = refusal;
	return NEVER;
}

/* Give a contact that was found what it does not have, and save that it is the payer's. */
static enum outcome
fill(struct job *job, struct fault *why)
{
	struct progress *at = &job->known.at;
	json_t *fields = contact_changes(&job->known);
	bool filled = json_array_size(fields) > 0;
	int64_t id = at->contact_id;
	enum outcome out = DONE;

	if (contradicts(&job->known, job->known.contact))
		known_tell(&job->known,
		    "contact %lld may be another's by what else it has; nothing is filled in",
		    (long long)id);
	if (filled)
		out = batch_send(job, INTENT_NONE, AMOCRM_CONTACTS, &id,
		    json_pack("{s:O}", "custom_fields_values", fields), why);
	json_decref(fields);
	if (out == NEVER)
		out = contact_refused(job, why);
	/* A refusal is no reason to keep the payment back.  A lost answer needs no intent: the
	 * next attempt reads the contact and fills in what is still missing. */
	if (out == NEVER)
		known_warn(
		    &job->known, "the contact's Telegram fields were not filled: %s", why->text);
	else if (out != DONE)
		return out;

	/* The contact is settled.  Of an imported payment it is the lead that may have been
	 * written: that intent stays. */
	if (at->intent == INTENT_CONTACT) {
		at->intent = INTENT_NONE;
		at->intent_ms = 0;
	}
	if (filled || strcmp(at->matched_by, "created") == 0)
		return save_with_identities(job, why);
	return job_save(job, why);
}

/* Whether anything would be filled in. */
static bool
lacks(const struct known *known)
{
	json_t *fields = contact_changes(known);
	bool anything = json_array_size(fields) > 0;

	json_decref(fields);
	return anything;
}

enum outcome
contact_settle(struct job *job, struct fault *why)
{
	struct known *known = &job->known;
	int64_t looked_ms = 0;
	bool touched = false;
	enum outcome out;

	if ((out = batch_turn(job, why)) != DONE ||
	    (out = find_or_create(job, &looked_ms, why)) != DONE)
		return out;

	/* Payments that know the same contact by another identity are excluded from here on. */
	if ((out = batch_turn(job, why)) != DONE ||
	    (out = job_lock(job, LOCK_CONTACT, &known->at.contact_id, 1, why)) != DONE ||
	    looked_ms == 0)
		return out;

	/* One of those may have made it a lead since we read it; or filled it in, before it was put
	 * off, as a person may have done.  What is filled is never overwritten. */
	out = ledger_contact_touched(
	    known->service->ledger, known->at.contact_id, looked_ms, &touched, why);
	if (out != DONE)
		return out;
	if (touched || lacks(known)) {
		json_decref(known->contact);
		known->contact = NULL;
		if ((out = contact_read(job, why)) != DONE)
			return out;
	}
	return fill(job, why);
}
