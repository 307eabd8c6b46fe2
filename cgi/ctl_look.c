/*
 * paymentctl: what the ledger shows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl.h"
#include "money.h"
#include "text.h"

/*
 * stats
 */

static json_t *
stats_json(const struct ledger_stats *stats)
{
	json_t *all = json_object();
	char text[MONEY_TEXT];
	int status;

	for (status = 0; status < PAYMENT_STATUSES; status++)
		json_object_set_new(all, status_name(status),
		    json_pack("{s:I, s:s}", "payments", (json_int_t)stats->payments[status], "amount",
			money_format(text, stats->kopecks[status])));
	return all;
}

int
ctl_stats(const struct ctl *ctl)
{
	struct ledger_stats stats;
	char text[MONEY_TEXT];
	struct fault why;
	json_t *all;
	int status;

	if (ledger_stats(ctl->ledger, &stats, &why) != DONE)
		return ctl_complain(&why);
	if (ctl->json) {
		all = stats_json(&stats);
		ctl_json(all);
		json_decref(all);
	} else {
		for (status = 0; status < PAYMENT_STATUSES; status++)
			printf("%-10s %8" PRId64 " %16s RUB\n", status_name(status), stats.payments[status],
			    money_format(text, stats.kopecks[status]));
	}
	return stats.payments[PAYMENT_FAILED] > 0 ? CTL_SEE : EX_OK;
}

/*
 * list and show
 */

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "-";
}

static void
print_row(const json_t *row)
{
	char amount[MONEY_TEXT];

	printf("%s  %-10s %12s  lead %-10" JSON_INTEGER_FORMAT "  %s  %s\n", text_of(row, "created_at"),
	    text_of(row, "status"), money_format(amount, json_integer_value(json_object_get(row, "kopecks"))),
	    json_integer_value(json_object_get(row, "lead_id")), text_of(row, "payment_id"),
	    text_of(row, "error_message"));
}

int
ctl_list(const struct ctl *ctl)
{
	struct fault why;
	json_t *rows, *row;
	size_t i;

	if (ledger_list(ctl->ledger, ctl->status, NULL, 0, ctl->limit, false, &rows, &why) != DONE)
		return ctl_complain(&why);
	if (ctl->json)
		ctl_json(rows);
	else
		json_array_foreach(rows, i, row)
			print_row(row);
	json_decref(rows);
	return EX_OK;
}

/* Members that the ledger keeps in kopecks. */
static bool
is_money(const char *key)
{
	return strcmp(key, "kopecks") == 0 || strcmp(key, "total_before") == 0 ||
	    strcmp(key, "total_after") == 0;
}

static void
print_members(const json_t *row)
{
	char amount[MONEY_TEXT];
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)row, key, value) {
		if (is_money(key)) {
			printf("%-14s %s RUB\n", key, money_format(amount, json_integer_value(value)));
			continue;
		}
		if (json_is_string(value))
			printf("%-14s %s\n", key, json_string_value(value));
		else if (json_is_integer(value))
			printf("%-14s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
	}
}

int
ctl_show(const struct ctl *ctl)
{
	struct progress at;
	struct fault why;
	json_t *rows, *row;
	int status = EX_OK;

	if (ledger_list(ctl->ledger, -1, ctl->words[0], 0, 1, false, &rows, &why) != DONE)
		return ctl_complain(&why);
	row = json_array_get(rows, 0);
	progress_init(&at);
	if (row == NULL) {
		fprintf(stderr, "paymentctl: no payment %s\n", ctl->words[0]);
		status = CTL_SEE;
	} else if (ledger_progress(ctl->ledger, json_integer_value(json_object_get(row, "id")), &at, &why) !=
	    DONE) {
		status = ctl_complain(&why);
	} else {
		json_object_set_new(row, "matched_by", json_string(at.matched_by));
		json_object_set_new(row, "total_before", json_integer(at.total_before));
		json_object_set_new(row, "total_after", json_integer(at.total_after));
		json_object_set_new(row, "count_before", json_integer(at.count_before));
		json_object_set_new(row, "count_after", json_integer(at.count_after));
		json_object_set_new(row, "note_id", json_integer(at.note_id));
		ctl->json ? ctl_json(row) : print_members(row);
	}
	progress_clear(&at);
	json_decref(rows);
	return status;
}

/*
 * integrity
 */

static void
tell(void *unused, const char *problem)
{
	(void)unused;
	puts(problem);
}

int
ctl_integrity(const struct ctl *ctl)
{
	struct fault why;
	enum outcome out = ledger_check(ctl->ledger, tell, NULL, &why);

	if (out == DONE)
		puts("the ledger is whole and keeps its invariants");
	return out == DONE ? EX_OK : out == NEVER ? CTL_SEE : ctl_complain(&why);
}
