/*
 * The ways in which an answer can go wrong.
 */
#ifndef SANDBOX_SPOIL_H
#define SANDBOX_SPOIL_H

#include <jansson.h>
#include <stdbool.h>

#include "response.h"

struct spoil {
	const char *name;
	bool before;       /* by default the request is not carried out */
	bool needs_effect; /* makes no sense for a request that is not carried out */
	void (*spoil)(const json_t *rule, bool before, struct response *given);
};

/* The way of this name, or NULL. */
const struct spoil *spoil_find(const char *name);

#endif
