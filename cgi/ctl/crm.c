/*
 * paymentctl: its way to amoCRM.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/text.h"
#include "crm.h"
#include "print.h"

/* What one piece of work may take, with its repetitions, beyond one call of amoCRM. */
#define PIECE_MS (120 * 1000)
#define YIELD_MS 50
#define YIELD_MAX_MS                                                                               \
	3000 /* A service that is always busy must not keep an operator waiting for ever. */

static enum outcome
open_limiter(const struct settings *settings, struct limiter **limiter, struct fault *why)
{
	const char *directory = settings->payments_run_dir;
	char *path = text_format("%s/limiter", directory);
	enum outcome out;

	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		out = fault_set(why, BROKEN, "PAYMENTS_RUN_DIR %s: %s", directory, strerror(errno));
	else
		out = limiter_open(path, settings->amo_rate_limit, limiter, why);
	free(path);
	return out;
}

int
ctl_crm_open(const struct settings *settings, struct ctl_crm *crm)
{
	struct fault why;

	*crm = (struct ctl_crm){ .settings = settings };
	/* OpenSSL writes to connections that may be gone. */
	signal(SIGPIPE, SIG_IGN);
	if (open_limiter(settings, &crm->limiter, &why) != DONE ||
	    amocrm_open(settings, crm->limiter, &crm->crm, &why) != DONE) {
		ctl_crm_close(crm);
		return ctl_complain(&why);
	}
	limiter_break_alone(crm->limiter);
	return EX_OK;
}

void
ctl_crm_close(struct ctl_crm *crm)
{
	amocrm_close(crm->crm);
	limiter_close(crm->limiter);
}

void
ctl_crm_turn(struct ctl_crm *crm)
{
	int64_t patience = clock_mono_ms() + YIELD_MAX_MS;
	struct limiter_state state;

	for (;;) {
		limiter_look(crm->limiter, &state);
		if (state.used * 2 < crm->settings->amo_rate_limit || clock_mono_ms() >= patience)
			break;
		clock_sleep_until(clock_mono_ms() + YIELD_MS);
	}
	crm->context.deadline_ms = clock_mono_ms() + PIECE_MS + crm->settings->amo_timeout_ms;
}

bool
ctl_crm_refused(const struct ctl_crm *crm)
{
	struct limiter_state state;

	limiter_look(crm->limiter, &state);
	return state.alone;
}

int
ctl_crm_complain(const struct ctl_crm *crm, const struct fault *why)
{
	struct limiter_state state;

	limiter_look(crm->limiter, &state);
	if (state.open && limiter_is_address(state.status))
		print_complaint(LIMITER_NO_ACCOUNT
		    " (HTTP %d); when that is cured: paymentctl resume",
		    state.status);
	else if (state.alone)
		print_complaint("amoCRM refuses AMO_ACCESS_TOKEN as it is set here (HTTP %d); the "
				"service was not "
				"told so",
		    state.status);
	else if (state.open)
		print_complaint(
		    "amoCRM refuses everybody (HTTP %d); when that is cured: paymentctl resume",
		    state.status);
	return ctl_complain(why);
}
