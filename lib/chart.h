#ifndef CHART_H
#define CHART_H

#include <stdbool.h>

#include "html.h"
#include "words.h"

/*
 * Payments by day, as bars of what was carried, what waits and what failed.  The bars are an SVG that stretches to any
 * width; what is to be read stands around it as text that does not.
 */
struct chart_day {
	int64_t payments;
	int64_t carried, waiting, failed; /* Kopecks. */
};

/* False when there is nothing to draw, which it says in words. */
bool chart_write(
    struct html *page, const struct words *words, int64_t first_day, const struct chart_day *days, int count);

#endif
