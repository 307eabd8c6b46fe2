#ifndef LEDGER_PROGRESS_H
#define LEDGER_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "payment/payment.h"

struct ledger;

/*
 * How far the delivery of one payment got.  It is saved whole after each step; a step that acts on
 * amoCRM is saved as an intent before it acts.
 */
enum intent {
	INTENT_NONE,
	INTENT_CONTACT, /* A contact may have been created; its id is not known. */
	INTENT_LEAD,    /* A lead with this payment may have been created; its id is not known. */
	INTENT_TOTALS   /* lead_id may have been changed from the values before to those after. */
};

struct progress {
	enum intent intent;
	int64_t intent_ms; /* When the intent was written down; 0 without one. */

	int64_t contact_id;
	/* identity_name() of what the contact was found by, "created", or "". */
	char matched_by[16];

	int64_t lead_id;
	int64_t pipeline_id;
	bool lead_created;
	bool older;   /* The lead shows a later payment: its id, date and last amount stay there. */
	bool applied; /* amoCRM holds this payment's amount, count and fields. */
	/* The currency of an amount that is not added, as it is not the account's; "" = it is. */
	char foreign[16];
	int64_t total_before, total_after;
	int64_t count_before, count_after;
	/* The payment id that stood there with the values before; "": none, NULL: not known.  Owned. */
	char *id_before;
	int64_t rebased; /* How often another's change made us begin from new values. */

	int64_t note_id;
	/* Arrays, owned, and never NULL between progress_init() and progress_clear(). */
	json_t *dropped;  /* Fields that amoCRM refused: ids and codes. */
	json_t *unmapped; /* Names of the subjects without a rule. */
	json_t *events;   /* For the trail, see base/trail.h; emptied when they are written. */
};
void progress_init(struct progress *at);
void progress_clear(struct progress *at); /* Frees what it owns. */

/*
 * Load into / save from a progress that progress_init() has prepared; a row that was never worked
 * on leaves it as it is.
 */
enum outcome ledger_progress(
    struct ledger *ledger, int64_t id, struct progress *at, struct fault *why) MUST_USE;
enum outcome ledger_save(
    struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why) MUST_USE;

/* How often amoCRM has answered 500 to a request that held this payment's lead alone. */
enum outcome ledger_lead_errors(
    struct ledger *ledger, int64_t id, int64_t *count, struct fault *why) MUST_USE;

/*
 * ledger_save() of a progress with an intent, unless the payment has been excluded meanwhile (it
 * came again as a refund): then nothing is written, *wanted is false, and nothing may be sent.
 */
enum outcome ledger_intend(struct ledger *ledger, int64_t id, const struct progress *at,
    bool *wanted, struct fault *why) MUST_USE;

/*
 * ledger_save(), and remember that these identities belong to at->contact_id: amoCRM's search will
 * not know it for a while.
 */
enum outcome ledger_save_contact(struct ledger *ledger, int64_t id, const struct progress *at,
    const struct identity *who, size_t count, int64_t now_ms, struct fault *why) MUST_USE;

#endif
