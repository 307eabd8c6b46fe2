#ifndef CGI_NOTIFY_H
#define CGI_NOTIFY_H

#include <stdint.h>

/*
 * What the service manager is told, by the protocol of sd_notify(3) and without libsystemd.
 * Outside systemd, where NOTIFY_SOCKET is not set, nothing happens.
 */

/*
 * Send one state: "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=...", several of them separated by
 * '\n'.  A message that cannot be sent is dropped: the manager's own timeouts are what notices a
 * mute service.
 */
void notify_state(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * "RELOADING=1" with the time that newer managers want beside it.  Tell READY=1 when the reload is
 * over.
 */
void notify_reloading(void);

/*
 * How often to send "WATCHDOG=1": half of what the manager allows this process, in milliseconds; 0
 * when it watches nobody or another process.
 */
int64_t notify_watchdog_ms(void);

#endif
