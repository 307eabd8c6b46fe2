/*
 * What is told apart in the counts.  The names are labels that graphs and alarms outside rely on,
 * so a new kind is added and none is renamed.
 */
#include <string.h>

#include "host/metrics_kinds.h"

const char *const metrics_answers[METRICS_ANSWERS] = { "success", "skipped", "queued", "invalid",
	"unauthorized", "contact_not_found", "lead_not_found", "error", "duplicate", "conflict",
	"failed", "unavailable", "other" };
const char *const metrics_deliveries[METRICS_DELIVERIES] = { "carried", "postponed", "failed",
	"broken" };
const int64_t metrics_bounds_ms[METRICS_BOUNDS] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
	10000, 30000 };

enum reply_class {
	REPLY_2XX,
	REPLY_3XX,
	REPLY_401,
	REPLY_402,
	REPLY_403,
	REPLY_429,
	REPLY_4XX,
	REPLY_5XX,
	REPLY_NONE
};
const char *const metrics_replies[METRICS_REPLIES] = { "2xx", "3xx", "401", "402", "403", "429",
	"4xx", "5xx", "none" };

const char *const metrics_calls[METRICS_CALLS] = { "contact_read", "contact_create",
	"contact_update", "lead_read", "lead_create", "lead_update", "note_read", "note_create",
	"other" };

int
metrics_reply(int status)
{
	switch (status) {
	case 401:
		return REPLY_401;
	case 402:
		return REPLY_402;
	case 403:
		return REPLY_403;
	case 429:
		return REPLY_429;
	default:
		break;
	}
	if (status <= 0)
		return REPLY_NONE;
	return status < 300 ? REPLY_2XX
	    : status < 400  ? REPLY_3XX
	    : status < 500  ? REPLY_4XX
			    : REPLY_5XX;
}

int
metrics_answer(const char *word)
{
	int i;

	for (i = 0; i < METRICS_ANSWERS - 1; i++)
		if (word != NULL && strcmp(word, metrics_answers[i]) == 0)
			break;
	return i;
}

int
metrics_delivery_end(enum outcome out)
{
	return out == DONE ? 0 : out == LATER ? 1 : out == NEVER ? 2 : 3;
}

int
metrics_bound(int64_t took_ms)
{
	int i;

	for (i = 0; i < METRICS_BOUNDS && took_ms > metrics_bounds_ms[i]; i++)
		continue;
	return i;
}
