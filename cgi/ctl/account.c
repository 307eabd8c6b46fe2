/*
 * paymentctl: the settings and the account they are for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/discovery.h"
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
#include "rules/rules.h"

/*
 * check: this host
 */

/*
 * Nothing is created by looking: a ledger of root's would not be the service's to open.  Returns
 * EX_TEMPFAIL where it is the host that fails, or somebody who is in the way, and not the settings.
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
		const char *path = json_string_value(json_object_get(mistake, "path"));

		finding_add(findings, state, "PAYMENT_MAPPING", 0, "%s%s%s", path,
		    path[0] != '\0' ? ": " : "",
		    json_string_value(json_object_get(mistake, "message")));
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
 * check: the account
 */

/*
 * What it means when the account could not be read.  A refusal of our token, and an address that
 * leads to no account, are the settings' fault;
 * anything else passes, and while the breaker is open nobody was asked.
 */
static int
blame(const struct ctl_crm *crm, const struct fault *why, json_t *findings)
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

/* The token tells itself until when it is good; how soon is soon, the alarm knows. */
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

/* `; the token expires at ...`, or nothing: a new text. */
static char *
tell_expiry(int64_t expires)
{
	char text[CLOCK_TEXT];

	if (expires == 0)
		return text_copy("");
	return text_format("; the token expires at %s", clock_local(text, expires));
}

static int
check_account(const struct settings *settings, const json_t *rules, json_t *findings)
{
	int64_t expires = token_expiry(settings->amo_access_token);
	struct account account;
	struct ctl_crm crm;
	struct fault why;
	char *expiry;
	int status = ctl_crm_open(settings, &crm);

	if (status != EX_OK)
		return status;
	check_token(expires, findings);
	ctl_crm_turn(&crm);
	if (account_read(crm.crm, &crm.context, &account, &why) == DONE) {
		expiry = tell_expiry(expires);
		finding_add(findings, "ok", "AMO_ACCESS_TOKEN", 0,
		    "the account \"%s\" (%" PRId64 ") lets us in%s", account_name(account.info),
		    account_id(account.info), expiry);
		free(expiry);
		field_check(settings, &account, findings);
		if (rules != NULL)
			rule_check(settings, rules, &account, findings);
		account_clear(&account);
	} else {
		status = blame(&crm, &why, findings);
	}
	ctl_crm_close(&crm);
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
		json_int_t id = json_integer_value(json_object_get(finding, "id"));

		if (strcmp(finding_text(finding, "state"), state) != 0)
			continue;
		if (id != 0)
			print_line(look, "%s=%" JSON_INTEGER_FORMAT ": %s",
			    finding_text(finding, "setting"), id, finding_text(finding, "message"));
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
		ctl_json(findings);
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

/*
 * discover
 */

/* print_line() lets nothing out of its line, whatever somebody called a field. */
static void
print_settings(const struct settings *settings, const struct account *account, const json_t *items)
{
	const char *section = "", *named, *setting;
	const json_t *item;
	size_t i;

	print_line(PRINT_DIM,
	    "# The account \"%s\": guessed by what its fields, options and pipelines are called.",
	    account_name(account->info));
	puts("# Look it over.  Secrets are not printed; see env.example for the other settings.\n");
	puts("WEBHOOK_SECRET=");
	printf("AMO_BASE_URL=%s\n", settings->amo_base_url);
	puts("AMO_ACCESS_TOKEN=");
	if (settings->amo_ca_file != NULL)
		printf("AMO_CA_FILE=%s\n", settings->amo_ca_file);
	json_array_foreach(items, i, item) {
		named = json_string_value(json_object_get(item, "section"));
		setting = json_string_value(json_object_get(item, "setting"));
		if (strcmp(named, section) != 0) {
			putchar('\n');
			print_line(PRINT_DIM, "# --- %s ---", named);
		}
		section = named;
		print_line(PRINT_DIM, "# %s", json_string_value(json_object_get(item, "comment")));
		if (setting != NULL && json_is_integer(json_object_get(item, "id")))
			printf("%s=%" JSON_INTEGER_FORMAT "\n", setting,
			    json_integer_value(json_object_get(item, "id")));
		else if (setting != NULL)
			printf("# %s=\n", setting);
	}
}

static int
print_discovery(const struct ctl *ctl, const struct account *account)
{
	json_t *rules = rules_document(ctl->settings), *items, *all;

	if (rules == NULL) {
		print_complaint(
		    "PAYMENT_MAPPING: %s cannot be read as JSON", ctl->settings->payment_mapping);
		return EX_CONFIG;
	}
	items = discover(ctl->settings, rules, account);
	if (ctl->json) {
		all = json_pack("{s:O, s:O}", "account", account->info, "settings", items);
		ctl_json(all);
		json_decref(all);
	} else {
		print_settings(ctl->settings, account, items);
	}
	json_decref(items);
	json_decref(rules);
	return EX_OK;
}

int
ctl_discover(const struct ctl *ctl)
{
	struct account account;
	struct ctl_crm crm;
	struct fault why;
	int status;

	if ((status = ctl_crm_open(ctl->settings, &crm)) != EX_OK)
		return status;
	ctl_crm_turn(&crm);
	if (account_read(crm.crm, &crm.context, &account, &why) == DONE) {
		status = print_discovery(ctl, &account);
		account_clear(&account);
	} else {
		status = ctl_crm_complain(&crm, &why);
		if (ctl_crm_refused(&crm))
			status = CTL_FINDINGS;
	}
	ctl_crm_close(&crm);
	return status;
}
