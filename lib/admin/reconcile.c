/*
 * Compares one lead with what the ledger says was carried into it.  Totals are compared with "at
 * least", because managers may add payments of their own.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/reconcile.h"
#include "amocrm/entity.h"
#include "amocrm/field.h"
#include "base/money.h"
#include "base/text.h"
#include "payment/note.h"

static void differ(json_t *differences, int64_t lead_id, const char *key, const char *difference,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
static void
differ(json_t *differences, int64_t lead_id, const char *key, const char *difference,
    const char *format, ...)
{
	char *message;
	va_list args;

	va_start(args, format);
	message = text_format_list(format, args);
	va_end(args);
	json_array_append_new(differences,
	    json_pack("{s:I, s:s?, s:s, s:s}", "lead_id", (json_int_t)lead_id, "payment_id", key,
		"difference", difference, "message", message));
	free(message);
}

static const char *
key_of(const json_t *payment)
{
	return json_string_value(json_object_get(payment, "payment_id"));
}

static bool
asked(const json_t *payment)
{
	return json_is_true(json_object_get(payment, "asked"));
}

/* A note is known by the payment's key alone; the payload may be purged long since. */
static bool
has_note(const json_t *notes, const char *key)
{
	struct payment paid = { 0 };
	const json_t *note;
	size_t i;

	snprintf(paid.key, sizeof(paid.key), "%s", key);
	json_array_foreach(notes, i, note) {
		const char *text =
		    json_string_value(json_object_get(json_object_get(note, "params"), "text"));

		if (text != NULL && note_is_for(text, &paid))
			return true;
	}
	return false;
}

/* Whether amoCRM refused this field when the payment was written. */
static bool
dropped(const json_t *payment, int64_t field_id)
{
	const json_t *field;
	size_t i;

	json_array_foreach(json_object_get(payment, "dropped"), i, field)
		if (json_integer_value(field) == field_id)
			return true;
	return false;
}

static void
compare_total(const struct settings *settings, const json_t *lead, const json_t *payments,
    json_t *differences)
{
	int64_t field = settings->lead_field_total_paid, sum = 0, total;
	char shown[MONEY_TEXT], added[MONEY_TEXT];
	const json_t *payment;
	size_t i;

	json_array_foreach(payments, i, payment)
		if (!dropped(payment, field))
			sum += entity_number(payment, "kopecks");
	if (field == 0 || sum == 0)
		return;
	if (!field_money(lead, field, &total))
		differ(differences, entity_id(lead), NULL, "total_low",
		    "the lead's total is no number");
	else if (total < sum)
		differ(differences, entity_id(lead), NULL, "total_low",
		    "the lead's total is %s, less than the %s that were added to it",
		    money_format(shown, total), money_format(added, sum));
}

void
reconcile_lead(const struct settings *settings, const json_t *lead, const json_t *notes,
    const json_t *payments, json_t *differences)
{
	const json_t *payment;
	size_t i;

	if (json_is_true(json_object_get(lead, "is_deleted")))
		differ(
		    differences, entity_id(lead), NULL, "lead_deleted", "the lead is in the trash");
	json_array_foreach(payments, i, payment)
		if (asked(payment) && !has_note(notes, key_of(payment)))
			differ(differences, entity_id(lead), key_of(payment), "note_missing",
			    "the payment's note is not there");
	compare_total(settings, lead, payments, differences);
}

/*
 * Leads that are gone.
 */

/* The lead of this contact's that has the payment's note; 0 when none has. */
static enum outcome
find_note(struct amocrm *crm, const struct amocrm_context *context, int64_t contact_id,
    const char *key, int64_t *lead_id, struct fault *why)
{
	json_t *contact = NULL, *notes = NULL, *link;
	enum outcome out = amocrm_read(crm, context, AMOCRM_CONTACTS, contact_id, &contact, why);
	size_t i;

	*lead_id = 0;
	json_array_foreach(entity_embedded(contact, "leads"), i, link) {
		if (out != DONE || *lead_id != 0)
			break;
		if ((out = amocrm_all_notes(crm, context, entity_id(link), &notes, why)) != DONE)
			break;
		if (has_note(notes, key))
			*lead_id = entity_id(link);
		json_decref(notes);
	}
	json_decref(contact);
	return out;
}

enum outcome
reconcile_gone(struct amocrm *crm, const struct amocrm_context *context, int64_t lead_id,
    const json_t *payments, json_t *differences, struct fault *why)
{
	const json_t *payment;
	enum outcome out;
	int64_t found_in;
	size_t i;

	json_array_foreach(payments, i, payment) {
		if (!asked(payment))
			continue;
		out = find_note(crm, context, entity_number(payment, "contact_id"), key_of(payment),
		    &found_in, why);
		if (out != DONE)
			return out;
		if (found_in != 0)
			differ(differences, lead_id, key_of(payment), "lead_merged",
			    "the lead is gone; the payment's note is in lead %" PRId64, found_in);
		else
			differ(differences, lead_id, key_of(payment), "lead_gone",
			    "the lead is gone: deleted, or merged into another");
	}
	return DONE;
}
