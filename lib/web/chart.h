#ifndef WEB_CHART_H
#define WEB_CHART_H

#include <stdbool.h>

#include "web/html.h"
#include "web/locale.h"

/*
 * Payments by day, as bars of what was carried, what waits and what failed.  The bars are an SVG that stretches to any
 * width; what is to be read stands around it as text that does not.
 */
struct chart_day {
	int64_t payments;
	int64_t carried, waiting, failed; /* Kopecks. */
};

/*
 * Write `count` days, of which the first is `first_day` (clock_day(): days since 1970 in the payments' zone), oldest first.
 * False when there is nothing to draw, as no day has an amount; that is then said in words.  It writes a heading and what
 * belongs to it, for the caller to put into an element of its own.
 */
bool chart_write(struct html *page, const struct locale *locale, int64_t first_day,
    const struct chart_day *days, int count);

#endif
