#ifndef MONITOR_METRICS_TEXT_H
#define MONITOR_METRICS_TEXT_H

#include "host/metrics.h"
#include "monitor/overview.h"

/*
 * The metrics, as a new text (the caller frees it) in the format Prometheus reads (version 0.0.4).
 * Of `values` and `overview` either may be NULL: its metrics are left out, and without an overview
 * payment_sync_ledger_up is 0.  rate is AMO_RATE_LIMIT.
 */
#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
char *metrics_text(
    const struct metrics_values *values, const struct overview *overview, int64_t rate);

#endif
