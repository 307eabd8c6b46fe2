#ifndef RULES_H
#define RULES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "condition.h"
#include "extra.h"
#include "rulefile.h"

/*
 * The rules as they were read, in the order of the file.  A rule whose id is not set is not among them.
 */
struct direction {
	struct condition *when;
	int64_t enum_id;
};

struct pipeline {
	struct condition *when; /* NULL: always. */
	int64_t pipeline_id;
	int64_t status_id; /* 0: the pipeline's first stage. */
};

struct exclusion {
	struct condition *when;
	char *reason;
};

struct mapping {
	json_t *subjects; /* Folded name -> enum id. */
	struct direction *directions;
	size_t direction_count;
	struct pipeline *pipelines;
	size_t pipeline_count;
	struct exclusion *exclusions;
	size_t exclusion_count;
	struct extra **extras;
	size_t extra_count;
	json_t *excluded_stages; /* Ids. */
};

/* Read the whole file of rules; what is wrong is noted in file->mistakes, and then the result is only good for
 * rules_free(). */
struct mapping *rules_read(struct rulefile *file, const json_t *root);

void rules_free(struct mapping *mapping); /* NULL is allowed. */

#endif
