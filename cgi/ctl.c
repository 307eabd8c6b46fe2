/*
 * paymentctl: what an operator asks and does.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "ledger.h"
#include "limiter.h"
#include "money.h"
#include "settings.h"
#include "startup.h"
#include "text.h"

/* There is something to see: failed payments, an unknown id, a broken ledger. */
#define EX_SEE 1

struct options {
	bool json;
	bool failed;
	int status; /* -1: any */
	int64_t limit;
	char **words; /* What follows the command. */
	int count;
	const struct settings *settings;
};

static int
complain(const struct fault *why)
{
	fprintf(stderr, "paymentctl: %s\n", why->text);
	return EX_TEMPFAIL;
}

static void
print_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}

/*
 * stats
 */

static json_t *
stats_json(const struct ledger_stats *stats)
{
	json_t *all = json_object();
	char text[MONEY_TEXT];
	int status;

	for (status = 0; status < PAYMENT_STATUSES; status++)
		json_object_set_new(all, status_name(status),
		    json_pack("{s:I, s:s}", "payments", (json_int_t)stats->payments[status], "amount",
			money_format(text, stats->kopecks[status])));
	return all;
}

static int
stats(struct ledger *ledger, const struct options *options)
{
	struct ledger_stats stats;
	char text[MONEY_TEXT];
	struct fault why;
	json_t *all;
	int status;

	if (ledger_stats(ledger, &stats, &why) != DONE)
		return complain(&why);
	if (options->json) {
		all = stats_json(&stats);
		print_json(all);
		json_decref(all);
	} else {
		for (status = 0; status < PAYMENT_STATUSES; status++)
			printf("%-10s %8" PRId64 " %16s RUB\n", status_name(status), stats.payments[status],
			    money_format(text, stats.kopecks[status]));
	}
	return stats.payments[PAYMENT_FAILED] > 0 ? EX_SEE : EX_OK;
}

/*
 * list and show
 */

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "-";
}

static void
print_row(const json_t *row)
{
	char amount[MONEY_TEXT];

	printf("%s  %-10s %12s  lead %-10" JSON_INTEGER_FORMAT "  %s  %s\n", text_of(row, "created_at"),
	    text_of(row, "status"), money_format(amount, json_integer_value(json_object_get(row, "kopecks"))),
	    json_integer_value(json_object_get(row, "lead_id")), text_of(row, "payment_id"),
	    text_of(row, "error_message"));
}

static int
list(struct ledger *ledger, const struct options *options)
{
	struct fault why;
	json_t *rows, *row;
	size_t i;

	if (ledger_list(ledger, options->status, NULL, 0, options->limit, false, &rows, &why) != DONE)
		return complain(&why);
	if (options->json)
		print_json(rows);
	else
		json_array_foreach(rows, i, row)
			print_row(row);
	json_decref(rows);
	return EX_OK;
}

/* Members that the ledger keeps in kopecks. */
static bool
is_money(const char *key)
{
	return strcmp(key, "kopecks") == 0 || strcmp(key, "total_before") == 0 ||
	    strcmp(key, "total_after") == 0;
}

static void
print_members(const json_t *row)
{
	char amount[MONEY_TEXT];
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)row, key, value) {
		if (is_money(key)) {
			printf("%-14s %s RUB\n", key, money_format(amount, json_integer_value(value)));
			continue;
		}
		if (json_is_string(value))
			printf("%-14s %s\n", key, json_string_value(value));
		else if (json_is_integer(value))
			printf("%-14s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
	}
}

static int
show(struct ledger *ledger, const struct options *options)
{
	struct progress at;
	struct fault why;
	json_t *rows, *row;
	int status = EX_OK;

	if (options->count != 1)
		return EX_USAGE;
	if (ledger_list(ledger, -1, options->words[0], 0, 1, false, &rows, &why) != DONE)
		return complain(&why);
	row = json_array_get(rows, 0);
	progress_init(&at);
	if (row == NULL) {
		fprintf(stderr, "paymentctl: no payment %s\n", options->words[0]);
		status = EX_SEE;
	} else if (ledger_progress(ledger, json_integer_value(json_object_get(row, "id")), &at, &why) !=
	    DONE) {
		status = complain(&why);
	} else {
		json_object_set_new(row, "matched_by", json_string(at.matched_by));
		json_object_set_new(row, "total_before", json_integer(at.total_before));
		json_object_set_new(row, "total_after", json_integer(at.total_after));
		json_object_set_new(row, "count_before", json_integer(at.count_before));
		json_object_set_new(row, "count_after", json_integer(at.count_after));
		json_object_set_new(row, "note_id", json_integer(at.note_id));
		options->json ? print_json(row) : print_members(row);
	}
	progress_clear(&at);
	json_decref(rows);
	return status;
}

/*
 * retry and integrity
 */

static int
retry(struct ledger *ledger, const struct options *options)
{
	int64_t total = 0, count;
	struct fault why;
	int i;

	if (options->failed == (options->count > 0))
		return EX_USAGE;
	for (i = 0; i < options->count || (options->failed && i == 0); i++) {
		const char *key = options->failed ? NULL : options->words[i];

		if (ledger_retry(ledger, key, clock_wall_ms(), &count, &why) != DONE)
			return complain(&why);
		if (count == 0 && key != NULL)
			fprintf(stderr, "paymentctl: %s is not a failed payment\n", key);
		total += count;
	}
	printf("%" PRId64 " payments will be carried again\n", total);
	return total > 0 || options->failed ? EX_OK : EX_SEE;
}

/*
 * resume
 */

/* Only a file that is there: one that a person's hand creates might not be the service's to open. */
static int
resume(struct ledger *ledger, const struct options *options)
{
	char *path = text_format("%s/limiter", options->settings->payments_run_dir);
	struct limiter *limiter = NULL;
	struct fault why;
	int status = EX_OK;

	(void)ledger;
	if (access(path, F_OK) < 0) {
		puts("nothing has called amoCRM since this host was started");
	} else if (limiter_open(path, options->settings->amo_rate_limit, &limiter, &why) != DONE) {
		status = complain(&why);
	} else {
		limiter_close_breaker(limiter);
		puts("amoCRM may be called again; what waits is carried within half a minute");
	}
	limiter_close(limiter);
	free(path);
	return status;
}

static void
tell(void *unused, const char *problem)
{
	(void)unused;
	puts(problem);
}

static int
integrity(struct ledger *ledger, const struct options *options)
{
	struct fault why;
	enum outcome out = ledger_check(ledger, tell, NULL, &why);

	(void)options;
	if (out == DONE)
		puts("the ledger is whole and keeps its invariants");
	return out == DONE ? EX_OK : out == NEVER ? EX_SEE : complain(&why);
}

static const struct command {
	const char *name;
	int (*run)(struct ledger *, const struct options *);
	const char *help;
} commands[] = {
	{ "stats", stats, "stats                        payments and amounts by status" },
	{ "list", list, "list [--status S] [--limit N] the latest payments" },
	{ "show", show, "show ID                      one payment" },
	{ "retry", retry, "retry ID... | --failed       put failed payments back into the backlog" },
	{ "resume", resume, "resume                       close the breaker: call amoCRM again at once" },
	{ "integrity", integrity, "integrity                    check the ledger's file and its invariants" },
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

static bool
read_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = { { "json", no_argument, NULL, 'j' },
		{ "failed", no_argument, NULL, 'f' }, { "status", required_argument, NULL, 's' },
		{ "limit", required_argument, NULL, 'n' }, { 0 } };
	int option;
	char *end;

	*options = (struct options){ .status = -1, .limit = 20 };
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'f':
			options->failed = true;
			break;
		case 's':
			if ((options->status = status_number(optarg)) < 0)
				return false;
			break;
		case 'n':
			options->limit = strtoll(optarg, &end, 10);
			if (*end != '\0' || options->limit < 1)
				return false;
			break;
		default:
			return false;
		}
	}
	options->words = argv + optind;
	options->count = argc - optind;
	return true;
}

static int
run(const struct command *command, struct options *options)
{
	struct settings *settings = startup_settings();
	struct ledger *ledger = NULL;
	struct fault why;
	int status;

	if (settings == NULL)
		return EX_CONFIG;
	options->settings = settings;
	if (ledger_open(settings->payments_db, &ledger, &why) == DONE)
		status = command->run(ledger, options);
	else
		status = complain(&why);
	ledger_close(ledger);
	settings_free(settings);
	return status == EX_USAGE ? usage(stderr, EX_USAGE) : status;
}

int
main(int argc, char **argv)
{
	struct options options;
	size_t i;

	if (argc < 2)
		return usage(stderr, EX_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout, EX_OK);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return read_options(argc - 1, argv + 1, &options) ? run(&commands[i], &options)
									  : usage(stderr, EX_USAGE);
	return usage(stderr, EX_USAGE);
}
