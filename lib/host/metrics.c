/*
 * Counting, by all processes together.
 *
 * The file is an array of 64-bit cells, each changed by one atomic addition: no lock is taken, so a
 * process that is killed while it counts leaves nothing locked and nothing half done.  A reader may
 * see one of two related cells before the other; graphs bear it.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "host/metrics.h"
#include "host/shared_file.h"

#define CELLS (sizeof(struct metrics_values) / sizeof(int64_t))

/* One minute of the last hour; its place in the ring is its number modulo RING. */
struct minute {
	_Atomic int64_t number; /* Since 1970. */
	_Atomic int64_t requests;
	_Atomic int64_t unauthorized;
	_Atomic int64_t backlog; /* One more than it was; 0: not known. */
};

/* One more than the hour, so that the oldest asked for is not the one just begun. */
#define RING (METRICS_MINUTES + 1)

struct metrics_content {
	char magic[8];
	int64_t size; /* Of this structure: another layout is most likely of another size. */
	_Atomic int64_t expires;
	struct minute minutes[RING];
	_Atomic int64_t cells[CELLS]; /* A struct metrics_values. */
};

_Static_assert(
    ATOMIC_LLONG_LOCK_FREE == 2, "an atomic that hides a lock in the process would not be shared");
_Static_assert(sizeof(struct metrics_values) % sizeof(int64_t) == 0, "nothing but cells");

static const char magic[8] = "PSmetr1";

struct metrics {
	struct shared_file file;
	struct metrics_content *shared; /* The file's content. */
	bool writes;
};

/*
 * Opening.
 */

static bool
is_ours(const struct metrics_content *shared)
{
	return memcmp(shared->magic, magic, sizeof(magic)) == 0 &&
	    shared->size == (int64_t)sizeof(*shared);
}

/*
 * Begin anew what is not ours.  The magic comes last: who dies before it is seen to have done
 * nothing.
 */
static void
prepare(void *content, bool was_empty)
{
	struct metrics_content *shared = content;

	(void)was_empty; /* Zeros are not ours either. */
	if (is_ours(shared))
		return;
	memset(shared, 0, sizeof(*shared));
	shared->size = sizeof(*shared);
	atomic_thread_fence(memory_order_seq_cst);
	memcpy(shared->magic, magic, sizeof(magic));
}

static enum outcome
open_file(const char *directory, bool writes, struct metrics **metrics, struct fault *why)
{
	struct metrics opened = { .writes = writes };
	char *path = text_format("%s/metrics", directory);
	enum outcome out = writes ? shared_file_open("metrics", path,
					sizeof(struct metrics_content), prepare, &opened.file, why)
				  : shared_file_open_to_read("metrics", path,
					sizeof(struct metrics_content), &opened.file, why);

	if (out == DONE && !is_ours(opened.file.content)) {
		out = fault_set(why, BROKEN, "metrics %s: the file is of another version", path);
		shared_file_close(&opened.file);
	}
	free(path);
	if (out != DONE)
		return out;
	opened.shared = opened.file.content;
	*metrics = memory_allocate(sizeof(**metrics));
	**metrics = opened;
	return DONE;
}

enum outcome
metrics_open(const char *directory, struct metrics **metrics, struct fault *why)
{
	return open_file(directory, true, metrics, why);
}

enum outcome
metrics_open_to_read(const char *directory, struct metrics **metrics, struct fault *why)
{
	return open_file(directory, false, metrics, why);
}

void
metrics_close(struct metrics *metrics)
{
	if (metrics == NULL)
		return;
	shared_file_close(&metrics->file);
	free(metrics);
}

/*
 * Counting.
 */

/*
 * Is anything counted with this handle?  When the run directory was emptied, all begin to count
 * anew in the file that is there then; where none can be made, the old one goes on.
 */
static bool
counts(struct metrics *metrics)
{
	struct shared_file anew;
	struct fault ignored;

	if (metrics == NULL || !metrics->writes)
		return false;
	if (!shared_file_is_current(&metrics->file) &&
	    shared_file_open("metrics", metrics->file.path, metrics->file.size, prepare, &anew,
		&ignored) == DONE) {
		shared_file_close(&metrics->file);
		metrics->file = anew;
		metrics->shared = anew.content;
	}
	return true;
}

static void
add(_Atomic int64_t *cell, int64_t amount)
{
	atomic_fetch_add_explicit(cell, amount, memory_order_relaxed);
}

#define CELL(metrics, member)                                                                      \
	(&(metrics)->shared->cells[offsetof(struct metrics_values, member) / sizeof(int64_t)])

/* Count a duration in a histogram, whose sum stands behind its classes. */
static void
observe(_Atomic int64_t *histogram, int64_t took_ms)
{
	add(&histogram[metrics_bound(took_ms)], 1);
	add(&histogram[METRICS_BOUNDS + 1], took_ms > 0 ? took_ms : 0);
}

/* The cells of this minute, emptied of what they held an hour ago by who comes first. */
static struct minute *
this_minute(struct metrics *metrics, int64_t now_ms)
{
	int64_t number = now_ms / 60000;
	struct minute *minute = &metrics->shared->minutes[number % RING];

	if (atomic_exchange(&minute->number, number) != number) {
		minute->requests = 0;
		minute->unauthorized = 0;
		minute->backlog = 0;
	}
	return minute;
}

void
metrics_request(struct metrics *metrics, const char *word, int64_t took_ms, int64_t now_ms)
{
	struct minute *minute;

	if (!counts(metrics))
		return;
	add(CELL(metrics, requests) + metrics_answer(word), 1);
	observe(CELL(metrics, receive), took_ms);
	minute = this_minute(metrics, now_ms);
	add(&minute->requests, 1);
	add(&minute->unauthorized, word != NULL && strcmp(word, "unauthorized") == 0);
}

void
metrics_delivery(struct metrics *metrics, enum outcome out, int64_t took_ms)
{
	if (!counts(metrics))
		return;
	add(CELL(metrics, deliveries) + metrics_delivery_end(out), 1);
	observe(CELL(metrics, deliver), took_ms);
}

void
metrics_call(struct metrics *metrics, enum metrics_call call, int status, int64_t took_ms)
{
	if (!counts(metrics))
		return;
	add(CELL(metrics, replies) + (int)call * METRICS_REPLIES + metrics_reply(status), 1);
	observe(CELL(metrics, calls) + (int)call * (METRICS_BOUNDS + 2), took_ms);
}

void
metrics_log_lost(struct metrics *metrics, int64_t lines)
{
	if (counts(metrics))
		add(CELL(metrics, log_lost), lines);
}

/*
 * Looking.
 */

bool
metrics_read(const struct metrics *metrics, struct metrics_values *values)
{
	int64_t *to = (int64_t *)values;
	size_t i;

	if (metrics == NULL)
		return false;
	for (i = 0; i < CELLS; i++)
		to[i] = metrics->shared->cells[i];
	return true;
}

void
metrics_recent(
    const struct metrics *metrics, int64_t now_ms, int minutes, struct metrics_minute *sum)
{
	int64_t number = now_ms / 60000, first = number - minutes + 1;

	*sum = (struct metrics_minute){ .backlog = -1 };
	for (int64_t n = first; metrics != NULL && n <= number; n++) {
		const struct minute *minute = &metrics->shared->minutes[n % RING];

		if (minute->number != n)
			continue;
		sum->requests += minute->requests;
		sum->unauthorized += minute->unauthorized;
		if (sum->backlog < 0 && n < first + METRICS_NEAR_MINUTES)
			sum->backlog = minute->backlog - 1;
	}
}

void
metrics_backlog(struct metrics *metrics, int64_t now_ms, int64_t backlog)
{
	if (counts(metrics))
		this_minute(metrics, now_ms)->backlog = backlog + 1;
}

void
metrics_tell_expiry(struct metrics *metrics, int64_t expires)
{
	if (counts(metrics))
		metrics->shared->expires = expires;
}

int64_t
metrics_expiry(const struct metrics *metrics)
{
	return metrics != NULL ? metrics->shared->expires : 0;
}
