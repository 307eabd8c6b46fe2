/*
 * The routes below /_sandbox, by which a test sees and moves everything.
 */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "sandbox.h"

/* With the lock held; it is given up while waiting for log entries. */
void control_answer(struct sandbox *box, const struct request *asked, struct response *given);

#endif
