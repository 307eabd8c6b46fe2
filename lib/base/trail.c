/*
 * The events of a payment's trail.  They are plain JSON from the start: the ledger stores them and
 * the programs print them, and nothing in between looks at them.
 */
#include "base/trail.h"

void
trail_add(json_t *events, int64_t now_ms, const char *what)
{
	json_array_append_new(
	    events, json_pack("{s:I, s:s}", "at_ms", (json_int_t)now_ms, "what", what));
}

void
trail_add_call(json_t *events, int64_t now_ms, const char *what, int status, int64_t took_ms,
    const char *request_id)
{
	json_array_append_new(events,
	    json_pack("{s:I, s:s, s:i, s:I, s:s}", "at_ms", (json_int_t)now_ms, "what", what,
		"status", status, "took_ms", (json_int_t)took_ms, "request_id", request_id));
}
