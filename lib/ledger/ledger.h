#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "db/copy.h"
#include "payment/payment.h"

/*
 * The ledger: every payment ever told, what was promised about it and how far its carrying got.
 * Every SQL statement of the service is in ledger*.c; the head of ledger.c states the invariants
 * and the states.  Money is in kopecks and time in milliseconds since 1970 unless a name says
 * otherwise; both are given in by the caller.
 *
 * All writing functions are durable when they return DONE.  BROKEN means that nothing was written.
 */
struct ledger;

enum outcome ledger_open(const char *path, struct ledger **ledger, struct fault *why) MUST_USE;

/* The same without creating it.  NEVER: there is none. */
enum outcome ledger_open_existing(
    const char *path, struct ledger **ledger, struct fault *why) MUST_USE;

void ledger_close(struct ledger *ledger); /* NULL is allowed. */

/*
 * Housekeeping of the file, which now and then a write has to do after it is durable, and which
 * takes as long as the disk needs for a thousand pages.  A process that somebody waits for puts it
 * off, and must then call ledger_checkpoint() as soon as nobody waits.
 */
void ledger_checkpoint_later(struct ledger *ledger);
void ledger_checkpoint(struct ledger *ledger);

enum payment_status {
	PAYMENT_PENDING,
	PAYMENT_PROCESSING,
	PAYMENT_SUCCESS,
	PAYMENT_FAILED,
	PAYMENT_SKIPPED,
	PAYMENT_STATUSES
};
const char *payment_status_name(enum payment_status status);

/* The status of that name; -1 when there is none. */
int payment_status_parse(const char *name);

/*
 * How far the carrying of one payment got.  It is saved whole after each step; a step that acts on
 * amoCRM is saved as an intent before it acts.
 */
enum intent {
	INTENT_NONE,
	INTENT_CONTACT, /* A contact may have been created; its id is not known. */
	INTENT_LEAD,  /* A lead carrying this payment may have been created; its id is not known. */
	INTENT_TOTALS /* lead_id may have been changed from the values before to those after. */
};

struct progress {
	enum intent intent;
	int64_t intent_ms; /* When the intent was written down; 0 without one. */

	int64_t contact_id;
	char matched_by
	    [16]; /* identity_name() of what the contact was found by, "created", or "". */

	int64_t lead_id;
	int64_t pipeline_id;
	bool lead_created;
	bool
	    older; /* The lead shows a later payment: ours leaves no id, date or last amount there. */
	bool applied; /* amoCRM holds this payment's amount, count and fields. */
	int64_t total_before, total_after;
	int64_t count_before, count_after;
	int64_t rebased; /* How often somebody else's change made us begin from new values. */

	int64_t note_id;
	json_t *
	    dropped; /* Fields amoCRM refused: array of ids and codes.  Owned; never NULL once loaded. */
	json_t *
	    unmapped; /* Subjects without a rule: array of names.  Owned; never NULL once loaded. */
	json_t *events; /* For the trail, see trail.h.  Owned; emptied when they are written. */
};
void progress_init(struct progress *at);
void progress_clear(struct progress *at); /* Frees what it owns. */

/*
 * Arrival.
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
	int64_t next_ms; /* When payment-syncd is to take it up if nobody has finished it. */
};

enum recorded {
	RECORDED_NEW,     /* First seen: now pending, or skipped for the exclusion given. */
	RECORDED_AGAIN,   /* It was failed or skipped; the same as new, with the new payload. */
	RECORDED_IN_HAND, /* Known and unfinished: counted as a duplicate, nothing else changed. */
	RECORDED_CARRIED, /* Known and carried: the same. */
	RECORDED_CONFLICT /* Kept aside for a person, and nothing else changed.  Known, but with another amount or another
			     payer; or it had failed when something of it may be in amoCRM, and is now excluded. */
};

/* The request_id of what another service recorded. */
#define LEDGER_IMPORTED "import"

struct ledger_row {
	int64_t id;
	enum payment_status status;
	int64_t contact_id, lead_id, pipeline_id;
	bool lead_created;
};

/* What came of one arrival. */
struct recording {
	enum recorded how;
	struct ledger_row row;
};

/*
 * Record what arrived together, in one transaction: either all of it is on disk or none, and then
 * nothing is known about any of it.  Each is recorded as if it had come alone, in the given order;
 * recordings has room for count.  NEVER: one of them breaks a rule of the table.
 */
enum outcome ledger_record(struct ledger *ledger, const struct arrival *arrivals, size_t count,
    struct recording *recordings, struct fault *why) MUST_USE;

/*
 * Carrying.
 */
struct due {
	int64_t id;
	char *key;     /* Owned: due_clear(). */
	char *payload; /* Owned. */
	size_t payload_size;
	char *request_id; /* Of the webhook that told it; "" = none.  Owned. */
	int64_t recorded_ms;
	int64_t attempts; /* Failed so far. */
};
void due_clear(struct due *due);

/*
 * The first unfinished payment after the row `after` (0 from the start) whose time has come; id = 0
 * when there is none.
 */
enum outcome ledger_next_due(struct ledger *ledger, int64_t after, int64_t now_ms, struct due *due,
    struct fault *why) MUST_USE;

/* When the next unfinished payment falls due; 0 when there is none unfinished. */
enum outcome ledger_next_time(struct ledger *ledger, int64_t *next_ms, struct fault *why) MUST_USE;

/*
 * Take a payment in hand until lease_ms.  *claimed is false when it is not unfinished (somebody
 * else finished it), or (due_ms not 0) not due by then: somebody else has had it in hand since it
 * was.
 */
enum outcome ledger_claim(struct ledger *ledger, int64_t id, int64_t due_ms, int64_t lease_ms,
    bool *claimed, struct fault *why) MUST_USE;

/*
 * Load into / save from a progress that progress_init() has prepared; a row that was never worked
 * on leaves it as it is.
 */
enum outcome ledger_progress(
    struct ledger *ledger, int64_t id, struct progress *at, struct fault *why) MUST_USE;
enum outcome ledger_save(
    struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why) MUST_USE;

/*
 * ledger_save(), and remember that these identities belong to at->contact_id: amoCRM's search will
 * not know it for a while.
 */
enum outcome ledger_save_contact(struct ledger *ledger, int64_t id, const struct progress *at,
    const struct identity *who, size_t count, int64_t now_ms, struct fault *why) MUST_USE;

/*
 * The contact remembered for an identity; 0 when there is none.  A reminder to look there, not a
 * fact.
 */
enum outcome ledger_remembered(
    struct ledger *ledger, int64_t identity, int64_t *contact_id, struct fault *why) MUST_USE;

/* Whether a payment of this contact's has been applied since. */
enum outcome ledger_contact_touched(struct ledger *ledger, int64_t contact_id, int64_t since_ms,
    bool *touched, struct fault *why) MUST_USE;

/*
 * Another unfinished payment with an open intent: one that shares an identity with `id`, or
 * (lead_id not 0) one on that lead.  0 when there is none.
 */
enum outcome ledger_blocker(struct ledger *ledger, int64_t id, int64_t lead_id, int64_t *blocker,
    struct fault *why) MUST_USE;

/*
 * Another unfinished payment with an open intent on this lead's totals that is younger than ours,
 * of intent_ms: it began while ours had failed.  0 when there is none.
 */
enum outcome ledger_younger_intent(struct ledger *ledger, int64_t id, int64_t lead_id,
    int64_t intent_ms, int64_t *younger, struct fault *why) MUST_USE;

/*
 * Whether a contact may have been created for this payer, by this payment or another (even one that
 * has failed since), whose id nobody learnt.
 */
enum outcome ledger_lost_contact(
    struct ledger *ledger, int64_t id, bool *lost, struct fault *why) MUST_USE;

/*
 * The total and count that stood in this lead when the first payment after `since_ms` came to it:
 * one that was applied, or one that has an open intent, of which it is not known whether it was.
 * *known is false when no payment has come since.
 */
enum outcome ledger_base_after(struct ledger *ledger, int64_t lead_id, int64_t since_ms,
    int64_t *total, int64_t *count, bool *known, struct fault *why) MUST_USE;

/* Whether some payment in the ledger already claims this lead as the one created for it. */
enum outcome ledger_lead_claimed(
    struct ledger *ledger, int64_t lead_id, bool *claimed, struct fault *why) MUST_USE;

/* The three ends of an attempt. */
enum outcome ledger_finish(struct ledger *ledger, int64_t id, const struct progress *at,
    int64_t now_ms, struct fault *why) MUST_USE;
enum outcome ledger_fail(struct ledger *ledger, int64_t id, json_t *events, const char *reason,
    int64_t now_ms, struct fault *why) MUST_USE;
enum outcome ledger_postpone(struct ledger *ledger, int64_t id, json_t *events, const char *reason,
    bool counts, int64_t next_ms, struct fault *why) MUST_USE;

/* The trail of one payment (see trail.h) in order: a new JSON array of events. */
enum outcome ledger_trail(
    struct ledger *ledger, int64_t id, json_t **events, struct fault *why) MUST_USE;

/*
 * Looking.
 */
struct ledger_stats {
	int64_t payments[PAYMENT_STATUSES];
	int64_t kopecks[PAYMENT_STATUSES];
	int64_t last_success_ms; /* 0 = never. */
	int64_t
	    oldest_unfinished_ms; /* When the oldest unfinished payment was recorded; 0 = none. */
	int64_t conflicts;        /* Arrivals kept aside that no person has settled. */
};
enum outcome ledger_stats(
    struct ledger *ledger, struct ledger_stats *stats, struct fault *why) MUST_USE;

/* Prove that the ledger can commit, by a real commit. */
enum outcome ledger_touch(struct ledger *ledger, int64_t now_ms, struct fault *why) MUST_USE;

/*
 * Over all payments: how often one was told again, and how many arrivals were kept aside, settled
 * or not.
 */
enum outcome ledger_repeats(
    struct ledger *ledger, int64_t *duplicates, int64_t *conflicts, struct fault *why) MUST_USE;

/*
 * Rows for people: a new JSON array of objects, newest first, with times as UTC text.  status < 0
 * means any.  With a key only that payment: a payment_id, or "#" and a row's number.  Nothing
 * personal is in them but the payload, only with `whole`; of a payment whose payload was purged, or
 * never known, "purged" is true.
 */
enum outcome ledger_list(struct ledger *ledger, int status, const char *key, int64_t since_ms,
    int64_t limit, bool whole, json_t **rows, struct fault *why) MUST_USE;

/*
 * The payments of which an arrival was kept aside since then that no person has settled: rows as of
 * ledger_list().
 */
enum outcome ledger_list_conflicts(struct ledger *ledger, int64_t since_ms, int64_t limit,
    json_t **rows, struct fault *why) MUST_USE;

/*
 * The arrivals of a payment that were kept aside, oldest first: a new JSON array of {"seen_ms",
 * "reason", "settled_ms" (null: not yet)}, and "payload" with `whole`.
 */
enum outcome ledger_conflicts(
    struct ledger *ledger, int64_t id, bool whole, json_t **conflicts, struct fault *why) MUST_USE;

/*
 * A person has looked at what was kept aside of a payment; *count tells how many were not settled
 * before.
 */
enum outcome ledger_settle(
    struct ledger *ledger, int64_t id, int64_t now_ms, int64_t *count, struct fault *why) MUST_USE;

/*
 * Put a failed payment back into the backlog; *retried is false when it has not failed, or its
 * payload is gone, without which it cannot be carried again.
 */
enum outcome ledger_retry(struct ledger *ledger, const char *key, int64_t now_ms, bool *retried,
    struct fault *why) MUST_USE;

/*
 * The same for all that have failed, but for those that must be named.  *retried is a new array of
 * payment_ids; *left a new object, by payment_id, of why each of the others was left: see
 * ledger_why_left().
 */
enum outcome ledger_retry_failed(struct ledger *ledger, int64_t now_ms, json_t **retried,
    json_t **left, struct fault *why) MUST_USE;

/*
 * Why a failed payment, a row of ledger_list(), is not put back with all the others; NULL when it
 * is.  Nobody knows how far the other service got with an imported one, and what was kept aside of
 * one may say that it should not be carried.
 */
const char *ledger_why_left(const json_t *row);

/*
 * Copy the live ledger to a new file, verified and durable; *rows tells how many payments it holds.
 * NEVER: the name is taken. `tell`: see db_copy().
 */
enum outcome ledger_copy(struct ledger *ledger, const char *path, db_progress *tell, void *told,
    int64_t *rows, struct fault *why) MUST_USE;

/* Check the file and the invariants; every violation is told.  NEVER when there was any. */
enum outcome ledger_check(struct ledger *ledger, void (*tell)(void *, const char *), void *told,
    struct fault *why) MUST_USE;

#endif
