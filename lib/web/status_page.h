#ifndef WEB_STATUS_PAGE_H
#define WEB_STATUS_PAGE_H

#include <jansson.h>

#include "monitor/overview.h"
#include "web/locale.h"

/* What the status page shows. */
#define STATUS_DAYS 30
#define STATUS_ROWS 10 /* Of each table of payments. */

struct status_facts {
	const struct overview *seen;         /* NULL: the ledger cannot be read, */
	const char *sick;                    /* for this reason. */
	const char *account;                 /* AMO_BASE_URL */
	int64_t rate;                        /* AMO_RATE_LIMIT */
	int64_t today;                       /* clock_day() */
	struct ledger_day days[STATUS_DAYS]; /* The last of them is today. */
	const json_t *newest;                /* ledger_newest() */
	const json_t *failed;    /* ledger_newest_failed(), each row with a form's "token" too. */
	const json_t *conflicts; /* ledger_newest_conflicts() */
};

/*
 * The status page as a new HTML text, which the caller frees.  Pure: it depends on its arguments
 * alone.  Payments are shown by id, amount, state, time, lead and reason: nothing of the payer's.
 */
char *status_page(const struct locale *locale, const struct status_facts *facts);

#endif
