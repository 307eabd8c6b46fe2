/*
 * paymentctl: what an operator does about payments.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "ctl.h"
#include "limiter.h"
#include "text.h"

/*
 * retry
 */

const char *
ctl_retry_mistake(const struct ctl *ctl)
{
	if (ctl->failed && ctl->count > 0)
		return "retry takes either payments or --failed";
	return ctl->failed || ctl->count > 0 ? NULL : "retry needs payments, or --failed";
}

int
ctl_retry(const struct ctl *ctl)
{
	int64_t total = 0, count;
	struct fault why;
	int i;

	for (i = 0; i < ctl->count || (ctl->failed && i == 0); i++) {
		const char *key = ctl->failed ? NULL : ctl->words[i];

		if (ledger_retry(ctl->ledger, key, clock_wall_ms(), &count, &why) != DONE)
			return ctl_complain(&why);
		if (count == 0 && key != NULL)
			fprintf(stderr, "paymentctl: %s is not a failed payment\n", key);
		total += count;
	}
	printf("%" PRId64 " payments will be carried again\n", total);
	return total > 0 || ctl->failed ? EX_OK : CTL_SEE;
}

/*
 * resume
 */

/* Only a file that is there: one that a person's hand creates might not be the service's to open. */
int
ctl_resume(const struct ctl *ctl)
{
	char *path = text_format("%s/limiter", ctl->settings->payments_run_dir);
	struct limiter *limiter = NULL;
	struct fault why;
	int status = EX_OK;

	if (access(path, F_OK) < 0) {
		puts("nothing has called amoCRM since this host was started");
	} else if (limiter_open(path, ctl->settings->amo_rate_limit, &limiter, &why) != DONE) {
		status = ctl_complain(&why);
	} else {
		limiter_close_breaker(limiter);
		puts("amoCRM may be called again; what waits is carried within half a minute");
	}
	limiter_close(limiter);
	free(path);
	return status;
}
