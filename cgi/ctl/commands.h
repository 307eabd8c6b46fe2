#ifndef CGI_CTL_COMMANDS_H
#define CGI_CTL_COMMANDS_H

#include "command.h"

/*
 * The commands, which only main.c calls: each is one function, and its status is what paymentctl
 * ends with.
 */

/* Look: look.c, show.c */
int ctl_stats(const struct ctl *ctl);
int ctl_list(const struct ctl *ctl);
const char *ctl_list_mistake(const struct ctl *ctl);
int ctl_show(const struct ctl *ctl);

/* Take care: care.c */
int ctl_retry(const struct ctl *ctl);
int ctl_settle(const struct ctl *ctl);
const char *ctl_retry_mistake(const struct ctl *ctl);
int ctl_resume(const struct ctl *ctl);
int ctl_integrity(const struct ctl *ctl);

/* Keep: keep.c, import.c */
int ctl_purge(const struct ctl *ctl);
const char *ctl_purge_mistake(const struct ctl *ctl);
int ctl_backup(const struct ctl *ctl);
int ctl_import(const struct ctl *ctl);

/* Compare with amoCRM: account.c, reconcile.c */
int ctl_check(const struct ctl *ctl);
int ctl_discover(const struct ctl *ctl);
int ctl_reconcile(const struct ctl *ctl);

/* What a retry would do; for ctl_retry(): preview.c */
int ctl_preview(const struct ctl *ctl);

/* Try out rules, or the way in: replay.c, send.c */
int ctl_replay(const struct ctl *ctl);
int ctl_send(const struct ctl *ctl);

#endif
