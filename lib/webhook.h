#ifndef WEBHOOK_H
#define WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"
#include "settings.h"
#include "signature.h"

/*
 * One HTTP request in, one answer out: POST /webhook/payment and GET /webhook/health.  Knows nothing of FastCGI.
 */
#define WEBHOOK_BODY_MAX (256 * 1024)

struct webhook_request {
	const char *method;
	const char *path;             /* Without a query. */
	const char *content_encoding; /* NULL or "" when absent. */
	const char *request_id;       /* The web server's, for the log; "" when absent. */
	struct signature_headers signature;
	const char *body; /* With a NUL behind it that size does not count. */
	size_t size;
	bool too_large;  /* The body is longer than WEBHOOK_BODY_MAX and was not read. */
	bool incomplete; /* Fewer bytes arrived than were announced. */
};

enum webhook_level {
	WEBHOOK_QUIET, /* Not worth a line (health). */
	WEBHOOK_FINE,
	WEBHOOK_ODD, /* A person may want to know. */
	WEBHOOK_BAD  /* A person must act. */
};

struct webhook_answer {
	int status;
	const char *allow; /* The Allow header of a 405, else NULL. */
	int retry_after_s; /* The Retry-After header of a 503, else 0. */
	char *body;        /* JSON, owned: free(3). */
	enum webhook_level level;
	char log
	    [512]; /* key=value pairs for one journal line: ids and outcomes, nothing personal, nothing unescaped. */
	char remarks[512]; /* Further lines' worth for a warning line ("" = none). */
};

struct webhook;

/*
 * The state one worker needs.  Opened after fork(2).  Files that cannot be opened now (ledger, run directory) are tried
 * again at each request, which is answered 503 meanwhile; NEVER is returned only for what no waiting cures.
 * `workers` is the size of the pool: at most workers - 1 of them (but at least one) carry a payment at the same time.
 * settings is borrowed.
 */
enum outcome webhook_open(
    const struct settings *settings, int workers, struct webhook **webhook, struct fault *why) MUST_USE;
void webhook_close(struct webhook *webhook);

/* Answer one request.  Always fills the answer. */
void webhook_handle(
    struct webhook *webhook, const struct webhook_request *request, struct webhook_answer *answer);

#endif
