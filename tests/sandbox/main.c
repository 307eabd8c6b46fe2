/*
 * amocrm-sandbox: an emulated amoCRM account for demonstrations and tests.
 */
#define _GNU_SOURCE 1
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "http.h"
#include "sandbox.h"
#include "seed.h"
#include "text.h"

struct options {
	char *host;
	uint16_t port;
	const char *port_file;
	const char *token;
	const char *seed_file;
	const char *certificate_file;
	const char *key_file;
	const char *log_file;
	uint64_t random_seed;
	struct settings settings;
};

static const char usage[] =
    "usage: amocrm-sandbox [options]\n"
    "\n"
    "An emulated amoCRM account: API v4 under /api/v4, control under /_sandbox.\n"
    "\n"
    "  --listen HOST:PORT   where to serve (127.0.0.1:8090); port 0 picks a free one\n"
    "  --port-file FILE     write the port number here when ready\n"
    "  --token T            the bearer token that is accepted (sandbox-token)\n"
    "  --seed FILE          the account to start with, as JSON; else a built-in one\n"
    "  --rate N             answer 429 to more than N requests in any second (0: never)\n"
    "  --index-lag-ms N     query sees a write only after so long (0)\n"
    "  --latency-ms N       every API request waits so long first (0)\n"
    "  --filter             the account has the API filtration option\n"
    "  --cert FILE          serve TLS with this certificate (PEM)\n"
    "  --key FILE           and this private key (PEM)\n"
    "  --random-seed N      makes faults with a probability repeatable (1)\n"
    "  --log FILE           append every API request here, a line of JSON each\n"
    "  --help               this text\n";

enum {
	OPT_LISTEN = 256,
	OPT_PORT_FILE,
	OPT_TOKEN,
	OPT_SEED,
	OPT_RATE,
	OPT_LAG,
	OPT_LATENCY,
	OPT_FILTER,
	OPT_CERT,
	OPT_KEY,
	OPT_RANDOM,
	OPT_LOG,
	OPT_HELP
};

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "port-file", required_argument, NULL, OPT_PORT_FILE },
	{ "token", required_argument, NULL, OPT_TOKEN },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "index-lag-ms", required_argument, NULL, OPT_LAG },
	{ "latency-ms", required_argument, NULL, OPT_LATENCY },
	{ "filter", no_argument, NULL, OPT_FILTER },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "random-seed", required_argument, NULL, OPT_RANDOM },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static void __attribute__((noreturn, format(printf, 2, 3)))
fail(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("amocrm-sandbox: ", stderr);
	vfprintf(stderr, format, arguments);
	putc('\n', stderr);
	va_end(arguments);
	exit(code);
}

static int64_t
number_option(const char *name, const char *text, int64_t most)
{
	int64_t number;

	if (!text_integer(text, &number) || number < 0 || number > most)
		fail(EX_USAGE, "--%s: \"%s\" is not a number from 0 to %lld", name, text,
		    (long long)most);
	return number;
}

static void
listen_option(struct options *options, const char *text)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL)
		fail(EX_USAGE, "--listen: HOST:PORT is expected");
	free(options->host);
	options->host = must(strndup(text, (size_t)(colon - text)));
	options->port = (uint16_t)number_option("listen", colon + 1, UINT16_MAX);
}

static void
read_options(struct options *options, int argc, char **argv)
{
	const int64_t day_ms = 86400000;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_LISTEN:
			listen_option(options, optarg);
			break;
		case OPT_PORT_FILE:
			options->port_file = optarg;
			break;
		case OPT_TOKEN:
			options->token = optarg;
			break;
		case OPT_SEED:
			options->seed_file = optarg;
			break;
		case OPT_RATE:
			options->settings.rate = number_option("rate", optarg, 100000);
			break;
		case OPT_LAG:
			options->settings.index_lag_ms =
			    number_option("index-lag-ms", optarg, day_ms);
			break;
		case OPT_LATENCY:
			options->settings.latency_ms = number_option("latency-ms", optarg, day_ms);
			break;
		case OPT_FILTER:
			options->settings.filter = true;
			break;
		case OPT_CERT:
			options->certificate_file = optarg;
			break;
		case OPT_KEY:
			options->key_file = optarg;
			break;
		case OPT_RANDOM:
			options->random_seed =
			    (uint64_t)number_option("random-seed", optarg, INT32_MAX);
			break;
		case OPT_LOG:
			options->log_file = optarg;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(EX_USAGE);
		}
	}
	if (optind < argc)
		fail(EX_USAGE, "\"%s\" is not an option", argv[optind]);
	if ((options->certificate_file == NULL) != (options->key_file == NULL))
		fail(EX_USAGE, "--cert and --key go together");
}

static json_t *
read_seed(const char *file)
{
	json_error_t error;
	json_t *seed;

	if (file == NULL)
		return seed_default();

	seed = json_load_file(file, 0, &error);
	if (seed == NULL)
		fail(EX_DATAERR, "%s: line %d: %s", file, error.line, error.text);
	return seed;
}

/* The whole file as text; NULL for no file. */
static char *
read_file(const char *name)
{
	char *text = NULL;
	size_t room = 0;
	FILE *file;

	if (name == NULL)
		return NULL;

	file = fopen(name, "re");
	if (file == NULL || getdelim(&text, &room, '\0', file) <= 0)
		fail(EX_NOINPUT, "%s: cannot be read", name);
	fclose(file);
	return text;
}

/* The number appears whole or not at all: a reader may wait for the file. */
static void
write_port(const char *name, uint16_t port)
{
	char *draft;
	FILE *file;
	bool written;

	if (name == NULL)
		return;

	draft = text_format("%s.new", name);
	file = fopen(draft, "we");
	if (file == NULL)
		fail(EX_CANTCREAT, "%s: cannot be written", draft);
	written = fprintf(file, "%u\n", (unsigned int)port) > 0;
	written &= fclose(file) == 0;
	if (!written || rename(draft, name) != 0)
		fail(EX_CANTCREAT, "%s: cannot be written", name);
	free(draft);
}

static void
answer(void *context, const struct request *asked, struct response *given)
{
	sandbox_answer(context, asked, given);
}

static struct http *
serve(const struct options *options, struct sandbox *box)
{
	char *certificate = read_file(options->certificate_file),
	     *key = read_file(options->key_file);
	struct http_options http_options = {
		.host = options->host,
		.port = options->port,
		.certificate = certificate,
		.key = key,
		.answer = answer,
		.context = box,
	};
	const char *mistake;
	struct http *http = http_start(&http_options, &mistake);

	if (http == NULL)
		fail(EX_UNAVAILABLE, "%s:%u: %s", options->host, (unsigned int)options->port,
		    mistake);
	free(certificate);
	free(key);
	return http;
}

static struct sandbox *
open_account(const struct options *options, FILE *log)
{
	json_t *mistakes;
	struct sandbox *box = sandbox_new(&options->settings, options->token,
	    read_seed(options->seed_file), options->random_seed, log, &mistakes);

	if (box == NULL) {
		json_dumpf(mistakes, stderr, JSON_INDENT(2));
		fail(EX_DATAERR, "the seed is not right");
	}
	return box;
}

/*
 * An account is on a machine of its own: what this one has to do besides must not delay when a
 * request is seen to arrive.  Only root gets it; without it, the count is as good as the machine is
 * idle.
 */
static void
come_first(void)
{
	const struct sched_param lowest = { .sched_priority = 1 };

	(void)sched_setscheduler(0, SCHED_RR, &lowest);
}

int
main(int argc, char **argv)
{
	struct options options = {
		.host = must(strdup("127.0.0.1")),
		.port = 8090,
		.token = "sandbox-token",
		.random_seed = 1,
		.settings = settings_default,
	};
	struct sandbox *box;
	struct http *http;
	sigset_t ends;
	FILE *log = NULL;
	int which;

	read_options(&options, argc, argv);

	/* Threads inherit the mask: the signals that end us are taken below, and nowhere else. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);

	if (options.log_file != NULL && (log = fopen(options.log_file, "ae")) == NULL)
		fail(EX_CANTCREAT, "%s: cannot be written", options.log_file);
	box = open_account(&options, log);
	/* Threads inherit this, too. */
	come_first();
	http = serve(&options, box);

	write_port(options.port_file, http_port(http));
	printf("amocrm-sandbox is ready at %s://%s:%u\n",
	    options.certificate_file != NULL ? "https" : "http", options.host,
	    (unsigned int)http_port(http));
	fflush(stdout);

	sigwait(&ends, &which);

	sandbox_stop(box);
	http_stop(http);
	sandbox_free(box);
	if (log != NULL)
		fclose(log);
	free(options.host);
	return 0;
}
