/*
 * paymentctl retry --dry-run: what delivering the payments would change in amoCRM now.  It decides
 * which payments as the retry does, reads amoCRM, and changes nothing there or in the ledger.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "../startup.h"
#include "admin/preview.h"
#include "base/clock.h"
#include "commands.h"
#include "crm.h"
#include "ledger/ledger.h"
#include "ledger/operator.h"
#include "ledger/report.h"
#include "print.h"
#include "retry_reason.h"
#include "row.h"

struct dry_run {
	const struct ctl *ctl;
	struct crm crm;
	struct service with;
	struct account account;
	json_t *reports;
	json_t *left; /* By payment_id, why those are that must be named. */
	bool odd;     /* Something asked for is no failed payment, or cannot be carried any more. */
};

/*
 * One payment.
 */

static void
print_changes(const json_t *changes)
{
	const json_t *change;
	size_t i;

	json_array_foreach(changes, i, change) {
		const char *old = row_text(change, "old");

		print_line(PRINT_PLAIN, "    %s: %s -> %s", row_text(change, "field"),
		    *old != '\0' ? old : "nothing", row_text(change, "new"));
	}
}

static void
print_lead(const json_t *lead)
{
	int64_t id = row_number(lead, "id");
	const char *name = row_text(lead, "name");

	if (id != 0)
		print_line(PRINT_PLAIN, "  lead %" PRId64 " \"%s\"", id, name);
	else
		print_line(PRINT_PLAIN,
		    "  a new lead \"%s\" in pipeline %" PRId64 ", stage %" PRId64, name,
		    row_number(lead, "pipeline_id"), row_number(lead, "status_id"));
}

static void
print_report(const json_t *report)
{
	const json_t *contact = json_object_get(report, "contact"), *warning;
	size_t i;

	print_line(PRINT_HEAD, "%s", row_text(report, "payment_id"));
	json_array_foreach(json_object_get(report, "remarks"), i, warning)
		print_line(PRINT_ODD, "  %s", json_string_value(warning));
	if (contact == NULL)
		return;
	if (row_number(contact, "id") != 0)
		print_line(PRINT_PLAIN, "  contact %" PRId64 ", found by %s",
		    row_number(contact, "id"), row_text(contact, "matched_by"));
	else
		print_line(PRINT_PLAIN, "  a new contact");
	print_changes(json_object_get(report, "contact_changes"));
	print_lead(json_object_get(report, "lead"));
	print_changes(json_object_get(report, "lead_changes"));
	print_line(PRINT_PLAIN, "  a note, unless it is there already");
}

static enum outcome
preview_one(struct dry_run *run, const json_t *row, struct fault *why)
{
	const char *payload = row_text(row, "payload");
	json_t *report = NULL, *errors = NULL;
	struct payment *paid = NULL;
	enum outcome out;

	/* The payload may be no payment any more, if a person wrote to the ledger. */
	if (payment_parse(payload, strlen(payload), &paid, &errors) != DONE) {
		json_decref(errors);
		run->odd = true;
		print_complaint(
		    "%s cannot be carried: its payload is no payment", row_text(row, "payment_id"));
		return DONE;
	}
	payment_recorded(paid, row_text(row, "payment_id"), clock_wall_ms() / 1000);
	crm_yield(&run->crm);
	out = preview(&run->with, &run->crm.context, &run->account, row_number(row, "id"), paid,
	    &report, why);
	if (out == DONE && !run->ctl->json)
		print_report(report);
	if (out == DONE)
		json_array_append_new(run->reports, report);
	payment_free(paid);
	return out;
}

/*
 * All of them.
 */

static enum outcome
preview_named(struct dry_run *run, const char *name, struct fault *why)
{
	json_t *row;
	enum outcome out = row_find(run->with.ledger, name, true, &row, why);
	char *reason = out == DONE ? retry_reason(row) : NULL;

	if (out == DONE && reason == NULL) {
		out = preview_one(run, row, why);
	} else if (out == DONE) {
		run->odd = true;
		print_complaint("%s: %s", name, reason);
	}
	free(reason);
	json_decref(row);
	return out;
}

static enum outcome
preview_failed(struct dry_run *run, struct fault *why)
{
	json_t *rows = NULL, *row;
	enum outcome out =
	    ledger_list(run->with.ledger, PAYMENT_FAILED, NULL, 0, INT_MAX, true, &rows, why);
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *reason = ledger_why_left(row);

		if (out == DONE && reason == NULL)
			out = preview_one(run, row, why);
		else if (out == DONE)
			json_object_set_new(
			    run->left, row_text(row, "payment_id"), json_string(reason));
	}
	json_decref(rows);
	return out;
}

static enum outcome
preview_all(struct dry_run *run, struct fault *why)
{
	const struct ctl *ctl = run->ctl;
	json_t *errors = NULL;
	enum outcome out = rules_load(run->with.settings, &run->with.rules, &errors, why);
	int i;

	json_decref(errors);
	crm_yield(&run->crm);
	if (out == DONE)
		out = account_read(run->crm.amocrm, &run->crm.context, &run->account, why);
	if (out == DONE && ctl->failed)
		out = preview_failed(run, why);
	for (i = 0; i < ctl->count && out == DONE; i++)
		out = preview_named(run, ctl->operands[i], why);
	return out;
}

static int
preview_and_print(struct dry_run *run)
{
	struct fault why;
	int64_t count;
	int status;

	run->with.limiter = run->crm.limiter;
	run->with.crm = run->crm.amocrm;
	run->reports = json_array();
	run->left = json_object();
	if (preview_all(run, &why) != DONE)
		status = crm_complain(&run->crm, &why);
	else
		status = run->odd || json_object_size(run->left) > 0 ? CTL_FINDINGS : EX_OK;
	count = (int64_t)json_array_size(run->reports);
	if (run->ctl->json) {
		print_json(json_incref(run->reports));
	} else {
		print_line(PRINT_DIM,
		    "%" PRId64 " payment%s would be carried so; nothing was changed", count,
		    print_plural(count));
		retry_reason_count(run->left);
	}
	json_decref(run->reports);
	json_decref(run->left);
	account_clear(&run->account);
	rules_free(run->with.rules);
	return status;
}

int
ctl_preview(const struct ctl *ctl)
{
	/* A retry itself does not call amoCRM, and was given no settings for that. */
	struct settings *settings = startup_settings(SETTINGS_NEED_CRM | SETTINGS_NEED_RULES);
	struct dry_run run = { .ctl = ctl,
		.with = { .settings = settings, .ledger = ctl->ledger } };
	int status;

	if (settings == NULL)
		return EX_CONFIG;
	if ((status = crm_open(settings, &run.crm)) == EX_OK) {
		status = preview_and_print(&run);
		crm_close(&run.crm);
	}
	settings_free(settings);
	return status;
}
