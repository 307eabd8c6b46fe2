#ifndef LEDGER_IMPORT_H
#define LEDGER_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "ledger/ledger.h"

/*
 * Taking over the ledger of the Python service; old_ledger.h says what its rows become.  A payment
 * that is known here is left as it is, so an import may be repeated.
 *
 * A success that comes again is a duplicate from then on, with whatever amount where that was not
 * known (`amount` is NULL).  What is failed is delivered again only when it is named or comes
 * again, and then what is in amoCRM is looked for first: an open intent is left for that.
 */
struct old_ledger;

struct import {
	bool dry_run; /* Count only. */

	int64_t seen, total;             /* Rows there. */
	int64_t added[PAYMENT_STATUSES]; /* By their status here. */
	int64_t known;                   /* Left as they are here. */
	int64_t
	    doubtful;   /* Of those added as failed: neither success nor failure was known there. */
	int64_t unread; /* Of those added: the payload is no webhook. */
	int64_t nameless; /* Without a payment_id: not taken over. */

	struct old_ledger *from; /* Ours until import_close(). */
	int64_t at;              /* The last row read. */
};

/* Open the file for reading.  NEVER: it is no such ledger.  dry_run is set after. */
enum outcome import_open(const char *path, struct import *import, struct fault *why) MUST_USE;
void import_close(struct import *import);

/* Take over some rows in one transaction.  *more is false when there were none left. */
enum outcome import_step(
    struct ledger *ledger, struct import *import, bool *more, struct fault *why) MUST_USE;

#endif
