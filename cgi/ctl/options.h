#ifndef CGI_CTL_OPTIONS_H
#define CGI_CTL_OPTIONS_H

#include "command.h"

/*
 * Read what follows a command's name, argv[0]; `ctl` is set but for times, settings and ledger.
 * Says on stderr what is wrong with it.  --help is answered by options_help() and sets *help.
 */
bool options_read(
    const struct command *command, int argc, char **argv, struct ctl *ctl, bool *help);

/* Times are given in PAYMENT_TIMEZONE, so they are read again when the settings are known. */
void options_read_times(struct ctl *ctl);

/* How a command is used: one line, and all that there is to say. */
void options_usage(const struct command *command);
void options_help(const struct command *command);

#endif
