#ifndef MONITOR_HEALTH_H
#define MONITOR_HEALTH_H

#include <jansson.h>

#include "deliver/service.h"

/*
 * How this host is, from what it knows without asking amoCRM.  A new JSON object with "status" and
 * the facts behind it: unhealthy (the ledger cannot commit), degraded (the breaker is open, or
 * something waits for longer than HEALTH_BACKLOG_S), else healthy.  service is NULL, with `why` as
 * the reason, when it could not be opened.
 */
#define HEALTH_BACKLOG_S (15 * 60)
json_t *health_report(const struct service *service, const struct fault *why);

#endif
