#ifndef DELIVER_SERVICE_H
#define DELIVER_SERVICE_H

#include "amocrm/amocrm.h"
#include "base/fault.h"
#include "config/settings.h"
#include "host/limiter.h"
#include "host/lock.h"
#include "host/metrics.h"
#include "rules/rules.h"

struct ledger;

/*
 * All that a process needs to carry payments: opened together, after fork(2), by each worker,
 * payment-syncd and paymentctl for itself.
 */
struct service {
	const struct settings *settings; /* Borrowed. */
	struct rules *rules;
	struct limiter *limiter;
	struct locks *locks;
	/* NULL when the file cannot be opened: then nothing is counted, and all else goes on. */
	struct metrics *metrics;
	struct ledger *ledger;
	struct amocrm *crm;
};

/* NEVER: the rules are wrong, or the ledger is another program's.  BROKEN: try again when the host
 * is well.  A ledger is made when neither it nor the run directory knows of one before. */
enum outcome service_open(
    const struct settings *settings, struct service **service, struct fault *why) MUST_USE;
void service_close(struct service *service); /* NULL is allowed. */

#endif
