/*
 * Payments named on the command line: retry and settle take a list of them.  One that must be left
 * as it is does not keep the others from being treated; the operator learns why of each.
 */
#include <stdlib.h>
#include <sysexits.h>

#include "named.h"
#include "print.h"
#include "row.h"

static enum outcome
act_on_all(const struct ctl *ctl, named_action *act, json_t *done, json_t *left, struct fault *why)
{
	enum outcome out = DONE;
	int i;

	for (i = 0; i < ctl->count && out == DONE; i++) {
		const char *name = ctl->operands[i];
		char *reason = NULL;
		json_t *row;

		out = ctl->rejected ? row_find_rejected(ctl->ledger, name, false, &row, why)
				    : row_find(ctl->ledger, name, false, &row, why);
		if (out == DONE)
			out = act(ctl, row, &reason, why);
		json_decref(row);
		if (out == DONE && reason == NULL)
			json_array_append_new(done, json_string(name));
		else if (out == DONE)
			json_object_set_new(left, name, json_string(reason));
		free(reason);
	}
	return out;
}

int
named_run(const struct ctl *ctl, named_action *act, const char *key, const char *done)
{
	json_t *acted = json_array(), *left = json_object(), *one;
	struct fault why;
	enum outcome out = act_on_all(ctl, act, acted, left, &why);
	int status = json_object_size(left) > 0 ? CTL_FINDINGS : EX_OK;
	const char *name;
	size_t i;

	/* What was done before the ledger failed is reported all the same. */
	if (ctl->json) {
		print_json(json_pack("{s:O, s:O}", key, acted, "left", left));
	} else {
		json_array_foreach(acted, i, one)
			print_line(PRINT_GOOD, "%s %s", json_string_value(one), done);
		json_object_foreach(left, name, one)
			print_complaint("%s: %s", name, json_string_value(one));
	}
	json_decref(acted);
	json_decref(left);
	return out == DONE ? status : print_fault(&why);
}
