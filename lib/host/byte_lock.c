/*
 * The one place that speaks to the kernel about locks.  All state between processes is guarded this
 * way and not by mutexes in shared memory, because a process that is killed takes its locks with it
 * here and leaves none to be repaired.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "host/byte_lock.h"

static bool
set(int fd, int command, short type, int64_t first, int64_t count)
{
	struct flock wanted = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = count
	};

	return fcntl(fd, command, &wanted) == 0;
}

bool
byte_lock_try(int fd, int64_t first, int64_t count)
{
	return set(fd, F_OFD_SETLK, F_WRLCK, first, count);
}

bool
byte_lock_share(int fd, int64_t first, int64_t count)
{
	return set(fd, F_OFD_SETLK, F_RDLCK, first, count);
}

bool
byte_lock_wait(int fd, int64_t first, int64_t count)
{
	return set(fd, F_OFD_SETLKW, F_WRLCK, first, count);
}

void
byte_lock_free(int fd, int64_t first, int64_t count)
{
	int saved = errno;

	(void)set(fd, F_OFD_SETLK, F_UNLCK, first, count);
	errno = saved;
}
