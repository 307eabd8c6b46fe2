/*
 * paymentctl check: the settings, this host and the rules, and whether they fit the live account.
 * Every part is checked even when an earlier one is wrong, so that one run shows all there is to
 * mend.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/field_check.h"
#include "admin/finding.h"
#include "admin/rule_check.h"
#include "amocrm/account.h"
#include "base/clock.h"
#include "base/text.h"
#include "commands.h"
#include "crm.h"
#include "ledger/ledger.h"
#include "ledger/report.h"
#include "monitor/alarm.h"
#include "monitor/token.h"
#include "print.h"
#include "row.h"
#include "rules/rules.h"

/*
 * This host.
 */

/*
 * Nothing is created by looking: the service could not open a ledger that root made.  Returns
 * EX_TEMPFAIL where the host fails, or another process is in the way, and not the settings.
 */
static int
check_ledger(const struct settings *settings, json_t *findings)
{
	struct ledger *ledger = NULL;
	struct fault why;
	enum outcome out;

	if (access(settings->payments_db, F_OK) < 0 && errno == ENOENT) {
		finding_add(findings, "unset", "PAYMENTS_DB", 0,
		    "%s is not there yet; the service creates it", settings->payments_db);
		return EX_OK;
	}
	if ((out = ledger_open_existing(settings->payments_db, &ledger, &why)) == DONE)
		out = ledger_touch(ledger, clock_wall_ms(), &why);
	if (out == DONE)
		finding_add(
		    findings, "ok", "PAYMENTS_DB", 0, "%s can commit", settings->payments_db);
	else
		finding_add(findings, "wrong", "PAYMENTS_DB", 0, "%s", why.text);
	ledger_close(ledger);
	return out == BROKEN ? EX_TEMPFAIL : EX_OK;
}

static void
check_run_dir(const struct settings *settings, json_t *findings)
{
	const char *path = settings->payments_run_dir;

	if (access(path, W_OK | X_OK) < 0 && errno == ENOENT)
		finding_add(findings, "unset", "PAYMENTS_RUN_DIR", 0,
		    "%s is not there yet; the service creates it", path);
	else if (access(path, W_OK | X_OK) < 0)
		finding_add(
		    findings, "wrong", "PAYMENTS_RUN_DIR", 0, "%s: %s", path, strerror(errno));
	else
		finding_add(findings, "ok", "PAYMENTS_RUN_DIR", 0, "%s can be written", path);
}

static void
add_mistakes(const json_t *errors, const char *state, json_t *findings)
{
	const json_t *mistake;
	size_t i;

	json_array_foreach(errors, i, mistake) {
		const char *path = row_text(mistake, "path");

		finding_add(findings, state, "PAYMENT_MAPPING", 0, "%s%s%s", path,
		    path[0] != '\0' ? ": " : "", row_text(mistake, "message"));
	}
}

/* The rules as a document; NULL when they are not valid. */
static json_t *
check_rules(const struct settings *settings, json_t *findings)
{
	struct rules *mapping = NULL;
	json_t *errors = NULL;
	struct fault why;

	if (rules_load(settings, &mapping, &errors, &why) != DONE) {
		add_mistakes(errors, "wrong", findings);
		json_decref(errors);
		return NULL;
	}
	finding_add(findings, "ok", "PAYMENT_MAPPING", 0, "the rules are valid");
	add_mistakes(rules_warnings(mapping), "odd", findings);
	rules_free(mapping);
	return rules_document(settings);
}

/*
 * The account.
 */

/*
 * What it means when the account could not be read.  A refusal of our token, and an address that
 * leads to no account, are the settings' fault; anything else passes, and while the breaker is open
 * amoCRM was not asked.
 */
static int
judge_failure(const struct crm *crm, const struct fault *why, json_t *findings)
{
	struct limiter_state state;
	const char *setting;

	limiter_look(crm->limiter, &state);
	setting =
	    state.open && !limiter_is_address(state.status) ? "AMO_ACCESS_TOKEN" : "AMO_BASE_URL";
	if (state.open && !state.alone)
		finding_add(findings, "odd", setting, 0, "not tried: %s", why->text);
	else
		finding_add(findings, "wrong", setting, 0, "%s", why->text);
	return state.alone ? EX_OK : EX_TEMPFAIL;
}

/* The token holds the time when it expires; the alarm decides how soon is too soon. */
static void
check_token(int64_t expires, json_t *findings)
{
	struct alarm_facts facts = { .now_ms = clock_wall_ms(), .token_expires = expires };
	struct alarm alarms[ALARM_KINDS];
	const struct alarm *token = &alarms[ALARM_TOKEN];

	alarm_judge(&facts, alarms);
	if (token->on)
		finding_add(findings, token->value > 0 ? "odd" : "wrong", "AMO_ACCESS_TOKEN", 0,
		    "%s; a new one is made in amoCRM", token->text);
}

static int
check_account(const struct settings *settings, const json_t *rules, json_t *findings)
{
	int64_t expires = token_expiry(settings->amo_access_token);
	struct account account;
	struct crm crm;
	struct fault why;
	char time[CLOCK_TEXT];
	int status = crm_open(settings, &crm);

	if (status != EX_OK)
		return status;
	check_token(expires, findings);
	crm_yield(&crm);
	if (account_read(crm.amocrm, &crm.context, &account, &why) == DONE) {
		finding_add(findings, "ok", "AMO_ACCESS_TOKEN", 0,
		    "the account \"%s\" (%" PRId64 ") lets us in%s%s", account_name(account.info),
		    account_id(account.info), expires != 0 ? "; the token expires at " : "",
		    print_time(time, expires * 1000));
		field_check(settings, &account, findings);
		if (rules != NULL)
			rule_check(settings, rules, &account, findings);
		account_clear(&account);
	} else {
		status = judge_failure(&crm, &why, findings);
	}
	crm_close(&crm);
	return status;
}

static int
count(const json_t *findings, const char *state)
{
	const json_t *finding;
	int number = 0;
	size_t i;

	json_array_foreach(findings, i, finding)
		number += strcmp(finding_text(finding, "state"), state) == 0;
	return number;
}

static void
print_findings(const json_t *findings, const char *state, enum print_look look)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		int64_t id = row_number(finding, "id");

		if (strcmp(finding_text(finding, "state"), state) != 0)
			continue;
		if (id != 0)
			print_line(look, "%s=%" PRId64 ": %s", finding_text(finding, "setting"), id,
			    finding_text(finding, "message"));
		else
			print_line(look, "%s: %s", finding_text(finding, "setting"),
			    finding_text(finding, "message"));
	}
}

int
ctl_check(const struct ctl *ctl)
{
	json_t *findings = json_array(), *rules;
	int host, status;
	bool trouble;

	host = check_ledger(ctl->settings, findings);
	check_run_dir(ctl->settings, findings);
	rules = check_rules(ctl->settings, findings);
	if ((status = check_account(ctl->settings, rules, findings)) == EX_OK)
		status = host;
	trouble = count(findings, "wrong") + count(findings, "odd") > 0;
	if (ctl->json) {
		print_json(json_incref(findings));
	} else {
		print_findings(findings, "wrong", PRINT_BAD);
		print_findings(findings, "odd", PRINT_ODD);
		print_findings(findings, "unset", PRINT_DIM);
		print_line(trouble ? PRINT_BAD : PRINT_GOOD,
		    "%d right, %d wrong, %d odd, %d not set", count(findings, "ok"),
		    count(findings, "wrong"), count(findings, "odd"), count(findings, "unset"));
	}
	json_decref(rules);
	json_decref(findings);
	return status != EX_OK ? status : trouble ? CTL_FINDINGS : EX_OK;
}
