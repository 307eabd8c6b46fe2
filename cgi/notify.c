/*
 * Messages to the service manager, as sd_notify(3) describes them.
 *
 * The protocol is one datagram, so linking libsystemd for it would cost more than it saves.  The
 * socket is opened for each message: they are rare, and a descriptor that stayed open would be
 * inherited by the workers.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"
#include "notify.h"

/* The address that NOTIFY_SOCKET names; 0 when there is none or it cannot be an address. */
static socklen_t
notify_address(struct sockaddr_un *address)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t length;

	if (name == NULL || (name[0] != '/' && name[0] != '@'))
		return 0;

	length = strlen(name);
	if (length >= sizeof(address->sun_path))
		return 0;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, name, length);

	/*
	 * '@' stands for the NUL that begins an abstract name, which ends where the address does.
	 */
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

void
notify_state(const char *format, ...)
{
	struct sockaddr_un address;
	socklen_t address_size;
	char state[512];
	va_list arguments;
	int length, channel;

	if ((address_size = notify_address(&address)) == 0)
		return;

	va_start(arguments, format);
	length = vsnprintf(state, sizeof(state), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(state))
		return;

	channel = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (channel < 0)
		return;
	while (sendto(channel, state, (size_t)length, MSG_NOSIGNAL,
		   (const struct sockaddr *)&address, address_size) < 0 &&
	    errno == EINTR)
		continue;
	close(channel);
}

void
notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	notify_state("RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)now.tv_sec * 1000000 + (long long)now.tv_nsec / 1000);
}

/* A positive decimal number, or 0. */
static int64_t
number(const char *text)
{
	int64_t value;

	return text != NULL && number_parse(text, 1, INT64_MAX, &value) ? value : 0;
}

int64_t
notify_watchdog_ms(void)
{
	const char *watched = getenv("WATCHDOG_PID");
	int64_t allowed_us = number(getenv("WATCHDOG_USEC"));

	if (allowed_us == 0 || (watched != NULL && number(watched) != getpid()))
		return 0;
	return allowed_us < 2000 ? 1 : allowed_us / 2000;
}
