/*
 * Computes what rules make of a payment with the delivery's own function for a new lead, so that a
 * replay cannot differ from what a delivery writes.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/replay.h"
#include "amocrm/field.h"
#include "deliver/lead_fields.h"
#include "deliver/totals.h"
#include "ledger/ledger.h"

/* A field's options or its value. */
static json_t *
value_of(const json_t *field)
{
	const json_t *value;
	json_t *ids;
	size_t i;

	if (field_enum(field, 0) == 0)
		return json_incref(
		    json_object_get(json_array_get(json_object_get(field, "values"), 0), "value"));
	ids = json_array();
	json_array_foreach(json_object_get(field, "values"), i, value)
		json_array_append(ids, json_object_get(value, "enum_id"));
	return ids;
}

static void
add_fields(json_t *verdict, const struct settings *settings, const json_t *fields)
{
	const json_t *field;
	size_t i;

	json_array_foreach(fields, i, field) {
		json_t *which = json_object_get(field, "field_id");
		char *title;

		if (which == NULL)
			which = json_object_get(field, "field_code");
		title = lead_form_title(settings, which);
		json_object_set_new(verdict, title, value_of(field));
		free(title);
	}
}

/* What a manager would be asked to do about a lead that was there before. */
static void
add_task(json_t *verdict, const struct rules *mapping, const struct payment *paid)
{
	struct task task;

	if (!rules_task(mapping, paid, 0, &task))
		return;
	json_object_set_new(verdict, "task", json_string(task.text));
	free(task.text);
}

json_t *
replay_verdict(
    const struct settings *settings, const struct rules *mapping, const struct payment *paid)
{
	const struct service service = { .settings = settings, .rules = (struct rules *)mapping };
	const char *reason = rules_exclusion(mapping, paid);
	struct known known;
	json_t *lead, *verdict;
	struct fault why;

	if (reason != NULL)
		return json_pack("{s:s}", "skipped", reason);
	known_init(&known, &service, paid);
	/* Only the numbers of a lead that is there can be refused. */
	if (totals_decide(&known, NULL, &lead, &why) != DONE)
		abort();
	verdict = json_pack("{s:n, s:O?, s:O?, s:O?, s:O}", "skipped", "pipeline",
	    json_object_get(lead, "pipeline_id"), "stage", json_object_get(lead, "status_id"),
	    "name", json_object_get(lead, "name"), "unmapped", known.at.unmapped);
	add_fields(verdict, settings, json_object_get(lead, "custom_fields_values"));
	add_task(verdict, mapping, paid);
	json_decref(lead);
	known_clear(&known);
	return verdict;
}

static bool
has_status(const json_t *told, enum payment_status status)
{
	return strcmp(json_string_value(json_object_get(told, "status")),
		   payment_status_name(status)) == 0;
}

json_t *
replay_done(const json_t *told)
{
	json_t *done;

	if (has_status(told, PAYMENT_SKIPPED))
		return json_pack("{s:O}", "skipped", json_object_get(told, "reason"));
	done = json_pack("{s:n}", "skipped");
	if (!has_status(told, PAYMENT_SUCCESS))
		return done;
	json_object_set(done, "unmapped", json_object_get(told, "unmapped"));
	/* A lead that was there before stands where a manager put it. */
	if (json_is_true(json_object_get(told, "lead_created")))
		json_object_set(done, "pipeline", json_object_get(told, "pipeline_id"));
	return done;
}

static void
compare(json_t *diff, const char *key, const json_t *before, const json_t *after)
{
	json_t *one = json_object_get(before, key), *other = json_object_get(after, key);

	/* What is not there is not written. */
	if (one == NULL)
		one = json_null();
	if (other == NULL)
		other = json_null();
	if (!json_equal(one, other))
		json_object_set_new(diff, key, json_pack("[O, O]", one, other));
}

json_t *
replay_diff_known(const json_t *before, const json_t *after)
{
	json_t *diff = json_object(), *value;
	const char *key;

	compare(diff, "skipped", before, after);
	if (json_object_size(diff) == 0 && json_is_null(json_object_get(before, "skipped")))
		json_object_foreach((json_t *)before, key, value)
			compare(diff, key, before, after);
	return diff;
}

json_t *
replay_diff(const json_t *before, const json_t *after)
{
	json_t *diff = replay_diff_known(before, after), *value;
	const char *key;

	if (json_object_get(diff, "skipped") == NULL)
		json_object_foreach((json_t *)after, key, value)
			compare(diff, key, before, after);
	return diff;
}
