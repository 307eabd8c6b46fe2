/*
 * paymentctl, the operator's command: the table of its commands, and what all of them share:
 * options, settings, ledger, exit status.  A command is added here, in commands.h, and in a file of
 * its own.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "../startup.h"
#include "apart.h"
#include "commands.h"
#include "ledger/ledger.h"
#include "options.h"
#include "print.h"

static const struct command commands[] = {
	{ .name = "stats",
	    .run = ctl_stats,
	    .ledger = LEDGER_OPEN,
	    .options = "j",
	    .summary = "payments and amounts by status, the backlog, the breaker",
	    .see = "a payment failed, a conflict is not settled, or an alarm is on" },
	{ .name = "list",
	    .run = ctl_list,
	    .ledger = LEDGER_OPEN,
	    .options = "scrSnj",
	    .mistake = ctl_list_mistake,
	    .summary = "the latest payments" },
	{ .name = "show",
	    .run = ctl_show,
	    .ledger = LEDGER_OPEN,
	    .options = "prj",
	    .operands = "ID",
	    .summary = "one payment's whole story",
	    .about = "ID is a payment_id, or #N for the row of that number.",
	    .see = "there is no such payment" },
	{ .name = "retry",
	    .run = ctl_retry,
	    .ledger = LEDGER_OPEN,
	    .options = "fryj",
	    .operands = "[ID...]",
	    .mistake = ctl_retry_mistake,
	    .summary = "put failed payments back into the backlog",
	    .about = "JSON lists which were put back, \"retried\", and of each that was left why: "
		     "\"left\".",
	    .see = "one was left: it has not failed, its payload was purged, or it must be named" },
	{ .name = "settle",
	    .run = ctl_settle,
	    .ledger = LEDGER_OPEN,
	    .options = "ryj",
	    .operands = "ID...",
	    .summary = "say that these payments' conflicts were looked at",
	    .about =
		"Nothing else is changed: look at them first with paymentctl show ID --payload.",
	    .see = "one of them has no conflict to settle" },
	{ .name = "resume",
	    .run = ctl_resume,
	    .options = "j",
	    .summary = "close the breaker: call amoCRM again at once" },
	{ .name = "integrity",
	    .run = ctl_integrity,
	    .ledger = LEDGER_OPEN,
	    .options = "j",
	    .summary = "check the ledger's file and its invariants",
	    .see = "the ledger is broken" },
	{ .name = "purge",
	    .run = ctl_purge,
	    .ledger = LEDGER_OPEN,
	    .options = "dyj",
	    .mistake = ctl_purge_mistake,
	    .summary = "erase personal data by age",
	    .about = "The payloads and trails of finished payments older than that are erased; "
		     "what identifies a\n"
		     "duplicate, amounts and ids are kept.  Copies made before keep theirs." },
	{ .name = "backup",
	    .run = ctl_backup,
	    .ledger = LEDGER_OPEN,
	    .options = "j",
	    .operands = "FILE",
	    .summary = "make a verified copy of the ledger while it is in use",
	    .see = "FILE is there already" },
	{ .name = "import",
	    .run = ctl_import,
	    .ledger = LEDGER_MAKE,
	    .options = "yj",
	    .operands = "OLD.sqlite",
	    .summary = "take over the ledger of the Python service",
	    .about = "Stop that service first.  What it carried is a duplicate from then on; what "
		     "it did not is\n"
		     "failed here, waits for a person, and is carried only when it is named or "
		     "sent again.\n"
		     "Payments that are known here stay as they are, so it may be repeated.",
	    .see = "OLD.sqlite is no such ledger, or something in it needs a look" },
	{ .name = "check",
	    .run = ctl_check,
	    .needs = SETTINGS_NEED_ALL,
	    .options = "j",
	    .summary = "compare settings and rules with the live account",
	    .about = "One line for each id that is wrong, with what is probably meant; and what is "
		     "not set.\n"
		     "A token that expires within two weeks is odd, one that has expired is wrong.",
	    .see = "something is wrong, or odd, as a token that amoCRM refuses" },
	{ .name = "discover",
	    .run = ctl_discover,
	    .needs = SETTINGS_NEED_CRM | SETTINGS_NEED_RULES,
	    .options = "j",
	    .summary = "print the account's ids as settings",
	    .about = "They are guessed by what fields, options and pipelines are called; the rest "
		     "are comments.",
	    .see = "amoCRM refuses the token" },
	{ .name = "reconcile",
	    .run = ctl_reconcile,
	    .needs = SETTINGS_NEED_CRM,
	    .ledger = LEDGER_OPEN,
	    .options = "SUj",
	    .summary = "compare what was carried with amoCRM as it stands",
	    .about =
		"Every lead, note and total of the successes of a period.  The service's calls "
		"come first.",
	    .see = "something differs" },
	{ .name = "replay",
	    .run = ctl_replay,
	    .needs = SETTINGS_NEED_RULES,
	    .ledger = LEDGER_OPEN,
	    .options = "SUmyj",
	    .summary = "what the rules in force, or others, would make of past payments",
	    .about = "It never changes anything, with --dry-run or without it.  Without --mapping "
		     "the rules "
		     "in force\n"
		     "are compared with what was done.",
	    .see = "something differs" },
	{ .name = "send",
	    .run = ctl_send,
	    .needs = SETTINGS_NEED_SECRET,
	    .options = "uj",
	    .operands = "FILE",
	    .summary = "sign and post a webhook as the platform does",
	    .about = "FILE is - for stdin.  The URL is http://127.0.0.1/webhook/payment if it is "
		     "not said.",
	    .see = "it was not taken" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
usage(FILE *out, int status)
{
	size_t i;

	fputs("usage: paymentctl COMMAND [OPTION...] [WORD...]\n\n", out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\npaymentctl COMMAND --help tells more; --version tells the version.\n", out);
	return status;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct ctl ctl = { .status = -1, .limit = 20 };
	struct settings *settings;
	struct fault why;
	enum outcome out = DONE;
	bool help = false;
	int status, needs;

	if (!options_read(command, argc, argv, &ctl, &help)) {
		options_usage(command);
		return EX_USAGE;
	}
	if (help)
		return EX_OK;
	/* Only what is read again as a payment is judged by the rules. */
	needs =
	    command->needs | (command->run == ctl_retry && ctl.rejected ? SETTINGS_NEED_RULES : 0);
	if ((settings = startup_settings(needs)) == NULL)
		return EX_CONFIG;
	ctl.settings = settings;
	options_read_times(&ctl);
	if (command->ledger == LEDGER_OPEN)
		out = ledger_open_existing(settings->payments_db, &ctl.ledger, &why);
	else if (command->ledger == LEDGER_MAKE)
		out = ledger_open(settings->payments_db, &ctl.ledger, &why);
	status = out == DONE ? command->run(&ctl) : print_fault(&why);
	/* Not there, another program's, or of a version to come: no use trying later. */
	if (out == NEVER)
		status = EX_CONFIG;
	ledger_close(ctl.ledger);
	settings_free(settings);
	return status;
}

static int
dispatch(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	size_t i;

	if (word == NULL) {
		print_complaint("no command given");
		return usage(stderr, EX_USAGE);
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
		return usage(stdout, EX_OK);
	if (strcmp(word, "--version") == 0) {
		puts("paymentctl " VERSION);
		return EX_OK;
	}
	for (i = 0; i < COMMANDS; i++)
		if (strcmp(word, commands[i].name) == 0)
			return run(&commands[i], argc - 1, argv + 1);
	print_complaint("no command is called \"%s\"", word);
	return usage(stderr, EX_USAGE);
}

int
main(int argc, char **argv)
{
	int status;

	apart();
	status = dispatch(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		print_complaint("what is there to say cannot be written");
		return EX_TEMPFAIL;
	}
	return status;
}
