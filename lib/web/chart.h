#ifndef WEB_CHART_H
#define WEB_CHART_H

#include "web/locale.h"

/*
 * Payments by day, as bars of what was delivered, what waits and what failed.  lib/web/status.html
 * draws them as an SVG that stretches to any width; what is to be read stands around it as text
 * that does not.
 */
struct chart_day {
	int64_t payments;
	int64_t carried, waiting, failed; /* Kopecks. */
};
int64_t chart_sum(const struct chart_day *day);

/*
 * The template's values for `count` days, of which the first is `first_day` (clock_day(): days
 * since 1970 in the payments' zone), oldest first, as a new JSON object; NULL when there is nothing
 * to draw, as no day has an amount.
 */
json_t *chart_view(
    const struct locale *locale, int64_t first_day, const struct chart_day *days, int count);

#endif
