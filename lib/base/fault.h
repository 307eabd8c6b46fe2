#ifndef BASE_FAULT_H
#define BASE_FAULT_H

/*
 * What came of an attempt, and why.
 *
 * The five outcomes are named for what the caller must do next.  HTTP statuses, libcurl codes and
 * SQLite codes are each translated into them in exactly one function; everything above speaks only
 * of these.
 */
enum outcome {
	DONE,   /* It is so; go on. */
	LATER,  /* It surely did not happen, and asking again later may help. */
	UNSURE, /* It may or may not have happened: look before asking again. */
	NEVER,  /* It was refused for good; asking again will not help, a person must look. */
	BROKEN  /* This host cannot go on: ledger, memory or files fail. */
};

/*
 * The reason in English, for the journal and the ledger.  The caller owns it; a callee leaves it
 * untouched unless it returns something other than DONE.  It never holds a secret, a body or a
 * customer's data.
 */
struct fault {
	char text[256];
};

#define MUST_USE __attribute__((warn_unused_result))

/* Write the reason, cut to fit. */
void fault_write(struct fault *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The same with the outcome as its value, so that a failure is one statement: return fault_set(why,
 * LATER, "...").  A macro, so that analysers see what it returns.
 */
#define fault_set(why, outcome, ...) (fault_write((why), __VA_ARGS__), (outcome))

#endif
