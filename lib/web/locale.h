#ifndef WEB_LOCALE_H
#define WEB_LOCALE_H

#include <stdint.h>

#include "ledger/ledger.h"
#include "monitor/alarm.h"

/*
 * The status page's words in each language it speaks, and how that language writes amounts, times and counts.  In a text
 * "{}" stands for what html_fill() puts there, once:
 *
 *	updated, crm_since      a moment (locale_time)
 *	chart_about             an amount, without the sign of its currency (locale_amount)
 *	oldest, token_left      a span (locale_span)
 *	crm_open                an HTTP status
 *	limiter                 "5/7": used, of how many
 *	failures_shown          how many there are in all
 *	retry_of                a payment_id
 *	unreadable              a reason
 *	alarms                  by enum alarm_kind: a span, a share in per cent, a span, a span, a count
 */
struct locale {
	const char *code; /* Of the language: "ru" */
	const char *title, *updated;
	const char *all_well, *look, *sick;
	const char *periods[3]; /* Today, 7 days, 30 days. */
	const char *payments[3];
	const char *status[PAYMENT_STATUSES];   /* Of one payment. */
	const char *carried, *waiting, *failed; /* Of several: the same states in the plural. */
	const char *chart, *chart_about, *chart_empty, *table_by_day;
	const char *day, *count, *amount, *time, *payment, *lead, *state, *reason, *action;
	const char *now, *backlog, *oldest, *nothing_waits, *crm;
	const char *crm_refuses[4]; /* By 401, 402, 403 and anything else. */
	const char *crm_until, *crm_open, *crm_since, *crm_well, *limiter;
	const char *token, *token_left, *unknown, *last_payment, *last_success, *never;
	const char *failures, *no_failures, *failures_shown, *retry, *retry_of;
	const char *conflicts, *conflicts_about;
	const char *newest, *no_payments, *unreadable;
	const char *alarms[ALARM_KINDS];
	const char *token_expired;
	const char *instant, *hour, *minute, *days; /* Of spans. */
	const char *months[12];
	const char *thousands, *point; /* Of numbers. */
	int (*plural)(int64_t count);  /* Which of three forms the word takes behind a number. */
};

/* The language that an Accept-Language header (NULL: none) prefers; English unless it is Russian.  Lives for ever. */
const struct locale *locale_choose(const char *accept_language);

#define LOCALE_TEXT 64

/* All return text. */
const char *locale_count(
    const struct locale *locale, char text[static LOCALE_TEXT], int64_t count); /* 12 345 */
const char *locale_amount(
    const struct locale *locale, char text[static LOCALE_TEXT], int64_t kopecks); /* 12 345,50 */
const char *locale_roubles(const struct locale *locale, char text[static LOCALE_TEXT],
    int64_t kopecks); /* 12 345,50 ₽ */
const char *locale_span(
    const struct locale *locale, char text[static LOCALE_TEXT], int64_t seconds); /* 3 h 20 min */

/* A day as clock_day() counts them, since 1970 in the payments' zone: "23 Nov". */
const char *locale_day(const struct locale *locale, char text[static LOCALE_TEXT], int64_t day);

/* A moment as seen at another: "14:05" on the same day, else "22 Nov, 14:05"; "never" for 0. */
const char *locale_time(const struct locale *locale, char text[static LOCALE_TEXT], int64_t at,
    int64_t now); /* Unix seconds. */

#endif
