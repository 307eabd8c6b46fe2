#ifndef WEB_STATUS_TABLES_H
#define WEB_STATUS_TABLES_H

#include <jansson.h>

#include "monitor/overview.h"
#include "web/html.h"
#include "web/locale.h"

/* What the status page shows. */
#define STATUS_DAYS 30
#define STATUS_ROWS 10 /* Of the tables of payments. */

struct status_facts {
	const struct overview *seen;         /* NULL: the ledger cannot be read, */
	const char *sick;                    /* for this reason. */
	const char *account;                 /* AMO_BASE_URL */
	int64_t rate;                        /* AMO_RATE_LIMIT */
	int64_t today;                       /* clock_day() */
	struct ledger_day days[STATUS_DAYS]; /* The last of them is today. */
	const json_t *newest,
	    *failed;             /* ledger_newest(); each failed one has a form's "token" too. */
	const json_t *conflicts; /* ledger_newest_conflicts() */
};

/*
 * Its tables: what failed, each with a button, what contradicts a known payment (nothing when nothing does), and what came
 * last.  Payments are shown by id, amount, state, time, lead and
 * reason: nothing of the payer's.
 */
void status_failures(
    struct html *page, const struct locale *locale, const struct status_facts *facts);
void status_conflicts(
    struct html *page, const struct locale *locale, const struct status_facts *facts);
void status_newest(
    struct html *page, const struct locale *locale, const struct status_facts *facts);

#endif
