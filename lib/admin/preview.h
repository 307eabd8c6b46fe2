#ifndef ADMIN_PREVIEW_H
#define ADMIN_PREVIEW_H

#include <jansson.h>
#include <stdint.h>

#include "amocrm/account.h"
#include "base/fault.h"
#include "deliver/service.h"
#include "payment/payment.h"

/*
 * What carrying a payment would do to amoCRM as it stands now.  Only questions are asked, nothing
 * is written, and nothing is locked: the service may do something else meanwhile.
 *
 * The report is a new object:
 *
 * 	contact          {"id", "matched_by"}; the id is null for one that would be created.
 * 	contact_changes  as change_tell() gives them.
 * 	lead             {"id", "name", "pipeline_id", "status_id"}; the id is null for one that would be created.
 * 	lead_changes     as change_tell() gives them; none when the amount is there already.
 * 	warnings          English sentences: what an earlier attempt left open, why the payment would fail again.
 *
 * Of the service only settings, rules, ledger and crm are used; amoCRM is called with this context,
 * which is borrowed.
 */
enum outcome preview(const struct service *service, const struct amocrm_context *context,
    const struct account *account, int64_t id, const struct payment *paid, json_t **report,
    struct fault *why) MUST_USE;

#endif
