#ifndef CGI_CTL_NAMED_H
#define CGI_CTL_NAMED_H

#include <jansson.h>

#include "base/fault.h"
#include "command.h"

/*
 * Do something to one payment.  The row is NULL when the ledger has no such payment.  *reason is
 * NULL before; a new text in it says why the payment was left as it is.  An outcome other than DONE
 * means that the ledger failed, and ends the command.
 */
typedef enum outcome named_action(
    const struct ctl *ctl, const json_t *row, char **reason, struct fault *why);

/*
 * Do it to each payment that the command line names, and report what was done and what was left.
 * `key` is the list of those done in JSON, `done` what is printed behind the name of each.  Returns
 * the status to end with: CTL_FINDINGS when one was left.
 */
int named_run(const struct ctl *ctl, named_action *act, const char *key, const char *done);

#endif
