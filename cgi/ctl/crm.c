/*
 * How paymentctl calls amoCRM: through the limiter's file that the service uses, too, so that both
 * together keep the rate limit; and behind the service, because payments are more urgent than what
 * an operator looks at.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "crm.h"
#include "print.h"

/* What one piece of work may take, with its repetitions, beyond one call of amoCRM. */
#define PIECE_MS (120 * 1000)
#define YIELD_MS 50
/* A service that is always busy must not keep an operator waiting for ever. */
#define YIELD_MAX_MS 3000

enum outcome
crm_limiter(
    const struct settings *settings, bool create, struct limiter **limiter, struct fault *why)
{
	const char *directory = settings->payments_run_dir;
	char *path = text_format("%s/limiter", directory);
	enum outcome out = DONE;

	*limiter = NULL;
	if (create && mkdir(directory, 0700) < 0 && errno != EEXIST)
		out = fault_set(why, BROKEN, "PAYMENTS_RUN_DIR %s: %s", directory, strerror(errno));
	else if (create || access(path, F_OK) == 0)
		out = limiter_open(path, settings->amo_rate_limit, limiter, why);
	free(path);
	return out;
}

int
crm_open(const struct settings *settings, struct crm *crm)
{
	struct fault why;

	*crm = (struct crm){ .settings = settings };
	/* OpenSSL writes to connections that may be gone. */
	signal(SIGPIPE, SIG_IGN);
	if (crm_limiter(settings, true, &crm->limiter, &why) != DONE ||
	    amocrm_open(settings, crm->limiter, &crm->amocrm, &why) != DONE) {
		crm_close(crm);
		return print_fault(&why);
	}
	limiter_break_alone(crm->limiter);
	return EX_OK;
}

void
crm_close(struct crm *crm)
{
	amocrm_close(crm->amocrm);
	limiter_close(crm->limiter);
}

void
crm_yield(struct crm *crm)
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
crm_refused(const struct crm *crm)
{
	struct limiter_state state;

	limiter_look(crm->limiter, &state);
	return state.alone;
}

int
crm_complain(const struct crm *crm, const struct fault *why)
{
	struct limiter_state state;

	limiter_look(crm->limiter, &state);
	if (state.open && limiter_is_address(state.status))
		print_complaint(LIMITER_NO_ACCOUNT
		    " (HTTP %d); when that is cured: paymentctl resume",
		    state.status);
	else if (state.alone)
		print_complaint("amoCRM refuses AMO_ACCESS_TOKEN as it is set here (HTTP %d); the "
				"breaker of the service stays as it is",
		    state.status);
	else if (state.open)
		print_complaint(
		    "amoCRM refuses everybody (HTTP %d); when that is cured: paymentctl resume",
		    state.status);
	return print_fault(why);
}
