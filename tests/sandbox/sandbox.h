/*
 * The emulated account as a whole: one request in, one answer out.
 *
 * Connections have a thread each; one lock guards everything here, and nobody sleeps with it held.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "account.h"
#include "faults.h"
#include "journal.h"
#include "limit.h"
#include "request.h"
#include "response.h"
#include "settings.h"

/* Open to control.c, which works on all of its parts; to everybody else it is opaque by agreement. */
struct sandbox {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something was logged, or the end has come */
	bool stopping;

	struct settings settings;
	struct settings settings_at_start;
	json_t *seed;
	char *token;

	struct account *account;
	struct faults *faults;
	struct limit *limit;
	struct journal *journal;

	size_t latencies;  /* how many were drawn from the spread */
	size_t throttled;  /* 429 because of the rate */
	size_t status_429; /* 429 for whatever reason */
	bool blocked;      /* every request is answered 403 until the next reset */
};

/*
 * New sandbox with the account of the seed, which is stolen.  NULL, with *mistakes set to new JSON, if the seed is not
 * right.  `log` may be NULL and stays the caller's.
 */
struct sandbox *sandbox_new(const struct settings *settings, const char *token, json_t *seed,
    uint64_t random_seed, FILE *log, json_t **mistakes) __attribute__((warn_unused_result));

/* From now on nothing waits any more. */
void sandbox_stop(struct sandbox *box);

/* When all threads are done. */
void sandbox_free(struct sandbox *box);

/* Answer one request; may take as long as the settings and faults say. */
void sandbox_answer(struct sandbox *box, const struct request *asked, struct response *given);

/* With the lock held: start over from the seed, with the settings of the start, no faults and an empty log. */
void sandbox_reset(struct sandbox *box, struct account *fresh);

/* With the lock held: wait for a change until the deadline (monotonic); false when it has passed or the end has come. */
bool sandbox_await(struct sandbox *box, int64_t deadline_ns);

#endif
