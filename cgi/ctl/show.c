/*
 * paymentctl show: one payment's whole story: its row, how far the delivery is, what was kept aside
 * of it, and each call of amoCRM.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/text.h"
#include "commands.h"
#include "deliver/lead_fields.h"
#include "ledger/report.h"
#include "print.h"
#include "rejected.h"
#include "row.h"

/*
 * Gathering: the row, with "delivery" (null before anything was tried), "conflicts" and "trail".
 */

/* The title of a refused field, as the manager reads it in the note. */
static json_t *
titles(const struct settings *settings, const json_t *dropped)
{
	json_t *all = json_array(), *field;
	char *title;
	size_t i;

	json_array_foreach((json_t *)dropped, i, field) {
		title = lead_form_title(settings, field);
		json_array_append_new(all, json_string(title));
		free(title);
	}
	return all;
}

static json_t *
delivery_json(const struct settings *settings, const struct progress *at)
{
	static const char *const intents[] = { "", "contact", "lead", "totals" };

	return json_pack(
	    "{s:s, s:I, s:s, s:I, s:I, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:O}",
	    "open_intent", intents[at->intent], "contact_id", (json_int_t)at->contact_id,
	    "matched_by", at->matched_by, "lead_id", (json_int_t)at->lead_id, "pipeline_id",
	    (json_int_t)at->pipeline_id, "lead_created", at->lead_created, "applied", at->applied,
	    "older", at->older, "total_before", (json_int_t)at->total_before, "total_after",
	    (json_int_t)at->total_after, "count_before", (json_int_t)at->count_before,
	    "count_after", (json_int_t)at->count_after, "note_id", (json_int_t)at->note_id,
	    "dropped_fields", titles(settings, at->dropped), "unmapped_subjects", at->unmapped);
}

static enum outcome
gather(const struct ctl *ctl, json_t **story, struct fault *why)
{
	json_t *found, *conflicts = NULL, *trail = NULL;
	struct progress at;
	enum outcome out;
	int64_t id;

	if ((out = row_find(ctl->ledger, ctl->operands[0], ctl->payload, &found, why)) != DONE ||
	    (*story = found) == NULL)
		return out;
	id = row_number(found, "id");
	progress_init(&at);
	if ((out = ledger_progress(ctl->ledger, id, &at, why)) == DONE)
		json_object_set_new(found, "delivery", delivery_json(ctl->settings, &at));
	progress_clear(&at);
	if (out == DONE &&
	    (out = ledger_conflicts(ctl->ledger, id, ctl->payload, &conflicts, why)) == DONE)
		json_object_set_new(found, "conflicts", conflicts);
	if (out == DONE && (out = ledger_trail(ctl->ledger, id, &trail, why)) == DONE)
		json_object_set_new(found, "trail", trail);
	if (out != DONE)
		json_decref(found);
	return out;
}

/*
 * Printing.
 */

/* A member of an object as a fact, unless it has none. */
static void
add_value(json_t *facts, const char *name, char *text_of(const json_t *), const json_t *object,
    const char *key)
{
	char *text = text_of(json_object_get(object, key));

	if (text[0] != '\0')
		print_fact(facts, name, PRINT_PLAIN, "%s", text);
	free(text);
}

/* When and how it came, and how it stands. */
static void
add_arrival(json_t *facts, const json_t *story)
{
	const char *status = row_text(story, "status"), *request_id = row_text(story, "request_id");
	char *amount;

	print_fact(facts, "payment", PRINT_HEAD, "%s", row_text(story, "payment_id"));
	print_fact(facts, "row", PRINT_PLAIN, "#%" PRId64, row_number(story, "id"));
	amount = print_as_amount(story);
	print_fact(facts, "amount", PRINT_PLAIN, "%s", amount);
	free(amount);
	if (row_text(story, "foreign_currency")[0] != '\0')
		print_fact(facts, "currency", PRINT_ODD,
		    "another than the account's: not added to the total");
	if (row_text(story, "paid_at")[0] == '\0')
		print_fact(facts, "paid", PRINT_PLAIN, "-");
	add_value(facts, "paid", print_as_utc, story, "paid_at");
	add_value(facts, "received", print_as_utc, story, "created_at");
	if (row_true(story, "imported"))
		print_fact(facts, "came by", PRINT_PLAIN, "import from the service used before");
	else
		print_fact(facts, "came by", PRINT_PLAIN, "webhook%s%s",
		    request_id[0] != '\0' ? ", request " : "", request_id);
	if (row_number(story, "duplicates") > 0)
		print_fact(facts, "told again", PRINT_PLAIN, "%" PRId64 " times",
		    row_number(story, "duplicates"));
	print_fact(facts, "status", print_look_of(status), "%s", status);
	if (row_text(story, "error_message")[0] != '\0')
		print_fact(
		    facts, "reason", print_look_of(status), "%s", row_text(story, "error_message"));
	if (row_number(story, "retry_count") > 0)
		print_fact(facts, "attempts", PRINT_PLAIN, "%" PRId64 " in vain",
		    row_number(story, "retry_count"));
	add_value(facts, "next try", print_as_time, story, "next_ms");
	add_value(facts, "finished", print_as_utc, story, "processed_at");
	if (row_true(story, "purged"))
		print_fact(facts, "payload", PRINT_DIM, "not here: purged, or never imported");
}

static void
add_names(json_t *facts, const char *name, const json_t *names)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)names, i, one)
		print_fact(facts, i == 0 ? name : " ", PRINT_ODD, "%s", json_string_value(one));
}

static void
add_contact_and_lead(json_t *facts, const json_t *story)
{
	const json_t *at = json_object_get(story, "delivery");
	int64_t contact_id = row_number(at, "contact_id"), lead_id = row_number(at, "lead_id");
	const char *by = row_text(at, "matched_by");
	bool created = row_true(at, "lead_created");

	/* Of what another service carried, only the row has something. */
	if (contact_id == 0)
		contact_id = row_number(story, "contact_id");
	if (lead_id == 0) {
		lead_id = row_number(story, "lead_id");
		created = row_true(story, "lead_created");
	}
	if (contact_id != 0 && (by[0] == '\0' || strcmp(by, "created") == 0))
		print_fact(facts, "contact", PRINT_PLAIN, "%" PRId64 "%s", contact_id,
		    by[0] == '\0' ? "" : ", created for it");
	else if (contact_id != 0)
		print_fact(
		    facts, "contact", PRINT_PLAIN, "%" PRId64 ", found by %s", contact_id, by);
	if (lead_id != 0)
		print_fact(facts, "lead", PRINT_PLAIN, "%" PRId64 "%s", lead_id,
		    created ? ", created for it" : ", which was there");
	add_value(facts, "pipeline", print_as_id, story, "pipeline_id");
}

/* What was written before and after. */
static void
add_delivery_facts(json_t *facts, const json_t *at)
{
	char before[PRINT_MONEY], after[PRINT_MONEY];

	if (row_true(at, "applied")) {
		print_fact(facts, "total", PRINT_PLAIN, "%s before, %s after",
		    print_money(before, row_number(at, "total_before")),
		    print_money(after, row_number(at, "total_after")));
		print_fact(facts, "purchases", PRINT_PLAIN, "%" PRId64 " before, %" PRId64 " after",
		    row_number(at, "count_before"), row_number(at, "count_after"));
	}
	if (row_true(at, "older"))
		print_fact(facts, "order", PRINT_ODD,
		    "the lead shows a later payment: its last payment was kept");
	add_value(facts, "note", print_as_id, at, "note_id");
	if (row_text(at, "open_intent")[0] != '\0')
		print_fact(facts, "unsure", PRINT_ODD,
		    "whether the %s was written; the next attempt looks first",
		    row_text(at, "open_intent"));
	add_names(facts, "not written", json_object_get(at, "dropped_fields"));
	add_names(facts, "no rule for", json_object_get(at, "unmapped_subjects"));
}

static char *
response(const json_t *status)
{
	return json_integer_value(status) == 0 ? text_copy("no answer") : print_as_number(status);
}

static enum print_look
response_look(const json_t *event)
{
	int64_t status = row_number(event, "status");

	return status != 0 && status < 400 ? PRINT_GOOD : PRINT_BAD;
}

static char *
duration(const json_t *ms)
{
	return text_format("%" JSON_INTEGER_FORMAT " ms", json_integer_value(ms));
}

static enum print_look
dim(const json_t *row)
{
	(void)row;
	return PRINT_DIM;
}

static enum print_look
conflict_look(const json_t *conflict)
{
	return row_number(conflict, "settled_ms") != 0 ? PRINT_PLAIN : PRINT_ODD;
}

static const struct print_column fact_columns[] = {
	{ NULL, "name", print_as_text, dim },
	{ NULL, "value", print_as_text, print_look_given },
};

static const struct print_column trail_columns[] = {
	{ "TIME", "at_ms", print_as_time, NULL },
	{ ">ANSWER", "status", response, response_look },
	{ ">TOOK", "took_ms", duration, NULL },
	{ "REQUEST", "request_id", print_as_text, dim },
	{ "WHAT", "what", print_as_text, NULL },
};

static const struct print_column conflict_columns[] = {
	{ "CONFLICT", "seen_ms", print_as_time, conflict_look },
	{ "BECAUSE OF", "reason", print_as_text, conflict_look },
	{ "SETTLED", "settled_ms", print_as_time, conflict_look },
};

/* A table below the others; nothing of one without rows. */
static void
print_list(const struct print_column columns[], size_t count, const json_t *rows)
{
	if (json_array_size(rows) == 0)
		return;
	print_line(PRINT_PLAIN, "%s", "");
	print_rows(columns, count, rows);
}

static void
print_payload(const char *of, const json_t *object)
{
	const char *payload = row_text(object, "payload");

	if (payload[0] == '\0')
		return;
	print_line(PRINT_PLAIN, "%s", "");
	print_line(PRINT_HEAD, "%s", of);
	print_line(PRINT_PLAIN, "%s", payload);
}

static void
print_story(const json_t *story)
{
	const json_t *conflicts = json_object_get(story, "conflicts"), *conflict;
	json_t *facts = json_array();
	size_t i;

	add_arrival(facts, story);
	add_contact_and_lead(facts, story);
	add_delivery_facts(facts, json_object_get(story, "delivery"));
	print_rows(fact_columns, PRINT_COLUMNS(fact_columns), facts);
	json_decref(facts);
	print_list(trail_columns, PRINT_COLUMNS(trail_columns), json_object_get(story, "trail"));
	print_payload("PAYLOAD", story);
	print_list(conflict_columns, PRINT_COLUMNS(conflict_columns), conflicts);
	json_array_foreach(conflicts, i, conflict)
		print_payload("PAYLOAD OF A CONFLICT", conflict);
}

int
ctl_show(const struct ctl *ctl)
{
	struct fault why;
	json_t *story;

	if (ctl->rejected)
		return rejected_show(ctl);
	if (gather(ctl, &story, &why) != DONE)
		return print_fault(&why);
	if (story == NULL) {
		print_complaint("no payment %s", ctl->operands[0]);
		return CTL_FINDINGS;
	}
	if (ctl->json)
		print_json(json_incref(story));
	else
		print_story(story);
	json_decref(story);
	return EX_OK;
}
