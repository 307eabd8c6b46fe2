#ifndef ADMIN_ACCOUNT_GUESS_H
#define ADMIN_ACCOUNT_GUESS_H

#include <jansson.h>
#include <stdbool.h>

#include "amocrm/account.h"
#include "config/crm_field.h"

/*
 * What in an account is probably meant, by what people called it.  Case, punctuation and ё do not
 * matter.  NULL when nothing is called so.  Borrowed from the account.
 */

/* Whose field it is, as amoCRM names it. */
enum amocrm_kind guess_kind(const struct crm_field *field);

/* The field of the right kind and type that is called as this one usually is; of several the one
 * with the shortest name, which says the least else. */
const json_t *guess_field(const struct account *account, const struct crm_field *wanted);

/* Whether a field is called as this one usually is, whatever its type. */
bool guess_field_is_called(const json_t *field, const struct crm_field *wanted);

/* The option, and the pipeline, of that name; else the only one in which all words of the name
 * occur. */
const json_t *guess_option(const json_t *field, const char *name);
const json_t *guess_pipeline(const struct account *account, const char *name);

/* The stage for payments that nobody works on: "Автооплаты ..." */
const json_t *guess_autopay_stage(const json_t *pipeline);

/* Whether two names are the same. */
bool guess_same_name(const char *one, const char *other);

#endif
