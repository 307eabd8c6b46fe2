/*
 * Gathering what is known of the service, once, so that every page and command shows the same
 * numbers and alarms.
 *
 * The ledger is asked for sums it keeps and for bounded counts, never for all its rows: a page must
 * not slow down recording.
 */
#include "monitor/overview.h"
#include "ledger/ledger.h"
#include "monitor/token.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

/* How many payments came in the same stretch of the day on each of the last days. */
static enum outcome
look_back(struct ledger *ledger, struct alarm_facts *facts, struct fault *why)
{
	enum outcome out = DONE;
	int i;

	/* A pause as short as this is judged without knowing what is usual. */
	if (facts->last_arrival_ms == 0 ||
	    facts->now_ms - facts->last_arrival_ms < ALARM_SILENCE_MS)
		return DONE;
	for (i = 0; i < ALARM_DAYS && out == DONE; i++)
		out = ledger_arrivals(ledger, facts->last_arrival_ms - (i + 1) * DAY_MS,
		    facts->now_ms - (i + 1) * DAY_MS, ALARM_USUAL_LEAST, &facts->usual[i], why);
	return out;
}

/* What the last hour's minutes say: how many webhooks were unauthorized, and how many waited. */
static void
read_recent(const struct metrics *metrics, struct alarm_facts *facts)
{
	struct metrics_minute sum;
	int i;

	metrics_recent(metrics, facts->now_ms, ALARM_RATE_MINUTES, &sum);
	facts->requests = sum.requests;
	facts->unauthorized = sum.unauthorized;
	for (i = 1; i <= 2; i++) {
		metrics_recent(metrics, facts->now_ms, i * ALARM_GROWTH_MINUTES + 1, &sum);
		facts->backlog[i] = sum.backlog;
	}
}

enum outcome
overview_take(const struct overview_sources *from, int64_t now_ms, struct overview *overview,
    struct fault *why)
{
	struct overview taken = { .now_ms = now_ms };
	struct alarm_facts facts = { .now_ms = now_ms };
	enum outcome out;

	if ((out = ledger_stats(from->ledger, &taken.stats, why)) != DONE ||
	    (out = ledger_last_arrival(from->ledger, &taken.last_arrival_ms, why)) != DONE)
		return out;
	taken.backlog =
	    taken.stats.payments[PAYMENT_PENDING] + taken.stats.payments[PAYMENT_PROCESSING];
	taken.log_bytes = ledger_log_bytes(from->ledger);
	/* A process without the token knows only what one with the token wrote down. */
	taken.token_expires = token_expiry(from->settings->amo_access_token);
	if (taken.token_expires == 0)
		taken.token_expires = metrics_expiry(from->metrics);
	if (from->limiter != NULL)
		limiter_look(from->limiter, &taken.crm);

	/* What the alarms are judged by. */
	facts.last_arrival_ms = taken.last_arrival_ms;
	facts.token_expires = taken.token_expires;
	facts.oldest_ms = taken.stats.oldest_unfinished_ms;
	facts.log_bytes = taken.log_bytes;
	facts.backlog[0] = taken.backlog;
	facts.rejected = taken.stats.rejected;
	read_recent(from->metrics, &facts);
	if ((out = look_back(from->ledger, &facts, why)) != DONE)
		return out;
	alarm_judge(&facts, taken.alarms);
	*overview = taken;
	return DONE;
}

json_t *
overview_alarms(const struct overview *overview)
{
	json_t *all = json_array();
	int kind;

	for (kind = 0; kind < ALARM_KINDS; kind++)
		if (overview->alarms[kind].on)
			json_array_append_new(all,
			    json_pack("{s:s, s:s}", "name", alarm_name((enum alarm_kind)kind),
				"text", overview->alarms[kind].text));
	return all;
}
