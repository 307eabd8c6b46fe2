/*
 * Opening and closing what a process needs, in one place: the workers, payment-syncd and paymentctl
 * must share the same limiter and locks, or neither holds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "deliver/service.h"
#include "ledger/ledger.h"

static enum outcome
open_shared(const struct settings *settings, struct service *service, struct fault *why)
{
	char *limiter = text_format("%s/limiter", settings->payments_run_dir);
	char *locks = text_format("%s/locks", settings->payments_run_dir);
	enum outcome out = DONE;
	struct fault ignored;

	if (mkdir(settings->payments_run_dir, 0700) < 0 && errno != EEXIST)
		out = fault_set(why, BROKEN, "PAYMENTS_RUN_DIR %s: %s", settings->payments_run_dir,
		    strerror(errno));
	if (out == DONE)
		out = limiter_open(limiter, settings->amo_rate_limit, &service->limiter, why);
	if (out == DONE)
		out = lock_open(locks, &service->locks, why);
	if (out == DONE &&
	    metrics_open(settings->payments_run_dir, &service->metrics, &ignored) != DONE)
		service->metrics = NULL;
	free(limiter);
	free(locks);
	return out;
}

enum outcome
service_open(const struct settings *settings, struct service **service, struct fault *why)
{
	struct service *opened = memory_zeroed(1, sizeof(*opened));
	json_t *errors = NULL;
	enum outcome out;

	opened->settings = settings;
	out = rules_load(settings, &opened->rules, &errors, why);
	json_decref(errors);
	if (out == DONE)
		out = open_shared(settings, opened, why);
	if (out == DONE)
		out = ledger_open(settings->payments_db, &opened->ledger, why);
	if (out == DONE)
		out = amocrm_open(settings, opened->limiter, &opened->crm, why);
	if (out == DONE) {
		amocrm_set_metrics(opened->crm, opened->metrics);
		*service = opened;
	}
	if (out != DONE)
		service_close(opened);
	return out;
}

void
service_close(struct service *service)
{
	if (service == NULL)
		return;
	amocrm_close(service->crm);
	ledger_close(service->ledger);
	lock_close(service->locks);
	metrics_close(service->metrics);
	limiter_close(service->limiter);
	rules_free(service->rules);
	free(service);
}
