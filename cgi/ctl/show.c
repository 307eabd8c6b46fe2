/*
 * paymentctl show: one payment's whole story.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/text.h"
#include "commands.h"
#include "deliver/lead_fields.h"
#include "ledger/report.h"
#include "print.h"

static json_int_t
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *
text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL ? value : "";
}

static bool
is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

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
add_delivery(const struct ctl *ctl, int64_t id, json_t *story, struct fault *why)
{
	struct progress at;
	enum outcome out;

	progress_init(&at);
	if ((out = ledger_progress(ctl->ledger, id, &at, why)) == DONE)
		json_object_set_new(story, "delivery", delivery_json(ctl->settings, &at));
	progress_clear(&at);
	return out;
}

static enum outcome
gather(const struct ctl *ctl, json_t **story, struct fault *why)
{
	json_t *rows = NULL, *found, *conflicts = NULL, *trail = NULL;
	enum outcome out;
	int64_t id;

	if ((out = ledger_list(ctl->ledger, -1, ctl->words[0], 0, 1, ctl->payload, &rows, why)) !=
	    DONE)
		return out;
	found = json_incref(json_array_get(rows, 0));
	json_decref(rows);
	*story = found;
	if (found == NULL)
		return DONE;
	id = number(found, "id");
	if ((out = add_delivery(ctl, id, found, why)) == DONE &&
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

static void fact(struct print_table *table, const char *name, enum print_look look,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
static void
fact(struct print_table *table, const char *name, enum print_look look, const char *format, ...)
{
	va_list args;
	char *value;

	va_start(args, format);
	value = text_format_list(format, args);
	va_end(args);
	print_cell(table, PRINT_DIM, "%s", name);
	print_cell(table, look, "%s", value);
	free(value);
}

/* When and how it came, and how it stands. */
static void
print_arrival(struct print_table *table, const json_t *story)
{
	const char *status = text(story, "status"), *request_id = text(story, "request_id");
	char time[CLOCK_TEXT], money[PRINT_MONEY];

	fact(table, "payment", PRINT_HEAD, "%s", text(story, "payment_id"));
	fact(table, "row", PRINT_PLAIN, "#%" JSON_INTEGER_FORMAT, number(story, "id"));
	fact(table, "amount", PRINT_PLAIN, "%s", print_money(money, number(story, "kopecks")));
	fact(table, "paid", PRINT_PLAIN, "%s", print_utc(time, text(story, "paid_at")));
	fact(table, "received", PRINT_PLAIN, "%s", print_utc(time, text(story, "created_at")));
	if (is_true(story, "imported"))
		fact(table, "came by", PRINT_PLAIN, "import from the service used before");
	else
		fact(table, "came by", PRINT_PLAIN, "webhook%s%s",
		    request_id[0] != '\0' ? ", request " : "", request_id);
	if (number(story, "duplicates") > 0)
		fact(table, "told again", PRINT_PLAIN, "%" JSON_INTEGER_FORMAT " times",
		    number(story, "duplicates"));
	fact(table, "status", print_look_of(status), "%s", status);
	if (text(story, "error_message")[0] != '\0')
		fact(table, "reason", print_look_of(status), "%s", text(story, "error_message"));
	if (number(story, "retry_count") > 0)
		fact(table, "attempts", PRINT_PLAIN, "%" JSON_INTEGER_FORMAT " in vain",
		    number(story, "retry_count"));
	if (number(story, "next_ms") != 0)
		fact(table, "next try", PRINT_PLAIN, "%s",
		    print_time(time, number(story, "next_ms")));
	if (text(story, "processed_at")[0] != '\0')
		fact(table, "finished", PRINT_PLAIN, "%s",
		    print_utc(time, text(story, "processed_at")));
	if (is_true(story, "purged"))
		fact(table, "payload", PRINT_DIM, "not here: purged, or never imported");
}

static void
print_names(struct print_table *table, const char *name, const json_t *names)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)names, i, one)
		fact(table, i == 0 ? name : " ", PRINT_ODD, "%s", json_string_value(one));
}

static void
print_contact_and_lead(struct print_table *table, const json_t *story)
{
	const json_t *at = json_object_get(story, "delivery");
	json_int_t contact_id = number(at, "contact_id"), lead_id = number(at, "lead_id");
	const char *by = text(at, "matched_by");
	bool created = is_true(at, "lead_created");

	/* What another service carried is told by the row alone. */
	if (contact_id == 0)
		contact_id = number(story, "contact_id");
	if (lead_id == 0) {
		lead_id = number(story, "lead_id");
		created = is_true(story, "lead_created");
	}
	if (contact_id != 0 && (by[0] == '\0' || strcmp(by, "created") == 0))
		fact(table, "contact", PRINT_PLAIN, "%" JSON_INTEGER_FORMAT "%s", contact_id,
		    by[0] == '\0' ? "" : ", created for it");
	else if (contact_id != 0)
		fact(table, "contact", PRINT_PLAIN, "%" JSON_INTEGER_FORMAT ", found by %s",
		    contact_id, by);
	if (lead_id != 0)
		fact(table, "lead", PRINT_PLAIN, "%" JSON_INTEGER_FORMAT "%s", lead_id,
		    created ? ", created for it" : ", which was there");
	if (number(story, "pipeline_id") != 0)
		fact(table, "pipeline", PRINT_PLAIN, "%" JSON_INTEGER_FORMAT,
		    number(story, "pipeline_id"));
}

/* What was written before and after. */
static void
print_delivery(struct print_table *table, const json_t *at)
{
	char before[PRINT_MONEY], after[PRINT_MONEY];

	if (is_true(at, "applied")) {
		fact(table, "total", PRINT_PLAIN, "%s before, %s after",
		    print_money(before, number(at, "total_before")),
		    print_money(after, number(at, "total_after")));
		fact(table, "purchases", PRINT_PLAIN,
		    "%" JSON_INTEGER_FORMAT " before, %" JSON_INTEGER_FORMAT " after",
		    number(at, "count_before"), number(at, "count_after"));
	}
	if (is_true(at, "older"))
		fact(table, "order", PRINT_ODD,
		    "the lead shows a later payment: its last payment was kept");
	if (number(at, "note_id") != 0)
		fact(table, "note", PRINT_PLAIN, "%" JSON_INTEGER_FORMAT, number(at, "note_id"));
	if (text(at, "open_intent")[0] != '\0')
		fact(table, "unsure", PRINT_ODD,
		    "whether the %s was written; the next attempt looks first",
		    text(at, "open_intent"));
	print_names(table, "not written", json_object_get(at, "dropped_fields"));
	print_names(table, "no rule for", json_object_get(at, "unmapped_subjects"));
}

static void
print_call(struct print_table *table, const json_t *event)
{
	json_int_t status = number(event, "status");

	if (json_object_get(event, "status") == NULL) {
		print_cell(table, PRINT_PLAIN, " ");
		print_cell(table, PRINT_PLAIN, " ");
		print_cell(table, PRINT_PLAIN, " ");
		return;
	}
	if (status == 0)
		print_cell(table, PRINT_BAD, "no answer");
	else
		print_cell(
		    table, status < 400 ? PRINT_GOOD : PRINT_BAD, "%" JSON_INTEGER_FORMAT, status);
	print_cell(table, PRINT_PLAIN, "%" JSON_INTEGER_FORMAT " ms", number(event, "took_ms"));
	print_cell(table, PRINT_DIM, "%s", text(event, "request_id"));
}

static void
print_trail(const json_t *trail)
{
	static const char *const heads[] = { "TIME", ">ANSWER", ">TOOK", "REQUEST", "WHAT" };
	struct print_table *table;
	char time[CLOCK_TEXT];
	const json_t *event;
	size_t i;

	if (json_array_size(trail) == 0)
		return;
	print_line(PRINT_PLAIN, "%s", "");
	table = print_table(5, heads);
	json_array_foreach((json_t *)trail, i, event) {
		print_cell(table, PRINT_PLAIN, "%s", print_time(time, number(event, "at_ms")));
		print_call(table, event);
		print_cell(table, PRINT_PLAIN, "%s", text(event, "what"));
	}
	print_end(table);
}

static void
print_payload(const char *of, const json_t *object)
{
	const char *payload = text(object, "payload");

	if (payload[0] == '\0')
		return;
	print_line(PRINT_PLAIN, "%s", "");
	print_line(PRINT_HEAD, "%s", of);
	print_line(PRINT_PLAIN, "%s", payload);
}

static void
print_conflicts(const json_t *conflicts)
{
	static const char *const heads[] = { "CONFLICT", "BECAUSE OF", "SETTLED" };
	struct print_table *table;
	char time[CLOCK_TEXT];
	const json_t *one;
	size_t i;

	if (json_array_size(conflicts) == 0)
		return;
	print_line(PRINT_PLAIN, "%s", "");
	table = print_table(3, heads);
	json_array_foreach((json_t *)conflicts, i, one) {
		int64_t settled_ms = number(one, "settled_ms");
		enum print_look look = settled_ms != 0 ? PRINT_PLAIN : PRINT_ODD;

		print_cell(table, look, "%s", print_time(time, number(one, "seen_ms")));
		print_cell(table, look, "%s", text(one, "reason"));
		print_cell(table, look, "%s", print_time(time, settled_ms));
	}
	print_end(table);
	json_array_foreach((json_t *)conflicts, i, one)
		print_payload("PAYLOAD OF A CONFLICT", one);
}

static void
print_story(const json_t *story)
{
	struct print_table *table = print_table(2, NULL);

	print_arrival(table, story);
	print_contact_and_lead(table, story);
	print_delivery(table, json_object_get(story, "delivery"));
	print_end(table);
	print_trail(json_object_get(story, "trail"));
	print_payload("PAYLOAD", story);
	print_conflicts(json_object_get(story, "conflicts"));
}

int
ctl_show(const struct ctl *ctl)
{
	struct fault why;
	json_t *story;

	if (gather(ctl, &story, &why) != DONE)
		return ctl_complain(&why);
	if (story == NULL) {
		print_complaint("no payment %s", ctl->words[0]);
		return CTL_FINDINGS;
	}
	if (ctl->json)
		ctl_json(story);
	else
		print_story(story);
	json_decref(story);
	return EX_OK;
}
