#ifndef HOST_SHARED_FILE_H
#define HOST_SHARED_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

/*
 * A small file in the run directory that several processes map at once: their shared memory, which
 * outlives each of them.
 *
 * It is opened as base/private_file.h says, grown to its full size with its blocks allocated, and
 * mapped; all that under its lock, so that of processes that start together one puts the content in
 * order and the others find it so.
 */
struct shared_file {
	int fd;
	char *path; /* Owned. */
	void
	    *content; /* `size` bytes, of which a new file's are 0; NULL in one that is not open. */
	size_t size;
};

/*
 * `prepare` sees the content under the lock before anybody else does; was_empty tells a new file
 * from one that is older than this call.  BROKEN: it cannot be made, locked, grown or mapped;
 * `what` ("limiter") and the path begin the reason.
 */
enum outcome shared_file_open(const char *what, const char *path, size_t size,
    void (*prepare)(void *content, bool was_empty), struct shared_file *file,
    struct fault *why) MUST_USE;

/*
 * For who only looks, perhaps as another user: nothing is made, locked or written.  BROKEN also
 * when there is no such file or it is too short.
 */
enum outcome shared_file_open_to_read(const char *what, const char *path, size_t size,
    struct shared_file *file, struct fault *why) MUST_USE;

void shared_file_close(struct shared_file *file);

/*
 * Whether its path still leads to it.  False after the run directory was emptied: then other
 * processes share another file by now, or will.
 */
bool shared_file_is_current(const struct shared_file *file);

/* The same lock later on, however long that takes.  False with errno: it cannot be had. */
bool shared_file_lock(struct shared_file *file);
void shared_file_unlock(struct shared_file *file);

#endif
