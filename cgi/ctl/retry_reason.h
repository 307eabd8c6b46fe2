#ifndef CGI_CTL_RETRY_REASON_H
#define CGI_CTL_RETRY_REASON_H

#include <jansson.h>

/*
 * Why a payment, a row of ledger_list() or NULL, cannot be put back although it is named: a new
 * text; NULL when it can.
 */
char *ctl_retry_left(const json_t *row);

/* For people: how many of {payment_id: reason} are left for which reason. */
void ctl_tell_left(const json_t *left);

#endif
