/*
 * Reporting alarms as events: the pages show which alarms are on now, and the log says when each
 * began and when it was over.
 *
 * An alarm that flickers at its limit is one alarm: it is over only after it has been off for
 * ALARM_OVER_MS.  The alarm leader also keeps in the shared metrics what others cannot know: the
 * backlog of each minute, and when the token expires.
 */
#include "monitor/alarm_watch.h"
#include "monitor/overview.h"

static void
follow(struct alarm_watch *watch, enum alarm_kind kind, const struct alarm *alarm, int64_t now_ms,
    void (*report)(const char *, bool, const char *))
{
	if (alarm->on) {
		watch->last_ms[kind] = now_ms;
		if (!watch->on[kind])
			report(alarm_name(kind), true, alarm->text);
		watch->on[kind] = true;
	} else if (watch->on[kind] && watch->last_ms[kind] > now_ms) {
		/* The clock was set back: the time is counted from here. */
		watch->last_ms[kind] = now_ms;
	} else if (watch->on[kind] && now_ms - watch->last_ms[kind] >= ALARM_OVER_MS) {
		watch->on[kind] = false;
		report(alarm_name(kind), false, "it is over");
	}
}

enum outcome
alarm_watch(struct alarm_watch *watch, const struct service *service, int64_t now_ms,
    void (*report)(const char *name, bool begins, const char *text), struct fault *why)
{
	const struct overview_sources from = { .settings = service->settings,
		.ledger = service->ledger,
		.metrics = service->metrics };
	struct overview overview;
	enum outcome out;
	int kind;

	if ((out = overview_take(&from, now_ms, &overview, why)) != DONE)
		return out;
	metrics_backlog(service->metrics, now_ms, overview.backlog);
	metrics_tell_expiry(service->metrics, overview.token_expires);
	for (kind = 0; kind < ALARM_KINDS; kind++)
		follow(watch, (enum alarm_kind)kind, &overview.alarms[kind], now_ms, report);
	return DONE;
}
