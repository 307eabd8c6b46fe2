#ifndef WEB_WEBHOOK_H
#define WEB_WEBHOOK_H

#include "base/fault.h"
#include "config/settings.h"
#include "web/response.h"

/*
 * One HTTP request in, one answer out: which address is asked, and which file answers for it.
 */
struct webhook;

/*
 * The state one worker needs.  Opened after fork(2).  Files that cannot be opened now (ledger, run directory) are tried
 * again at each request, which is answered 503 meanwhile; NEVER is returned only for what no waiting cures.
 * `workers` is the size of the pool: at most workers - 1 of them (but at least one) carry a payment at the same time.
 * settings is borrowed.
 */
enum outcome webhook_open(const struct settings *settings, int workers, struct webhook **webhook,
    struct fault *why) MUST_USE;
void webhook_close(struct webhook *webhook);

/*
 * How many requests may be answered together, up to WEBHOOK_TOGETHER_MAX.  Only one where carrying is part of the answer
 * (DELIVERY=inline): the others would wait for amoCRM with it.
 */
size_t webhook_together(const struct webhook *webhook);

/*
 * Answer requests that came at the same time, up to webhook_together() of them; every answer is filled.  The payments among
 * them are recorded in one transaction and by one sync of the disk, which is most of what a payment costs.
 */
void webhook_handle(struct webhook *webhook, const struct http_request *requests,
    struct http_response *responses, size_t count);

/* Do what was put off while somebody waited for an answer.  To be called whenever nobody does. */
void webhook_idle(struct webhook *webhook);

#endif
