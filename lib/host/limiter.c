/*
 * How many requests a second amoCRM bears, shared by all processes of this host.  How it works is
 * told below.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "host/limiter.h"
#include "host/shared_file.h"

/*
 * How the rate is kept.
 *
 * A caller draws a ticket; tickets are numbered without end, and the ring remembers the rate slot
 * of each of the last RING: the time at which its request may go.  Ticket n's slot is at least
 * WINDOW_MS after that of ticket n - rate.  So, sorted by number modulo the rate, requests of one
 * class are never within the same second, and there are only `rate` classes.  This does not need
 * the slots to be in order: one may be moved later at any time (its request was slow to leave), and
 * those behind it look again when they wake up, before they go.
 *
 * How it survives a death.  All is done under an OFD lock, which the kernel drops with its holder.
 * A ticket is drawn by writing its slot into the ring first and raising `taken` then: in between,
 * the ring merely lost a slot RING tickets old.  The breaker is open exactly when `status` is not
 * 0, and that is stored last.  The stores are atomic not because others look meanwhile, but so that
 * the compiler keeps their order.
 */
#define WINDOW_MS (1000 + LIMITER_GUARD_MS)

/*
 * Far more than the rate, because tickets may be drawn while older ones still wait: at the highest
 * rate, one could wait twenty seconds longer than those drawn after it before its place is used
 * again.
 */
#define RING 4096

/*
 * No slot is further ahead than the longest hold and the queue behind it.  A time beyond that is
 * damage.
 */
#define AHEAD_MAX_MS (LIMITER_HOLD_MAX_MS + 60 * 1000)

#define LAYOUT_VERSION 1

static const char magic[8] = "PSlimit";

struct limiter_content {
	char magic[8];
	int64_t version;
	char unused[40];         /* Of earlier versions. */
	_Atomic int64_t taken;   /* Tickets drawn so far, which is the next one's number. */
	_Atomic int64_t hold_ms; /* No slot before this monotonic time. */
	/* The breaker: the HTTP status that opened it, 0 while it is closed. */
	_Atomic int64_t status;
	_Atomic int64_t since_ms; /* Wall clock; when it opened. */
	_Atomic int64_t probe_ms; /* Monotonic; when the next probe may go. */
	_Atomic int64_t slots[RING];
	/*
	 * The latest monotonic time at which anybody wrote here.  That clock begins anew with each
	 * boot, and times of another mean nothing: one that lies ahead is how that is seen.  The
	 * kernel's boot id would tell more, but a sandbox or a container may hide it, and all must
	 * judge alike.
	 */
	_Atomic int64_t seen_ms;
};

_Static_assert(
    ATOMIC_LLONG_LOCK_FREE == 2, "an atomic that hides a lock in the process would not be shared");

struct limiter {
	struct shared_file file;
	struct limiter_content *shared; /* The file's content. */
	bool looks;                     /* It was opened to look only: nothing is written. */
	int64_t rate;
	int64_t ticket; /* -1: none. */
	bool probe;     /* The ticket may pass the open breaker. */

	bool breaks_alone;
	/* A breaker of our own: the HTTP status that opened it, 0 while it is closed. */
	int refused;
	int64_t refused_since_ms; /* Wall clock. */
};

#define NO_TICKET (-1)

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/*
 * A stored time, or the distant past if it cannot be one: a damaged file must not stop the
 * payments.
 */
static int64_t
sane(int64_t stored_ms, int64_t now_ms)
{
	return stored_ms > now_ms + AHEAD_MAX_MS ? 0 : stored_ms;
}

/* Opening. */

/* Who only looks takes no lock, and may find that another has written since it read the clock. */
#define SEEN_AHEAD_MS 1000

static bool
is_usable(const struct limiter_content *shared)
{
	return memcmp(shared->magic, magic, sizeof(magic)) == 0 &&
	    shared->version == LAYOUT_VERSION && shared->taken >= 0 &&
	    shared->taken < INT64_MAX / 2 && shared->seen_ms <= clock_mono_ms() + SEEN_AHEAD_MS;
}

/*
 * Begin anew unless the content is of this boot and layout.  The magic goes first and comes last,
 * so that dying here is seen as damage.  After damage it is unknown what was sent lately, so a
 * window passes before the next slot.
 */
static void
prepare(void *content, bool was_empty)
{
	struct limiter_content *shared = content;
	int i;

	if (is_usable(shared))
		return;
	memset(shared->magic, 0, sizeof(magic));
	atomic_thread_fence(memory_order_seq_cst);
	shared->version = LAYOUT_VERSION;
	shared->status = 0;
	shared->since_ms = shared->probe_ms = 0;
	shared->hold_ms = was_empty ? 0 : clock_mono_ms() + WINDOW_MS;
	shared->taken = 0;
	for (i = 0; i < RING; i++)
		shared->slots[i] = 0;
	shared->seen_ms = 0;
	atomic_thread_fence(memory_order_seq_cst);
	memcpy(shared->magic, magic, sizeof(magic));
}

enum outcome
limiter_open(const char *path, int64_t rate, struct limiter **limiter, struct fault *why)
{
	struct limiter *opened;
	enum outcome outcome;

	if (rate < 1 || rate > LIMITER_RATE_MAX)
		return fault_set(why, NEVER, "a rate of %" PRId64 " is not between 1 and %d", rate,
		    LIMITER_RATE_MAX);
	opened = memory_zeroed(1, sizeof(*opened));
	opened->rate = rate;
	opened->ticket = NO_TICKET;
	outcome = shared_file_open(
	    "limiter", path, sizeof(struct limiter_content), prepare, &opened->file, why);
	if (outcome != DONE) {
		free(opened);
		return outcome;
	}
	opened->shared = opened->file.content;
	*limiter = opened;
	return DONE;
}

enum outcome
limiter_open_to_look(const char *path, struct limiter **limiter, struct fault *why)
{
	struct limiter opened = { .looks = true };

	if (shared_file_open_to_read(
		"limiter", path, sizeof(struct limiter_content), &opened.file, why) != DONE)
		return BROKEN;
	opened.shared = opened.file.content;
	if (!is_usable(opened.shared)) {
		shared_file_close(&opened.file);
		return fault_set(why, BROKEN, "limiter %s: it is not of this boot", path);
	}
	*limiter = memory_allocate(sizeof(**limiter));
	**limiter = opened;
	return DONE;
}

void
limiter_close(struct limiter *limiter)
{
	if (!limiter)
		return;
	shared_file_close(&limiter->file);
	free(limiter);
}

/*
 * What one file knows of amoCRM goes over into another, once: who comes later finds nothing left.
 * It is unknown what was sent lately by whom, so a window passes before the next slot.
 */
static void
carry_over(struct limiter_content *from, struct limiter_content *to, int64_t now_ms)
{
	int64_t hold = later(sane(from->hold_ms, now_ms), now_ms + WINDOW_MS);

	to->hold_ms = later(sane(to->hold_ms, now_ms), hold);
	if (from->status != 0 && to->status == 0) {
		to->since_ms = from->since_ms;
		to->probe_ms = from->probe_ms;
		to->status = from->status;
	}
	from->status = 0;
	from->hold_ms = 0;
}

/*
 * The run directory was emptied: go over to the file that all will have.  Assumes the old one's
 * lock, so that nobody draws a ticket there meanwhile; with the old file it is gone.
 */
static enum outcome
change_file(struct limiter *limiter, struct fault *why)
{
	struct shared_file *old = &limiter->file, anew;
	enum outcome out = shared_file_open("limiter", old->path, old->size, prepare, &anew, why);

	if (out != DONE)
		return out;
	if (!shared_file_lock(&anew)) {
		shared_file_close(&anew);
		return fault_set(why, BROKEN, "the limiter's lock: %s", strerror(errno));
	}
	carry_over(old->content, anew.content, clock_mono_ms());
	shared_file_unlock(&anew);
	shared_file_unlock(old);
	shared_file_close(old);
	limiter->file = anew;
	limiter->shared = anew.content;
	limiter->ticket = NO_TICKET;
	return DONE;
}

/*
 * Take the lock of the file that all share; *now_ms is the time since when it is ours.  BROKEN: it
 * cannot be had.
 */
static enum outcome
enter(struct limiter *limiter, int64_t *now_ms, struct fault *why)
{
	enum outcome out;

	for (;;) {
		if (!shared_file_lock(&limiter->file))
			return fault_set(why, BROKEN, "the limiter's lock: %s", strerror(errno));
		if (shared_file_is_current(&limiter->file))
			break;
		if ((out = change_file(limiter, why)) != DONE) {
			shared_file_unlock(&limiter->file);
			return out;
		}
	}
	*now_ms = clock_mono_ms();
	limiter->shared->seen_ms = *now_ms;
	return DONE;
}

static void
leave(struct limiter *limiter)
{
	shared_file_unlock(&limiter->file);
}

/* Rate slots.  Everything below that takes a time is called under the lock. */

static _Atomic int64_t *
slot_of(struct limiter *limiter, int64_t ticket)
{
	return &limiter->shared->slots[ticket % RING];
}

/*
 * Is our ticket still in the ring, and the one it is measured by too?  Not if the file was begun
 * anew meanwhile.
 */
static bool
holds_ticket(const struct limiter *limiter)
{
	int64_t newer = limiter->shared->taken - limiter->ticket;

	return limiter->ticket != NO_TICKET && newer > 0 && newer < RING - LIMITER_RATE_MAX;
}

/*
 * When may this ticket go at the earliest?  A new one also stands behind all that were drawn
 * before.
 */
static int64_t
earliest(struct limiter *limiter, int64_t ticket, bool is_new, int64_t now_ms)
{
	int64_t slot = later(now_ms, sane(limiter->shared->hold_ms, now_ms));

	if (ticket >= limiter->rate)
		slot = later(
		    slot, sane(*slot_of(limiter, ticket - limiter->rate), now_ms) + WINDOW_MS);
	if (is_new && ticket > 0)
		slot = later(slot, sane(*slot_of(limiter, ticket - 1), now_ms));
	return slot;
}

/* May we pass the breaker?  When it is open, the first to ask after each interval is the probe. */
static bool
passes_breaker(struct limiter *limiter, int64_t now_ms)
{
	struct limiter_content *shared = limiter->shared;

	if (shared->status == 0 || limiter->probe)
		return true;
	if (now_ms < shared->probe_ms && shared->probe_ms <= now_ms + LIMITER_PROBE_MS)
		return false;
	shared->probe_ms = now_ms + LIMITER_PROBE_MS;
	limiter->probe = true;
	return true;
}

/*
 * Ask, with the ticket we have or a new one, and write down what came of it.  DONE with *slot_ms
 * not after now_ms: go; with a later one: ask again then, because amoCRM may have said something
 * meanwhile.  Refusals come before any store.
 *
 * Assumes: the lock.  Ensures: with DONE the ticket is ours and its slot is stored; with LATER no
 * ticket was drawn and no slot changed.
 */
static enum outcome
ask(struct limiter *limiter, int64_t now_ms, int64_t deadline_ms, int64_t *slot_ms,
    struct fault *why)
{
	struct limiter_content *shared = limiter->shared;
	bool is_new = !holds_ticket(limiter);
	int64_t ticket = is_new ? shared->taken : limiter->ticket;
	int64_t slot = earliest(limiter, ticket, is_new, now_ms);

	if (limiter->refused != 0)
		return fault_set(why, LATER, "%s %d",
		    limiter_is_address(limiter->refused) ? LIMITER_NO_ACCOUNT ": HTTP"
							 : "amoCRM refuses this token with status",
		    limiter->refused);
	if (slot > deadline_ms)
		return fault_set(why, LATER,
		    "no turn within the deadline: the next is in %" PRId64 " ms", slot - now_ms);
	if (!passes_breaker(limiter, now_ms))
		return fault_set(why, LATER, "%s %d; the next attempt is in %" PRId64 " s",
		    limiter_is_address((int)shared->status)
			? LIMITER_NO_ACCOUNT ": HTTP"
			: "amoCRM refuses everybody with status",
		    (int)shared->status, (shared->probe_ms - now_ms + 999) / 1000);
	*slot_of(limiter, ticket) = slot;
	if (is_new) {
		shared->taken = ticket + 1;
		limiter->ticket = ticket;
	}
	*slot_ms = slot;
	return DONE;
}

enum outcome
limiter_wait(struct limiter *limiter, int64_t deadline_ms, struct fault *why)
{
	enum outcome outcome;
	int64_t now, slot = 0;

	limiter->ticket = NO_TICKET;
	limiter->probe = false;
	for (;;) {
		if ((outcome = enter(limiter, &now, why)) != DONE)
			return outcome;
		outcome = ask(limiter, now, deadline_ms, &slot, why);
		leave(limiter);
		if (outcome != DONE || slot <= now)
			return outcome;
		clock_sleep_until(slot);
	}
}

void
limiter_sent(struct limiter *limiter, int64_t sent_ms)
{
	struct fault ignored;
	_Atomic int64_t *slot;
	int64_t now;

	if (limiter->ticket == NO_TICKET || enter(limiter, &now, &ignored) != DONE)
		return;
	if (holds_ticket(limiter)) {
		slot = slot_of(limiter, limiter->ticket);
		*slot = later(*slot, sent_ms < now ? sent_ms : now);
	}
	leave(limiter);
}

/*
 * A window behind each slot is longer than the second by the guard.  That much of the way is in it
 * already.
 */
void
limiter_on_way(struct limiter *limiter, int64_t until_ms)
{
	limiter_sent(limiter, until_ms - (LIMITER_GUARD_MS - LIMITER_READING_MS));
}

/* Hold and breaker. */

void
limiter_hold(struct limiter *limiter, int64_t wait_ms)
{
	struct fault ignored;
	int64_t now, most = wait_ms < LIMITER_HOLD_MAX_MS ? wait_ms : LIMITER_HOLD_MAX_MS;

	if (enter(limiter, &now, &ignored) != DONE)
		return;
	limiter->shared->hold_ms = later(sane(limiter->shared->hold_ms, now), now + later(most, 0));
	leave(limiter);
}

void
limiter_break_alone(struct limiter *limiter)
{
	limiter->breaks_alone = true;
}

void
limiter_break(struct limiter *limiter, int status)
{
	struct limiter_content *shared;
	struct fault ignored;
	int64_t now;

	if (limiter->breaks_alone) {
		limiter->refused = status;
		limiter->refused_since_ms = clock_wall_ms();
		return;
	}
	if (enter(limiter, &now, &ignored) != DONE)
		return;
	shared = limiter->shared;
	shared->probe_ms = now + LIMITER_PROBE_MS;
	if (shared->status == 0)
		shared->since_ms = clock_wall_ms();
	shared->status = status;
	leave(limiter);
}

void
limiter_succeeded(struct limiter *limiter)
{
	limiter->refused = 0;
	if (limiter->shared->status != 0)
		limiter_close_breaker(limiter);
}

void
limiter_close_breaker(struct limiter *limiter)
{
	struct fault ignored;
	int64_t now;

	if (enter(limiter, &now, &ignored) != DONE)
		return;
	limiter->shared->status = 0;
	leave(limiter);
}

void
limiter_probe_again(struct limiter *limiter)
{
	if (!limiter->probe || !shared_file_lock(&limiter->file))
		return;
	limiter->shared->probe_ms = 0;
	shared_file_unlock(&limiter->file);
}

bool
limiter_is_address(int status)
{
	return status == 404 || status / 100 == 3;
}

const char *
limiter_cause(int status)
{
	switch (status) {
	case 401:
		return "token";
	case 402:
		return "payment";
	case 403:
		return "access";
	default:
		return limiter_is_address(status) ? "address" : "other";
	}
}

static int64_t
count_used(struct limiter *limiter, int64_t now_ms)
{
	int64_t ticket, slot, used = 0, taken = limiter->shared->taken;

	for (ticket = taken > RING ? taken - RING : 0; ticket < taken; ticket++) {
		slot = *slot_of(limiter, ticket);
		used += slot > now_ms - 1000 && slot <= now_ms;
	}
	return used;
}

void
limiter_look(struct limiter *limiter, struct limiter_state *state)
{
	int64_t now = clock_mono_ms(), ready;
	struct fault ignored;
	bool locked = !limiter->looks && enter(limiter, &now, &ignored) == DONE;
	struct limiter_content *shared = limiter->shared;

	ready = sane(shared->hold_ms, now);
	*state =
	    (struct limiter_state){ .open = shared->status != 0, .status = (int)shared->status };
	if (state->open) {
		state->since_ms = shared->since_ms;
		ready = later(ready, sane(shared->probe_ms, now));
	}
	state->ready_ms = ready > now ? ready : 0;
	if (limiter->refused != 0) {
		state->open = state->alone = true;
		state->status = limiter->refused;
		state->since_ms = limiter->refused_since_ms;
	}
	state->used = count_used(limiter, now);
	if (locked)
		leave(limiter);
}
