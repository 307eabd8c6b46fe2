/*
 * Handlers for what an integration discovers: the account, its pipelines, fields and users.
 */
#ifndef SANDBOX_CATALOG_H
#define SANDBOX_CATALOG_H

#include "call.h"

void catalog_account(const struct call *call, struct response *given);
void catalog_pipelines(const struct call *call, struct response *given);
void catalog_pipeline(const struct call *call, struct response *given);
void catalog_statuses(const struct call *call, struct response *given);
void catalog_fields(const struct call *call, struct response *given);
void catalog_field(const struct call *call, struct response *given);
void catalog_users(const struct call *call, struct response *given);
void catalog_user(const struct call *call, struct response *given);

#endif
