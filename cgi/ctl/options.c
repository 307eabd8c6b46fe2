/*
 * The command line.  All options are in one table, and each command names those it takes by their
 * letters; usage, --help and reading follow from it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/number.h"
#include "ledger/ledger.h"
#include "options.h"
#include "print.h"

#define STATUSES "pending, processing, success, failed or skipped"
#define TIMES                                                                                      \
	"\"2025-01-20 14:49:20\" or 2025-01-20 in PAYMENT_TIMEZONE, or as in JSON "                \
	"2025-01-20T11:49:20Z"
#define COUNTS "a whole number from 1 to 1000000000"

#define OPERAND_LIMIT 10000
#define COUNT_LIMIT   1000000000 /* See COUNTS. */
/* Added to letters: there are only long options, but getopt_long() reports short ones too. */
#define LONG 0x100

/* Reads a value into a member of struct ctl; false for a value that is not understood. */
typedef bool read_value(const char *value, void *member);

/* An option without a value. */
static bool
read_flag(const char *value, void *member)
{
	(void)value;
	return *(bool *)member = true;
}

static bool
read_text(const char *value, void *member)
{
	*(const char **)member = value;
	return true;
}

static bool
read_url(const char *value, void *member)
{
	return read_text(value, member) &&
	    (strncasecmp(value, "http://", 7) == 0 || strncasecmp(value, "https://", 8) == 0);
}

static bool
read_count(const char *value, void *member)
{
	return number_parse(value, 1, COUNT_LIMIT, member);
}

static bool
read_status(const char *value, void *member)
{
	return (*(int *)member = payment_status_parse(value)) >= 0;
}

/* "2025-01-20" or "2025-01-20 14:49:20" in PAYMENT_TIMEZONE. */
static bool
read_time(const char *value, void *member)
{
	struct ctl_time *time = member;
	char whole[CLOCK_TEXT];
	int64_t seconds;

	if (strlen(value) >= sizeof(whole) - strlen(" 00:00:00"))
		return false;
	snprintf(whole, sizeof(whole), strlen(value) == strlen("2025-01-20") ? "%s 00:00:00" : "%s",
	    value);
	if (!clock_parse(whole, &seconds))
		return false;
	*time = (struct ctl_time){ .text = value, .ms = seconds * 1000 };
	return true;
}

#define MEMBER(name) offsetof(struct ctl, name)

static const struct known_option {
	char letter;
	const char *name, *value, *help; /* No value: it is a flag. */
	const char *understood;          /* What its value may be; NULL for anything. */
	read_value *read;
	size_t member; /* Where in struct ctl it is read to. */
} options[] = {
	{ 's', "status", "S", "only those that are " STATUSES, STATUSES, read_status,
	    MEMBER(status) },
	{ 'c', "conflicts", NULL, "only those with a conflict that is not settled", NULL, read_flag,
	    MEMBER(conflicts) },
	{ 'r', "rejected", NULL, "webhooks that were no payments, by the numbers that list shows",
	    NULL, read_flag, MEMBER(rejected) },
	{ 'S', "since", "T", "from then on: " TIMES, TIMES, read_time, MEMBER(since) },
	{ 'U', "until", "T", "before then, given in the same way", TIMES, read_time,
	    MEMBER(until) },
	{ 'n', "limit", "N", "at most so many (20)", COUNTS, read_count, MEMBER(limit) },
	{ 'd', "days", "N", "what is older than so many days", COUNTS, read_count, MEMBER(days) },
	{ 'f', "failed", NULL,
	    "all that have failed, except those that were imported or have conflicts, which must "
	    "be named",
	    NULL, read_flag, MEMBER(failed) },
	{ 'p', "payload", NULL, "the webhook's body too, which holds personal data", NULL,
	    read_flag, MEMBER(payload) },
	{ 'y', "dry-run", NULL, "say what would be done, and do nothing", NULL, read_flag,
	    MEMBER(dry_run) },
	{ 'u', "url", "URL", "where to", "http://HOST/PATH or https://HOST/PATH", read_url,
	    MEMBER(url) },
	{ 'm', "mapping", "FILE", "the rules in FILE instead of those in use", NULL, read_text,
	    MEMBER(mapping) },
	{ 'j', "json", NULL, "for programs", NULL, read_flag, MEMBER(json) },
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

void
options_usage(const struct command *command)
{
	fprintf(stderr, "usage: paymentctl %s%s%s [OPTION...], see paymentctl %s --help\n",
	    command->name, command->operands != NULL ? " " : "",
	    command->operands != NULL ? command->operands : "", command->name);
}

static void
print_option(const char *name, const char *value, const char *help)
{
	printf("  --%s%s%s%*s%s\n", name, value != NULL ? " " : "", value != NULL ? value : "",
	    (int)(14 - strlen(name) - (value != NULL ? strlen(value) + 1 : 0)), "", help);
}

void
options_help(const struct command *command)
{
	size_t i;

	printf("usage: paymentctl %s", command->name);
	for (i = 0; i < OPTIONS; i++)
		if (strchr(command->options, options[i].letter) != NULL)
			printf(" [--%s%s%s]", options[i].name, options[i].value != NULL ? " " : "",
			    options[i].value != NULL ? options[i].value : "");
	printf("%s%s\n\n%s\n", command->operands != NULL ? " " : "",
	    command->operands != NULL ? command->operands : "", command->summary);
	if (command->about != NULL)
		printf("%s\n", command->about);
	putchar('\n');
	for (i = 0; i < OPTIONS; i++)
		if (strchr(command->options, options[i].letter) != NULL)
			print_option(options[i].name, options[i].value, options[i].help);
	print_option("help", NULL, "this");
	printf("\nexit status: 0 done%s%s,\n64 wrong usage, 75 it cannot be done now: try later, "
	       "78 a mistake in the settings\n",
	    command->see != NULL ? ", 1 " : "", command->see != NULL ? command->see : "");
}

void
options_read_times(struct ctl *ctl)
{
	/* They have been found readable before. */
	if (ctl->since.text != NULL)
		(void)read_time(ctl->since.text, &ctl->since);
	if (ctl->until.text != NULL)
		(void)read_time(ctl->until.text, &ctl->until);
}

/* The option of a letter that getopt_long() gave: any but --help. */
static const struct known_option *
find_option(int letter)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++)
		if (options[i].letter == (letter & ~LONG))
			return &options[i];
	return NULL;
}

/* What getopt_long() stumbled over. */
static void
complain_option(const char *command, int result, const char *word)
{
	if (result == ':')
		print_complaint("--%s needs a value", find_option(optopt)->name);
	else if (optopt >= LONG)
		print_complaint("--%s takes no value", find_option(optopt)->name);
	else if (optopt != 0)
		print_complaint("%s has no option -%c", command, optopt);
	else
		print_complaint("%s has no option %s", command, word);
}

static void
names_for(const struct command *command, struct option names[static OPTIONS + 2])
{
	size_t i, count = 0;

	for (i = 0; i < OPTIONS; i++)
		if (strchr(command->options, options[i].letter) != NULL)
			names[count++] = (struct option){ options[i].name,
				options[i].value != NULL ? required_argument : no_argument, NULL,
				options[i].letter + LONG };
	names[count++] = (struct option){ "help", no_argument, NULL, 'h' };
	names[count] = (struct option){ 0 };
}

static bool
check_operands(const struct command *command, const struct ctl *ctl)
{
	const char *operands = command->operands, *mistake = NULL;
	int least = operands != NULL && operands[0] != '[';
	int most = operands == NULL ? 0 : strstr(operands, "...") != NULL ? OPERAND_LIMIT : 1;

	if (ctl->count < least)
		print_complaint("%s needs %s", command->name, operands);
	else if (ctl->count > most)
		print_complaint(
		    "%s: one word too many: \"%s\"", command->name, ctl->operands[most]);
	else if (command->mistake != NULL && (mistake = command->mistake(ctl)) != NULL)
		print_complaint("%s", mistake);
	else
		return true;
	return false;
}

bool
options_read(const struct command *command, int argc, char **argv, struct ctl *ctl, bool *help)
{
	struct option names[OPTIONS + 2];
	const struct known_option *option;
	int letter;

	names_for(command, names);
	while ((letter = getopt_long(argc, argv, ":h", names, NULL)) != -1) {
		if (letter == 'h') {
			options_help(command);
			return *help = true;
		}
		if (letter == '?' || letter == ':') {
			complain_option(command->name, letter, argv[optind - 1]);
			return false;
		}
		option = find_option(letter);
		if (!option->read(optarg, (char *)ctl + option->member)) {
			print_complaint("--%s: \"%s\" is not understood; it may be %s",
			    option->name, optarg, option->understood);
			return false;
		}
	}
	ctl->operands = argv + optind;
	ctl->count = argc - optind;
	return check_operands(command, ctl);
}
