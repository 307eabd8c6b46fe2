#ifndef DELIVER_MANAGER_H
#define DELIVER_MANAGER_H

#include "base/fault.h"
#include "deliver/job.h"

/*
 * Tell the manager, exactly once: the note on the lead, and the task for the user who looks after a
 * lead that was there before.
 *
 * Both are only ever written after the totals are known to be applied, so an attempt that applied
 * them itself need not look for them; any other looks whether an earlier attempt's, whose answer
 * was lost, stands there already.
 */

/* The payment's note on this lead; 0 when there is none. */
enum outcome manager_find_note(
    struct known *known, int64_t lead_id, int64_t *note_id, struct fault *why) MUST_USE;

/* DONE: at.note_id is set, to be saved by the caller. */
enum outcome manager_note(struct job *job, struct fault *why) MUST_USE;

/* DONE: where the rules ask for a task, it stands there.  A refusal of it is no reason to keep the
 * payment back. */
enum outcome manager_task(struct job *job, struct fault *why) MUST_USE;

#endif
