#ifndef FORM_H
#define FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Forms that a browser sends: reading them, and proof that they come from a page of ours.
 *
 * The proof is a token that another site cannot read: an HMAC of what the form does and of the hour, under a key that is
 * made of a secret for this purpose alone.  It holds for one to two hours.  No cookie takes part.
 */
#define FORM_TOKEN 65

/* Returns token. */
const char *form_token(
    char token[static FORM_TOKEN], const char *secret, const char *action, int64_t unix_seconds);
bool form_token_holds(const char *token, const char *secret, const char *action, int64_t unix_seconds);

/* The value of a field of an application/x-www-form-urlencoded body, as a new string; NULL when it is not there, is there
 * twice, or holds a NUL. */
char *form_value(const char *body, size_t size, const char *name);

#endif
