#ifndef MONITOR_ALARM_WATCH_H
#define MONITOR_ALARM_WATCH_H

#include "deliver/service.h"
#include "monitor/alarm.h"

/*
 * What the alarm leader remembers, so that each alarm is reported once when it begins and once when
 * it has been over for ALARM_OVER_MS: one that comes and goes is one alarm.  Only one process of a
 * host is the leader (payment-syncd's, by the lock LOCK_ALARM_LEADER).  Zeroed to begin with.
 */
#define ALARM_OVER_MS (10 * 60 * 1000)

struct alarm_watch {
	bool on[ALARM_KINDS];         /* Reported, and not over. */
	int64_t last_ms[ALARM_KINDS]; /* When it was last on. */
};

/*
 * Look, and report what has begun or is over; to be called once a minute.  It also keeps in the
 * metrics what alarms need: how many payments wait, and when the token expires.  BROKEN: the ledger
 * cannot be read.
 */
enum outcome alarm_watch(struct alarm_watch *watch, const struct service *service, int64_t now_ms,
    void (*report)(const char *name, bool begins, const char *text), struct fault *why) MUST_USE;

#endif
