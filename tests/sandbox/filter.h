/*
 * filter[...] of contacts and leads, an option that an account may or may not have.  A filter that is unknown or not
 * available is ignored without a word: the answer is the unfiltered list.
 */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include "call.h"

/* Does the entity pass those filters of the request that this account heeds? */
bool filter_passes(const struct call *call, const json_t *entity);

/* filter[name]=value, [from] and [to] against an integer of the entity; true without such a filter. */
bool filter_range(const struct request *asked, const char *name, const json_t *entity);

/* filter[name][]=value against an integer or text of the entity; true without such a filter. */
bool filter_value(
    const struct request *asked, const char *name, const json_t *entity, const char *key);

#endif
