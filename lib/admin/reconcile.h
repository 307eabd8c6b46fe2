#ifndef ADMIN_RECONCILE_H
#define ADMIN_RECONCILE_H

#include <jansson.h>
#include <stdint.h>

#include "amocrm/amocrm.h"
#include "base/fault.h"
#include "config/settings.h"

/*
 * Does amoCRM, as it stands, show what the ledger says was carried there?
 *
 * `lead` and `notes` are what amocrm_read() and amocrm_all_notes() gave: one entity, and an array
 * of its notes, whose texts are at "params"/"text".  `payments` are those that were ever applied to
 * the lead, as ledger_applied() gives them; only those that are "asked" about must have their
 * notes, but the total must be at least the sum of all.  All of these are borrowed for the call.
 * What differs is appended to `differences`, an array that stays the caller's: {"lead_id",
 * "payment_id", "difference", "message"}, where payment_id is null for what concerns the lead as a
 * whole.
 *
 * 	lead_gone     amoCRM has no such lead: deleted for good, or merged into another one.
 * 	lead_merged   the same, and the note stands in another lead of the payer's.
 * 	lead_deleted  it is in the trash.
 * 	note_missing  the payment's note is not there.
 * 	total_low     the total is less than what was added to it, or no number.
 */
void reconcile_lead(const struct settings *settings, const json_t *lead, const json_t *notes,
    const json_t *payments, json_t *differences);

/*
 * The same for a lead that amoCRM does not have.  The payer's other leads are looked through, as
 * after a merger the note stands in another one: a call for each payment asked about, and one for
 * each lead of its contact.  After anything but DONE, which are the outcomes of those calls, some
 * differences may be there already.
 */
enum outcome reconcile_gone(struct amocrm *crm, const struct amocrm_context *context,
    int64_t lead_id, const json_t *payments, json_t *differences, struct fault *why) MUST_USE;

#endif
