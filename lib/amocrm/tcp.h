#ifndef AMOCRM_TCP_H
#define AMOCRM_TCP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Has everything arrived that was written to the connection with this local port?  Its peer's
 * kernel acknowledges what arrives, however long the program behind it thinks.  An acknowledgement
 * may be held back a little (Linux: 40 ms), and none is known of a socket that is another's, is not
 * TCP, or is closed: then it is false.
 *
 * *quickest_ms becomes what a way there and back took at least on this connection, rounded down; it
 * is left alone where that is not known.
 */
bool tcp_delivered(int fd, int local_port, int64_t *quickest_ms);

#endif
