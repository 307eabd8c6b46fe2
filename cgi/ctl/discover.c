/*
 * paymentctl discover: the account's ids as a file of settings, guessed by names.  What cannot be
 * guessed stands there as a comment, for the operator to fill in.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "admin/discovery.h"
#include "commands.h"
#include "crm.h"
#include "print.h"
#include "row.h"
#include "rules/rules.h"

/* Names from the account go through print_line(), which keeps them on their line. */
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
		named = row_text(item, "section");
		setting = row_text(item, "setting");
		if (strcmp(named, section) != 0) {
			putchar('\n');
			print_line(PRINT_DIM, "# --- %s ---", named);
		}
		section = named;
		print_line(PRINT_DIM, "# %s", row_text(item, "comment"));
		if (setting[0] != '\0' && json_is_integer(json_object_get(item, "id")))
			printf("%s=%" PRId64 "\n", setting, row_number(item, "id"));
		else if (setting[0] != '\0')
			printf("# %s=\n", setting);
	}
}

static int
print_discovery(const struct ctl *ctl, const struct account *account)
{
	json_t *rules = rules_document(ctl->settings), *items;

	if (rules == NULL) {
		print_complaint(
		    "PAYMENT_MAPPING: %s cannot be read as JSON", ctl->settings->payment_mapping);
		return EX_CONFIG;
	}
	items = discover(ctl->settings, rules, account);
	if (ctl->json)
		print_json(json_pack("{s:O, s:O}", "account", account->info, "settings", items));
	else
		print_settings(ctl->settings, account, items);
	json_decref(items);
	json_decref(rules);
	return EX_OK;
}

int
ctl_discover(const struct ctl *ctl)
{
	struct account account;
	struct crm crm;
	struct fault why;
	int status;

	if ((status = crm_open(ctl->settings, &crm)) != EX_OK)
		return status;
	crm_yield(&crm);
	if (account_read(crm.amocrm, &crm.context, &account, &why) == DONE) {
		status = print_discovery(ctl, &account);
		account_clear(&account);
	} else {
		status = crm_complain(&crm, &why);
		if (crm_refused(&crm))
			status = CTL_FINDINGS;
	}
	crm_close(&crm);
	return status;
}
