#ifndef MONITOR_OVERVIEW_H
#define MONITOR_OVERVIEW_H

#include "base/fault.h"
#include "config/settings.h"
#include "host/limiter.h"
#include "host/metrics.h"
#include "ledger/history.h"
#include "ledger/report.h"
#include "monitor/alarm.h"

/*
 * How the service does, gathered for all that show it: the status page, the metrics, health,
 * paymentctl, the alarm leader.
 */
struct overview_sources {
	/* Its token may be NULL: then the metrics may know when it expires. */
	const struct settings *settings;
	struct ledger *ledger;
	struct limiter *limiter;       /* NULL: nothing is said of amoCRM. */
	const struct metrics *metrics; /* NULL: nothing is known of the last hour. */
};

struct overview {
	int64_t now_ms;
	struct ledger_stats stats;
	int64_t backlog; /* Payments that wait. */
	int64_t last_arrival_ms;
	int64_t log_bytes;     /* Of the ledger's log; 0 = unknown. */
	int64_t token_expires; /* Unix seconds; 0 = unknown. */
	struct limiter_state crm;
	struct alarm alarms[ALARM_KINDS];
};

/* It costs some milliseconds, however large the ledger.  BROKEN: the ledger cannot be read. */
enum outcome overview_take(const struct overview_sources *from, int64_t now_ms,
    struct overview *overview, struct fault *why) MUST_USE;

/* The alarms that are on: a new JSON array of {"name", "text"}. */
json_t *overview_alarms(const struct overview *overview);

#endif
