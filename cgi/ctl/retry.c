/*
 * paymentctl retry: put failed payments back into the backlog, named ones or all.  Nothing is
 * delivered here: the service does it.  With --dry-run, preview.c shows what it would do.
 */
#include <inttypes.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/text.h"
#include "commands.h"
#include "ledger/operator.h"
#include "named.h"
#include "print.h"
#include "rejected.h"
#include "retry_reason.h"
#include "row.h"

const char *
ctl_retry_mistake(const struct ctl *ctl)
{
	if (ctl->rejected && (ctl->failed || ctl->dry_run))
		return "retry --rejected takes neither --failed nor --dry-run";
	if (ctl->failed && ctl->count > 0)
		return "retry takes either payments or --failed";
	return ctl->failed || ctl->rejected || ctl->count > 0 ? NULL
							      : "retry needs payments, or --failed";
}

static enum outcome
retry_one(const struct ctl *ctl, const json_t *row, char **reason, struct fault *why)
{
	bool retried = false;
	enum outcome out;

	if ((*reason = retry_reason(row)) != NULL)
		return DONE;
	out =
	    ledger_retry(ctl->ledger, row_text(row, "payment_id"), clock_wall_ms(), &retried, why);
	/* It had failed when it was read, and has not any more. */
	if (out == DONE && !retried)
		*reason = text_copy("it has just been taken up by another process");
	return out;
}

static int
retry_failed(const struct ctl *ctl)
{
	json_t *retried, *left;
	struct fault why;
	int64_t count;
	int status;

	if (ledger_retry_failed(ctl->ledger, clock_wall_ms(), &retried, &left, &why) != DONE)
		return print_fault(&why);
	count = (int64_t)json_array_size(retried);
	status = json_object_size(left) > 0 ? CTL_FINDINGS : EX_OK;
	if (ctl->json) {
		print_json(json_pack("{s:O, s:O}", "retried", retried, "left", left));
	} else {
		print_line(PRINT_PLAIN, "%" PRId64 " payment%s will be carried again", count,
		    print_plural(count));
		retry_reason_count(left);
	}
	json_decref(retried);
	json_decref(left);
	return status;
}

int
ctl_retry(const struct ctl *ctl)
{
	if (ctl->rejected)
		return rejected_retry(ctl);
	if (ctl->dry_run)
		return ctl_preview(ctl);
	return ctl->failed ? retry_failed(ctl)
			   : named_run(ctl, retry_one, "retried", "will be carried again");
}
