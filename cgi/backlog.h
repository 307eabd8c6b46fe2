#ifndef CGI_BACKLOG_H
#define CGI_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "deliver/batch.h"
#include "deliver/service.h"

/*
 * The backlog: payments that no worker could deliver, in order of arrival, as many together as
 * amoCRM takes in one request.  Several processes may work on it at once: a payer whom one has in
 * hand is passed over by the others.
 */

/*
 * How long a batch may take at most; amoCRM's slowest day is bounded by AMO_TIMEOUT_MS for each
 * call.  What a killed service had in hand waits for so long too.
 */
#define BACKLOG_BATCH_MS(count) (30000 + (int64_t)(count) * 1000)

/*
 * Make an attempt at everything that is due, and log how each ended.  go_on(cookie) is asked
 * often; when it returns false, what has begun is finished, nothing else is begun, and the rest
 * stays due.
 *
 * DONE: nothing more can be done now.  BROKEN: the ledger failed; what was in hand falls due again.
 */
enum outcome backlog_carry(const struct service *service, bool (*go_on)(void *cookie), void *cookie,
    struct fault *why) MUST_USE;

#endif
