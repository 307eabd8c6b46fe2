#ifndef WEBHOOK_H
#define WEBHOOK_H

#include "answer.h"
#include "fault.h"
#include "settings.h"

/*
 * One HTTP request in, one answer out: which address is asked, and who answers for it.
 */
struct webhook;

/*
 * The state one worker needs.  Opened after fork(2).  Files that cannot be opened now (ledger, run directory) are tried
 * again at each request, which is answered 503 meanwhile; NEVER is returned only for what no waiting cures.
 * `workers` is the size of the pool: at most workers - 1 of them (but at least one) carry a payment at the same time.
 * settings is borrowed.
 */
enum outcome webhook_open(
    const struct settings *settings, int workers, struct webhook **webhook, struct fault *why) MUST_USE;
void webhook_close(struct webhook *webhook);

/* Answer one request.  Always fills the answer. */
void webhook_handle(
    struct webhook *webhook, const struct webhook_request *request, struct webhook_answer *answer);

#endif
