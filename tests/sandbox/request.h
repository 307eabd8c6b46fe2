/*
 * One HTTP request as the rest of the sandbox sees it: no libmicrohttpd here.
 */
#ifndef SANDBOX_REQUEST_H
#define SANDBOX_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parameter {
	char *name;
	char *value;
};

struct request {
	int64_t arrived_ns;      /* monotonic, when the headers were read */
	int64_t arrived_wall_ms; /* the same instant by the wall clock */
	char *method;
	char *path;          /* decoded, without the query */
	char *target;        /* as sent: path and query */
	char *base;          /* scheme and host as the client knows us: "http://127.0.0.1:8080" */
	char *authorization; /* these three may be NULL */
	char *user_agent;
	char *request_id;             /* the client's name for it, X-Request-Id */
	char *answer_id;              /* ours: the answer's X-Request-Id */
	struct parameter *parameters; /* of the query, decoded, in order */
	size_t parameter_count;
	char *body; /* a zero byte follows it; NULL if nothing was sent */
	size_t body_size;
};

/* Append one decoded query parameter; both are copied. */
void request_add_parameter(struct request *asked, const char *name, const char *value);

/* Release what the request holds, not the request itself. */
void request_clear(struct request *asked);

/* The first value of the parameter, or NULL. */
const char *request_parameter(const struct request *asked, const char *name);

/* The parameter as an integer, or `otherwise` if it is absent or no integer. */
int64_t request_number(const struct request *asked, const char *name, int64_t otherwise);

/* Is word one of the comma-separated words of with=? */
bool request_with(const struct request *asked, const char *word);

/* Is there a parameter called name, name[] or name[anything]? */
bool request_has_list(const struct request *asked, const char *name);

/* Does one of those parameters have this value? */
bool request_list_contains(const struct request *asked, const char *name, const char *value);

#endif
