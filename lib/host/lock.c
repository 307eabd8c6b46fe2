/*
 * Locks by number, for customers, contacts, leads and the like.
 *
 * Each is a byte of one file that stays empty.  So there is nothing to create or clean up for a
 * number, and a process that dies leaves no lock behind.
 *
 * The file may be removed while some hold locks in it, and who opens another one then would be
 * excluded from nothing.  So who works under a lock also shares a lock on the directory, which
 * outlives its files, and a file is created only under that lock alone: when all who know an older
 * file have finished.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/private_file.h"
#include "base/text.h"
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

/* One for a handle and those opened again from it, which share its lock. */
struct directory {
	int fd;
	char *path;
	int handles, sharers; /* How many handles there are, and how many of them need the lock. */
};

struct locks {
	struct directory *directory;
	char *path;
	int fd;        /* -1: not opened yet. */
	unsigned held; /* A bit for each range in which something was taken. */
	bool shares;   /* The directory's lock. */
};

/* What is done under these must not be done by two; the others only divide work. */
#define EXCLUDING (1U << LOCK_CUSTOMER | 1U << LOCK_CONTACT | 1U << LOCK_LEAD)

enum lock_attempt {
	TAKEN,
	HELD,
	FAILED
};

/*
 * The file that all share.
 */

/* Also the directory may be another one by now. */
static bool
open_directory(struct directory *directory)
{
	if (directory->fd >= 0 && private_file_is_at(directory->fd, directory->path))
		return true;
	if (directory->fd >= 0)
		close(directory->fd);
	directory->fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory->fd >= 0;
}

/* Create the file while nobody works under a lock of an older one.  -1 with errno. */
static int
create_file(struct locks *locks)
{
	struct directory *directory = locks->directory;
	int fd;

	/* Our own other handles are among those to be waited for. */
	if (directory->sharers > 0) {
		errno = EWOULDBLOCK;
		return -1;
	}
	if (flock(directory->fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	fd = private_file_open(locks->path, 0);
	/* Between the two locks another may have the directory alone: then it is asked again. */
	if (fd >= 0 && flock(directory->fd, LOCK_SH | LOCK_NB) < 0) {
		close(fd);
		errno = EWOULDBLOCK;
		return -1;
	}
	return fd;
}

/* Have the file open that the path leads to.  False: errno tells why. */
static bool
open_current(struct locks *locks)
{
	int fd;

	if (locks->fd >= 0 && private_file_is_at(locks->fd, locks->path))
		return true;
	fd = open(locks->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		fd = create_file(locks);
	if (fd < 0)
		return false;
	if (locks->fd >= 0)
		close(locks->fd);
	locks->fd = fd;
	return true;
}

/*
 * Share the directory's lock, once or more often; then no other file can be created until it is
 * let go.  HELD: others still work under locks of a file that was removed.
 */
static enum lock_attempt
share(struct locks *locks)
{
	struct directory *directory = locks->directory;
	enum lock_attempt attempt;

	if (locks->shares)
		return TAKEN;
	if (directory->sharers == 0) {
		if (!open_directory(directory))
			return FAILED;
		if (flock(directory->fd, LOCK_SH | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? HELD : FAILED;
	}
	if (!open_current(locks)) {
		attempt = errno == EWOULDBLOCK ? HELD : FAILED;
		if (directory->sharers == 0)
			flock(directory->fd, LOCK_UN);
		return attempt;
	}
	directory->sharers++;
	locks->shares = true;
	return TAKEN;
}

/* Unless something is held that excludes others. */
static void
stop_sharing(struct locks *locks)
{
	int saved = errno;

	if (locks->shares && (locks->held & EXCLUDING) == 0) {
		locks->shares = false;
		if (--locks->directory->sharers == 0)
			flock(locks->directory->fd, LOCK_UN);
	}
	errno = saved;
}

static struct locks *
new_handle(struct directory *directory, const char *path)
{
	struct locks *locks = memory_allocate(sizeof(*locks));

	*locks = (struct locks){ .directory = directory, .path = text_copy(path), .fd = -1 };
	directory->handles++;
	return locks;
}

enum outcome
lock_open(const char *path, struct locks **locks, struct fault *why)
{
	struct directory *directory = memory_zeroed(1, sizeof(*directory));
	struct locks *opened = new_handle(directory, path);
	char *copy = text_copy(path);

	directory->fd = -1;
	directory->path = text_copy(dirname(copy));
	free(copy);
	/* One that cannot be had yet is tried again when a lock is taken. */
	if (share(opened) == FAILED) {
		(void)fault_set(why, BROKEN, "lock file %s: %s", path, strerror(errno));
		lock_close(opened);
		return BROKEN;
	}
	stop_sharing(opened);
	*locks = opened;
	return DONE;
}

struct locks *
lock_open_again(const struct locks *locks)
{
	return new_handle(locks->directory, locks->path);
}

static void
close_directory(struct directory *directory)
{
	if (--directory->handles > 0)
		return;
	if (directory->fd >= 0)
		close(directory->fd);
	free(directory->path);
	free(directory);
}

void
lock_close(struct locks *locks)
{
	if (!locks)
		return;
	if (locks->fd >= 0)
		close(locks->fd);
	locks->held = 0;
	stop_sharing(locks);
	close_directory(locks->directory);
	free(locks->path);
	free(locks);
}

/*
 * Taking.
 */

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

/* The place in the file that stands for the file itself. */
#define THE_FILE (-1)

/*
 * Try until the deadline, which is looked at after the first attempt: one past merely means not to
 * wait.
 */
static enum lock_attempt
take(struct locks *locks, int64_t offset, int64_t deadline_ms)
{
	int64_t now, nap = POLL_FIRST_MS;
	enum lock_attempt attempt;

	while ((attempt = offset == THE_FILE ? share(locks) : try_offset(locks, offset)) == HELD) {
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
	size_t taken = 0;

	if (count > LOCK_SET_MAX)
		return fault_set(why, BROKEN, "%zu %s locks asked for at once, %d are possible",
		    count, names[range], LOCK_SET_MAX);
	if (count == 0)
		return DONE;
	count = offsets_of(range, numbers, count, offsets);
	if ((attempt = take(locks, THE_FILE, deadline_ms)) == HELD)
		return fault_set(why, LATER,
		    "the run directory was emptied, and others still work with what it held");
	while (attempt == TAKEN && taken < count &&
	    (attempt = take(locks, offsets[taken], deadline_ms)) == TAKEN)
		taken++;
	if (attempt == TAKEN) {
		locks->held |= 1U << range;
		stop_sharing(locks);
		return DONE;
	}
	while (taken > 0)
		byte_lock_free(locks->fd, offsets[--taken], 1);
	stop_sharing(locks);
	if (attempt == HELD)
		return fault_set(why, LATER, "another process holds the same %s", names[range]);
	return fault_set(why, BROKEN, "%s lock: %s", names[range], strerror(errno));
}

void
lock_drop(struct locks *locks, enum lock_range range)
{
	if (locks->fd >= 0)
		byte_lock_free(locks->fd, offset_of(range, 0), INT64_C(1) << NUMBER_BITS);
	locks->held &= ~(1U << range);
	stop_sharing(locks);
}

int64_t
lock_take_any(struct locks *locks, enum lock_range range, int64_t count)
{
	int64_t number = 0;

	if (share(locks) != TAKEN)
		return -1;
	while (number < count && try_offset(locks, offset_of(range, number)) != TAKEN)
		number++;
	if (number < count)
		locks->held |= 1U << range;
	stop_sharing(locks);
	return number < count ? number : -1;
}
