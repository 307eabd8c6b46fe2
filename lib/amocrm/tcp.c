/*
 * What the kernel knows of a connection.  By itself because <linux/tcp.h>, which alone declares all
 * of it, does not bear <netinet/tcp.h> beside it.
 */
#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "amocrm/tcp.h"

#define ESTABLISHED 1 /* The name is in <netinet/tcp.h> only. */

/* The port stands at the same place in the addresses of both families. */
static bool
has_port(int fd, int port)
{
	struct sockaddr_in6 own = { 0 };
	socklen_t size = sizeof(own);

	return getsockname(fd, (struct sockaddr *)&own, &size) == 0 && ntohs(own.sin6_port) == port;
}

bool
tcp_delivered(int fd, int local_port, int64_t *quickest_ms)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (!has_port(fd, local_port) || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
	    size < offsetof(struct tcp_info, tcpi_data_segs_in))
		return false;
	/* All bits are set as long as nothing was measured. */
	if (info.tcpi_min_rtt != UINT32_MAX)
		*quickest_ms = info.tcpi_min_rtt / 1000;
	/* What a broken connection still held was thrown away, not acknowledged. */
	return info.tcpi_state == ESTABLISHED && info.tcpi_unacked == 0 &&
	    info.tcpi_notsent_bytes == 0;
}
