/*
 * paymentctl resume: close the breaker, which keeps every process from calling amoCRM after it
 * refused the token or the account.  Its state is in the limiter's file of this host.
 */
#include <sysexits.h>

#include "commands.h"
#include "crm.h"
#include "print.h"

int
ctl_resume(const struct ctl *ctl)
{
	struct limiter *limiter;
	struct fault why;

	if (crm_limiter(ctl->settings, false, &limiter, &why) != DONE)
		return print_fault(&why);
	if (limiter != NULL)
		limiter_close_breaker(limiter);
	if (ctl->json)
		print_json(json_pack("{s:b}", "resumed", limiter != NULL));
	else
		print_line(PRINT_PLAIN, "%s",
		    limiter != NULL
			? "amoCRM may be called again; what waits is carried within half a minute"
			: "nothing has called amoCRM since this host was started");
	limiter_close(limiter);
	return EX_OK;
}
