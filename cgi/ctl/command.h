#ifndef CGI_CTL_COMMAND_H
#define CGI_CTL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"

/*
 * What a command of paymentctl is given, and how it describes itself.  main.c has the table of
 * commands, options.c reads the command line.
 */
struct ctl_time {
	const char *text; /* As given; NULL: not given. */
	int64_t ms;       /* The same on the wall clock; 0: not given. */
};

struct ctl {
	bool json;
	bool failed;
	bool conflicts;
	bool rejected;
	bool dry_run;
	bool payload;
	int status; /* enum payment_status; -1: any */
	int64_t limit;
	int64_t days; /* 0: not given */
	struct ctl_time since, until;
	const char *url;
	const char *mapping;
	char **operands; /* What follows the options, `count` of them. */
	int count;

	const struct settings *settings;
	struct ledger *ledger;     /* NULL for commands that do not need it. */
	const struct rules *rules; /* NULL unless a command has loaded them. */
};

/*
 * There is something to see: failed payments, differences, an unknown id, a broken ledger.  Beside
 * it the statuses of sysexits.h: EX_OK, EX_USAGE, EX_CONFIG, EX_TEMPFAIL.
 */
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
	const char *options; /* Letters of those it takes; see options.c. */
	/*
	 * What else it takes, as its usage shows it, and so how many: "ID" is one, "ID..." one or more,
	 * "[ID...]" any number; NULL is none.
	 */
	const char *operands;
	/* What is wrong with options and operands together, or NULL.  May be NULL. */
	const char *(*mistake)(const struct ctl *);
	const char *summary; /* One line for the list of commands. */
	const char *about;   /* The rest, for its own --help; NULL for nothing. */
	const char *see;     /* What CTL_FINDINGS means; NULL if it never ends with that. */
};

#endif
