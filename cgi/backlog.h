#ifndef CGI_BACKLOG_H
#define CGI_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
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
 * How long a batch of so many payments may take at most: even on amoCRM's slowest day, when each
 * answer takes AMO_TIMEOUT_MS, it gets some calls further.  What a killed service had in hand waits
 * for so long too.
 */
int64_t backlog_batch_ms(const struct settings *settings, size_t count);

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
