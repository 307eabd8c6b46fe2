/*
 * The health report: one answer to "does a person have to act?", for load balancers and watchdogs.
 *
 * It commits to the ledger before it says anything, because a service that cannot record must not
 * be sent payments.  amoCRM is not asked: its failure delays payments but loses none, so it only
 * degrades.
 */
#include "monitor/health.h"
#include "base/clock.h"
#include "monitor/overview.h"

static json_t *
counts(const struct ledger_stats *stats)
{
	json_t *all = json_object();
	int status;

	for (status = 0; status < PAYMENT_STATUSES; status++)
		json_object_set_new(
		    all, payment_status_name(status), json_integer(stats->payments[status]));
	return all;
}

static json_t *
breaker(const struct limiter_state *crm)
{
	char since[CLOCK_TEXT];

	if (!crm->open)
		return json_pack("{s:s}", "state", "closed");
	return json_pack("{s:s, s:i, s:s, s:s}", "state", "open", "status", crm->status, "cause",
	    limiter_cause(crm->status), "since", clock_utc(since, crm->since_ms / 1000));
}

static json_t *
time_or_null(int64_t ms)
{
	char text[CLOCK_TEXT];

	return ms == 0 ? json_null() : json_string(clock_utc(text, ms / 1000));
}

static json_t *
unhealthy(const struct fault *why)
{
	return json_pack("{s:s, s:s, s:b, s:s}", "status", "unhealthy", "detail", why->text,
	    "ledger_writable", 0, "version", VERSION);
}

static enum outcome
look(const struct service *service, int64_t now_ms, struct overview *seen, struct fault *why)
{
	const struct overview_sources from = { .settings = service->settings,
		.ledger = service->ledger,
		.limiter = service->limiter,
		.metrics = service->metrics };

	return overview_take(&from, now_ms, seen, why);
}

json_t *
health_report(const struct service *service, const struct fault *opening)
{
	struct overview seen;
	struct fault why;
	int64_t now_ms = clock_wall_ms(), waiting_s = 0;
	const char *status = "healthy", *detail = "all is well";

	if (service == NULL)
		return unhealthy(opening);
	if (ledger_touch(service->ledger, now_ms, &why) != DONE ||
	    look(service, now_ms, &seen, &why) != DONE)
		return unhealthy(&why);
	if (seen.stats.oldest_unfinished_ms != 0)
		waiting_s = clock_age_ms(now_ms, seen.stats.oldest_unfinished_ms) / 1000;
	if (seen.crm.open) {
		status = "degraded";
		detail = limiter_is_address(seen.crm.status)
		    ? LIMITER_NO_ACCOUNT "; payments are recorded and wait"
		    : "amoCRM refuses everybody; payments are recorded and wait";
	} else if (waiting_s > HEALTH_BACKLOG_S) {
		status = "degraded";
		detail = "payments have been waiting for too long";
	}
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:I, s:o, s:o, s:o, s:s}", "status", status,
	    "detail", detail, "ledger_writable", 1, "payments", counts(&seen.stats),
	    "oldest_undelivered", time_or_null(seen.stats.oldest_unfinished_ms),
	    "oldest_undelivered_seconds", (json_int_t)waiting_s, "last_success",
	    time_or_null(seen.stats.last_success_ms), "crm_breaker", breaker(&seen.crm), "alarms",
	    overview_alarms(&seen), "version", VERSION);
}
