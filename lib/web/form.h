#ifndef WEB_FORM_H
#define WEB_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Forms that a browser sends: reading them, and proof that they come from a page of ours.
 *
 * The proof is a token that another site cannot read: an HMAC of what the form does and of the
 * hour, under a key that is made of a secret for this purpose alone.  It holds for one to two
 * hours.  No cookie takes part.
 */
#define FORM_TOKEN 65

/*
 * `action` is what pressing the button would do, and to what: a string of the caller's own choice,
 * "retry 1234567", which the token holds for alone.  None of the arguments may be NULL.  Returns
 * token.
 */
const char *form_token(
    char token[static FORM_TOKEN], const char *secret, const char *action, int64_t unix_seconds);
bool form_token_holds(
    const char *token, const char *secret, const char *action, int64_t unix_seconds);

/*
 * The value of a field of an application/x-www-form-urlencoded body, as a new string, which the
 * caller frees; NULL when it is not there, is there twice, holds a NUL, or is badly encoded.
 * `body` need not end in a NUL.
 */
char *form_value(const char *body, size_t size, const char *name);

#endif
