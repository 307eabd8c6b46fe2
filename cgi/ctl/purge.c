/*
 * paymentctl purge: erase personal data by age, in many small transactions, so that the service
 * writes in between.
 */
#include <inttypes.h>
#include <sysexits.h>

#include "commands.h"
#include "ledger/purge.h"
#include "print.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

/* Readers are done in milliseconds, but for a backup. */
#define SCRUB_ATTEMPTS 100
#define SCRUB_WAIT_MS  100

const char *
ctl_purge_mistake(const struct ctl *ctl)
{
	return ctl->days > 0 ? NULL : "purge needs --days N";
}

static enum outcome
erase(const struct ctl *ctl, struct purge *purge, struct fault *why)
{
	bool more = true;
	enum outcome out;

	if ((out = purge_begin(ctl->ledger, purge, why)) != DONE)
		return out;
	while (out == DONE && more) {
		out = purge_step(ctl->ledger, purge, &more, why);
		if (purge->seen < purge->total)
			print_progress("purging", purge->seen, purge->total);
	}
	print_progress("purging", purge->seen, purge->seen);
	return out;
}

/* Empty the log, which still holds what was erased; that must wait until no reader needs it. */
static enum outcome
scrub(const struct ctl *ctl, struct fault *why)
{
	enum outcome out = LATER;
	int attempt;

	for (attempt = 0; attempt < SCRUB_ATTEMPTS && out == LATER; attempt++) {
		if (attempt > 0)
			clock_sleep_until(clock_mono_ms() + SCRUB_WAIT_MS);
		out = purge_end(ctl->ledger, why);
	}
	return out;
}

static void
print_purged(const struct ctl *ctl, const struct purge *purge)
{
	char before[CLOCK_TEXT];

	if (ctl->json)
		print_json(json_pack("{s:b, s:s, s:I, s:I, s:I, s:I}", "dry_run", ctl->dry_run,
		    "before", clock_utc(before, purge->before_ms / 1000), "payments",
		    (json_int_t)purge->payments, "events", (json_int_t)purge->events, "conflicts",
		    (json_int_t)purge->conflicts, "rejected", (json_int_t)purge->rejected));
	else
		print_line(PRINT_PLAIN,
		    "%s of before %s: the payloads of %" PRId64 " payment%s and %" PRId64
		    " conflict%s, %" PRId64 " event%s of trails",
		    ctl->dry_run ? "would be erased" : "erased",
		    print_time(before, purge->before_ms), purge->payments,
		    print_plural(purge->payments), purge->conflicts, print_plural(purge->conflicts),
		    purge->events, print_plural(purge->events));
}

int
ctl_purge(const struct ctl *ctl)
{
	struct purge purge = { .before_ms = clock_wall_ms() - ctl->days * DAY_MS,
		.dry_run = ctl->dry_run };
	struct fault why;
	enum outcome out = erase(ctl, &purge, &why);

	/* What was erased before something failed is reported all the same. */
	print_purged(ctl, &purge);
	if (out == DONE && !ctl->dry_run && (out = scrub(ctl, &why)) != DONE)
		print_complaint("erased, but the log still holds it: purge again");
	return out == DONE ? EX_OK : print_fault(&why);
}
