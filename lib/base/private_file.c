/*
 * Making files that only the service's user may open.
 *
 * Making and opening are two calls, because only who has made a file may give it away: O_CREAT
 * alone does not tell whether it made one, and the owner of a file that was there is not to be
 * changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/private_file.h"
#include "base/text.h"

/* Where that is not allowed, the file stays root's: who made it can still use it. */
static void
give_to_owner_of_directory(int fd, const char *path)
{
	char *copy = text_copy(path);
	struct stat directory;
	bool known;

	known = stat(dirname(copy), &directory) == 0;
	free(copy);
	if (known && directory.st_uid != 0 && fchown(fd, directory.st_uid, directory.st_gid) < 0)
		return;
}

static int
create(const char *path, int flags)
{
	int fd = open(path, flags | O_CREAT | O_EXCL, 0600);

	if (fd >= 0 && geteuid() == 0)
		give_to_owner_of_directory(fd, path);
	return fd;
}

int
private_file_open(const char *path, int flags)
{
	int fd;

	flags |= O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	if ((flags & O_EXCL) != 0)
		return create(path, flags);
	/* Another process may create it between our two attempts: then it is there to be opened. */
	do {
		if ((fd = open(path, flags)) < 0 && errno == ENOENT)
			fd = create(path, flags);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

bool
private_file_is_at(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
	    ours.st_ino == named.st_ino;
}
