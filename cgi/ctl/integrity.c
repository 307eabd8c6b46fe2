/*
 * paymentctl integrity: check the ledger's file, as SQLite sees it, and the invariants of its rows.
 */
#include <sysexits.h>

#include "commands.h"
#include "ledger/integrity.h"
#include "print.h"

static void
add_problem(void *problems, const char *problem)
{
	json_array_append_new(problems, json_string(problem));
}

int
ctl_integrity(const struct ctl *ctl)
{
	json_t *problems = json_array(), *problem;
	struct fault why;
	enum outcome out = ledger_check(ctl->ledger, add_problem, problems, &why);
	size_t i;

	if (out != DONE && out != NEVER)
		print_fault(&why);
	else if (ctl->json)
		print_json(json_pack("{s:b, s:O}", "whole", out == DONE, "problems", problems));
	else if (out == DONE)
		print_line(PRINT_GOOD, "the ledger is whole and keeps its invariants");
	else
		json_array_foreach(problems, i, problem)
			print_line(PRINT_BAD, "%s", json_string_value(problem));
	json_decref(problems);
	return out == DONE ? EX_OK : out == NEVER ? CTL_FINDINGS : EX_TEMPFAIL;
}
