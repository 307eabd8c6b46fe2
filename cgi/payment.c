/*
 * payment.fcgi: the FastCGI responder behind nginx.
 *
 * This file puts the parts together: settings, the listening socket, a pool of workers (pool), and
 * in each worker the connections (fastcgi) and the webhook (lib/web).  Settings are read before the
 * first fork, so that a mistake in them is one message and no start; ledger, locks and the
 * connection to amoCRM are opened by each worker for itself, because none of them survives a fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "config/settings.h"
#include "fastcgi.h"
#include "log.h"
#include "notify.h"
#include "pool.h"
#include "startup.h"
#include "web/webhook.h"

/*
 * What a request may take beyond its deadline and the one call of amoCRM begun before it: reading,
 * committing, answering.
 */
#define BUSY_MARGIN_MS 10000

/*
 * More workers than this is a typing error: each is a process with its own ledger and CRM
 * connection.
 */
#define WORKERS_MAX 256

#define SYSTEMD_FIRST_FD 3

struct responder {
	struct settings *settings;
	struct settings *before; /* While new settings are on trial: those to return to. */
	int workers;
	int listener;
	struct pool_config pool;

	/* In the process that answers requests only. */
	struct worker *worker;
	struct pool_activity *activity; /* NULL when there is no pool. */
	bool ready;                     /* Without a pool: the service manager was told so. */
};

static const char usage[] =
    "usage: payment.fcgi [-w N]\n"
    "\n"
    "Take payment webhooks over FastCGI from the socket at descriptor 0 (spawn-fcgi) or 3 "
    "(systemd).\n"
    "\n"
    "  -w, --workers N   workers to keep running; 0 serves in the process itself (default: "
    "WORKERS, 4)\n"
    "  -h, --help        this text\n"
    "      --version     the version\n"
    "\n"
    "Settings come from the environment and from the file that PAYMENT_SYNC_CONFIG names\n"
    "(default /etc/platform-payment-sync/config.env).\n"
    "TERM finishes the requests in hand and ends; HUP reads settings and rules anew and replaces "
    "the "
    "workers one by one.\n"
    "Exit status: 0 ended by a signal, 64 usage, 70 this host cannot go on, 78 settings.\n";

static int64_t
busy_limit_ms(const struct settings *settings)
{
	return settings->inline_deadline_ms + settings->amo_timeout_ms + BUSY_MARGIN_MS;
}

static bool
reload(void *cookie)
{
	struct responder *responder = cookie;

	if (!startup_reload(&responder->settings, &responder->before))
		return false;
	responder->pool.busy_limit_ms = busy_limit_ms(responder->settings);
	return true;
}

static void
reloaded(void *cookie, bool keep)
{
	struct responder *responder = cookie;

	startup_reloaded(&responder->settings, &responder->before, keep);
	responder->pool.busy_limit_ms = busy_limit_ms(responder->settings);
}

static enum log_level
level_of(enum response_level level)
{
	switch (level) {
	case RESPONSE_DEBUG:
		return LOG_LEVEL_DEBUG;
	case RESPONSE_INFO:
		return LOG_LEVEL_INFO;
	case RESPONSE_WARNING:
		return LOG_LEVEL_WARNING;
	case RESPONSE_ERROR:
		break;
	}
	return LOG_LEVEL_ERROR;
}

/* The web server's name for the request, by which nginx's log and this one are read together. */
static const char *
name_of(const struct http_request *request)
{
	return request->request_id[0] != '\0' ? request->request_id : "-";
}

static void
log_response(
    const struct http_request *request, const struct http_response *response, int64_t took_ms)
{
	char text[LOG_TEXT];
	const json_t *warning;
	size_t i;

	log_event(level_of(response->level), "request=%s %s http=%d ms=%lld", name_of(request),
	    response->log, response->status, (long long)took_ms);
	json_array_foreach(response->warnings, i, warning)
		log_event(LOG_LEVEL_WARNING, "request=%s payment=%s remark=%s", name_of(request),
		    response->payment, log_text(text, json_string_value(warning)));
}

static void
handle_requests(void *cookie, const struct http_request *requests, struct http_response *responses,
    size_t count)
{
	struct responder *responder = cookie;
	int64_t began_ms = clock_mono_ms();
	size_t i;

	webhook_handle(responder->worker, requests, responses, count);
	for (i = 0; i < count; i++)
		log_response(&requests[i], &responses[i], clock_mono_ms() - began_ms);
}

static void
worker_idle(void *cookie)
{
	struct responder *responder = cookie;

	if (responder->activity != NULL)
		pool_idle(responder->activity);
	else if (!responder->ready)
		notify_state("READY=1\nSTATUS=serving in one process");
	responder->ready = true;
	/*
	 * Only after the pool was told that this worker is idle: the disk may take long, and
	 * killing the worker for it would cure nothing.
	 */
	worker_checkpoint(responder->worker);
}

static void
worker_busy(void *cookie)
{
	struct responder *responder = cookie;

	if (responder->activity != NULL)
		pool_busy(responder->activity);
}

/*
 * Open this process's own handles and answer requests until a signal; *stopped_by is that signal, 0
 * when it did not come so far.  Returns the exit status.
 */
static int
run_until_signal(struct responder *responder, int *stopped_by)
{
	struct fastcgi_config config = { .listener = responder->listener,
		.handle = handle_requests,
		.idle = worker_idle,
		.busy = worker_busy,
		.cookie = responder };
	char text[LOG_TEXT];
	enum outcome outcome;
	struct fault why;

	*stopped_by = 0;
	if (!clock_set_zone(responder->settings->payment_timezone)) {
		log_event(
		    LOG_LEVEL_ERROR, "PAYMENT_TIMEZONE: this system knows no zone of that name");
		return EX_CONFIG;
	}
	outcome = worker_open(responder->settings, responder->workers > 0 ? responder->workers : 1,
	    &responder->worker, &why);
	if (outcome == DONE) {
		log_count_in(responder->worker->metrics);
		config.together = webhook_together(responder->settings);
		outcome = fastcgi_run(&config, stopped_by, &why);
		log_count_in(NULL);
		worker_close(responder->worker);
	}
	if (outcome == DONE)
		return EX_OK;
	log_event(LOG_LEVEL_ERROR, "worker cannot work reason=%s", log_text(text, why.text));
	return outcome == NEVER ? EX_CONFIG : EX_SOFTWARE;
}

/*
 * A worker of the pool.  HUP is the parent's business: one that a terminal or an operator sends to
 * every process of the service makes the worker open its handles again, with the settings it has.
 */
static int
run_worker(void *cookie, struct pool_activity *activity)
{
	struct responder *responder = cookie;
	int status, stopped_by;

	responder->activity = activity;
	do
		status = run_until_signal(responder, &stopped_by);
	while (stopped_by == SIGHUP);
	return status;
}

/*
 * The whole service in this process: for debuggers, and for hosts that bring their own supervisor.
 */
static int
run_alone(struct responder *responder)
{
	int status, stopped_by;

	do {
		status = run_until_signal(responder, &stopped_by);
		if (stopped_by == SIGHUP) {
			notify_reloading();
			responder->ready = false;
			if (reload(responder))
				reloaded(responder, true);
		}
	} while (stopped_by == SIGHUP);
	notify_state("STOPPING=1");
	return status;
}

static int
run_pool(struct responder *responder)
{
	char text[LOG_TEXT];
	struct fault why;
	enum outcome outcome;

	responder->pool = (struct pool_config){ .workers = responder->workers,
		.busy_limit_ms = busy_limit_ms(responder->settings),
		.run_worker = run_worker,
		.reload = reload,
		.reloaded = reloaded,
		.cookie = responder };
	outcome = pool_run(&responder->pool, &why);
	if (outcome == DONE) {
		log_event(LOG_LEVEL_INFO, "stopped");
		return EX_OK;
	}
	log_event(LOG_LEVEL_ERROR, "stopped reason=%s", log_text(text, why.text));
	return outcome == NEVER ? EX_CONFIG : EX_SOFTWARE;
}

static bool
is_listening(int descriptor)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 &&
	    listening != 0;
}

/* A whole number up to max from a variable or an option; -1 for all else, or when not given. */
static int
number(const char *text, int max)
{
	int64_t value;

	return text != NULL && number_parse(text, 0, max, &value) ? (int)value : -1;
}

/*
 * The socket to accept from; -1 when there is none.  systemd's goes first: with a .socket unit
 * spawn-fcgi also brings a socket of its own at descriptor 0, to which no web server connects.  It
 * is closed, so that a connection made there by mistake is refused and not left waiting.
 */
static int
find_listener(void)
{
	int handed = number(getenv("LISTEN_FDS"), 1024);
	int nowhere;

	if (handed >= 1 && number(getenv("LISTEN_PID"), INT32_MAX) == getpid() &&
	    is_listening(SYSTEMD_FIRST_FD)) {
		if ((nowhere = open("/dev/null", O_RDWR)) >= 0) {
			dup2(nowhere, STDIN_FILENO);
			close(nowhere);
		}
		return SYSTEMD_FIRST_FD;
	}
	return is_listening(STDIN_FILENO) ? STDIN_FILENO : -1;
}

/*
 * Read the command line; *workers stays as it is without -w.  Returns -1 to go on, else the exit
 * status.
 */
static int
read_options(int argc, char **argv, int *workers)
{
	static const struct option options[] = { { "workers", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "w:h", options, NULL)) != -1) {
		switch (option) {
		case 'w':
			if ((*workers = number(optarg, WORKERS_MAX)) >= 0)
				break;
			fprintf(
			    stderr, "payment.fcgi: -w takes a number from 0 to %d\n", WORKERS_MAX);
			return EX_USAGE;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		case 'V':
			puts("payment.fcgi " VERSION);
			return EX_OK;
		default:
			fputs(usage, stderr);
			return EX_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fputs(usage, stderr);
	return EX_USAGE;
}

int
main(int argc, char **argv)
{
	struct responder responder = { .workers = -1 };
	int status;

	if ((status = read_options(argc, argv, &responder.workers)) >= 0)
		return status;

	log_start_service();
	responder.listener = find_listener();
	if (responder.listener < 0) {
		log_event(LOG_LEVEL_ERROR,
		    "no listening socket at descriptor 0 (start with spawn-fcgi -n) nor from "
		    "systemd");
		return EX_USAGE;
	}

	responder.settings = startup_service();
	if (responder.settings == NULL)
		return EX_CONFIG;
	if (responder.workers < 0)
		responder.workers = (int)responder.settings->workers;

	log_event(LOG_LEVEL_INFO, "starting version=%s workers=%d descriptor=%d", VERSION,
	    responder.workers, responder.listener);
	status = responder.workers == 0 ? run_alone(&responder) : run_pool(&responder);
	settings_free(responder.settings);
	return status;
}
