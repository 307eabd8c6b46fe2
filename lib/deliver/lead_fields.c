/*
 * The fields of a lead: what a payment writes into them, and what can be read back.
 *
 * A change carries absolute values only, so that sending it twice is sending it once.  A number
 * that cannot be read stops the payment: adding to it would destroy what a manager wrote.  What
 * comes in a form that is not understood is not taken for nothing: the payment waits.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amocrm/entity.h"
#include "amocrm/field.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/money.h"
#include "base/shown.h"
#include "base/text.h"
#include "config/crm_field.h"
#include "deliver/lead_fields.h"
#include "rules/rules.h"

/*
 * The purchase counter: a number, or a select field with one option for each of 1 to 10.
 */

static bool
counts_by_option(const struct settings *set)
{
	int i;

	for (i = 0; i < PURCHASE_COUNT_MAX; i++)
		if (set->purchase_count_enum[i] != 0)
			return true;
	return false;
}

/* The highest count up to `count` for which there is an option; 0 when there is none. */
static int64_t
nearest_option(const struct settings *set, int64_t count)
{
	int64_t n = count < PURCHASE_COUNT_MAX ? count : PURCHASE_COUNT_MAX;

	while (n > 0 && set->purchase_count_enum[n - 1] == 0)
		n--;
	return n;
}

int64_t
lead_fields_next_count(const struct settings *set, int64_t count)
{
	return counts_by_option(set) ? nearest_option(set, count + 1) : count + 1;
}

static void
add_count(json_t *fields, const struct settings *set, int64_t count)
{
	if (!counts_by_option(set))
		field_add_integer(fields, set->lead_field_purchase_count, count);
	else if (count > 0)
		field_add_enum(
		    fields, set->lead_field_purchase_count, set->purchase_count_enum[count - 1]);
}

static bool
read_count(const json_t *lead, const struct settings *set, int64_t *count)
{
	const json_t *item = field_by_id(lead, set->lead_field_purchase_count);
	int64_t chosen = field_enum(item, 0);
	int i;

	for (i = 0; counts_by_option(set) && chosen != 0 && i < PURCHASE_COUNT_MAX; i++) {
		if (set->purchase_count_enum[i] == chosen) {
			*count = i + 1;
			return true;
		}
	}
	/* A number, or an option that the settings do not know but that may be called by its
	 * number. */
	return field_integer(lead, set->lead_field_purchase_count, count);
}

/*
 * Writing.
 */

/* Subjects that stand there stay; *more tells whether the payment adds any. */
static json_t *
joined_subjects(const json_t *lead, int64_t field, const json_t *bought, bool *more)
{
	const json_t *item = field_by_id(lead, field), *subject, *known;
	json_t *all = json_array();
	size_t i, j;

	*more = false;
	for (i = 0; field_enum(item, i) != 0; i++)
		json_array_append_new(all, json_integer(field_enum(item, i)));
	json_array_foreach(bought, i, subject) {
		bool there = false;

		json_array_foreach(all, j, known)
			there |= json_equal(subject, known);
		if (!there) {
			json_array_append(all, (json_t *)subject);
			*more = true;
		}
	}
	return all;
}

static void
add_subjects(json_t *fields, struct known *known, const json_t *lead)
{
	int64_t field = known->service->settings->lead_field_subjects;
	json_t *bought, *all;
	bool more;

	json_array_clear(known->at.unmapped);
	bought = rules_subjects(known->service->rules, known->paid, known->at.unmapped);
	all = joined_subjects(lead, field, bought, &more);
	if (more)
		field_add_enums(fields, field, all);
	json_decref(bought);
	json_decref(all);
}

/* Its amount is in another currency than the account's, and no field for money may show it. */
static bool
is_foreign(const struct known *known)
{
	return known->at.foreign[0] != '\0';
}

/* What only the latest payment may show. */
static void
add_last_payment(json_t *fields, const struct known *known)
{
	const struct settings *set = known->service->settings;
	const struct payment *paid = known->paid;

	if (!is_foreign(known))
		field_add_money(fields, set->lead_field_last_amount, paid->amount);
	if (paid->paid_at != 0)
		field_add_time(fields, set->lead_field_last_date, paid->paid_at);
	field_add_text(fields, set->lead_field_payment_id, paid->key);
	field_add_text(fields, set->lead_field_invoice_id, paid->invoice_id);
	field_add_text(fields, set->lead_field_payment_status, paid->status);
}

/* The fields that a payment writes into any lead, new or not. */
static json_t *
payment_fields(struct known *known, const json_t *lead)
{
	const struct settings *set = known->service->settings;
	json_t *fields = json_array(), *extra;

	add_subjects(fields, known, lead);
	field_add_enum(fields, set->lead_field_direction,
	    rules_direction(known->service->rules, known->paid).enum_id);
	if (!is_foreign(known))
		field_add_money(fields, set->lead_field_total_paid, known->at.total_after);
	add_count(fields, set, known->at.count_after);
	if (!known->at.older)
		add_last_payment(fields, known);
	extra = rules_extra_fields(known->service->rules, known->paid);
	json_array_extend(fields, extra);
	json_decref(extra);
	return fields;
}

static void
add_utm(json_t *fields, const struct settings *set, const struct payment *paid)
{
	const char *const marks[CRM_FIELD_COUNT] = {
		[CRM_UTM_SOURCE] = paid->utm_source,
		[CRM_UTM_MEDIUM] = paid->utm_medium,
		[CRM_UTM_CAMPAIGN] = paid->utm_campaign,
		[CRM_UTM_CONTENT] = paid->utm_content,
		[CRM_UTM_TERM] = paid->utm_term,
		[CRM_YM_UID] = paid->ym_uid,
	};
	size_t i;

	for (i = CRM_UTM_SOURCE; i <= CRM_YM_UID; i++) {
		if (set->crm_fields[i] != 0)
			field_add_text(fields, set->crm_fields[i], marks[i]);
		else
			field_add_code(fields, crm_fields[i].code, marks[i]);
	}
}

json_t *
lead_fields_name(const struct known *known)
{
	const struct payment *paid = known->paid;
	char *text = NULL, *line, *title;
	const char *between = "Оплата ", *each;
	size_t size, i;
	FILE *name = memory_stream(&text, &size);
	json_t *titles = json_object(), *cut, *none;

	/* Each once, in the order of the courses, which an object's keys keep. */
	for (i = 0; i < paid->item_count; i++) {
		title = payment_item_title(&paid->items[i]);
		json_object_set_new(titles, title, json_null());
		free(title);
	}
	json_object_foreach(titles, each, none) {
		fprintf(name, "%s%s", between, each);
		between = ", ";
	}
	json_decref(titles);
	if (*paid->name != '\0')
		fprintf(name, " - %s", paid->name);
	memory_stream_end(name);
	line = text_one_line(text);
	cut = field_cut(line, FIELD_TEXT_MAX - 1);
	free(line);
	free(text);
	return cut;
}

int64_t
lead_fields_price(const struct known *known)
{
	int64_t price = money_round(known->paid->amount);

	/* A larger one is refused, with the whole lead. */
	return !is_foreign(known) && price <= INT32_MAX ? price : 0;
}

json_t *
lead_fields_new(struct known *known)
{
	struct stage stage = rules_stage(known->service->rules, known->paid);
	json_t *fields = payment_fields(known, NULL), *lead;

	add_utm(fields, known->service->settings, known->paid);
	lead = json_pack("{s:o, s:o, s:{s:[{s:I, s:b}]}}", "name", lead_fields_name(known),
	    "custom_fields_values", fields, "_embedded", "contacts", "id",
	    (json_int_t)known->at.contact_id, "is_main", 1);
	if (lead_fields_price(known) != 0)
		json_object_set_new(lead, "price", json_integer(lead_fields_price(known)));
	else if (known->paid->amount >= 100 && !is_foreign(known))
		known_warn(known, "the amount is more than a lead's price can hold: it has none");
	if (stage.pipeline_id != 0)
		json_object_set_new(lead, "pipeline_id", json_integer(stage.pipeline_id));
	if (stage.status_id != 0)
		json_object_set_new(lead, "status_id", json_integer(stage.status_id));
	return lead;
}

json_t *
lead_fields_change(struct known *known, const json_t *lead)
{
	return json_pack("{s:o}", "custom_fields_values", payment_fields(known, lead));
}

json_t *
lead_fields_same_id(const struct known *known, const json_t *lead)
{
	int64_t field = known->service->settings->lead_field_payment_id;
	const char *text;
	char room[FIELD_ROOM];
	json_t *fields = json_array();

	if ((text = field_value(field_by_id(lead, field), 0, room)) != NULL)
		field_add_text(fields, field, text);
	return json_pack("{s:o}", "custom_fields_values", fields);
}

/*
 * Reading.
 */

bool
lead_fields_shows(const struct known *known, const json_t *lead)
{
	const json_t *id = field_by_id(lead, known->service->settings->lead_field_payment_id);
	char room[FIELD_ROOM];
	const char *text = field_value(id, 0, room);
	json_t *ours = field_cut(known->paid->key, FIELD_TEXT_MAX);
	bool same = text != NULL && shown_same_id(text, json_string_value(ours));

	json_decref(ours);
	return same;
}

/* A last payment that far ahead is a mistake, and every true one would be older than it. */
#define NEVER_PAID_S (2LL * 366 * 24 * 60 * 60)

enum outcome
lead_fields_check(const struct known *known, const json_t *lead, struct fault *why)
{
	const struct settings *set = known->service->settings;
	const int64_t fields[] = { set->lead_field_total_paid, set->lead_field_purchase_count,
		set->lead_field_last_date, set->lead_field_payment_id, set->lead_field_subjects };
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!field_is_readable(lead, fields[i]))
			return fault_set(why, LATER,
			    "amoCRM shows the fields of lead %" JSON_INTEGER_FORMAT
			    " in a form that is not understood",
			    entity_id(lead));
	return DONE;
}

enum outcome
lead_fields_read(
    const struct known *known, const json_t *lead, struct lead_shown *shown, struct fault *why)
{
	const struct settings *set = known->service->settings;
	const char *id;
	char room[FIELD_ROOM];

	if (lead_fields_check(known, lead, why) != DONE)
		return LATER;
	id = field_value(field_by_id(lead, set->lead_field_payment_id), 0, room);
	snprintf(shown->id, sizeof(shown->id), "%s", id != NULL ? id : "");
	shown->ours = lead_fields_shows(known, lead);
	shown->total = 0;
	if (!field_money(lead, set->lead_field_total_paid, &shown->total) && !is_foreign(known))
		return fault_set(why, NEVER, "the lead's total paid is not a number we can add to");
	if (!read_count(lead, set, &shown->count))
		return fault_set(
		    why, NEVER, "the lead's purchase counter is not a number we can add to");
	if (!field_integer(lead, set->lead_field_last_date, &shown->last_date) ||
	    shown->last_date > clock_wall_ms() / 1000 + NEVER_PAID_S)
		shown->last_date = 0;
	return DONE;
}

bool
lead_fields_has_id(const struct known *known)
{
	const json_t *field;
	size_t i;

	json_array_foreach(known->at.dropped, i, field)
		if (json_integer_value(field) == known->service->settings->lead_field_payment_id)
			return false;
	return known->service->settings->lead_field_payment_id != 0;
}

/* Whether the field is one of the payment's own, or (core) one without which it would be lost. */
static bool
is_own(const struct settings *set, int64_t id, bool core)
{
	const int64_t own[] = { set->lead_field_total_paid, set->lead_field_purchase_count,
		set->lead_field_payment_id, set->lead_field_subjects, set->lead_field_direction,
		set->lead_field_last_amount, set->lead_field_last_date, set->lead_field_invoice_id,
		set->lead_field_payment_status };
	size_t i;

	for (i = 0; i < (core ? 3 : sizeof(own) / sizeof(own[0])); i++)
		if (id != 0 && own[i] == id)
			return true;
	return false;
}

void
lead_fields_spare(struct known *known, json_t *request, bool core)
{
	json_t *fields = json_object_get(request, "custom_fields_values"), *field, *name;
	size_t i = json_array_size(fields);

	while (i-- > 0) {
		field = json_array_get(fields, i);
		name = json_object_get(field, "field_id");
		if (is_own(known->service->settings, json_integer_value(name), core))
			continue;
		json_array_append(
		    known->at.dropped, name != NULL ? name : json_object_get(field, "field_code"));
		json_array_remove(fields, i);
	}
}

char *
lead_form_title(const struct settings *set, const json_t *field)
{
	static const char *const members[][2] = { { "status_id", "Этап" },
		{ "pipeline_id", "Воронка" }, { "responsible_user_id", "Ответственный" } };
	json_int_t id = json_integer_value(field);
	size_t i;

	for (i = 0; json_is_string(field) && i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(json_string_value(field), members[i][0]) == 0)
			return text_copy(members[i][1]);
	if (json_is_string(field))
		return text_copy(json_string_value(field));
	for (i = 0; i < CRM_FIELD_COUNT; i++)
		if (crm_fields[i].title != NULL && set->crm_fields[i] == id)
			return text_format(
			    "%s (%" JSON_INTEGER_FORMAT ")", crm_fields[i].title, id);
	return text_format("%" JSON_INTEGER_FORMAT, id);
}
