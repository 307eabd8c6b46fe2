#ifndef STARTUP_H
#define STARTUP_H

#include "settings.h"

/*
 * What every program does first: read the settings.  Each mistake or warning becomes a line of its own in the journal; the
 * log's threshold is set.  `needs` is of enum settings_need.  NULL when there was a mistake: leave with EX_CONFIG or, when it
 * was to be a reload, keep what there is.
 */
struct settings *startup_settings(int needs);

/* The same for a program that carries payments: the rules that came with the settings are checked, too. */
struct settings *startup_service(void);

#endif
