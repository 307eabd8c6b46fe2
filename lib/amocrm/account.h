#ifndef AMOCRM_ACCOUNT_H
#define AMOCRM_ACCOUNT_H

#include <jansson.h>
#include <stdint.h>

#include "amocrm/amocrm.h"
#include "base/fault.h"

/*
 * An amoCRM account as its administrator set it up, read whole and then looked into: custom fields
 * with their options, pipelines with their stages.  All of these are objects as the API gives them;
 * what the look-ups return is borrowed from the account until account_clear(), and NULL when there
 * is none.  They take NULL for a thing and find nothing in it.
 */
struct account {
	json_t *info; /* Its name, id, types of tasks. */
	/* Arrays, by enum amocrm_kind: AMOCRM_CONTACTS and AMOCRM_LEADS alone. */
	json_t *fields[2];
	json_t *pipelines; /* Array. */
};

/*
 * Four calls or a few more, as fields come by pages; `account` is written whole or, after anything
 * but DONE, not at all, and there is nothing to clear then.  Outcomes are those of the calls: see
 * amocrm.h.
 */
enum outcome account_read(struct amocrm *crm, const struct amocrm_context *context,
    struct account *account, struct fault *why) MUST_USE;
void account_clear(struct account *account); /* It is then as zeroed, and may be cleared again. */

const json_t *account_field(const struct account *account, enum amocrm_kind kind, int64_t id);
const json_t *account_field_coded(
    const struct account *account, enum amocrm_kind kind, const char *code);
const json_t *account_pipeline(const struct account *account, int64_t id);

/* All types that tasks may have, an array (NULL: amoCRM did not say), and one of them. */
const json_t *account_task_types(const struct account *account);
const json_t *account_task_type(const struct account *account, int64_t id);

/* A select field's options, an array, NULL for other fields; and a pipeline's stages, an array. */
const json_t *account_options(const json_t *field);
const json_t *account_option(const json_t *field, int64_t id);
const json_t *account_stages(const json_t *pipeline);
const json_t *account_stage(const json_t *pipeline, int64_t id);

/*
 * What any of these is called; 0 and "" when amoCRM does not say.  The texts are borrowed from the
 * thing.
 */
int64_t account_id(const json_t *thing);
const char *account_name(const json_t *thing); /* Of an option: its value. */
const char *account_type(const json_t *field); /* "text", "select", .. */

#endif
