/*
 * Judging the alarms: a function of facts alone, so that each limit can be tested without a clock,
 * a ledger or a process.
 *
 * An unknown fact raises nothing: a false alarm at night costs more trust than one that comes when
 * the fact is known.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "monitor/alarm.h"

static const char *const names[ALARM_KINDS] = { "silence", "unauthorized", "token", "backlog_age",
	"backlog_growth", "log_size", "rejected" };

const char *
alarm_name(enum alarm_kind kind)
{
	return names[kind];
}

static void raise_alarm(struct alarm *alarm, int64_t value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void
raise_alarm(struct alarm *alarm, int64_t value, const char *format, ...)
{
	va_list args;

	alarm->on = true;
	alarm->value = value;
	va_start(args, format);
	vsnprintf(alarm->text, sizeof(alarm->text), format, args);
	va_end(args);
}

#define SPAN_TEXT 48

/* "3 h 20 min" */
static const char *
span(char text[static SPAN_TEXT], int64_t seconds)
{
	int64_t minutes = seconds / 60;

	if (minutes >= 48 * 60)
		snprintf(text, SPAN_TEXT, "%" PRId64 " days", minutes / (24 * 60));
	else if (minutes >= 60)
		snprintf(
		    text, SPAN_TEXT, "%" PRId64 " h %" PRId64 " min", minutes / 60, minutes % 60);
	else
		snprintf(text, SPAN_TEXT, "%" PRId64 " min", minutes);
	return text;
}

static void
judge_silence(const struct alarm_facts *facts, struct alarm *alarm)
{
	int64_t silent_ms = facts->now_ms - facts->last_arrival_ms;
	int days = 0, i;
	char text[SPAN_TEXT];

	for (i = 0; i < ALARM_DAYS; i++)
		days += facts->usual[i] >= ALARM_USUAL_LEAST;
	if (facts->last_arrival_ms != 0 && silent_ms >= ALARM_SILENCE_MS && days >= ALARM_DAYS - 1)
		raise_alarm(alarm, silent_ms / 1000,
		    "no payment for %s; at these hours on %d of the last %d days there were at "
		    "least %d",
		    span(text, silent_ms / 1000), days, ALARM_DAYS, ALARM_USUAL_LEAST);
}

static void
judge_unauthorized(const struct alarm_facts *facts, struct alarm *alarm)
{
	if (facts->unauthorized >= ALARM_UNAUTHORIZED_LEAST &&
	    facts->unauthorized * 2 > facts->requests)
		raise_alarm(alarm, facts->unauthorized * 100 / facts->requests,
		    "%" PRId64 " of %" PRId64
		    " webhooks of the last %d minutes had no valid signature",
		    facts->unauthorized, facts->requests, ALARM_RATE_MINUTES);
}

static void
judge_token(const struct alarm_facts *facts, struct alarm *alarm)
{
	int64_t left = facts->token_expires - facts->now_ms / 1000;
	char text[SPAN_TEXT];

	if (facts->token_expires == 0 || left >= ALARM_TOKEN_S)
		return;
	if (left > 0)
		raise_alarm(alarm, left, "the token of amoCRM expires in %s", span(text, left));
	else
		raise_alarm(alarm, left, "the token of amoCRM expired %s ago", span(text, -left));
}

static void
judge_backlog(const struct alarm_facts *facts, struct alarm *age, struct alarm *growth)
{
	const int64_t *backlog = facts->backlog;
	int64_t waited_ms = facts->now_ms - facts->oldest_ms;
	char text[SPAN_TEXT];

	if (facts->oldest_ms != 0 && waited_ms > ALARM_BACKLOG_MS)
		raise_alarm(age, waited_ms / 1000, "the oldest payment has been waiting for %s",
		    span(text, waited_ms / 1000));
	if (backlog[2] >= 0 && backlog[1] > backlog[2] && backlog[0] > backlog[1] &&
	    backlog[0] >= ALARM_GROWTH_LEAST)
		raise_alarm(growth, backlog[0],
		    "%" PRId64 " payments wait; %d minutes ago %" PRId64
		    " did, before that %" PRId64,
		    backlog[0], ALARM_GROWTH_MINUTES, backlog[1], backlog[2]);
}

static void
judge_log_size(const struct alarm_facts *facts, struct alarm *alarm)
{
	int64_t mebibytes = facts->log_bytes >> 20;

	if (facts->log_bytes >= ALARM_LOG_BYTES)
		raise_alarm(alarm, mebibytes,
		    "the ledger's log has grown to %" PRId64
		    " MiB; some program has been reading the ledger all the time",
		    mebibytes);
}

static void
judge_rejected(const struct alarm_facts *facts, struct alarm *alarm)
{
	if (facts->rejected > 0)
		raise_alarm(alarm, facts->rejected,
		    "webhooks of the platform that are no payments wait for a person: %" PRId64,
		    facts->rejected);
}

void
alarm_judge(const struct alarm_facts *facts, struct alarm alarms[static ALARM_KINDS])
{
	int kind;

	for (kind = 0; kind < ALARM_KINDS; kind++)
		alarms[kind] = (struct alarm){ 0 };
	judge_silence(facts, &alarms[ALARM_SILENCE]);
	judge_unauthorized(facts, &alarms[ALARM_UNAUTHORIZED]);
	judge_token(facts, &alarms[ALARM_TOKEN]);
	judge_backlog(facts, &alarms[ALARM_BACKLOG_AGE], &alarms[ALARM_BACKLOG_GROWTH]);
	judge_log_size(facts, &alarms[ALARM_LOG_SIZE]);
	judge_rejected(facts, &alarms[ALARM_REJECTED]);
}
