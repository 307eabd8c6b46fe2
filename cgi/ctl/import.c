/*
 * paymentctl import: take over the ledger of the Python service that was used before, so that what
 * it carried is recognised when the platform sends it again.
 */
#include <errno.h>
#include <inttypes.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"
#include "ledger/import.h"
#include "print.h"

static enum outcome
take_all(const struct ctl *ctl, struct import *import, struct fault *why)
{
	bool more = true;
	enum outcome out = DONE;

	while (out == DONE && more) {
		out = import_step(ctl->ledger, import, &more, why);
		if (import->seen < import->total)
			print_progress("importing", import->seen, import->total);
	}
	print_progress("importing", import->seen, import->seen);
	return out;
}

static json_t *
import_json(const struct import *import)
{
	return json_pack("{s:b, s:I, s:{s:I, s:I, s:I}, s:I, s:I, s:I, s:I}", "dry_run",
	    import->dry_run, "rows", (json_int_t)import->seen, "added", "success",
	    (json_int_t)import->added[PAYMENT_SUCCESS], "failed",
	    (json_int_t)import->added[PAYMENT_FAILED], "skipped",
	    (json_int_t)import->added[PAYMENT_SKIPPED], "known", (json_int_t)import->known,
	    "unfinished", (json_int_t)import->doubtful, "unreadable_payload",
	    (json_int_t)import->unread, "without_id", (json_int_t)import->nameless);
}

static const struct print_column columns[] = {
	{ ">ROWS", "rows", print_as_number, print_look_given },
	{ "TAKEN OVER AS", "what", print_as_text, print_look_given },
};

static void
add_count(json_t *rows, enum print_look look, int64_t number, const char *what)
{
	json_array_append_new(rows,
	    json_pack("{s:I, s:s, s:i}", "rows", (json_int_t)number, "what", what, "look",
		number > 0 ? (int)look : PRINT_DIM));
}

static void
print_import(const struct import *import)
{
	json_t *rows = json_array();

	add_count(rows, PRINT_GOOD, import->added[PAYMENT_SUCCESS], "success");
	add_count(rows, PRINT_PLAIN, import->added[PAYMENT_SKIPPED], "skipped");
	add_count(rows, PRINT_BAD, import->added[PAYMENT_FAILED],
	    "failed: paymentctl list --status failed");
	add_count(
	    rows, PRINT_BAD, import->doubtful, "  of these unfinished there: look into amoCRM");
	add_count(
	    rows, PRINT_ODD, import->unread, "  of all these with a payload that is no webhook");
	add_count(rows, PRINT_PLAIN, import->known, "nothing: known here");
	add_count(rows, PRINT_BAD, import->nameless, "nothing: without a payment_id");
	print_rows(columns, PRINT_COLUMNS(columns), rows);
	json_decref(rows);
	if (import->dry_run)
		print_line(PRINT_PLAIN, "nothing was written");
}

int
ctl_import(const struct ctl *ctl)
{
	struct import import;
	struct fault why;
	enum outcome out;

	if (access(ctl->operands[0], F_OK) < 0 && errno == ENOENT) {
		print_complaint("%s is not taken over: there is no such file", ctl->operands[0]);
		return CTL_FINDINGS;
	}
	if (import_open(ctl->operands[0], &import, &why) != DONE) {
		print_complaint("%s is not taken over: %s", ctl->operands[0], why.text);
		return CTL_FINDINGS;
	}
	import.dry_run = ctl->dry_run;
	out = take_all(ctl, &import, &why);
	import_close(&import);
	/*
	 * What was taken over before something failed stays so, and the rest is for the next time.
	 */
	if (ctl->json)
		print_json(import_json(&import));
	else
		print_import(&import);
	if (out != DONE)
		return print_fault(&why);
	return import.added[PAYMENT_FAILED] > 0 || import.nameless > 0 ? CTL_FINDINGS : EX_OK;
}
