#ifndef CGI_CTL_RETRY_REASON_H
#define CGI_CTL_RETRY_REASON_H

#include <jansson.h>

/*
 * Why a payment that is named cannot be put back: a new text; NULL when it can.  `row` is one of
 * ledger_list(), or NULL.
 */
char *retry_reason(const json_t *row);

/* Print how many of {payment_id: reason} were left for which reason. */
void retry_reason_count(const json_t *left);

#endif
