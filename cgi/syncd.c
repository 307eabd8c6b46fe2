/*
 * payment-syncd: carries the payments that no worker could: retries after failures, the backlog, and what a dead process
 * left behind.
 *
 * A parent keeps a few carriers running, so that one that waits for amoCRM's answer does not leave the budget of requests
 * unused.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "backlog.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "config/settings.h"
#include "deliver/deliver.h"
#include "deliver/service.h"
#include "log.h"
#include "monitor/alarm_watch.h"
#include "pool.h"
#include "startup.h"

/* How often the ledger is looked at when nothing is due: new payments come from other processes without a word. */
#define LOOK_MS 1000

/* How often alarms are looked for. */
#define WATCH_MS 60000

/* How long to wait before the ledger, which could not be opened or read, is tried again. */
#define SICK_MS 5000

/* A service that is busy with one errand for longer is stuck. */
#define BUSY_LIMIT_MS (BACKLOG_BATCH_MS(BATCH_MAX) + 30000)

/* A service that waits half a second for each answer uses two requests a second; more are of no use. */
#define CARRIERS_MAX 16

static volatile sig_atomic_t stopping;

static void
heed(int unused)
{
	(void)unused;
	stopping = 1;
}

struct program {
	struct settings *settings;
	struct settings *before; /* While it is not known whether the new ones are any good. */
	struct pool_job job;
	struct pool_beat *beat; /* NULL with --once. */

	struct service *service;
	bool on_watch; /* Of all carriers one tells alarms. */
	int64_t watch_ms;
	struct alarm_watch watch;
};

/* In a service HUP is the parent's business; one that a terminal sends to everybody is passed over. */
static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = heed };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
}

/* The signals that end it are let in only between errands and while waiting. */
static void
let_signals_in(void)
{
	sigset_t none, blocked;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void
tell_alarm(const char *name, bool begins, const char *text)
{
	char quoted[LOG_TEXT];

	log_event(begins ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "alarm=%s %s reason=%s", name,
	    begins ? "begins" : "ends", log_text(quoted, text));
}

/* Once a minute, whoever has the office looks whether anything should be told. */
static void
keep_watch(struct program *program)
{
	static const int64_t office = 0;
	int64_t now_ms = clock_mono_ms();
	struct fault why;

	if (program->beat == NULL || now_ms < program->watch_ms)
		return;
	program->watch_ms = now_ms + WATCH_MS;
	if (!program->on_watch)
		program->on_watch = lock_take(program->service->locks, LOCK_WATCH, &office, 1,
					now_ms, &why) == DONE;
	/* A ledger that cannot be read is told by whoever carries. */
	if (program->on_watch)
		(void)!alarm_watch(
		    &program->watch, program->service, clock_wall_ms(), tell_alarm, &why);
}

static bool
go_on(void *context)
{
	struct program *program = context;

	let_signals_in();
	keep_watch(program);
	if (program->beat != NULL)
		pool_busy(program->beat);
	return !stopping;
}

static void
wait_ms(int64_t ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	sigset_t none;

	sigemptyset(&none);
	if (!stopping)
		pselect(0, NULL, NULL, NULL, &time, &none);
}

static void
close_carrier(struct program *program)
{
	service_close(program->service);
	program->service = NULL;
	program->on_watch = false;
}

/*
 * A service's life: look, carry, wait, until told to stop.
 */
static int
serve(void *context, struct pool_beat *beat)
{
	struct program *program = context;
	/* Carriers that look at the same instant would divide between them what one request could carry. */
	int64_t phase_ms = crypto_random_bits() % LOOK_MS;
	char text[LOG_TEXT];
	struct fault why;
	enum outcome out = DONE;

	catch_signals();
	program->beat = beat;
	program->watch_ms = clock_mono_ms() + LOOK_MS;
	/* The parent may have read, and then refused, settings with another zone. */
	if (!clock_set_zone(program->settings->payment_timezone)) {
		log_event(
		    LOG_LEVEL_ERROR, "PAYMENT_TIMEZONE: this system knows no zone of that name");
		return EX_CONFIG;
	}
	while (!stopping) {
		if (program->service == NULL)
			out = service_open(program->settings, &program->service, &why);
		if (out == DONE) {
			pool_idle(beat);
			wait_ms(phase_ms);
			phase_ms = 0;
			out = backlog_carry(program->service, go_on, program, &why);
		}
		if (out != DONE) {
			log_event(LOG_LEVEL_ERROR, "%s", log_text(text, why.text));
			close_carrier(program);
			if (out == NEVER)
				return EX_CONFIG;
		}
		if (program->service != NULL)
			pool_idle(beat);
		wait_ms(out == DONE ? LOOK_MS : SICK_MS);
	}
	close_carrier(program);
	return EX_OK;
}

/* Carry what is due now. */
static int
serve_once(struct program *program)
{
	char text[LOG_TEXT];
	struct fault why;
	enum outcome out;

	out = service_open(program->settings, &program->service, &why);
	if (out == DONE)
		out = backlog_carry(program->service, go_on, program, &why);
	if (out != DONE)
		log_event(LOG_LEVEL_ERROR, "%s", log_text(text, why.text));
	close_carrier(program);
	return out == DONE ? EX_OK : out == NEVER ? EX_CONFIG : EX_TEMPFAIL;
}

static bool
reload(void *context)
{
	struct program *program = context;

	return startup_reload(&program->settings, &program->before);
}

static void
reloaded(void *context, bool keep)
{
	struct program *program = context;

	startup_reloaded(&program->settings, &program->before, keep);
}

static int
carriers(const struct settings *settings)
{
	int64_t wanted = (settings->amo_rate_limit + 1) / 2;

	return (int)(wanted < CARRIERS_MAX ? wanted : CARRIERS_MAX);
}

static int
serve_with_pool(struct program *program)
{
	char text[LOG_TEXT];
	struct fault why;
	enum outcome out;

	program->job = (struct pool_job){ .workers = carriers(program->settings),
		.busy_limit_ms = BUSY_LIMIT_MS,
		.serve = serve,
		.reload = reload,
		.reloaded = reloaded,
		.context = program };
	if ((out = pool_run(&program->job, &why)) == DONE)
		return EX_OK;
	log_event(LOG_LEVEL_ERROR, "stopped reason=%s", log_text(text, why.text));
	return out == NEVER ? EX_CONFIG : EX_SOFTWARE;
}

static void
usage(FILE *out)
{
	fputs(
	    "usage: payment-syncd [--once]\n"
	    "\n"
	    "Carry recorded payments into amoCRM: what the workers left, what failed and is due "
	    "again.\n"
	    "\n"
	    "      --once        carry what is due now, then end\n"
	    "  -h, --help        this text\n"
	    "      --version     the version\n"
	    "\n"
	    "Settings come from the environment and from the file that PAYMENT_SYNC_CONFIG names\n"
	    "(default /etc/platform-payment-sync/config.env).\n"
	    "TERM finishes what is in hand and ends; HUP reads settings and rules anew.\n"
	    "Exit status: 0 done or ended by a signal, 64 usage, 70 this host cannot go on, 75 try "
	    "later, "
	    "78 settings.\n",
	    out);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = { { "once", no_argument, NULL, '1' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 } };
	struct program program = { .settings = NULL };
	bool once = false;
	int option, status;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case '1':
			once = true;
			break;
		case 'h':
			usage(stdout);
			return EX_OK;
		case 'V':
			puts("payment-syncd " VERSION);
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return EX_USAGE;
	}
	if ((program.settings = startup_service()) == NULL)
		return EX_CONFIG;
	if (once) {
		catch_signals();
		status = serve_once(&program);
	} else {
		status = serve_with_pool(&program);
	}
	settings_free(program.settings);
	return status;
}
