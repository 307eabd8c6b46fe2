/*
 * paymentctl replay: what rules would decide about past payments: others than those in force, or
 * those in force compared with what was done.  Nothing is changed and amoCRM is not called.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "admin/replay.h"
#include "base/clock.h"
#include "base/memory.h"
#include "commands.h"
#include "config/env_file.h"
#include "ledger/audit.h"
#include "print.h"
#include "row.h"
#include "rules/rules.h"

#define PAGE 200 /* Payments read at once. */

struct replay {
	const struct ctl *ctl;
	struct period period;
	struct rules *today, *other; /* other is NULL: compare with what was done. */
	int64_t count, total, differing, purged, unreadable;
	json_t *payments; /* For --json. */
};

static struct rules *
load_rules(const struct settings *settings, const char *name)
{
	struct rules *mapping = NULL;
	json_t *errors = NULL, *mistake;
	struct fault why;
	size_t i;

	if (rules_load(settings, &mapping, &errors, &why) == DONE)
		return mapping;
	json_array_foreach(errors, i, mistake)
		print_complaint(
		    "%s: %s: %s", name, row_text(mistake, "path"), row_text(mistake, "message"));
	json_decref(errors);
	return NULL;
}

/*
 * The rules in a file, read as if the settings named it; NULL, having said all that is wrong with
 * them.
 */
static struct rules *
load_file(const struct settings *settings, const char *path)
{
	struct settings chosen = *settings;
	struct rules *mapping;

	chosen.payment_mapping = (char *)path;
	if ((chosen.rules = envfile_content(path, &chosen.rules_size)) == NULL) {
		print_complaint("%s: %s", path, strerror(errno));
		return NULL;
	}
	mapping = load_rules(&chosen, path);
	free(chosen.rules);
	return mapping;
}

/*
 * One payment.
 */

static void
write_value(FILE *text, const json_t *value)
{
	const json_t *one;
	size_t i;

	if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0))
		fputs("nothing", text);
	else if (json_is_string(value))
		fputs(json_string_value(value), text);
	else if (json_is_integer(value))
		fprintf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "true" : "false", text);
	json_array_foreach(value, i, one) {
		fputs(i > 0 ? ", " : "", text);
		write_value(text, one);
	}
}

/* For people: a new text. */
static char *
value_text(const json_t *value)
{
	char *text = NULL;
	size_t size;
	FILE *stream = memory_stream(&text, &size);

	write_value(stream, value);
	memory_stream_end(stream);
	return text;
}

static void
report(struct replay *replay, const char *payment_id, json_t *diff)
{
	char *before, *after;
	const char *key;
	json_t *change;

	replay->differing++;
	if (replay->ctl->json) {
		json_array_append_new(replay->payments,
		    json_pack("{s:s, s:O}", "payment_id", payment_id, "changes", diff));
		return;
	}
	print_line(PRINT_HEAD, "%s", payment_id);
	json_object_foreach(diff, key, change) {
		before = value_text(json_array_get(change, 0));
		after = value_text(json_array_get(change, 1));
		print_line(PRINT_PLAIN, "  %s: %s -> %s", key, before, after);
		free(before);
		free(after);
	}
}

static json_t *
compare(const struct replay *replay, const json_t *row, const struct payment *paid)
{
	const struct settings *settings = replay->ctl->settings;
	json_t *today = replay_verdict(settings, replay->today, paid), *other, *diff;

	if (replay->other != NULL) {
		other = replay_verdict(settings, replay->other, paid);
		diff = replay_diff(today, other);
	} else {
		other = replay_done(row);
		diff = replay_diff_known(other, today);
	}
	json_decref(today);
	json_decref(other);
	return diff;
}

static void
replay_one(struct replay *replay, const json_t *row)
{
	const json_t *payload = json_object_get(row, "payload");
	json_t *errors = NULL, *diff;
	struct payment *paid = NULL;

	replay->count++;
	if (json_string_length(payload) == 0) {
		replay->purged++;
	} else if (payment_parse(json_string_value(payload), json_string_length(payload), &paid,
		       &errors) != DONE) {
		replay->unreadable++;
		json_decref(errors);
	} else {
		payment_recorded(paid, row_text(row, "payment_id"), clock_wall_ms() / 1000);
		diff = compare(replay, row, paid);
		if (json_object_size(diff) > 0)
			report(replay, row_text(row, "payment_id"), diff);
		json_decref(diff);
		payment_free(paid);
	}
}

/*
 * All of them.
 */

static enum outcome
replay_all(struct replay *replay, struct fault *why)
{
	struct ledger *ledger = replay->ctl->ledger;
	enum outcome out = ledger_received_count(ledger, &replay->period, &replay->total, why);
	json_t *page = NULL, *row;
	int64_t last = 0;
	size_t count = PAGE, i;

	while (out == DONE && count == PAGE) {
		if ((out = ledger_received(ledger, &replay->period, last, PAGE, &page, why)) !=
		    DONE)
			break;
		count = json_array_size(page);
		json_array_foreach(page, i, row) {
			replay_one(replay, row);
			last = row_number(row, "id");
			print_progress("replaying", replay->count, replay->total);
		}
		json_decref(page);
	}
	return out;
}

static void
sum_up(const struct replay *replay)
{
	int64_t replayed = replay->count - replay->purged - replay->unreadable;

	if (replay->ctl->json) {
		print_json(json_pack("{s:I, s:I, s:I, s:I, s:O}", "payments",
		    (json_int_t)replay->count, "differing", (json_int_t)replay->differing, "purged",
		    (json_int_t)replay->purged, "unreadable", (json_int_t)replay->unreadable,
		    "differences", replay->payments));
		return;
	}
	print_line(replay->differing > 0 ? PRINT_ODD : PRINT_GOOD,
	    "%" PRId64 " payment%s replayed, %" PRId64 " differ%s; nothing was changed", replayed,
	    print_plural(replayed), replay->differing, replay->differing == 1 ? "s" : "");
	if (replay->purged > 0)
		print_line(PRINT_DIM, "%" PRId64 " could not be: their payloads were purged",
		    replay->purged);
	if (replay->unreadable > 0)
		print_line(PRINT_DIM,
		    "%" PRId64 " could not be: their payloads are no payments any more",
		    replay->unreadable);
}

int
ctl_replay(const struct ctl *ctl)
{
	struct replay replay = { .ctl = ctl, .period = { ctl->since.ms, ctl->until.ms } };
	struct fault why;
	int status;

	replay.today = load_rules(ctl->settings, "the rules in force");
	if (replay.today != NULL && ctl->mapping != NULL)
		replay.other = load_file(ctl->settings, ctl->mapping);
	replay.payments = json_array();
	if (replay.today == NULL || (ctl->mapping != NULL && replay.other == NULL)) {
		status = EX_CONFIG;
	} else if (replay_all(&replay, &why) != DONE) {
		status = print_fault(&why);
	} else {
		sum_up(&replay);
		status = replay.differing > 0 ? CTL_FINDINGS : EX_OK;
	}
	json_decref(replay.payments);
	rules_free(replay.today);
	rules_free(replay.other);
	return status;
}
