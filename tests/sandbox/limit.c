#include <stdlib.h>

#include "limit.h"
#include "text.h"

static const int64_t second_ns = 1000000000;

/* Arrival times in ascending order, all of them: eight bytes a request is a price a test tool can pay. */
struct limit {
	int64_t *arrivals;
	size_t count;
	size_t room;
};

struct limit *
limit_new(void)
{
	return must(calloc(1, sizeof(struct limit)));
}

void
limit_free(struct limit *limit)
{
	if (limit == NULL)
		return;
	free(limit->arrivals);
	free(limit);
}

void
limit_clear(struct limit *limit)
{
	limit->count = 0;
}

size_t
limit_note(struct limit *limit, int64_t arrived_ns)
{
	size_t at, first;

	if (limit->count == limit->room) {
		limit->room = limit->room * 2 + 1024;
		limit->arrivals =
		    must(realloc(limit->arrivals, limit->room * sizeof(*limit->arrivals)));
	}

	/* Threads may report out of turn by a little. */
	for (at = limit->count; at > 0 && limit->arrivals[at - 1] > arrived_ns; at--)
		limit->arrivals[at] = limit->arrivals[at - 1];
	limit->arrivals[at] = arrived_ns;
	limit->count++;

	for (first = at; first > 0 && limit->arrivals[first - 1] > arrived_ns - second_ns; first--)
		continue;

	return at - first + 1;
}

struct limit_audit
limit_audit(const struct limit *limit, int64_t window_ns, size_t allowed)
{
	struct limit_audit audit = { .total = limit->count };

	for (size_t first = 0, last = 0; last < limit->count; last++) {
		while (limit->arrivals[first] <= limit->arrivals[last] - window_ns)
			first++;
		if (last - first + 1 > audit.most)
			audit.most = last - first + 1;
		audit.over += last - first + 1 > allowed;
	}
	return audit;
}
