/*
 * paymentctl: what a retry would do.
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

struct outlook {
	const struct ctl *ctl;
	struct ctl_crm crm;
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
		const char *old = json_string_value(json_object_get(change, "old"));

		print_line(PRINT_PLAIN, "    %s: %s -> %s",
		    json_string_value(json_object_get(change, "field")),
		    *old != '\0' ? old : "nothing",
		    json_string_value(json_object_get(change, "new")));
	}
}

static void
print_contact(const json_t *contact)
{
	json_int_t id = json_integer_value(json_object_get(contact, "id"));

	if (id != 0)
		print_line(PRINT_PLAIN, "  contact %" JSON_INTEGER_FORMAT ", found by %s", id,
		    json_string_value(json_object_get(contact, "matched_by")));
	else
		print_line(PRINT_PLAIN, "  a new contact");
}

static void
print_lead(const json_t *lead)
{
	json_int_t id = json_integer_value(json_object_get(lead, "id"));
	const char *name = json_string_value(json_object_get(lead, "name"));

	if (id != 0)
		print_line(PRINT_PLAIN, "  lead %" JSON_INTEGER_FORMAT " \"%s\"", id,
		    name != NULL ? name : "");
	else
		print_line(PRINT_PLAIN,
		    "  a new lead \"%s\" in pipeline %" JSON_INTEGER_FORMAT
		    ", stage %" JSON_INTEGER_FORMAT,
		    name != NULL ? name : "",
		    json_integer_value(json_object_get(lead, "pipeline_id")),
		    json_integer_value(json_object_get(lead, "status_id")));
}

static void
print_report(const json_t *report)
{
	const json_t *contact = json_object_get(report, "contact"), *warning;
	size_t i;

	print_line(PRINT_HEAD, "%s", json_string_value(json_object_get(report, "payment_id")));
	json_array_foreach(json_object_get(report, "remarks"), i, warning)
		print_line(PRINT_ODD, "  %s", json_string_value(warning));
	if (contact == NULL)
		return;
	print_contact(contact);
	print_changes(json_object_get(report, "contact_changes"));
	print_lead(json_object_get(report, "lead"));
	print_changes(json_object_get(report, "lead_changes"));
	print_line(PRINT_PLAIN, "  a note, unless it is there already");
}

/* The payload may be none: somebody has written to the ledger. */
static struct payment *
parse(struct outlook *outlook, const json_t *row)
{
	const char *payload = json_string_value(json_object_get(row, "payload"));
	struct payment *paid = NULL;
	json_t *errors = NULL;

	if (payload != NULL && payment_parse(payload, strlen(payload), &paid, &errors) == DONE) {
		payment_recorded(paid, json_string_value(json_object_get(row, "payment_id")),
		    clock_wall_ms() / 1000);
		return paid;
	}
	json_decref(errors);
	outlook->odd = true;
	print_complaint("%s cannot be carried: its payload is no payment",
	    json_string_value(json_object_get(row, "payment_id")));
	return NULL;
}

static enum outcome
look_at(struct outlook *outlook, const json_t *row, struct fault *why)
{
	struct payment *paid = parse(outlook, row);
	json_t *report = NULL;
	enum outcome out;

	if (paid == NULL)
		return DONE;
	ctl_crm_turn(&outlook->crm);
	out = preview(&outlook->with, &outlook->crm.context, &outlook->account,
	    json_integer_value(json_object_get(row, "id")), paid, &report, why);
	if (out == DONE && !outlook->ctl->json)
		print_report(report);
	if (out == DONE)
		json_array_append_new(outlook->reports, report);
	payment_free(paid);
	return out;
}

/*
 * All of them.
 */

static enum outcome
look_at_word(struct outlook *outlook, const char *word, struct fault *why)
{
	json_t *rows = NULL;
	enum outcome out = ledger_list(outlook->with.ledger, -1, word, 0, 1, true, &rows, why);
	char *left = out == DONE ? ctl_retry_left(json_array_get(rows, 0)) : NULL;

	if (out == DONE && left == NULL) {
		out = look_at(outlook, json_array_get(rows, 0), why);
	} else if (out == DONE) {
		outlook->odd = true;
		print_complaint("%s: %s", word, left);
	}
	free(left);
	json_decref(rows);
	return out;
}

static enum outcome
look_at_failed(struct outlook *outlook, struct fault *why)
{
	json_t *rows = NULL, *row;
	enum outcome out =
	    ledger_list(outlook->with.ledger, PAYMENT_FAILED, NULL, 0, INT_MAX, true, &rows, why);
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *reason = ledger_why_left(row);

		if (out == DONE && reason == NULL)
			out = look_at(outlook, row, why);
		else if (out == DONE)
			json_object_set_new(outlook->left,
			    json_string_value(json_object_get(row, "payment_id")),
			    json_string(reason));
	}
	json_decref(rows);
	return out;
}

static enum outcome
look_at_all(struct outlook *outlook, struct fault *why)
{
	const struct ctl *ctl = outlook->ctl;
	json_t *errors = NULL;
	enum outcome out = rules_load(outlook->with.settings, &outlook->with.rules, &errors, why);
	int i;

	json_decref(errors);
	ctl_crm_turn(&outlook->crm);
	if (out == DONE)
		out = account_read(outlook->crm.crm, &outlook->crm.context, &outlook->account, why);
	if (out == DONE && ctl->failed)
		out = look_at_failed(outlook, why);
	for (i = 0; i < ctl->count && out == DONE; i++)
		out = look_at_word(outlook, ctl->words[i], why);
	return out;
}

static void
sum_up(const struct outlook *outlook)
{
	int64_t count = (int64_t)json_array_size(outlook->reports);

	print_line(PRINT_DIM, "%" PRId64 " payment%s would be carried so; nothing was changed",
	    count, print_plural(count));
	ctl_tell_left(outlook->left);
}

static int
look(struct outlook *outlook)
{
	struct fault why;
	int status;

	outlook->with.limiter = outlook->crm.limiter;
	outlook->with.crm = outlook->crm.crm;
	outlook->reports = json_array();
	outlook->left = json_object();
	if (look_at_all(outlook, &why) != DONE)
		status = ctl_crm_complain(&outlook->crm, &why);
	else
		status = outlook->odd || json_object_size(outlook->left) > 0 ? CTL_FINDINGS : EX_OK;
	if (outlook->ctl->json)
		ctl_json(outlook->reports);
	else
		sum_up(outlook);
	json_decref(outlook->reports);
	json_decref(outlook->left);
	account_clear(&outlook->account);
	rules_free(outlook->with.rules);
	return status;
}

int
ctl_preview(const struct ctl *ctl)
{
	/* A retry itself needs none of amoCRM's. */
	struct settings *settings = startup_settings(SETTINGS_NEED_CRM | SETTINGS_NEED_RULES);
	struct outlook outlook = { .ctl = ctl,
		.with = { .settings = settings, .ledger = ctl->ledger } };
	int status;

	if (settings == NULL)
		return EX_CONFIG;
	if ((status = ctl_crm_open(settings, &outlook.crm)) == EX_OK) {
		status = look(&outlook);
		ctl_crm_close(&outlook.crm);
	}
	settings_free(settings);
	return status;
}
