/*
 * One HTTP answer, and how faithfully it is to be delivered.
 */
#ifndef SANDBOX_RESPONSE_H
#define SANDBOX_RESPONSE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum delivery {
	DELIVER_WHOLE,
	DELIVER_SLOWLY,     /* a byte at a time, pace_ms between them */
	DELIVER_CUT,        /* the full length is announced, half of it is sent */
	DELIVER_CUT_HEADER, /* the connection ends inside the headers */
	DELIVER_RESET,      /* no answer: the connection is reset */
};

struct response {
	int status;
	const char *type; /* Content-Type, static; NULL for none */
	char *body;       /* owned; may be NULL when size is 0 */
	size_t size;
	int64_t retry_after; /* seconds for the Retry-After header; negative for none */
	char *location;      /* for the Location header, owned; NULL for none */
	int64_t hold_ms;     /* wait this long before delivering */
	int64_t pace_ms;
	enum delivery delivery;
};

/* An answer with nothing in it yet. */
void response_init(struct response *given, int status);

/* Free the body and be ready for another answer. */
void response_clear(struct response *given);

/* Answer with this JSON, which is stolen. */
void response_json(struct response *given, int status, json_t *body);

/* Answer with a problem document: detail NULL means the usual words for that status. */
void response_problem(struct response *given, int status, const char *detail);

/* The same as JSON, for callers that add to it; new. */
json_t *problem_json(int status, const char *detail);

/* Answer with the kind of page a gateway puts up. */
void response_html(struct response *given, int status);

/* Answer with these bytes, which are stolen. */
void response_bytes(struct response *given, int status, const char *type, char *body, size_t size);

#endif
