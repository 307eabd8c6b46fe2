#ifndef CGI_CTL_CRM_H
#define CGI_CTL_CRM_H

#include "amocrm/amocrm.h"
#include "config/settings.h"
#include "host/limiter.h"

/*
 * amoCRM as paymentctl calls it: under the rate limit that it shares with the running service, which
 * comes first.  An operator's shell may hold another token than the service, so a refusal here does
 * not open the service's breaker.
 */
struct crm {
	const struct settings *settings; /* Borrowed. */
	struct limiter *limiter;
	struct amocrm *amocrm;
	struct amocrm_context context; /* Of each call: how long the present piece may take. */
};

/* EX_OK, or the status to end with, having said why. */
int crm_open(const struct settings *settings, struct crm *crm);
void crm_close(struct crm *crm);

/*
 * Before each piece of work: wait while the service uses half of the rate limit, but not for ever,
 * and give the piece two minutes.
 */
void crm_yield(struct crm *crm);

/*
 * Whether amoCRM was asked and refused the token, or is not at AMO_BASE_URL.  That stops this
 * program and not the service.
 */
bool crm_refused(const struct crm *crm);

/*
 * Say what went wrong, and where amoCRM refuses the token or all processes, what to do about it.
 * Returns EX_TEMPFAIL.
 */
int crm_complain(const struct crm *crm, const struct fault *why);

/*
 * The limiter of this host without calling amoCRM.  Without `create`, *limiter is NULL where there
 * is no file: no process has called amoCRM since the host was started, and looking creates none.
 */
enum outcome crm_limiter(const struct settings *settings, bool create, struct limiter **limiter,
    struct fault *why) __attribute__((warn_unused_result));

#endif
