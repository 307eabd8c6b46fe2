#ifndef WEB_LOCALE_H
#define WEB_LOCALE_H

#include <jansson.h>
#include <stdint.h>

/*
 * The status page's languages: their texts (lib/web/locale.json), and how each writes amounts,
 * times and counts.
 *
 * In a text "{}" stands, once, for what locale_fill() puts there:
 *
 *	updated, crm_since      a moment (locale_time)
 *	chart_about             an amount, without the sign of its currency (locale_amount)
 *	oldest, token_left      a span (locale_span)
 *	crm_open                an HTTP status
 *	limiter                 "5/7": used, of how many
 *	failures_shown          how many there are in all
 *	conflicts_about         how many there are
 *	retry_of                a payment_id
 *	unreadable              a reason
 *	alarms                  by alarm_name(): a span, a share in per cent, a span, a span,
 *	                        a count
 *
 * "payments" holds the forms that plural() chooses from, "status" is keyed by
 * payment_status_name().
 */
struct locale {
	const char *code;             /* Of the language: "ru" */
	json_t *texts;                /* Read by locale_choose(). */
	int (*plural)(int64_t count); /* Which of three forms a noun takes behind a number. */
};

/*
 * The language that an Accept-Language header (NULL: none) prefers; English unless it is Russian.
 * Lives for ever.
 */
const struct locale *locale_choose(const char *accept_language);

/* A text by its name, and one of a group of texts.  One that is missing shows as its own name. */
const char *locale_text(const struct locale *locale, const char *name);
const char *locale_part(const struct locale *locale, const char *name, const char *part);

/* A text with the value in the place of its "{}", as a new JSON string. */
json_t *locale_fill(const char *text, const char *value);

#define LOCALE_TEXT 64

/* All return text.  Amounts are in kopecks. */
const char *locale_count(
    const struct locale *locale, char text[static LOCALE_TEXT], int64_t count); /* 12 345 */
const char *locale_payments(
    const struct locale *locale, char text[static LOCALE_TEXT], int64_t count); /* 12 payments */
const char *locale_amount(
    const struct locale *locale, char text[static LOCALE_TEXT], int64_t kopecks); /* 12 345,50 */
const char *locale_roubles(
    const struct locale *locale, char text[static LOCALE_TEXT], int64_t kopecks); /* 12 345 ₽ */
const char *locale_span(
    const struct locale *locale, char text[static LOCALE_TEXT], int64_t seconds); /* 3 h 20 min */

/* A day as clock_day() counts them, since 1970 in the payments' zone: "23 Nov". */
const char *locale_day(const struct locale *locale, char text[static LOCALE_TEXT], int64_t day);

/*
 * A moment as seen at another, both Unix seconds: "14:05" on the same day, else "22 Nov, 14:05";
 * "never" for 0.
 */
const char *locale_time(
    const struct locale *locale, char text[static LOCALE_TEXT], int64_t at, int64_t now);

#endif
