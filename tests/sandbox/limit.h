/*
 * How many requests arrived in any second: for turning some away, and for saying afterwards how it was.
 */
#ifndef SANDBOX_LIMIT_H
#define SANDBOX_LIMIT_H

#include <stddef.h>
#include <stdint.h>

struct limit;

struct limit_audit {
	size_t total;
	size_t
	    most; /* in any window; a window is open at its early end: two arrivals exactly its length apart fit in two */
	size_t over; /* arrivals that found the window full already */
};

struct limit *limit_new(void);
void limit_free(struct limit *limit);
void limit_clear(struct limit *limit);

/* A request arrived: how many did in the second that ends with it, itself included? */
size_t limit_note(struct limit *limit, int64_t arrived_ns);

/* Look at all arrivals since the last limit_clear() through a sliding window, with `allowed` of them permitted in it. */
struct limit_audit limit_audit(const struct limit *limit, int64_t window_ns, size_t allowed);

#endif
