/*
 * paymentctl settle: note that a person has looked at the conflicts of payments, so that they are
 * no longer listed and alarmed about.  Nothing else changes.
 */
#include "base/clock.h"
#include "base/text.h"
#include "commands.h"
#include "ledger/operator.h"
#include "named.h"
#include "rejected.h"
#include "row.h"

static enum outcome
settle_one(const struct ctl *ctl, const json_t *row, char **reason, struct fault *why)
{
	int64_t count = row_number(row, "unsettled_conflicts");
	enum outcome out = DONE;

	if (ctl->rejected)
		return rejected_settle(ctl, row, reason, why);

	if (count > 0 && !ctl->dry_run)
		out =
		    ledger_settle(ctl->ledger, row_number(row, "id"), clock_wall_ms(), &count, why);
	if (out == DONE && row == NULL)
		*reason = text_copy("there is no such payment");
	else if (out == DONE && count == 0)
		*reason = text_copy("it has no conflict to settle");
	return out;
}

int
ctl_settle(const struct ctl *ctl)
{
	return named_run(
	    ctl, settle_one, "settled", ctl->dry_run ? "would be settled" : "is settled");
}
