#ifndef DELIVER_LEAD_FIELDS_H
#define DELIVER_LEAD_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "amocrm/field.h"
#include "deliver/job.h"

/*
 * What is written into a lead, and what is read back from one.  Pure: amoCRM is not called here.
 */

/* A new lead with everything in one request: name, price, stage, UTM marks, its contact, and all
 * fields of the payment. New reference.  Unmapped subjects are appended to known->at.unmapped. */
json_t *lead_fields_new(struct known *known);

/* The change of an existing lead to at.total_after and at.count_after; `lead` is what stands there,
 * whose subjects are kept.  Unless at.older, it also becomes the last payment's date, amount and
 * ids. */
json_t *lead_fields_change(struct known *known, const json_t *lead);

/* The price of a new lead, in roubles; 0: none, as it is more than a price can hold, or in another
 * currency than the account's. */
int64_t lead_fields_price(const struct known *known);

/* Take out of a request what the payment can do without: UTM marks and the rules' extra fields or
 * (core) all but total, counter and id.  What was taken out is appended to at.dropped. */
void lead_fields_spare(struct known *known, json_t *request, bool core);

/* A change that writes the payment id that stands in the lead, and nothing else.  New reference. */
json_t *lead_fields_same_id(const struct known *known, const json_t *lead);

/* The name that lead_fields_new() gives, cut to what amoCRM takes.  New reference. */
json_t *lead_fields_name(const struct known *known);

/* Whether the lead's payment id is this payment's. */
bool lead_fields_shows(const struct known *known, const json_t *lead);

/* What a lead shows. */
struct lead_shown {
	int64_t total; /* Kopecks. */
	int64_t count;
	int64_t last_date; /* Unix seconds, 0 = none. */
	/* Its payment id, whosever, cut to what is compared; "" = none. */
	char id[FIELD_TEXT_MAX * 4 + 1];
	bool ours; /* That is this payment's. */
};

/* LATER when amoCRM shows the fields that are read here in a form that is not understood. */
enum outcome lead_fields_check(
    const struct known *known, const json_t *lead, struct fault *why) MUST_USE;

/* LATER as for lead_fields_check().  NEVER when a number there cannot be read: adding to it would
 * destroy what a manager wrote. */
enum outcome lead_fields_read(const struct known *known, const json_t *lead,
    struct lead_shown *shown, struct fault *why) MUST_USE;

/* The count after one more purchase; a select field ends at its last configured option. */
int64_t lead_fields_next_count(const struct settings *settings, int64_t count);

/* Whether leads carry the payment's id at all: its field is configured and amoCRM has not refused
 * it. */
bool lead_fields_has_id(const struct known *known);

/* The Russian title of a field by its id or code as refusal_drop_fields() reports it, for the
 * manager's note. */
char *lead_form_title(const struct settings *settings, const json_t *field);

#endif
