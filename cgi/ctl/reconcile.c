/*
 * paymentctl reconcile: compare what the ledger says was carried with amoCRM as it stands.  It goes
 * lead by lead, in the order of their ids, and lets the service call amoCRM first.
 */
#include <inttypes.h>
#include <sysexits.h>

#include "admin/reconcile.h"
#include "commands.h"
#include "crm.h"
#include "ledger/audit.h"
#include "print.h"
#include "row.h"

#define BATCH 50 /* Leads read at once. */

struct audit {
	const struct ctl *ctl;
	struct crm crm;
	struct period period;
	json_t *differences;
	int64_t leads, payments; /* Compared so far. */
	int64_t total;           /* Leads to compare. */
};

static const json_t *
lead_among(const json_t *leads, int64_t id)
{
	const json_t *lead;
	size_t i;

	json_array_foreach(leads, i, lead)
		if (row_number(lead, "id") == id)
			return lead;
	return NULL;
}

static int64_t
count_asked(const json_t *payments)
{
	const json_t *payment;
	int64_t count = 0;
	size_t i;

	json_array_foreach(payments, i, payment)
		count += row_true(payment, "asked");
	return count;
}

/* Compare one lead; NULL: amoCRM does not have it. */
static enum outcome
compare(struct audit *audit, int64_t id, const json_t *lead, struct fault *why)
{
	json_t *payments = NULL, *notes = NULL;
	enum outcome out = ledger_applied(audit->ctl->ledger, id, &audit->period, &payments, why);

	if (out != DONE)
		return out;
	crm_yield(&audit->crm);
	if (lead == NULL)
		out = reconcile_gone(
		    audit->crm.amocrm, &audit->crm.context, id, payments, audit->differences, why);
	else if ((out = amocrm_all_notes(
		      audit->crm.amocrm, &audit->crm.context, id, &notes, why)) == DONE)
		reconcile_lead(audit->ctl->settings, lead, notes, payments, audit->differences);
	if (out == DONE) {
		audit->leads++;
		audit->payments += count_asked(payments);
		print_progress("comparing leads", audit->leads, audit->total);
	}
	json_decref(notes);
	json_decref(payments);
	return out;
}

static enum outcome
compare_batch(struct audit *audit, const json_t *ids, struct fault *why)
{
	json_t *leads = NULL;
	const json_t *id;
	enum outcome out;
	size_t i;

	crm_yield(&audit->crm);
	if ((out = amocrm_read_leads(audit->crm.amocrm, &audit->crm.context, ids, &leads, why)) !=
	    DONE)
		return out;
	json_array_foreach(ids, i, id) {
		out = compare(
		    audit, json_integer_value(id), lead_among(leads, json_integer_value(id)), why);
		if (out != DONE)
			break;
	}
	json_decref(leads);
	return out;
}

static enum outcome
compare_all(struct audit *audit, struct fault *why)
{
	enum outcome out =
	    ledger_lead_count(audit->ctl->ledger, &audit->period, &audit->total, why);
	int64_t last = 0;
	json_t *ids = NULL;
	size_t count = BATCH;

	while (out == DONE && count == BATCH) {
		out = ledger_leads(audit->ctl->ledger, &audit->period, last, BATCH, &ids, why);
		if (out != DONE)
			break;
		if ((count = json_array_size(ids)) > 0) {
			last = json_integer_value(json_array_get(ids, count - 1));
			out = compare_batch(audit, ids, why);
		}
		json_decref(ids);
	}
	return out;
}

static void
print_audit(const struct audit *audit, bool complete)
{
	int64_t found = (int64_t)json_array_size(audit->differences);
	const json_t *difference;
	size_t i;

	if (audit->ctl->json) {
		print_json(json_pack("{s:b, s:I, s:I, s:O}", "complete", complete, "leads",
		    (json_int_t)audit->leads, "payments", (json_int_t)audit->payments,
		    "differences", audit->differences));
		return;
	}
	json_array_foreach(audit->differences, i, difference) {
		const char *payment_id = row_text(difference, "payment_id");

		print_line(PRINT_BAD, "lead %" PRId64 "%s%s: %s", row_number(difference, "lead_id"),
		    payment_id[0] != '\0' ? ", payment " : "", payment_id,
		    row_text(difference, "message"));
	}
	print_line(found > 0 ? PRINT_BAD : PRINT_GOOD,
	    "%" PRId64 " payment%s in %" PRId64 " lead%s compared%s, %" PRId64 " difference%s",
	    audit->payments, print_plural(audit->payments), audit->leads,
	    print_plural(audit->leads), complete ? "" : " before that failed", found,
	    print_plural(found));
}

int
ctl_reconcile(const struct ctl *ctl)
{
	struct audit audit = { .ctl = ctl, .period = { ctl->since.ms, ctl->until.ms } };
	struct fault why;
	int status;

	if ((status = crm_open(ctl->settings, &audit.crm)) != EX_OK)
		return status;
	audit.differences = json_array();
	if (compare_all(&audit, &why) == DONE) {
		print_audit(&audit, true);
		status = json_array_size(audit.differences) > 0 ? CTL_FINDINGS : EX_OK;
	} else {
		status = crm_complain(&audit.crm, &why);
		print_audit(&audit, false);
	}
	json_decref(audit.differences);
	crm_close(&audit.crm);
	return status;
}
