#include "monitor/alarm_watch.h"
#include "monitor/overview.h"

static void
follow(struct alarm_watch *watch, enum alarm_kind kind, const struct alarm *alarm, int64_t now_ms,
    void (*tell)(const char *, bool, const char *))
{
	if (alarm->on) {
		watch->last_ms[kind] = now_ms;
		if (!watch->on[kind])
			tell(alarm_name(kind), true, alarm->text);
		watch->on[kind] = true;
	} else if (watch->on[kind] && now_ms - watch->last_ms[kind] >= ALARM_OVER_MS) {
		watch->on[kind] = false;
		tell(alarm_name(kind), false, "it is over");
	}
}

enum outcome
alarm_watch(struct alarm_watch *watch, const struct service *service, int64_t now_ms,
    void (*tell)(const char *name, bool begins, const char *text), struct fault *why)
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
		follow(watch, (enum alarm_kind)kind, &overview.alarms[kind], now_ms, tell);
	return DONE;
}
