#ifndef CGI_CTL_COMMANDS_H
#define CGI_CTL_COMMANDS_H

#include "command.h"

/*
 * The commands, which only main.c calls: each is one function in a file of its own, and returns the
 * status that paymentctl ends with.
 */
int ctl_backup(const struct ctl *ctl);
int ctl_check(const struct ctl *ctl);
int ctl_discover(const struct ctl *ctl);
int ctl_import(const struct ctl *ctl);
int ctl_integrity(const struct ctl *ctl);
int ctl_list(const struct ctl *ctl);
int ctl_purge(const struct ctl *ctl);
int ctl_reconcile(const struct ctl *ctl);
int ctl_replay(const struct ctl *ctl);
int ctl_resume(const struct ctl *ctl);
int ctl_retry(const struct ctl *ctl);
int ctl_send(const struct ctl *ctl);
int ctl_settle(const struct ctl *ctl);
int ctl_show(const struct ctl *ctl);
int ctl_stats(const struct ctl *ctl);

/* What is wrong with a command's options together; NULL when nothing is. */
const char *ctl_list_mistake(const struct ctl *ctl);
const char *ctl_purge_mistake(const struct ctl *ctl);
const char *ctl_retry_mistake(const struct ctl *ctl);

/* retry --dry-run; ctl_retry() calls it. */
int ctl_preview(const struct ctl *ctl);

#endif
