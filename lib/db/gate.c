/*
 * The gate (see db.h), waited for, but not for ever; and beside it, on the next byte of the same
 * file, whose turn it is to checkpoint.
 *
 * There is no timed wait for such a lock.  Asking again and again would let a late writer
 * overtake one that has waited, which under load starves some; the kernel's queue is kept in order.
 * So the process waits there, and a timer interrupts it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/private_file.h"
#include "base/text.h"
#include "db/error.h"
#include "db/gate.h"
#include "db/handle.h"
#include "host/byte_lock.h"

#ifndef sigev_notify_thread_id /* glibc has the member without this name for it. */
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* Should the first signal come before the wait has begun, another ends it. */
#define AGAIN_MS 50

enum outcome
db_gate_open(struct db *db, struct fault *why)
{
	db->gate_path = text_format("%s-gate", db->path);
	db->gate = private_file_open(db->gate_path, 0);
	return db->gate < 0 ? db_failed_errno(db->gate_path, "gate", why) : DONE;
}

void
db_gate_close(struct db *db)
{
	if (db->timed)
		timer_delete(db->timer);
	db->timed = false;
	if (db->gate >= 0)
		close(db->gate);
	db->gate = -1;
	free(db->gate_path);
	db->gate_path = NULL;
}

/* That a signal is handled is enough to end a wait. */
static void
interrupt(int number)
{
	(void)number;
}

/* The signal goes to the one thread that waits: libcurl has others, which it would not help. */
static bool
make_timer(struct db *db)
{
	struct sigaction action = { .sa_handler = interrupt };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN };

	if (db->timed)
		return true;
	event.sigev_notify_thread_id = gettid();
	sigaction(SIGRTMIN, &action, NULL);
	return db->timed = timer_create(CLOCK_MONOTONIC, &event, &db->timer) == 0;
}

/* Ring after so many milliseconds and then again and again; 0: not any more. */
static void
set_timer(struct db *db, int64_t ms)
{
	struct itimerspec times = { .it_value = {
					.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 } };

	if (ms > 0)
		times.it_interval.tv_nsec = AGAIN_MS * 1000000;
	timer_settime(db->timer, 0, &times, NULL);
}

/* Stand in the queue.  False: errno says why, EINTR that the time is over. */
static bool
wait_for(struct db *db)
{
	int64_t deadline_ms = clock_mono_ms() + DB_GATE_MS;
	bool entered;
	int error;

	if (!make_timer(db))
		return false;
	set_timer(db, DB_GATE_MS);
	/* Other signals may interrupt it too. */
	while (!(entered = byte_lock_wait(db->gate, DB_BYTE_GATE, 1)) && errno == EINTR &&
	    clock_mono_ms() < deadline_ms)
		continue;
	error = errno;
	set_timer(db, 0);
	errno = error;
	return entered;
}

/* Nearly always no writer is inside, and one call is all it takes. */
enum outcome
db_gate_enter(struct db *db, struct fault *why)
{
	db->inside = byte_lock_try(db->gate, DB_BYTE_GATE, 1) ||
	    ((errno == EAGAIN || errno == EACCES) && wait_for(db));
	db->shut_out = !db->inside;
	if (db->inside)
		return DONE;
	if (errno == EINTR)
		return fault_set(why, BROKEN,
		    "the ledger is busy: another process has held %s-gate for %d s", db->path,
		    DB_GATE_MS / 1000);
	return db_failed_errno(db->path, "gate of", why);
}

void
db_gate_leave(struct db *db)
{
	if (!db->inside)
		return;
	byte_lock_free(db->gate, DB_BYTE_GATE, 1);
	db->inside = false;
}

bool
db_turn_take(struct db *db)
{
	return byte_lock_try(db->gate, DB_BYTE_TURN, 1);
}

void
db_turn_give(struct db *db)
{
	byte_lock_free(db->gate, DB_BYTE_TURN, 1);
	db->turn = false;
}
