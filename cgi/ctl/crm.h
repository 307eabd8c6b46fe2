#ifndef CGI_CTL_CRM_H
#define CGI_CTL_CRM_H

#include "amocrm/amocrm.h"
#include "config/settings.h"
#include "host/limiter.h"

/*
 * amoCRM as paymentctl calls it: with the turns of the running service, which comes first.  An
 * operator's shell may hold another token than the service, so a refusal here does not open the
 * service's breaker.
 */
struct ctl_crm {
	const struct settings *settings; /* Borrowed. */
	struct limiter *limiter;
	struct amocrm *crm;
	struct amocrm_context context; /* Of each call: how long the present piece may take. */
};

/* EX_OK, or what to leave with, having complained. */
int ctl_crm_open(const struct settings *settings, struct ctl_crm *crm);
void ctl_crm_close(struct ctl_crm *crm);

/*
 * Before each piece of work: wait while the service uses half of the turns, but not for ever, and
 * give the piece a minute or two.
 */
void ctl_crm_turn(struct ctl_crm *crm);

/*
 * Whether amoCRM was asked and refused the token, or is not at AMO_BASE_URL.  That stops this
 * program and not the service.
 */
bool ctl_crm_refused(const struct ctl_crm *crm);

/*
 * Say what went wrong, and where amoCRM refuses the token or everybody, what to do about it.
 * Returns EX_TEMPFAIL.
 */
int ctl_crm_complain(const struct ctl_crm *crm, const struct fault *why);

#endif
