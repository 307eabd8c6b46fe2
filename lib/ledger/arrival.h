#ifndef LEDGER_ARRIVAL_H
#define LEDGER_ARRIVAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "ledger/ledger.h"
#include "payment/payment.h"

/*
 * What arrives: webhooks are recorded before anything else is done with them.
 */
struct arrival {
	const char *key;
	int64_t kopecks;
	int64_t paid_at; /* Unix seconds, 0 = unknown. */
	const struct identity *who;
	size_t who_count;
	const char *payload; /* The body as received, UTF-8. */
	size_t payload_size;
	const char *request_id;

	const char *exclusion; /* Not NULL: to be skipped, for this reason. */
	int64_t now_ms;
	int64_t next_ms; /* When payment-syncd is to take it up if no worker has finished it. */
};

enum recorded {
	RECORDED_NEW,     /* First seen: now pending, or skipped for the exclusion given. */
	RECORDED_AGAIN,   /* It was failed or skipped; the same as new, with the new payload. */
	RECORDED_IN_HAND, /* Known and unfinished: counted as a duplicate, nothing else changed. */
	RECORDED_CARRIED, /* Known and delivered: the same. */
	RECORDED_SKIPPED, /* Skipped, by an exclusion that the sender made later: counted. */
	/*
	 * Kept aside for a person.  It has another amount or another payer; or it is excluded now,
	 * when something of it is or may be in amoCRM.  An unfinished one of which only a contact
	 * may be there is then failed; else nothing is changed.
	 */
	RECORDED_CONFLICT
};

/* What came of one arrival: how it was recorded, and the row as it stands now. */
struct recording {
	enum recorded how;
	struct ledger_row {
		int64_t id;
		enum payment_status status;
		int64_t contact_id, lead_id, pipeline_id;
		bool lead_created;
	} row;
	char *reason; /* RECORDED_SKIPPED: why, free() it; else NULL. */
};

/*
 * What a payment says of itself, as an arrival at now_ms that falls due at once.  `who` has room for
 * IDENTITIES_MAX and is filled; all is borrowed.  request_id and exclusion are left NULL.
 */
struct arrival arrival_of_payment(const struct payment *paid, struct identity *who,
    const char *payload, size_t payload_size, int64_t now_ms);

/*
 * Record what arrived together, in one transaction: either all of it is on disk or none, and then
 * nothing is known about any of it.  Each is recorded as if it had come alone, in the given order;
 * recordings has room for count.  NEVER: one of them breaks a rule of the table.
 */
enum outcome ledger_record(struct ledger *ledger, const struct arrival *arrivals, size_t count,
    struct recording *recordings, struct fault *why) MUST_USE;

#endif
