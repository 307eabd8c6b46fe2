#ifndef CGI_CTL_CTL_H
#define CGI_CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "config/settings.h"
#include "ledger/ledger.h"

/*
 * What paymentctl was asked, and what its commands need.  ctl.c has the table of commands, ctl_options.c reads the command
 * line; each command is one function in a ctl_*.c.
 */
struct ctl {
	bool json;
	bool failed;
	bool conflicts;
	bool dry_run;
	bool payload;
	int status; /* enum payment_status; -1: any */
	int64_t limit;
	int64_t days;              /* 0: not given */
	const char *since, *until; /* As given; NULL: not given */
	int64_t since_ms;          /* The same on the wall clock; 0: not given */
	int64_t until_ms;
	const char *url;
	const char *mapping;
	char **words; /* What follows the command, `count` of them. */
	int count;

	const struct settings *settings;
	struct ledger *ledger; /* NULL for commands that do not need it. */
};

/* There is something to see: failed payments, differences, an unknown id, a broken ledger.  Beside it the statuses of
 * sysexits.h: EX_OK, EX_USAGE (ctl.c then tells how it is used), EX_CONFIG, EX_TEMPFAIL. */
#define CTL_FINDINGS 1

enum ledger_use {
	LEDGER_NONE,
	LEDGER_OPEN, /* It must be there: nothing is created by looking. */
	LEDGER_MAKE  /* It is made if it is not there. */
};

struct command {
	const char *name;
	int (*run)(const struct ctl *);
	int needs; /* enum settings_need */
	enum ledger_use ledger;
	const char *options; /* Letters of those it knows; see ctl_options.c. */
	const char *words;   /* What else it is told, as its usage shows it; "" for nothing. */
	int least, most;     /* How many words. */
	const char *(*mistake)(
	    const struct ctl *); /* What is wrong with it all together, or NULL.  May be NULL. */
	const char *summary;     /* One line for the list of commands. */
	const char *about;       /* The rest, for its own --help; NULL for nothing. */
	const char *see;         /* When it ends with CTL_FINDINGS; NULL for never. */
};

/*
 * Read what follows a command's name, argv[0]; `ctl` is set but for times, settings and ledger.  Says on stderr what is
 * wrong with it.  --help is answered by options_help() and sets *help.
 */
bool options_read(
    const struct command *command, int argc, char **argv, struct ctl *ctl, bool *help);

/* Times are told in PAYMENT_TIMEZONE, so they are read again when the settings are known. */
void options_read_times(struct ctl *ctl);

/* How a command is used: one line, and all that there is to say. */
void options_usage(const struct command *command);
void options_help(const struct command *command);

/* Look: ctl_look.c, ctl_show.c */
int ctl_stats(const struct ctl *ctl);
int ctl_list(const struct ctl *ctl);
const char *ctl_list_mistake(const struct ctl *ctl);
int ctl_show(const struct ctl *ctl);

/* Take care: ctl_care.c */
int ctl_retry(const struct ctl *ctl);
int ctl_settle(const struct ctl *ctl);
const char *ctl_retry_mistake(const struct ctl *ctl);
int ctl_resume(const struct ctl *ctl);
int ctl_integrity(const struct ctl *ctl);

/* Keep: ctl_keep.c, ctl_import.c */
int ctl_purge(const struct ctl *ctl);
const char *ctl_purge_mistake(const struct ctl *ctl);
int ctl_backup(const struct ctl *ctl);
int ctl_import(const struct ctl *ctl);

/* Compare with amoCRM: ctl_account.c, ctl_reconcile.c */
int ctl_check(const struct ctl *ctl);
int ctl_discover(const struct ctl *ctl);
int ctl_reconcile(const struct ctl *ctl);

/* What a retry would do; for ctl_retry(): ctl_preview.c */
int ctl_preview(const struct ctl *ctl);

/* Why a payment, a row of ledger_list() or NULL, cannot be put back although it is named: a new text; NULL when it can. */
char *ctl_retry_left(const json_t *row);

/* For people: how many of {payment_id: reason} are left for which reason. */
void ctl_tell_left(const json_t *left);

/* Try out rules, or the way in: ctl_replay.c, ctl_send.c */
int ctl_replay(const struct ctl *ctl);
int ctl_send(const struct ctl *ctl);

/* Say what went wrong.  Returns EX_TEMPFAIL. */
int ctl_complain(const struct fault *why);

/* Print a document, and a line's end. */
void ctl_json(const json_t *json);

#endif
