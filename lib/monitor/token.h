#ifndef MONITOR_TOKEN_H
#define MONITOR_TOKEN_H

#include <stdint.h>

/*
 * When amoCRM's long-lived token expires, in unix seconds: it is a JWT, whose payload says so under
 * "exp".  It is only read, not verified: amoCRM does that.  0 when the token is no JWT or does not
 * say.
 */
int64_t token_expiry(const char *token);

#endif
