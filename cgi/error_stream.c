/*
 * Standard error, whose reader may have stopped reading.
 *
 * A pipe that is full, a journal's socket and a terminal that was told to pause all make write(2)
 * wait, for ever if need be, and with it the payment that the line tells of.  O_NONBLOCK on the
 * descriptor itself would change it for every program that shares it, and poll(2) promises nothing
 * when several processes write.  So each kind is written to in the way that cannot wait.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_stream.h"

/*
 * The same pipe or terminal, opened by ourselves: an open file of our own, on which O_NONBLOCK
 * concerns nobody else.  -1: that is not allowed, as with a pipe that another user has made.
 */
static int
opened_again(const struct stat *stream)
{
	static int again = -1;
	static dev_t device;
	static ino_t inode;

	if (again >= 0 && device == stream->st_dev && inode == stream->st_ino)
		return again;
	if (again >= 0)
		close(again);
	again = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	device = stream->st_dev;
	inode = stream->st_ino;
	return again;
}

/*
 * Through a pipe of our own, which has room for a line: the kernel moves it on from there, or says
 * at once that there is no room.
 */
static bool
move(const char *line, size_t length)
{
	bool moved;
	int own[2];

	if (pipe2(own, O_CLOEXEC) < 0)
		return false;
	moved = write(own[1], line, length) == (ssize_t)length &&
	    splice(own[0], NULL, STDERR_FILENO, NULL, length, SPLICE_F_NONBLOCK) == (ssize_t)length;
	close(own[0]);
	close(own[1]);
	return moved;
}

/* A terminal that is another user's: one process and a person who looks, so asking first will do. */
static bool
write_if_ready(const char *line, size_t length)
{
	struct pollfd stream = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&stream, 1, 0) == 1 && write(STDERR_FILENO, line, length) >= 0;
}

bool
error_stream_write(const char *line, size_t length)
{
	struct stat stream;
	int again;

	if (fstat(STDERR_FILENO, &stream) < 0)
		return false;
	if (S_ISSOCK(stream.st_mode))
		return send(STDERR_FILENO, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	/* A file is written to wherever its offset is, which one opened again would not share. */
	if (!S_ISFIFO(stream.st_mode) && !S_ISCHR(stream.st_mode))
		return write(STDERR_FILENO, line, length) >= 0;
	if ((again = opened_again(&stream)) >= 0)
		return write(again, line, length) >= 0;
	return S_ISFIFO(stream.st_mode) ? move(line, length) : write_if_ready(line, length);
}
