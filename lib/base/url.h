#ifndef BASE_URL_H
#define BASE_URL_H

#include <stdbool.h>

/*
 * Whether the text is where amoCRM can be reached safely: https://host, with a port or without;
 * plain http only to this host itself (127.0.0.0/8, localhost, [::1]), for tests.  No path but
 * slashes, no user, no query.
 */
bool url_is_base(const char *text);

#endif
