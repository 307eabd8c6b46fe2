/*
 * Opening and closing what a process needs, in one place: the workers, payment-syncd and paymentctl
 * must share the same limiter and locks, or neither holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/private_file.h"
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

/*
 * The run directory remembers which ledger was served from it.  The ledger's own marker, beside it,
 * is lost when all its files are: a volume that is not mounted, a directory moved away.
 */
static bool
was_served(const char *note, const char *ledger)
{
	char path[PATH_MAX] = "";
	int fd = open(note, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	if (read(fd, path, sizeof(path) - 1) < 0)
		path[0] = '\0';
	close(fd);
	return strcmp(path, ledger) == 0;
}

/* What cannot be noted is served all the same: the ledger's own marker is there. */
static void
note_served(const char *note, const char *ledger)
{
	int fd = private_file_open(note, 0);

	if (fd >= 0 && (ftruncate(fd, 0) < 0 || write(fd, ledger, strlen(ledger)) < 0))
		unlink(note);
	if (fd >= 0)
		close(fd);
}

static enum outcome
open_ledger(const struct settings *settings, struct service *service, struct fault *why)
{
	const char *path = settings->payments_db;
	char *note = text_format("%s/ledger", settings->payments_run_dir);
	bool served = was_served(note, path);
	enum outcome out;

	out = served ? ledger_open_existing(path, &service->ledger, why)
		     : ledger_open(path, &service->ledger, why);
	if (served && out == NEVER && access(path, F_OK) < 0)
		out = fault_set(why, BROKEN,
		    "ledger %s: there was one, and all its files are gone; put them back or "
		    "restore "
		    "a copy (to begin with an empty ledger, remove %s)",
		    path, note);
	if (!served && out == DONE)
		note_served(note, path);
	free(note);
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
		out = open_ledger(settings, opened, why);
	if (out == DONE)
		out = ledger_join(opened->ledger, settings->payments_run_dir, why);
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
