/*
 * Locks by number, for customers, contacts, leads and the like.
 *
 * Each is a byte of one file that stays empty.  So there is nothing to create or clean up for a
 * number, and a process that dies leaves no lock behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/private_file.h"
#include "host/byte_lock.h"
#include "host/lock.h"

/*
 * The file's 2^62 offsets are divided among up to eight ranges, 2^59 each.  They stay below what
 * off_t can hold even after the kernel has added the length, and locking beyond the end of a file
 * does not make it grow.
 */
#define NUMBER_BITS 59
#define NUMBER_MASK ((INT64_C(1) << NUMBER_BITS) - 1)

/*
 * There is no timed wait for such a lock, so it is asked for again: soon at first, since most are
 * held for milliseconds.
 */
#define POLL_FIRST_MS 2
#define POLL_MAX_MS   20

struct locks {
	int fd;
};

enum lock_attempt {
	TAKEN,
	HELD,
	FAILED
};

/* A handle for an open file, or BROKEN for one that could not be opened: errno tells why. */
static enum outcome
wrap(const char *path, int fd, struct locks **locks, struct fault *why)
{
	struct locks *opened;

	if (fd < 0)
		return fault_set(why, BROKEN, "lock file %s: %s", path, strerror(errno));
	opened = memory_allocate(sizeof(*opened));
	opened->fd = fd;
	*locks = opened;
	return DONE;
}

enum outcome
lock_open(const char *path, struct locks **locks, struct fault *why)
{
	return wrap(path, private_file_open(path, 0), locks, why);
}

enum outcome
lock_open_again(const struct locks *locks, struct locks **again, struct fault *why)
{
	char path[32];

	/*
	 * The same file, whatever stands under its name by now; opening it makes a new open file
	 * description.
	 */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", locks->fd);
	return wrap(path, open(path, O_RDWR | O_CLOEXEC), again, why);
}

void
lock_close(struct locks *locks)
{
	if (!locks)
		return;
	close(locks->fd);
	free(locks);
}

/* The byte that stands for a number. */
static int64_t
offset_of(enum lock_range range, int64_t number)
{
	return ((int64_t)range << NUMBER_BITS) | (number & NUMBER_MASK);
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Turn numbers into ascending offsets without repeats, and return how many are left. */
static size_t
offsets_of(enum lock_range range, const int64_t *numbers, size_t count,
    int64_t offsets[static LOCK_SET_MAX])
{
	size_t i, unique = 0;

	for (i = 0; i < count; i++)
		offsets[i] = offset_of(range, numbers[i]);
	qsort(offsets, count, sizeof(*offsets), compare);
	for (i = 0; i < count; i++) {
		if (unique == 0 || offsets[unique - 1] != offsets[i])
			offsets[unique++] = offsets[i];
	}
	return unique;
}

static enum lock_attempt
try_offset(struct locks *locks, int64_t offset)
{
	while (!byte_lock_try(locks->fd, offset, 1)) {
		if (errno == EAGAIN || errno == EACCES)
			return HELD;
		if (errno != EINTR)
			return FAILED;
	}
	return TAKEN;
}

/*
 * Try until the deadline, which is looked at after the first attempt: one past merely means not to
 * wait.
 */
static enum lock_attempt
take_offset(struct locks *locks, int64_t offset, int64_t deadline_ms)
{
	int64_t now, nap = POLL_FIRST_MS;
	enum lock_attempt attempt;

	while ((attempt = try_offset(locks, offset)) == HELD) {
		if ((now = clock_mono_ms()) >= deadline_ms)
			break;
		clock_sleep_until(deadline_ms - now < nap ? deadline_ms : now + nap);
		nap = nap * 2 < POLL_MAX_MS ? nap * 2 : POLL_MAX_MS;
	}
	return attempt;
}

/*
 * What was already taken is kept while the next is waited for.  Every process goes through a range
 * in ascending order, so no two can wait for each other; and letting go to begin anew would starve
 * a process that needs more than one.
 */
enum outcome
lock_take(struct locks *locks, enum lock_range range, const int64_t *numbers, size_t count,
    int64_t deadline_ms, struct fault *why)
{
	static const char *const names[] = {
		[LOCK_CUSTOMER] = "customer",
		[LOCK_CONTACT] = "contact",
		[LOCK_LEAD] = "lead",
		[LOCK_SLOT] = "slot",
		[LOCK_ALARM_LEADER] = "alarm watch",
	};
	int64_t offsets[LOCK_SET_MAX];
	enum lock_attempt attempt;
	size_t i;

	if (count > LOCK_SET_MAX)
		return fault_set(why, BROKEN, "%zu %s locks asked for at once, %d are possible",
		    count, names[range], LOCK_SET_MAX);
	if (count == 0)
		return DONE;
	count = offsets_of(range, numbers, count, offsets);
	for (i = 0; i < count; i++) {
		if ((attempt = take_offset(locks, offsets[i], deadline_ms)) == TAKEN)
			continue;
		while (i > 0)
			byte_lock_free(locks->fd, offsets[--i], 1);
		if (attempt == HELD)
			return fault_set(
			    why, LATER, "another process holds the same %s", names[range]);
		return fault_set(why, BROKEN, "%s lock: %s", names[range], strerror(errno));
	}
	return DONE;
}

void
lock_drop(struct locks *locks, enum lock_range range)
{
	byte_lock_free(locks->fd, offset_of(range, 0), INT64_C(1) << NUMBER_BITS);
}

int64_t
lock_take_any(struct locks *locks, enum lock_range range, int64_t count)
{
	int64_t number;

	for (number = 0; number < count; number++) {
		if (try_offset(locks, offset_of(range, number)) == TAKEN)
			return number;
	}
	return -1;
}
