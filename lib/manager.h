#ifndef MANAGER_H
#define MANAGER_H

#include "fault.h"
#include "job.h"

/*
 * Tell the manager: the note on the lead, exactly once.
 *
 * It is only ever written after the totals are known to be applied, so an attempt that applied them itself need not look
 * for one; any other looks whether an earlier attempt's note, whose answer was lost, stands there already.
 *
 * A step of a batch.  DONE: at.note_id is set, or will be once the request that was prepared is sent.
 */
enum outcome manager_note(struct job *job, struct fault *why) MUST_USE;

#endif
