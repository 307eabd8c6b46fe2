#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "ledger.h"
#include "settings.h"

/*
 * What paymentctl was asked, and what its commands need.  ctl.c reads the command line and has the table of commands; each
 * command is one function in a ctl_*.c.
 */
struct ctl {
	bool json;
	bool failed;
	bool dry_run;
	int status; /* enum payment_status; -1: any */
	int64_t limit;
	int64_t days;     /* 0: not given */
	int64_t since_ms; /* Wall clock; 0: not given */
	int64_t until_ms; /* The same. */
	const char *url;
	const char *mapping;
	char **words; /* What follows the command, `count` of them. */
	int count;

	const struct settings *settings;
	struct ledger *ledger; /* NULL for commands that do not need it. */
};

/* There is something to see: failed payments, differences, an unknown id, a broken ledger.  Beside it the statuses of
 * sysexits.h: EX_OK, EX_USAGE (ctl.c then tells how it is used), EX_CONFIG, EX_TEMPFAIL. */
#define CTL_SEE 1

/* Look: ctl_look.c */
int ctl_stats(const struct ctl *ctl);
int ctl_list(const struct ctl *ctl);
int ctl_show(const struct ctl *ctl);
int ctl_integrity(const struct ctl *ctl);

/* Take care: ctl_care.c */
int ctl_retry(const struct ctl *ctl);
int ctl_resume(const struct ctl *ctl);

/* Say what went wrong.  Returns EX_TEMPFAIL. */
int ctl_complain(const struct fault *why);

/* Print a document, and a line's end. */
void ctl_json(const json_t *json);

#endif
