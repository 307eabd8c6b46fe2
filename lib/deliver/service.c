#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "deliver/service.h"

static enum outcome
open_shared(const struct settings *settings, struct carrier *carrier, struct fault *why)
{
	char *limiter = text_format("%s/limiter", settings->payments_run_dir);
	char *locks = text_format("%s/locks", settings->payments_run_dir);
	enum outcome out = DONE;
	struct fault ignored;

	if (mkdir(settings->payments_run_dir, 0700) < 0 && errno != EEXIST)
		out = fault_set(why, BROKEN, "PAYMENTS_RUN_DIR %s: %s", settings->payments_run_dir,
		    strerror(errno));
	if (out == DONE)
		out = limiter_open(limiter, settings->amo_rate_limit, &carrier->limiter, why);
	if (out == DONE)
		out = lock_open(locks, &carrier->locks, why);
	if (out == DONE &&
	    metrics_open(settings->payments_run_dir, &carrier->metrics, &ignored) != DONE)
		carrier->metrics = NULL;
	free(limiter);
	free(locks);
	return out;
}

enum outcome
carrier_open(const struct settings *settings, struct carrier **carrier, struct fault *why)
{
	struct carrier *opened = calloc(1, sizeof(*opened));
	json_t *mistakes = NULL;
	enum outcome out;

	if (opened == NULL)
		abort();
	opened->settings = settings;
	out = mapping_load(settings, &opened->mapping, &mistakes, why);
	json_decref(mistakes);
	if (out == DONE)
		out = open_shared(settings, opened, why);
	if (out == DONE)
		out = ledger_open(settings->payments_db, &opened->ledger, why);
	if (out == DONE)
		out = amocrm_open(settings, opened->limiter, &opened->crm, why);
	if (out == DONE) {
		amocrm_set_metrics(opened->crm, opened->metrics);
		*carrier = opened;
	}
	if (out != DONE)
		carrier_close(opened);
	return out;
}

void
carrier_close(struct carrier *carrier)
{
	if (carrier == NULL)
		return;
	amocrm_close(carrier->crm);
	ledger_close(carrier->ledger);
	lock_close(carrier->locks);
	metrics_close(carrier->metrics);
	limiter_close(carrier->limiter);
	mapping_free(carrier->mapping);
	free(carrier);
}
