/*
 * paymentctl import: taking over the ledger of the Python service.
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
			ctl_progress("importing", import->seen, import->total);
	}
	ctl_progress("importing", import->seen, import->seen);
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

static void
count(struct print_table *table, enum print_look look, int64_t number, const char *what)
{
	print_cell(table, number > 0 ? look : PRINT_DIM, "%" PRId64, number);
	print_cell(table, number > 0 ? look : PRINT_DIM, "%s", what);
}

static void
print_import(const struct import *import)
{
	static const char *const heads[] = { ">ROWS", "TAKEN OVER AS" };
	struct print_table *table = print_table(2, heads);

	count(table, PRINT_GOOD, import->added[PAYMENT_SUCCESS], "success");
	count(table, PRINT_PLAIN, import->added[PAYMENT_SKIPPED], "skipped");
	count(table, PRINT_BAD, import->added[PAYMENT_FAILED],
	    "failed: paymentctl list --status failed");
	count(table, PRINT_BAD, import->doubtful, "  of these unfinished there: look into amoCRM");
	count(table, PRINT_ODD, import->unread, "  of all these with a payload that is no webhook");
	count(table, PRINT_PLAIN, import->known, "nothing: known here");
	count(table, PRINT_BAD, import->nameless, "nothing: without a payment_id");
	print_end(table);
	if (import->dry_run)
		print_line(PRINT_PLAIN, "nothing was written");
}

int
ctl_import(const struct ctl *ctl)
{
	struct import import;
	struct fault why;
	enum outcome out;
	json_t *json;

	if (access(ctl->words[0], F_OK) < 0 && errno == ENOENT) {
		print_complaint("%s is not taken over: there is no such file", ctl->words[0]);
		return CTL_FINDINGS;
	}
	if (import_open(ctl->words[0], &import, &why) != DONE) {
		print_complaint("%s is not taken over: %s", ctl->words[0], why.text);
		return CTL_FINDINGS;
	}
	import.dry_run = ctl->dry_run;
	out = take_all(ctl, &import, &why);
	import_close(&import);
	/*
	 * What was taken over before something failed stays so, and the rest is for the next time.
	 */
	if (ctl->json) {
		json = import_json(&import);
		ctl_json(json);
		json_decref(json);
	} else {
		print_import(&import);
	}
	if (out != DONE)
		return ctl_complain(&why);
	return import.added[PAYMENT_FAILED] > 0 || import.nameless > 0 ? CTL_FINDINGS : EX_OK;
}
