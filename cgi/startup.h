#ifndef CGI_STARTUP_H
#define CGI_STARTUP_H

#include <stdbool.h>

#include "config/settings.h"

/*
 * What every program does first: read the settings.  Each mistake or warning becomes a line of its
 * own in the journal; the log's threshold is set.  `needs` is of enum settings_need.  NULL when
 * there was a mistake: leave with EX_CONFIG or, when it was to be a reload, keep what there is.
 */
struct settings *startup_settings(int needs);

/*
 * The same for a program that carries payments: the rules that came with the settings are checked,
 * too.
 */
struct settings *startup_service(void);

/*
 * HUP, for the parent of a pool: the files may have changed, and a mistake in one must not stop a
 * service that runs; nor may its ledger or run directory change.  startup_reload() puts new
 * settings in place of *now, which becomes *before; false: nothing has changed.  When it is known whether a worker could begin with them,
 * startup_reloaded() keeps them or goes back, and frees the others.
 */
bool startup_reload(struct settings **now, struct settings **before);
void startup_reloaded(struct settings **now, struct settings **before, bool keep);

#endif
