#ifndef MONITOR_ALARM_H
#define MONITOR_ALARM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a person should know although nothing has failed yet.  Pure: facts in, alarms out.
 *
 * silence         No payment for so long that it is unusual.  The usual is looked up in the same
 *                 stretch of the day, from the last payment until now, on each of the last
 *                 ALARM_DAYS days: it is unusual when on all of them but one (another outage)
 *                 there were at least ALARM_USUAL_LEAST payments.  So a shop that sleeps at night
 *                 or at the weekend raises no alarm then, a small shop raises it later than a busy
 *                 one, and one without two weeks of history not at all.
 * unauthorized    Most webhooks of late had no valid signature: the key may have been changed on
 *                 one side only.
 * token           amoCRM's token expires soon, or has expired.
 * backlog_age     Some payment has been waiting for long.
 * backlog_growth  More and more payments wait.
 * log_size        The ledger's log is large: a reader that was forgotten keeps it from shrinking.
 * rejected        Webhooks that were no payments are kept, and no person has looked at them.
 */
enum alarm_kind {
	ALARM_SILENCE,
	ALARM_UNAUTHORIZED,
	ALARM_TOKEN,
	ALARM_BACKLOG_AGE,
	ALARM_BACKLOG_GROWTH,
	ALARM_LOG_SIZE,
	ALARM_REJECTED,
	ALARM_KINDS
};
const char *alarm_name(enum alarm_kind kind);

#define ALARM_DAYS 14

/*
 * So many payments in the quietest of these stretches mean some 17 in the usual one, and that none
 * comes by chance happens once in ten million times.  With 8, made-up shops of 12 to 150 payments a
 * day raised a false alarm every half a year.
 */
#define ALARM_USUAL_LEAST 12

#define ALARM_SILENCE_MS         (15 * 60 * 1000) /* However busy it is. */
#define ALARM_RATE_MINUTES       10
#define ALARM_UNAUTHORIZED_LEAST 10
#define ALARM_TOKEN_S            (14 * 86400)
#define ALARM_BACKLOG_MS         (15 * 60 * 1000)
#define ALARM_GROWTH_MINUTES     15 /* Twice in a row. */
#define ALARM_GROWTH_LEAST       20
#define ALARM_LOG_BYTES          (INT64_C(256) << 20) /* A copy of a large ledger stays below it. */

struct alarm_facts {
	int64_t now_ms;
	int64_t last_arrival_ms; /* 0 = never. */
	/* Payments of that stretch, 1, 2 .. days earlier; counted up to ALARM_USUAL_LEAST. */
	int64_t usual[ALARM_DAYS];
	int64_t requests, unauthorized; /* Of the last ALARM_RATE_MINUTES. */
	int64_t token_expires;          /* Unix seconds; 0 = unknown. */
	int64_t oldest_ms;  /* When the oldest of those that wait came; 0 = none waits. */
	int64_t log_bytes;  /* The size of the ledger's log; 0 = unknown. */
	int64_t rejected;   /* Bodies kept and not settled. */
	int64_t backlog[3]; /* Now, ALARM_GROWTH_MINUTES ago, and twice that; -1 = unknown. */
};

struct alarm {
	bool on;
	/* Seconds of silence, left or waited, per cent of requests, payments that wait, or MiB. */
	/* Seconds of silence, left or waited, per cent of requests, or payments that wait or were rejected. */
	int64_t value;
	char text[160]; /* English; "" while it is not on. */
};

void alarm_judge(const struct alarm_facts *facts, struct alarm alarms[static ALARM_KINDS]);

#endif
