/*
 * payment-syncd: carries the payments that no worker could: retries after failures, the backlog, and what a dead process
 * left behind.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "carrier.h"
#include "clock.h"
#include "deliver.h"
#include "log.h"
#include "notify.h"
#include "payment.h"
#include "settings.h"
#include "startup.h"

/* One attempt may take this long; amoCRM's slowest day is bounded by AMO_TIMEOUT_MS for each call. */
#define ATTEMPT_MS 30000

/* How often the ledger is looked at when nothing is due: new payments come from other processes without a word. */
#define LOOK_MS 1000

/* How long to wait before the ledger, which could not be opened or read, is tried again. */
#define SICK_MS 5000

static volatile sig_atomic_t stopping, reload_wanted;

static void
heed(int signal_number)
{
	if (signal_number == SIGHUP)
		reload_wanted = 1;
	else
		stopping = 1;
}

static void
log_outcome(const struct due *due, const struct delivery *delivery, enum outcome out, const struct fault *why,
    int64_t took_ms)
{
	char key[LOG_TEXT], reason[LOG_TEXT], text[LOG_TEXT];
	const json_t *remark;
	size_t i;

	log_text(key, due->key);
	log_text(reason, why->text);
	if (out == DONE)
		log_event(LOG_LEVEL_INFO,
		    "payment=%s carried contact=%" PRId64 " lead=%" PRId64 " lead_created=%d ms=%" PRId64,
		    key, delivery->contact_id, delivery->lead_id, delivery->lead_created, took_ms);
	else if (out == LATER)
		log_event(LOG_LEVEL_INFO,
		    "payment=%s postponed attempt=%" PRId64 " next_in_ms=%" PRId64 " reason=%s", key,
		    due->attempts + 1, delivery->next_ms - clock_wall_ms(), reason);
	else
		log_event(LOG_LEVEL_ERROR, "payment=%s %s reason=%s", key,
		    out == NEVER ? "failed" : "unfinished", reason);
	json_array_foreach(delivery->remarks, i, remark)
		log_event(LOG_LEVEL_WARNING, "payment=%s remark=%s", key,
		    log_text(text, json_string_value(remark)));
}

/* Carry one due payment, as far as it goes.  BROKEN when the ledger fails. */
static enum outcome
carry(const struct carrier *carrier, const struct due *due, struct fault *why)
{
	int64_t now_ms = clock_mono_ms();
	struct attempt attempt = { .id = due->id,
		.recorded_ms = due->recorded_ms,
		.failed = due->attempts,
		.deadline_ms = now_ms + ATTEMPT_MS,
		.lock_deadline_ms = now_ms };
	struct payment *paid = NULL;
	struct delivery delivery;
	json_t *mistakes = NULL;
	enum outcome out;

	if (payment_parse(due->payload, due->payload_size, &paid, &mistakes) != DONE) {
		json_decref(mistakes);
		log_event(LOG_LEVEL_ERROR,
		    "row=%" PRId64 " failed reason=\"the recorded payload is no payment\"", due->id);
		return ledger_fail(carrier->ledger, due->id, NULL, "the recorded payload is no payment",
		    clock_wall_ms(), why);
	}
	out = deliver(carrier, paid, &attempt, &delivery, why);
	/* Left alone because a worker has the payer in hand: not worth a line. */
	if (out != LATER || delivery.next_ms != 0)
		log_outcome(due, &delivery, out, why, clock_mono_ms() - now_ms);
	delivery_clear(&delivery);
	payment_free(paid);
	return out == BROKEN ? BROKEN : DONE;
}

/* Everybody is refused, or told to wait: no use taking payments in hand before then. */
static bool
crm_closed(const struct carrier *carrier)
{
	struct limiter_state crm;

	limiter_look(carrier->limiter, &crm);
	return crm.ready_ms > clock_mono_ms();
}

/* Between two payments a signal that waits is let in: a backlog may take hours, and TERM must not. */
static void
let_signals_in(const sigset_t *unblocked)
{
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, unblocked, &blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* Carry everything that is due, in order of arrival.  *carried counts the attempts. */
static enum outcome
pass(const struct carrier *carrier, const sigset_t *unblocked, int *carried, struct fault *why)
{
	struct due due = { 0 };
	int64_t after = 0;
	enum outcome out = DONE;

	*carried = 0;
	while (out == DONE && !stopping && !reload_wanted && !crm_closed(carrier)) {
		notify_state("WATCHDOG=1");
		out = ledger_next_due(carrier->ledger, after, clock_wall_ms(), &due, why);
		if (out != DONE || due.id == 0)
			break;
		after = due.id;
		out = carry(carrier, &due, why);
		due_clear(&due);
		(*carried)++;
		let_signals_in(unblocked);
	}
	return out;
}

/* Sleep with signals let in, so that TERM ends it. */
static void
wait_ms(int64_t ms, const sigset_t *unblocked)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	if (!stopping && !reload_wanted)
		pselect(0, NULL, NULL, NULL, &time, unblocked);
}

/* HUP: the file may have changed.  A mistake in it must not stop a carrier that runs. */
static void
reload(struct settings **settings, struct carrier **carrier)
{
	struct settings *changed;

	reload_wanted = 0;
	log_event(LOG_LEVEL_INFO, "reloading");
	notify_reloading();
	if ((changed = startup_settings(SETTINGS_NEED_ALL)) == NULL) {
		log_event(LOG_LEVEL_ERROR, "settings not taken over; the old ones stay");
		/* The reading may have set the zone of a file that was refused for something else. */
		if (!clock_set_zone((*settings)->payment_timezone))
			log_event(LOG_LEVEL_ERROR,
			    "PAYMENT_TIMEZONE: this system knows no zone of that name any more");
		return;
	}
	carrier_close(*carrier);
	*carrier = NULL;
	settings_free(*settings);
	*settings = changed;
}

/* Serve until told to stop; with `once`, carry what is due and return. */
static int
serve(struct settings **settings, bool once, const sigset_t *unblocked)
{
	struct carrier *carrier = NULL;
	struct fault why;
	enum outcome out;
	int carried;

	while (!stopping) {
		if (reload_wanted)
			reload(settings, &carrier);
		out = carrier != NULL ? DONE : carrier_open(*settings, &carrier, &why);
		if (out == DONE) {
			notify_state("READY=1\nWATCHDOG=1");
			out = pass(carrier, unblocked, &carried, &why);
		}
		if (out == DONE && once)
			break;
		if (out != DONE) {
			log_event(LOG_LEVEL_ERROR, "%s", why.text);
			carrier_close(carrier);
			carrier = NULL;
			if (once || out == NEVER)
				return out == NEVER ? EX_CONFIG : EX_TEMPFAIL;
		}
		notify_state("WATCHDOG=1");
		wait_ms(out == DONE ? LOOK_MS : SICK_MS, unblocked);
	}
	notify_state("STOPPING=1");
	carrier_close(carrier);
	return EX_OK;
}

/*
 * TERM, INT and HUP are let in only between payments and while waiting: an attempt in hand is finished, or
 * reaches its deadline, first.
 */
static void
catch_signals(sigset_t *unblocked)
{
	struct sigaction action = { .sa_handler = heed };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
}

static void
usage(FILE *out)
{
	fputs("usage: payment-syncd [--once]\n"
	      "Carries recorded payments into amoCRM.  --once: carry what is due now, then exit.\n"
	      "Settings come from the environment and from the file PAYMENT_SYNC_CONFIG; see "
	      "config.env.example.\n",
	    out);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = { { "once", no_argument, NULL, '1' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 } };
	struct settings *settings = NULL;
	bool once = false;
	sigset_t unblocked;
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
	catch_signals(&unblocked);
	if ((settings = startup_settings(SETTINGS_NEED_ALL)) == NULL)
		return EX_CONFIG;
	status = serve(&settings, once, &unblocked);
	settings_free(settings);
	return status;
}
