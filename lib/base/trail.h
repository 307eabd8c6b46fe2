#ifndef BASE_TRAIL_H
#define BASE_TRAIL_H

#include <jansson.h>
#include <stdint.h>

/*
 * A payment's trail: what was called, decided and changed on its way, for people.
 *
 * An event is an object with "what" (English, nothing personal) and "at_ms" (wall clock); a call of
 * amoCRM's has "status" (0 = no answer), "took_ms" and "request_id" (amoCRM's, "" = none) besides.
 * Events are gathered in an array, which the ledger writes together with the next step, without a
 * commit of their own: those of a process that dies before that are lost, which does no harm, as
 * nothing is decided by them.
 */
void trail_add(json_t *events, int64_t now_ms, const char *what);
void trail_add_call(json_t *events, int64_t now_ms, const char *what, int status, int64_t took_ms,
    const char *request_id);

#endif
