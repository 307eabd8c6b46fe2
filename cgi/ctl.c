/*
 * paymentctl: what an operator asks and does.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "ctl.h"
#include "startup.h"

int
ctl_complain(const struct fault *why)
{
	fprintf(stderr, "paymentctl: %s\n", why->text);
	return EX_TEMPFAIL;
}

void
ctl_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}

static const struct command {
	const char *name;
	int (*run)(const struct ctl *);
	int needs;   /* enum settings_need */
	bool ledger; /* It reads or writes the ledger. */
	const char *help;
} commands[] = {
	{ "stats", ctl_stats, 0, true, "stats                        payments and amounts by status" },
	{ "list", ctl_list, 0, true, "list [--status S] [--limit N] the latest payments" },
	{ "show", ctl_show, 0, true, "show ID                      one payment" },
	{ "retry", ctl_retry, 0, true,
	    "retry ID... | --failed       put failed payments back into the backlog" },
	{ "resume", ctl_resume, 0, false,
	    "resume                       close the breaker: call amoCRM again at once" },
	{ "integrity", ctl_integrity, 0, true,
	    "integrity                    check the ledger's file and its invariants" },
};

static int
usage(FILE *out, int status)
{
	size_t i;

	fputs("usage: paymentctl COMMAND [--json]\n", out);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %s\n", commands[i].help);
	return status;
}

/* "2025-01-20" or "2025-01-20 14:49:20" in PAYMENT_TIMEZONE. */
static bool
read_time(const char *text, int64_t *ms)
{
	char whole[CLOCK_TEXT];
	int64_t seconds;

	snprintf(whole, sizeof(whole), strlen(text) == strlen("2025-01-20") ? "%s 00:00:00" : "%s", text);
	if (!clock_parse(whole, &seconds))
		return false;
	*ms = seconds * 1000;
	return true;
}

static bool
read_count(const char *text, int64_t *count)
{
	char *end;

	*count = strtoll(text, &end, 10);
	return *end == '\0' && *count >= 1;
}

static bool
read_option(int option, struct ctl *ctl)
{
	switch (option) {
	case 'j':
		return ctl->json = true;
	case 'f':
		return ctl->failed = true;
	case 'y':
		return ctl->dry_run = true;
	case 's':
		return (ctl->status = status_number(optarg)) >= 0;
	case 'n':
		return read_count(optarg, &ctl->limit);
	case 'd':
		return read_count(optarg, &ctl->days);
	case 'S':
		return read_time(optarg, &ctl->since_ms);
	case 'U':
		return read_time(optarg, &ctl->until_ms);
	case 'u':
		ctl->url = optarg;
		return true;
	case 'm':
		ctl->mapping = optarg;
		return true;
	default:
		return false;
	}
}

/* After the settings: they choose the zone in which times are read. */
static bool
read_options(int argc, char **argv, struct ctl *ctl)
{
	static const struct option names[] = { { "json", no_argument, NULL, 'j' },
		{ "failed", no_argument, NULL, 'f' }, { "dry-run", no_argument, NULL, 'y' },
		{ "status", required_argument, NULL, 's' }, { "limit", required_argument, NULL, 'n' },
		{ "days", required_argument, NULL, 'd' }, { "since", required_argument, NULL, 'S' },
		{ "until", required_argument, NULL, 'U' }, { "url", required_argument, NULL, 'u' },
		{ "mapping", required_argument, NULL, 'm' }, { 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (!read_option(option, ctl))
			return false;
	ctl->words = argv + optind;
	ctl->count = argc - optind;
	return true;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct ctl ctl = { .status = -1, .limit = 20 };
	struct settings *settings = startup_settings(command->needs);
	struct fault why;
	int status = EX_OK;

	if (settings == NULL)
		return EX_CONFIG;
	ctl.settings = settings;
	if (!read_options(argc, argv, &ctl))
		status = EX_USAGE;
	else if (command->ledger && ledger_open(settings->payments_db, &ctl.ledger, &why) != DONE)
		status = ctl_complain(&why);
	else
		status = command->run(&ctl);
	ledger_close(ctl.ledger);
	settings_free(settings);
	return status == EX_USAGE ? usage(stderr, EX_USAGE) : status;
}

int
main(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		return usage(stderr, EX_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout, EX_OK);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run(&commands[i], argc - 1, argv + 1);
	return usage(stderr, EX_USAGE);
}
