/*
 * Files that processes share by mapping them.
 *
 * The blocks are allocated before the mapping is used, because a store into a hole of a full file
 * system would be a SIGBUS in the middle of a payment; here it is an error that can be told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/private_file.h"
#include "base/text.h"
#include "host/byte_lock.h"
#include "host/shared_file.h"

/* The lock is on the first byte, whatever the size. */
bool
shared_file_lock(struct shared_file *file)
{
	while (!byte_lock_wait(file->fd, 0, 1))
		if (errno != EINTR)
			return false;
	return true;
}

/* Said aloud also before closing: a mapping keeps the open file, and with it the lock. */
void
shared_file_unlock(struct shared_file *file)
{
	byte_lock_free(file->fd, 0, 1);
}

/* False: errno tells why, and nothing is mapped. */
static bool
map(struct shared_file *file, int protection)
{
	void *mapped = mmap(NULL, file->size, protection, MAP_SHARED, file->fd, 0);

	if (mapped == MAP_FAILED)
		return false;
	file->content = mapped;
	return true;
}

static enum outcome
failed(const char *what, const char *path, const char *reason, struct shared_file *file,
    struct fault *why)
{
	(void)fault_set(why, BROKEN, "%s %s: %s", what, path, reason);
	shared_file_close(file);
	return BROKEN;
}

enum outcome
shared_file_open(const char *what, const char *path, size_t size,
    void (*prepare)(void *content, bool was_empty), struct shared_file *file, struct fault *why)
{
	struct stat before;
	int error;

	*file = (struct shared_file){
		.fd = private_file_open(path, 0), .path = text_copy(path), .size = size
	};
	if (file->fd < 0 || !shared_file_lock(file) || fstat(file->fd, &before) < 0)
		return failed(what, path, strerror(errno), file, why);
	if ((error = posix_fallocate(file->fd, 0, (off_t)size)) != 0)
		return failed(what, path, strerror(error), file, why);
	if (!map(file, PROT_READ | PROT_WRITE))
		return failed(what, path, strerror(errno), file, why);
	prepare(file->content, before.st_size == 0);
	shared_file_unlock(file);
	return DONE;
}

enum outcome
shared_file_open_to_read(
    const char *what, const char *path, size_t size, struct shared_file *file, struct fault *why)
{
	struct stat now;

	*file = (struct shared_file){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW),
		.path = text_copy(path),
		.size = size };
	if (file->fd < 0 || fstat(file->fd, &now) < 0)
		return failed(what, path, strerror(errno), file, why);
	/* Reading past the end would be a SIGBUS. */
	if (now.st_size < (off_t)size)
		return failed(what, path, "the file is of another version", file, why);
	return map(file, PROT_READ) ? DONE : failed(what, path, strerror(errno), file, why);
}

void
shared_file_close(struct shared_file *file)
{
	if (file->content != NULL)
		munmap(file->content, file->size);
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	*file = (struct shared_file){ .fd = -1 };
}

bool
shared_file_is_current(const struct shared_file *file)
{
	return private_file_is_at(file->fd, file->path);
}
