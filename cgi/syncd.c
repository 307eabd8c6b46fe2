/*
 * payment-syncd: delivers the payments that no worker could: retries after failures, the backlog,
 * and what a dead process left behind.
 *
 * A parent (pool) keeps a few workers running, so that one that waits for amoCRM's answer does not
 * leave the rate unused.  They do not divide the work between them: each looks at the whole ledger,
 * and the ledger's claim decides which of them makes an attempt.  One of them, the alarm leader,
 * also watches for alarms.
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

/*
 * How often the ledger is looked at when nothing is due: other processes add payments and send no
 * signal.
 */
#define LOOK_MS 1000

/* How often the alarm leader looks for alarms. */
#define ALARM_LOOK_MS 60000

/* How long to wait before a ledger that could not be opened or read is tried again. */
#define BROKEN_WAIT_MS 5000

/* A worker that is busy with one batch for so much longer than it may take is stuck. */
#define BUSY_MARGIN_MS 30000

/*
 * A worker that waits half a second for each answer makes two requests a second, so more workers
 * than half the rate are of no use; nor are more than these.
 */
#define WORKERS_MAX 16

static volatile sig_atomic_t stopping;

static void
request_stop(int unused)
{
	(void)unused;
	stopping = 1;
}

struct daemon {
	struct settings *settings;
	struct settings *before; /* While new settings are on trial: those to return to. */
	struct pool_config pool;
	struct pool_activity *activity; /* NULL with --once. */

	/* In a worker only. */
	struct service *service; /* NULL while the ledger cannot be opened. */
	int64_t alarm_look_ms;   /* Monotonic; when to look for alarms again. */
	struct alarm_watch watch;
};

/*
 * In a worker HUP is the parent's business: one that a terminal sends to every process is ignored.
 */
static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = request_stop };
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

/* Signals that end the worker are let in only here, between two payments, and while it waits. */
static void
let_signals_in(void)
{
	sigset_t none, blocked;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void
report_alarm(const char *name, bool begins, const char *text)
{
	char quoted[LOG_TEXT];

	log_event(begins ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "alarm=%s %s reason=%s", name,
	    begins ? "begins" : "ends", log_text(quoted, text));
}

/*
 * Once a minute the alarm leader looks for alarms that have begun or ended.  The first worker that
 * takes the lock is the leader until it closes its handles or dies; then another takes over, at its
 * own next look.  Not with --once, which may run beside the service.
 */
static void
look_for_alarms(struct daemon *daemon)
{
	static const int64_t leader = 0;
	int64_t now_ms = clock_mono_ms();
	struct fault why;

	if (daemon->activity == NULL || now_ms < daemon->alarm_look_ms)
		return;
	daemon->alarm_look_ms = now_ms + ALARM_LOOK_MS;
	/*
	 * Asked also by who is the leader: the file that says so may have been removed.  A ledger
	 * that cannot be read is logged by the delivery, which meets it as well.
	 */
	if (lock_take(daemon->service->locks, LOCK_ALARM_LEADER, &leader, 1, now_ms, &why) == DONE)
		(void)!alarm_watch(
		    &daemon->watch, daemon->service, clock_wall_ms(), report_alarm, &why);
}

/* Asked by the backlog between two steps; each time counts as a new piece of work for the pool. */
static bool
go_on(void *cookie)
{
	struct daemon *daemon = cookie;

	let_signals_in();
	look_for_alarms(daemon);
	if (daemon->activity != NULL)
		pool_busy(daemon->activity);
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

/* The lock of the alarm leader goes with the handles. */
static void
close_service(struct daemon *daemon)
{
	log_count_in(NULL);
	service_close(daemon->service);
	daemon->service = NULL;
}

/*
 * A worker's life: look, deliver, wait, until told to stop.  A ledger that fails is closed and
 * opened anew; until it is open the pool takes this worker for busy, and replaces it when that
 * lasts.
 */
static int
run_worker(void *cookie, struct pool_activity *activity)
{
	struct daemon *daemon = cookie;
	/* Workers that look at the same instant would divide what one request could take. */
	int64_t phase_ms = crypto_random_bits() % LOOK_MS;
	char text[LOG_TEXT];
	struct fault why;
	enum outcome out = DONE;

	catch_signals();
	daemon->activity = activity;
	daemon->alarm_look_ms = clock_mono_ms() + LOOK_MS;
	/* The parent may have read, and then refused, settings with another zone. */
	if (!clock_set_zone(daemon->settings->payment_timezone)) {
		log_event(
		    LOG_LEVEL_ERROR, "PAYMENT_TIMEZONE: this system knows no zone of that name");
		return EX_CONFIG;
	}
	while (!stopping) {
		if (daemon->service == NULL)
			out = service_open(daemon->settings, &daemon->service, &why);
		if (out == DONE) {
			log_count_in(daemon->service->metrics);
			pool_idle(activity);
			wait_ms(phase_ms);
			phase_ms = 0;
			out = backlog_carry(daemon->service, go_on, daemon, &why);
		}
		if (out != DONE) {
			log_event(LOG_LEVEL_ERROR, "%s", log_text(text, why.text));
			close_service(daemon);
			if (out == NEVER)
				return EX_CONFIG;
		}
		if (daemon->service != NULL)
			pool_idle(activity);
		wait_ms(out == DONE ? LOOK_MS : BROKEN_WAIT_MS);
	}
	close_service(daemon);
	return EX_OK;
}

/* --once: deliver what is due now, in this process. */
static int
deliver_once(struct daemon *daemon)
{
	char text[LOG_TEXT];
	struct fault why;
	enum outcome out;

	out = service_open(daemon->settings, &daemon->service, &why);
	if (out == DONE)
		out = backlog_carry(daemon->service, go_on, daemon, &why);
	if (out != DONE)
		log_event(LOG_LEVEL_ERROR, "%s", log_text(text, why.text));
	close_service(daemon);
	return out == DONE ? EX_OK : out == NEVER ? EX_CONFIG : EX_TEMPFAIL;
}

static int64_t
busy_limit_ms(const struct settings *settings)
{
	return backlog_batch_ms(settings, BATCH_MAX) + BUSY_MARGIN_MS;
}

static bool
reload(void *cookie)
{
	struct daemon *daemon = cookie;

	if (!startup_reload(&daemon->settings, &daemon->before))
		return false;
	daemon->pool.busy_limit_ms = busy_limit_ms(daemon->settings);
	return true;
}

static void
reloaded(void *cookie, bool keep)
{
	struct daemon *daemon = cookie;

	startup_reloaded(&daemon->settings, &daemon->before, keep);
	daemon->pool.busy_limit_ms = busy_limit_ms(daemon->settings);
}

static int
worker_count(const struct settings *settings)
{
	int64_t wanted = (settings->amo_rate_limit + 1) / 2;

	return (int)(wanted < WORKERS_MAX ? wanted : WORKERS_MAX);
}

static int
run_pool(struct daemon *daemon)
{
	char text[LOG_TEXT];
	struct fault why;
	enum outcome out;

	daemon->pool = (struct pool_config){ .workers = worker_count(daemon->settings),
		.busy_limit_ms = busy_limit_ms(daemon->settings),
		.run_worker = run_worker,
		.reload = reload,
		.reloaded = reloaded,
		.cookie = daemon };
	if ((out = pool_run(&daemon->pool, &why)) == DONE)
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
	struct daemon daemon = { .settings = NULL };
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
	log_start_service();
	if ((daemon.settings = startup_service()) == NULL)
		return EX_CONFIG;
	if (once) {
		catch_signals();
		status = deliver_once(&daemon);
	} else {
		status = run_pool(&daemon);
	}
	settings_free(daemon.settings);
	return status;
}
