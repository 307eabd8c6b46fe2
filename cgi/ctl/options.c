/*
 * paymentctl: the command line.
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

static const struct {
	char letter;
	const char *name, *value, *help;
	const char *understood; /* What its value may be; NULL for anything. */
} options[] = {
	{ 's', "status", "S", "only those that are " STATUSES, STATUSES },
	{ 'c', "conflicts", NULL, "only those with a conflict that nobody has settled", NULL },
	{ 'S', "since", "T", "from then on: " TIMES, TIMES },
	{ 'U', "until", "T", "before then, told in the same way", TIMES },
	{ 'n', "limit", "N", "at most so many (20)", COUNTS },
	{ 'd', "days", "N", "what is older than so many days", COUNTS },
	{ 'f', "failed", NULL,
	    "all that have failed, except those that were imported or have conflicts, which must "
	    "be named",
	    NULL },
	{ 'p', "payload", NULL, "the webhook's body too, which holds personal data", NULL },
	{ 'y', "dry-run", NULL, "say what would be done, and do nothing", NULL },
	{ 'u', "url", "URL", "where to", "http://HOST/PATH or https://HOST/PATH" },
	{ 'm', "mapping", "FILE", "the rules in FILE instead of those in use", NULL },
	{ 'j', "json", NULL, "for programs", NULL },
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))
#define LONG                                                                                       \
	0x100 /* Added to letters: there are only long options, but getopt_long() tells of short ones too. */
#define COUNT_LIMIT 1000000000 /* See COUNTS. */

void
options_usage(const struct command *command)
{
	fprintf(stderr, "usage: paymentctl %s%s%s [OPTION...], see paymentctl %s --help\n",
	    command->name, command->words[0] != '\0' ? " " : "", command->words, command->name);
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
	printf(
	    "%s%s\n\n%s\n", command->words[0] != '\0' ? " " : "", command->words, command->summary);
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

/* "2025-01-20" or "2025-01-20 14:49:20" in PAYMENT_TIMEZONE. */
static bool
read_time(const char *text, int64_t *ms)
{
	char whole[CLOCK_TEXT];
	int64_t seconds;

	if (strlen(text) >= sizeof(whole) - strlen(" 00:00:00"))
		return false;
	snprintf(whole, sizeof(whole), strlen(text) == strlen("2025-01-20") ? "%s 00:00:00" : "%s",
	    text);
	if (!clock_parse(whole, &seconds))
		return false;
	*ms = seconds * 1000;
	return true;
}

static bool
read_count(const char *text, int64_t *count)
{
	return number_parse(text, 1, COUNT_LIMIT, count);
}

static bool
read_status(const char *text, int *status)
{
	return (*status = payment_status_parse(text)) >= 0;
}

static bool
read_url(const char *text, const char **url)
{
	*url = text;
	return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

static bool
read_value(char letter, const char *value, struct ctl *ctl)
{
	switch (letter) {
	case 'j':
		return ctl->json = true;
	case 'f':
		return ctl->failed = true;
	case 'c':
		return ctl->conflicts = true;
	case 'p':
		return ctl->payload = true;
	case 'y':
		return ctl->dry_run = true;
	case 's':
		return read_status(value, &ctl->status);
	case 'n':
		return read_count(value, &ctl->limit);
	case 'd':
		return read_count(value, &ctl->days);
	case 'S':
		return read_time(ctl->since = value, &ctl->since_ms);
	case 'U':
		return read_time(ctl->until = value, &ctl->until_ms);
	case 'u':
		return read_url(value, &ctl->url);
	case 'm':
		ctl->mapping = value;
		return true;
	default:
		return false;
	}
}

void
options_read_times(struct ctl *ctl)
{
	/* They have been found readable before. */
	if (ctl->since != NULL)
		(void)read_time(ctl->since, &ctl->since_ms);
	if (ctl->until != NULL)
		(void)read_time(ctl->until, &ctl->until_ms);
}

static const char *
name_of(int letter)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++)
		if (options[i].letter == (letter & ~LONG))
			return options[i].name;
	return "help";
}

static void
complain_value(int letter, const char *value)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++)
		if (options[i].letter == (letter & ~LONG))
			print_complaint("--%s: \"%s\" is not understood; it may be %s",
			    options[i].name, value, options[i].understood);
}

/* What getopt_long() stumbled over. */
static void
complain_option(const char *command, int answer, const char *word)
{
	if (answer == ':')
		print_complaint("--%s needs a value", name_of(optopt));
	else if (optopt >= LONG)
		print_complaint("--%s takes no value", name_of(optopt));
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
check_words(const struct command *command, const struct ctl *ctl)
{
	const char *mistake = NULL;

	if (ctl->count < command->least)
		print_complaint("%s needs %s", command->name, command->words);
	else if (ctl->count > command->most)
		print_complaint(
		    "%s: one word too many: \"%s\"", command->name, ctl->words[command->most]);
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
	int answer;

	names_for(command, names);
	while ((answer = getopt_long(argc, argv, ":h", names, NULL)) != -1) {
		if (answer == 'h') {
			options_help(command);
			return *help = true;
		}
		if (answer == '?' || answer == ':') {
			complain_option(command->name, answer, argv[optind - 1]);
			return false;
		}
		if (!read_value((char)(answer & ~LONG), optarg, ctl)) {
			complain_value(answer, optarg);
			return false;
		}
	}
	ctl->words = argv + optind;
	ctl->count = argc - optind;
	return check_words(command, ctl);
}
