/*
 * paymentctl backup: make a verified copy of the ledger while the service uses it.
 */
#include <inttypes.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "commands.h"
#include "ledger/integrity.h"
#include "print.h"

static void
show_progress(void *cookie, const char *what, int64_t done, int64_t total)
{
	(void)cookie;
	print_progress(what, done, total);
}

int
ctl_backup(const struct ctl *ctl)
{
	const char *path = ctl->operands[0];
	struct stat file = { 0 };
	struct fault why;
	enum outcome out;
	int64_t rows = 0;

	if ((out = ledger_copy(ctl->ledger, path, show_progress, NULL, &rows, &why)) != DONE) {
		print_fault(&why);
		return out == NEVER ? CTL_FINDINGS : EX_TEMPFAIL;
	}
	(void)stat(path, &file);
	if (ctl->json)
		print_json(json_pack("{s:s, s:I, s:I}", "file", path, "bytes",
		    (json_int_t)file.st_size, "payments", (json_int_t)rows));
	else
		print_line(PRINT_PLAIN, "%s: %" PRId64 " bytes, %" PRId64 " payment%s, verified",
		    path, (int64_t)file.st_size, rows, print_plural(rows));
	return EX_OK;
}
