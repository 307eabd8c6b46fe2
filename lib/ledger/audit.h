#ifndef LEDGER_AUDIT_H
#define LEDGER_AUDIT_H

#include <jansson.h>
#include <stdint.h>

#include "base/fault.h"
#include "ledger/ledger.h"

/*
 * The ledger read from end to end, for comparing it with amoCRM or with other rules.  Read only,
 * page by page, so that no writer waits meanwhile.
 *
 * A period goes by when payments first came, from since_ms to before until_ms on the wall
 * clock; 0 leaves its end open. Results are new arrays.
 */
struct period {
	int64_t since_ms, until_ms;
};

/*
 * The leads to which a success of the period was delivered, beyond the lead `after`, in order of
 * id, at most `limit`: ids.
 */
enum outcome ledger_leads(struct ledger *ledger, const struct period *period, int64_t after,
    int64_t limit, json_t **ids, struct fault *why) MUST_USE;
enum outcome ledger_lead_count(
    struct ledger *ledger, const struct period *period, int64_t *count, struct fault *why) MUST_USE;

/*
 * Every payment ever applied to a lead, in order of arrival: {"payment_id", "kopecks",
 * "contact_id", "dropped"} and "asked", whether it is a success of the period.  kopecks is what was
 * added to the lead's total: 0 for a payment in another currency than the account's.
 */
enum outcome ledger_applied(struct ledger *ledger, int64_t lead_id, const struct period *period,
    json_t **payments, struct fault *why) MUST_USE;

/*
 * Payments of the period, of any status, beyond the row `after`, in order of arrival, at most
 * `limit`: {"id", "payment_id", "status", "reason", "payload", "lead_created", "pipeline_id",
 * "unmapped"}.  Payload is "" where it was purged.
 */
enum outcome ledger_received(struct ledger *ledger, const struct period *period, int64_t after,
    int64_t limit, json_t **payments, struct fault *why) MUST_USE;
enum outcome ledger_received_count(
    struct ledger *ledger, const struct period *period, int64_t *count, struct fault *why) MUST_USE;

#endif
