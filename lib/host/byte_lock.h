#ifndef HOST_BYTE_LOCK_H
#define HOST_BYTE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Locks on bytes of an open file, between processes: open-file-description locks
 * (fcntl(2), F_OFD_SETLK).
 *
 * The kernel frees a lock when the last descriptor and the last mapping of that open file are gone,
 * so at the latest when its holder dies; unlike a POSIX lock it is not lost when other code of the
 * process closes the same file.  It belongs to the open file: a child of fork(2) shares it, and the
 * same descriptor is granted it again.  Bytes beyond the end may be locked.
 */

/* Take the lock.  False with errno: EAGAIN or EACCES when another holds one of the bytes. */
bool byte_lock_try(int fd, int64_t first, int64_t count);

/* The same for a lock that is shared: it excludes only who wants it alone.  One held alone becomes shared. */
bool byte_lock_share(int fd, int64_t first, int64_t count);

/*
 * The same, in the kernel's queue, which is in order; any signal that is handled ends the wait with
 * EINTR.
 */
bool byte_lock_wait(int fd, int64_t first, int64_t count);

void byte_lock_free(int fd, int64_t first, int64_t count);

#endif
