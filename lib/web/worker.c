/*
 * The state of one worker.  A broken disk is no reason to end it: a sender that hears 503 sends the
 * payment again, one that hears nothing may not.  So whatever cannot be opened is tried again with
 * each request, and a ledger that failed is closed and opened anew rather than trusted.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "web/worker.h"

static enum outcome
open_service(struct worker *worker, struct fault *why)
{
	enum outcome out = service_open(worker->settings, &worker->service, why);

	/* A sender waits for its commit alone; the log is copied in worker_checkpoint(). */
	if (out == DONE)
		ledger_checkpoint_later(worker->service->ledger);
	return out;
}

enum outcome
worker_open(const struct settings *settings, int workers, struct worker **worker, struct fault *why)
{
	struct worker *opened = memory_zeroed(1, sizeof(*opened));

	opened->settings = settings;
	/* One worker stays free to record while all others wait for amoCRM. */
	opened->slots = workers > 1 ? workers - 1 : 1;

	/*
	 * Wrong rules stay wrong; anything else (BROKEN) may get well, and the worker answers 503
	 * until it does.
	 */
	if (open_service(opened, why) == NEVER) {
		worker_close(opened);
		return NEVER;
	}
	if (metrics_open(settings->payments_run_dir, &opened->metrics, why) != DONE)
		opened->metrics = NULL;
	*worker = opened;
	return DONE;
}

void
worker_close(struct worker *worker)
{
	if (worker == NULL)
		return;
	service_close(worker->service);
	metrics_close(worker->metrics);
	free(worker);
}

bool
worker_ready(struct worker *worker, struct fault *why)
{
	return worker->service != NULL || open_service(worker, why) == DONE;
}

void
worker_reset(struct worker *worker)
{
	service_close(worker->service);
	worker->service = NULL;
}

enum outcome
worker_overview(struct worker *worker, int64_t now_ms, struct overview *seen, struct fault *why)
{
	struct overview_sources from = { .settings = worker->settings, .metrics = worker->metrics };
	enum outcome out;

	if (!worker_ready(worker, why))
		return BROKEN;
	from.ledger = worker->service->ledger;
	from.limiter = worker->service->limiter;
	if ((out = overview_take(&from, now_ms, seen, why)) != DONE)
		worker_reset(worker);
	return out;
}

void
worker_checkpoint(struct worker *worker)
{
	if (worker->service != NULL)
		ledger_checkpoint(worker->service->ledger);
}
