#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Where settings come from: the environment, then the file that PAYMENT_SYNC_CONFIG names (or,
 * where it is there, the default one).  An empty value is the same as none.
 */
struct source {
	json_t *values;   /* Name -> value: the file's, under the environment's.  Secrets too. */
	json_t *warnings; /* The errors; borrowed. */
	/*
	 * The file that PAYMENT_SYNC_CONFIG names, when there is none: worth a warning.  Else NULL.
	 */
	const char *absent;
};

#define SOURCE_DEFAULT_FILE "/etc/platform-payment-sync/config.env"

/* Read everything there is. */
void source_open(struct source *source, json_t *warnings);
void source_close(struct source *source);

/* The value, borrowed; NULL when it is not set. */
const char *source_value(const struct source *source, const char *name);

/* Whether it is given as empty, for the few settings to which that says more than nothing. */
bool source_is_empty(const struct source *source, const char *name);

/*
 * A secret as a new string: the value itself, else the content of the file NAME_FILE, else, where
 * `credential` is not NULL, that file in $CREDENTIALS_DIRECTORY.  White space at a file's end is
 * dropped.  NULL when there is none.
 */
char *source_secret(const struct source *source, const char *name, const char *credential);

/* Append an error or a warning. */
void source_warn(const struct source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
