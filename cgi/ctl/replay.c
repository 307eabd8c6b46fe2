/*
 * paymentctl: past payments and other rules.
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
		print_complaint("%s: %s: %s", name,
		    json_string_value(json_object_get(mistake, "path")),
		    json_string_value(json_object_get(mistake, "message")));
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
print_diff(const char *payment_id, const json_t *diff)
{
	char *before, *after;
	const char *key;
	json_t *change;

	print_line(PRINT_HEAD, "%s", payment_id);
	json_object_foreach((json_t *)diff, key, change) {
		before = value_text(json_array_get(change, 0));
		after = value_text(json_array_get(change, 1));
		print_line(PRINT_PLAIN, "  %s: %s -> %s", key, before, after);
		free(before);
		free(after);
	}
}

static void
tell(struct replay *replay, const char *payment_id, json_t *diff)
{
	replay->differing++;
	if (replay->ctl->json)
		json_array_append_new(replay->payments,
		    json_pack("{s:s, s:O}", "payment_id", payment_id, "changes", diff));
	else
		print_diff(payment_id, diff);
}

static json_t *
compare(const struct replay *replay, const json_t *told, const struct payment *paid)
{
	const struct settings *settings = replay->ctl->settings;
	json_t *today = replay_verdict(settings, replay->today, paid), *other, *diff;

	if (replay->other != NULL) {
		other = replay_verdict(settings, replay->other, paid);
		diff = replay_diff(today, other);
	} else {
		other = replay_done(told);
		diff = replay_diff_known(other, today);
	}
	json_decref(today);
	json_decref(other);
	return diff;
}

static void
replay_one(struct replay *replay, const json_t *told)
{
	const json_t *payload = json_object_get(told, "payload");
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
		payment_recorded(paid, json_string_value(json_object_get(told, "payment_id")),
		    clock_wall_ms() / 1000);
		diff = compare(replay, told, paid);
		if (json_object_size(diff) > 0)
			tell(replay, json_string_value(json_object_get(told, "payment_id")), diff);
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
	json_t *page = NULL, *told;
	int64_t last = 0;
	size_t count = PAGE, i;

	while (out == DONE && count == PAGE) {
		if ((out = ledger_received(ledger, &replay->period, last, PAGE, &page, why)) !=
		    DONE)
			break;
		count = json_array_size(page);
		json_array_foreach(page, i, told) {
			replay_one(replay, told);
			last = json_integer_value(json_object_get(told, "id"));
			ctl_progress("replaying", replay->count, replay->total);
		}
		json_decref(page);
	}
	return out;
}

static void
sum_up(const struct replay *replay)
{
	int64_t replayed = replay->count - replay->purged - replay->unreadable;
	json_t *all;

	if (replay->ctl->json) {
		all = json_pack("{s:I, s:I, s:I, s:I, s:O}", "payments", (json_int_t)replay->count,
		    "differing", (json_int_t)replay->differing, "purged",
		    (json_int_t)replay->purged, "unreadable", (json_int_t)replay->unreadable,
		    "differences", replay->payments);
		ctl_json(all);
		json_decref(all);
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

static int
replay_with(struct replay *replay)
{
	struct fault why;
	int status;

	replay->payments = json_array();
	if (replay_all(replay, &why) != DONE) {
		status = ctl_complain(&why);
	} else {
		sum_up(replay);
		status = replay->differing > 0 ? CTL_FINDINGS : EX_OK;
	}
	json_decref(replay->payments);
	return status;
}

int
ctl_replay(const struct ctl *ctl)
{
	struct replay replay = { .ctl = ctl, .period = { ctl->since_ms, ctl->until_ms } };
	int status = EX_CONFIG;

	replay.today = load_rules(ctl->settings, "the rules in force");
	if (replay.today != NULL && ctl->mapping != NULL)
		replay.other = load_file(ctl->settings, ctl->mapping);
	if (replay.today != NULL && (ctl->mapping == NULL || replay.other != NULL))
		status = replay_with(&replay);
	rules_free(replay.today);
	rules_free(replay.other);
	return status;
}
