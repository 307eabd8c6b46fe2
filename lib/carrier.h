#ifndef CARRIER_H
#define CARRIER_H

#include "amocrm.h"
#include "fault.h"
#include "ledger.h"
#include "limiter.h"
#include "lock.h"
#include "mapping.h"
#include "metrics.h"
#include "settings.h"

/*
 * All that a process needs to carry payments: opened together, after fork(2), by each worker, payment-syncd and
 * paymentctl for itself.
 */
struct carrier {
	const struct settings *settings; /* Borrowed. */
	struct mapping *mapping;
	struct limiter *limiter;
	struct locks *locks;
	struct metrics *
	    metrics; /* NULL when the file cannot be opened: then nothing is counted, and all else goes on. */
	struct ledger *ledger;
	struct amocrm *crm;
};

/* NEVER: the mapping is wrong, or the ledger is another program's.  BROKEN: try again when the host is well. */
enum outcome carrier_open(
    const struct settings *settings, struct carrier **carrier, struct fault *why) MUST_USE;
void carrier_close(struct carrier *carrier); /* NULL is allowed. */

#endif
