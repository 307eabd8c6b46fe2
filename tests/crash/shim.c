/*
 * A preloaded library that watches what one process does to the world, and kills it at a chosen moment.
 *
 * It numbers the effects of the process from its start: whatever it does to the ledger's files, each piece of a request to
 * amoCRM and of an answer from it, each piece of an answer to the web server.  With CRASH_AT=N the process dies by SIGKILL
 * before or after the N-th, so the product needs no hooks for its tests.
 *
 *	SHIM_LEDGER=PATH        the ledger; its log, journal and directory are watched too
 *	SHIM_CRM_PORT=PORT      connections to this TCP port are amoCRM's
 *	CRASH_LOG=FILE          append a line for each effect: number, what, where, offset, size, in words
 *	CRASH_AT=N              die at this effect,
 *	CRASH_WHEN=before|after    at this side of it
 *	CRASH_ARM=FILE          count only while this file exists
 *	SHIM_DATA=FILE          append the bytes of each write to the ledger; their sizes are in CRASH_LOG
 *	SHIM_IGNORE_SYNC=1      a breakage for testing the tests: syncs are done but not noted
 *	SHIM_CLOCK_MS=N         the wall clock is N milliseconds ahead (or behind): leases and waits end at once
 *
 * System calls are made directly: what is interposed here cannot recur, and sanitizers do not care.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX        1024
#define PATH_MAX_SHOWN 512
#define OWN_FD         1000 /* Our files are moved up there, out of the product's way. */

enum place {
	ELSEWHERE,
	DATABASE,
	WAL,
	JOURNAL,
	DIRECTORY,
	CRM,
	PEER
};
static const char *const place_names[] = { "-", "db", "wal", "journal", "dir", "crm", "peer" };

static const char *ledger, *arm;
static size_t ledger_length;
static int crm_port = -1, log_fd = -1, data_fd = -1;
static long crash_at;
static bool crash_after, ignore_sync;
static int64_t clock_ms;
static atomic_long effects;
static atomic_bool accepted[FDS_MAX]; /* Connections of the web server. */

static long
env_number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? atol(text) : 0;
}

static int
open_own(const char *name)
{
	const char *path = getenv(name);
	int fd, high;

	if (path == NULL)
		return -1;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		_exit(99);
	high = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FD);
	if (high < 0)
		return fd;
	syscall(SYS_close, fd);
	return high;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *when = getenv("CRASH_WHEN");

	/* The driver may be killed too; nothing outlives it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ledger = getenv("SHIM_LEDGER");
	ledger_length = ledger != NULL ? strlen(ledger) : 0;
	arm = getenv("CRASH_ARM");
	if (getenv("SHIM_CRM_PORT") != NULL)
		crm_port = (int)env_number("SHIM_CRM_PORT");
	crash_at = env_number("CRASH_AT");
	crash_after = when != NULL && strcmp(when, "after") == 0;
	ignore_sync = env_number("SHIM_IGNORE_SYNC") != 0;
	clock_ms = env_number("SHIM_CLOCK_MS");
	log_fd = open_own("CRASH_LOG");
	data_fd = open_own("SHIM_DATA");
}

/*
 * Where does a descriptor, or a name, lead to?
 */

static enum place
place_of_path(const char *path)
{
	const char *rest;

	if (ledger == NULL)
		return ELSEWHERE;
	if (strncmp(path, ledger, ledger_length) == 0) {
		rest = path + ledger_length;
		if (*rest == '\0' || strcmp(rest, " (deleted)") == 0)
			return DATABASE;
		if (strncmp(rest, "-wal", 4) == 0)
			return WAL;
		if (strncmp(rest, "-journal", 8) == 0)
			return JOURNAL;
		return ELSEWHERE;
	}
	/* The directory that holds it. */
	rest = strrchr(ledger, '/');
	if (rest != NULL && strlen(path) == (size_t)(rest - ledger) &&
	    strncmp(path, ledger, strlen(path)) == 0)
		return DIRECTORY;
	return ELSEWHERE;
}

static enum place
place_of_socket(int fd)
{
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	int saved = errno;
	enum place place = ELSEWHERE;

	if (crm_port >= 0 && syscall(SYS_getpeername, fd, &peer, &size) == 0 && peer.sin_family == AF_INET &&
	    ntohs(peer.sin_port) == crm_port)
		place = CRM;
	errno = saved;
	return place;
}

static enum place
place_of(int fd)
{
	char name[32], path[PATH_MAX_SHOWN];
	int saved = errno;
	long length;

	if (fd < 0 || fd >= OWN_FD)
		return ELSEWHERE;
	if (fd < FDS_MAX && accepted[fd])
		return PEER;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	length = syscall(SYS_readlink, name, path, sizeof(path) - 1);
	errno = saved;
	if (length <= 0)
		return ELSEWHERE;
	path[length] = '\0';
	if (path[0] == '/')
		return place_of_path(path);
	return strncmp(path, "socket:", 7) == 0 ? place_of_socket(fd) : ELSEWHERE;
}

/*
 * Effects.
 */

static void
die(void)
{
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	for (;;)
		syscall(SYS_pause);
}

/* The number of an effect that begins now; 0 when it does not count.  Its line is written before anything can happen. */
static long
number(const char *what, enum place place, int64_t offset, size_t size, const char *words)
{
	char line[256];
	int saved = errno, length;
	long n;

	if (arm != NULL && syscall(SYS_access, arm, F_OK) != 0) {
		errno = saved;
		return 0;
	}
	n = atomic_fetch_add(&effects, 1) + 1;
	length = snprintf(line, sizeof(line), "%ld\t%s\t%s\t%lld\t%zu\t%s\n", n, what, place_names[place],
	    (long long)offset, size, words);
	if (length >= (int)sizeof(line)) {
		length = sizeof(line) - 1;
		line[length - 1] = '\n';
	}
	if (log_fd >= 0)
		syscall(SYS_write, log_fd, line, length);
	errno = saved;
	return n;
}

static void
before(long n)
{
	if (n != 0 && n == crash_at && !crash_after)
		die();
}

static void
after(long n)
{
	if (n != 0 && n == crash_at && crash_after)
		die();
}

/* What there is to tell of a write. */
static const char *
describe(enum place place, const unsigned char *bytes, size_t size, int64_t offset, char *words, size_t room)
{
	static const char *const methods[] = { "GET ", "POST ", "PATCH " };
	size_t i, length;

	words[0] = '\0';
	if (place == WAL && size == 32 && offset == 0) {
		snprintf(words, room, "log header");
	} else if (place == WAL && size == 24) {
		snprintf(words, room, "frame of page %u%s",
		    (unsigned)bytes[0] << 24 | (unsigned)bytes[1] << 16 | (unsigned)bytes[2] << 8 | bytes[3],
		    bytes[4] | bytes[5] | bytes[6] | bytes[7] ? ", commit" : "");
	} else if (place == CRM) {
		for (i = 0; i < 3; i++) {
			length = strlen(methods[i]);
			if (size > length && memcmp(bytes, methods[i], length) == 0) {
				for (length = 0; length < size && length < room - 1 && bytes[length] >= ' ';
				     length++)
					words[length] = (char)bytes[length];
				words[length] = '\0';
			}
		}
	} else if (place == PEER && size > 16 && bytes[0] == 1 && bytes[1] == 6) {
		/* A FastCGI record of the answer: its first line. */
		for (length = 0; length + 8 < size && length < 40 && bytes[length + 8] >= ' '; length++)
			words[length] = (char)bytes[length + 8];
		words[length] = '\0';
	}
	return words;
}

static void
keep(const void *bytes, size_t size)
{
	if (data_fd >= 0)
		syscall(SYS_write, data_fd, bytes, size);
}

static bool
is_file(enum place place)
{
	return place == DATABASE || place == WAL || place == JOURNAL;
}

static int64_t
position(int fd)
{
	return syscall(SYS_lseek, fd, 0, SEEK_CUR);
}

/*
 * Writing.
 */

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	enum place place = place_of(fd);
	char words[96];
	ssize_t done;
	long n;

	if (!is_file(place))
		return syscall(SYS_pwrite64, fd, bytes, size, offset);
	n = number("write", place, offset, size, describe(place, bytes, size, offset, words, sizeof(words)));
	before(n);
	done = syscall(SYS_pwrite64, fd, bytes, size, offset);
	if (n != 0)
		keep(bytes, size);
	after(n);
	return done;
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	return pwrite64(fd, bytes, size, offset);
}

/* Through a socket or at a file's own position; the system call is made by the caller's number. */
static ssize_t
put(long call, int fd, const void *bytes, size_t size, int flags, const void *address, socklen_t length)
{
	enum place place = place_of(fd);
	char words[160];
	int64_t offset = 0;
	ssize_t done;
	long n = 0;

	if (is_file(place))
		offset = position(fd);
	if (place != ELSEWHERE && place != DIRECTORY) {
		n = number(is_file(place) ? "write" : "send", place, offset, size,
		    describe(place, bytes, size, offset, words, sizeof(words)));
		before(n);
	}
	if (call == SYS_write)
		done = syscall(SYS_write, fd, bytes, size);
	else
		done = syscall(SYS_sendto, fd, bytes, size, flags, address, length);
	if (n != 0 && is_file(place))
		keep(bytes, size);
	after(n);
	return done;
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
	return put(SYS_write, fd, bytes, size, 0, NULL, 0);
}

ssize_t
send(int fd, const void *bytes, size_t size, int flags)
{
	return put(SYS_sendto, fd, bytes, size, flags, NULL, 0);
}

ssize_t
sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *address, socklen_t length)
{
	return put(SYS_sendto, fd, bytes, size, flags, address, length);
}

/* Pieces are one effect, told by the first. */
static ssize_t
put_pieces(long call, int fd, const void *what, int extra, const struct iovec *pieces, size_t count)
{
	enum place place = place_of(fd);
	char words[160] = "";
	size_t size = 0, i;
	int64_t offset = 0;
	ssize_t done;
	long n = 0;

	for (i = 0; i < count; i++)
		size += pieces[i].iov_len;
	if (is_file(place))
		offset = position(fd);
	if (place != ELSEWHERE && place != DIRECTORY) {
		if (count > 0)
			describe(place, pieces[0].iov_base, pieces[0].iov_len, offset, words, sizeof(words));
		n = number(is_file(place) ? "write" : "send", place, offset, size, words);
		before(n);
	}
	done = syscall(call, fd, what, extra);
	for (i = 0; n != 0 && is_file(place) && i < count; i++)
		keep(pieces[i].iov_base, pieces[i].iov_len);
	after(n);
	return done;
}

ssize_t
writev(int fd, const struct iovec *pieces, int count)
{
	return put_pieces(SYS_writev, fd, pieces, count, pieces, (size_t)count);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	return put_pieces(SYS_sendmsg, fd, message, flags, message->msg_iov, message->msg_iovlen);
}

/*
 * Syncing, cutting, making and removing.
 */

static int
sync_with(long call, int fd)
{
	enum place place = place_of(fd);
	long n = 0;
	int done;

	if (ignore_sync)
		return (int)syscall(call, fd);
	if (is_file(place) || place == DIRECTORY) {
		n = number("sync", place, 0, 0, "");
		before(n);
	}
	done = (int)syscall(call, fd);
	if (n != 0 && done != 0)
		(void)number("sync-failed", place, 0, 0, "");
	after(n);
	return done;
}

int
fsync(int fd)
{
	return sync_with(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return sync_with(SYS_fdatasync, fd);
}

int
ftruncate64(int fd, off64_t length)
{
	enum place place = place_of(fd);
	long n = 0;
	int done;

	if (is_file(place)) {
		n = number("truncate", place, length, 0, "");
		before(n);
	}
	done = (int)syscall(SYS_ftruncate, fd, length);
	after(n);
	return done;
}

int
ftruncate(int fd, off_t length)
{
	return ftruncate64(fd, length);
}

int
unlink(const char *path)
{
	enum place place = place_of_path(path);
	long n = 0;
	int done;

	if (is_file(place)) {
		n = number("unlink", place, 0, 0, "");
		before(n);
	}
	done = (int)syscall(SYS_unlink, path);
	after(n);
	return done;
}

static int
open_with(int folder, const char *path, int flags, mode_t mode)
{
	enum place place = flags & O_CREAT ? place_of_path(path) : ELSEWHERE;
	long n = 0;
	int fd;

	if (is_file(place) && syscall(SYS_access, path, F_OK) != 0) {
		n = number("create", place, 0, 0, "");
		before(n);
	}
	fd = (int)syscall(SYS_openat, folder, path, flags, mode);
	after(n);
	return fd;
}

/* The third argument is there only when a file may be made. */
static mode_t
mode_of(int flags, va_list *rest)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(*rest, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = mode_of(flags, &rest);
	va_end(rest);
	return open_with(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = mode_of(flags, &rest);
	va_end(rest);
	return open_with(AT_FDCWD, path, flags, mode);
}

int
openat(int folder, const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = mode_of(flags, &rest);
	va_end(rest);
	return open_with(folder, path, flags, mode);
}

/* What -D_FORTIFY_SOURCE calls when it cannot see the flags. */
int __open_2(const char *path, int flags);
int
__open_2(const char *path, int flags)
{
	return open_with(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags);
int
__open64_2(const char *path, int flags)
{
	return open_with(AT_FDCWD, path, flags, 0);
}

int
close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		accepted[fd] = false;
	return (int)syscall(SYS_close, fd);
}

int
accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	int connection = (int)syscall(SYS_accept4, fd, address, length, flags);

	if (connection >= 0 && connection < FDS_MAX)
		accepted[connection] = true;
	return connection;
}

int
accept(int fd, struct sockaddr *address, socklen_t *length)
{
	return accept4(fd, address, length, 0);
}

/*
 * Receiving.  That something came is known only afterwards; to die before it is taken is to die before it is told.
 */

static ssize_t
got(int fd, const void *bytes, ssize_t done)
{
	char words[48];
	const char *text = bytes;
	size_t i;
	long n;

	/* How many pieces an answer comes in is a matter of luck; its first tells that it came. */
	if (done < 5 || memcmp(text, "HTTP/", 5) != 0 || place_of(fd) != CRM)
		return done;
	for (i = 0; i < (size_t)done && i < sizeof(words) - 1 && text[i] >= ' '; i++)
		words[i] = text[i];
	words[i] = '\0';
	n = number("answer", CRM, 0, (size_t)done, words);
	before(n);
	after(n);
	return done;
}

ssize_t
read(int fd, void *bytes, size_t size)
{
	return got(fd, bytes, syscall(SYS_read, fd, bytes, size));
}

ssize_t
recv(int fd, void *bytes, size_t size, int flags)
{
	ssize_t done = syscall(SYS_recvfrom, fd, bytes, size, flags, NULL, NULL);

	return flags & MSG_PEEK ? done : got(fd, bytes, done);
}

ssize_t
recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *address, socklen_t *length)
{
	ssize_t done = syscall(SYS_recvfrom, fd, bytes, size, flags, address, length);

	return flags & MSG_PEEK ? done : got(fd, bytes, done);
}

ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room);
ssize_t
__read_chk(int fd, void *bytes, size_t size, size_t room)
{
	if (size > room)
		abort();
	return read(fd, bytes, size);
}

ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags);
ssize_t
__recv_chk(int fd, void *bytes, size_t size, size_t room, int flags)
{
	if (size > room)
		abort();
	return recv(fd, bytes, size, flags);
}

/*
 * Time.  Only the wall clock moves: patience is measured by the other one.
 */

int
clock_gettime(clockid_t clock, struct timespec *time)
{
	int done = (int)syscall(SYS_clock_gettime, clock, time);

	if (done == 0 && clock == CLOCK_REALTIME && clock_ms != 0) {
		int64_t ms = (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000 + clock_ms;

		time->tv_sec = ms / 1000;
		time->tv_nsec = (long)(ms % 1000) * 1000000 + time->tv_nsec % 1000000;
	}
	return done;
}
