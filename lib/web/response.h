#ifndef WEB_RESPONSE_H
#define WEB_RESPONSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "payment/signature.h"

/*
 * One HTTP request as the web server hands it over, and the response to it.  Knows nothing of
 * FastCGI.
 */
#define WEBHOOK_BODY_MAX (256 * 1024)

/*
 * So many requests at most are answered together; with more the first would wait too long for the
 * last.
 */
#define WEBHOOK_TOGETHER_MAX 8

/* Strings are borrowed for as long as the request lives; a header that is absent is NULL. */
struct http_request {
	const char *method;
	const char *path; /* Without a query. */
	const char *content_encoding;
	const char *content_type;
	const char *accept_language;
	const char *host;
	const char *origin;         /* Origin: from which site a browser sends a form. */
	const char *sec_fetch_site; /* Sec-Fetch-Site: the same, in one word of the browser's. */
	const char *request_id;     /* The web server's, for the log; "" when absent. */
	struct signature_headers signature;
	const char *body; /* With a NUL behind it that size does not count. */
	size_t size;
	bool too_large;  /* The body is longer than WEBHOOK_BODY_MAX and was not read. */
	bool incomplete; /* Fewer bytes arrived than were announced. */
	/* The web server vouches that the client may see how the service does. */
	bool by_operator;
};

/* How much of a payment's key is logged, with a NUL behind it. */
#define RESPONSE_LOG_KEY 96

/* Of the line in the log. */
enum response_level {
	RESPONSE_DEBUG, /* No one needs to read it: a probe that found all well. */
	RESPONSE_INFO,
	RESPONSE_WARNING, /* A person may want to know. */
	RESPONSE_ERROR    /* A person must act. */
};

struct http_response {
	const char *status_name;  /* What its JSON calls "status"; NULL for other than JSON. */
	const char *allow;        /* The Allow header of a 405, else NULL. */
	const char *content_type; /* NULL: JSON. */
	const char *headers;      /* Further header lines, each with its CRLF; NULL: none. */
	char *body;               /* Owned: free(3). */
	json_t *warnings; /* Array of English sentences, a log line each.  Owned; NULL: none. */
	int status;
	int retry_after_s; /* The Retry-After header of a 503, else 0. */
	enum response_level level;
	char payment[RESPONSE_LOG_KEY]; /* The payment that the warnings are about. */
	/*
	 * key=value pairs for one log line: ids and outcomes, nothing personal, nothing unescaped.
	 */
	char log[512];
};

/*
 * Set the log's line; what does not fit into it is cut off.  Nothing is escaped later: texts from
 * outside come by response_log_key() or were written by us.
 */
void response_log(struct http_response *response, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * JSON: {"status": status_name, "detail"} and the members of `more`, which is taken over (NULL:
 * none).  status_name must live for ever.  The body is a new string that belongs to the response;
 * set it once, as one set before would not be freed.
 */
void response_json(struct http_response *response, int status, const char *status_name,
    const char *detail, json_t *more);

/* What the sender did wrong: "error", with a line for the log. */
void response_error(struct http_response *response, int status, const char *detail);

/* 503: nothing was accepted, it must be sent again. */
void response_unavailable(struct http_response *response, const struct fault *why);

/* How long a sender is told to wait after a 503. */
#define RESPONSE_RETRY_AFTER_S 30

/*
 * A payment's key for the log: cut, and with everything but visible ASCII replaced.  Returns text.
 */
const char *response_log_key(char text[static RESPONSE_LOG_KEY], const char *key);

#endif
