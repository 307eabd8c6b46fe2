#ifndef HOST_LOCK_H
#define HOST_LOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * Locks between the processes of this host, by number, that the kernel frees when their holder
 * dies.
 *
 * Each number is one byte of an otherwise empty file under an open-file-description lock (fcntl(2),
 * F_OFD_SETLK), which unlike a POSIX lock is not lost when some other code of the process closes
 * the file.  A lock excludes other handles, that is, other calls of lock_open(), of this process or
 * another; to the same handle the kernel grants it again, and one drop then frees it.  So one
 * handle must not take a number twice, nor two threads share a handle.
 *
 * The kernel does not notice deadlocks between such locks.  They cannot occur as long as every
 * process takes its ranges in the order of `enum lock_range`, and all numbers of one range at once.
 */
struct locks;

enum lock_range {
	LOCK_CUSTOMER,    /* An identity's hash (its low 59 bits), or a payment's. */
	LOCK_CONTACT,     /* A contact's id in amoCRM. */
	LOCK_LEAD,        /* A lead's id in amoCRM. */
	LOCK_SLOT,        /* A place to carry a payment inside a worker. */
	LOCK_ALARM_LEADER /* The one process that reports alarms. */
};

/*
 * Open the file, creating it with mode 0600.  After fork(2) a child must open its own: the locks
 * belong to the open file, which a child would share.
 *
 * A file that was removed is found out when a lock is taken next: then all go over to a new one,
 * which is made only when nobody holds a customer, contact or lead in an older one.  What a handle
 * held of slots and the like is free then.  Not promised where the directory itself was replaced.
 */
enum outcome lock_open(const char *path, struct locks **locks, struct fault *why) MUST_USE;
/*
 * Another handle for the same file, for a part of this process that is to be excluded as other
 * processes are.
 */
struct locks *lock_open_again(const struct locks *locks) MUST_USE;
void lock_close(struct locks *locks); /* Frees every lock taken through it.  NULL is allowed. */

/*
 * Take all the numbers (in any order, repeats allowed; the low 59 bits of each count), waiting
 * until deadline_ms on the monotonic clock.  LATER: another handle holds one of them, or the file is
 * being changed for a new one; then none was taken.
 */
#define LOCK_SET_MAX 8
enum outcome lock_take(struct locks *locks, enum lock_range range, const int64_t *numbers,
    size_t count, int64_t deadline_ms, struct fault *why) MUST_USE;

/* Free whatever this handle holds in a range. */
void lock_drop(struct locks *locks, enum lock_range range);

/*
 * Take the first free number below count, without waiting; -1 when all are taken (or count is 0).
 * A handle that already has one of them must not ask: it would be given its own again.
 */
int64_t lock_take_any(struct locks *locks, enum lock_range range, int64_t count);

#endif
