#ifndef CTL_APART_H
#define CTL_APART_H

/*
 * Let a child in a session of its own do the work, and return in the child alone: what the shell
 * and the operator stop (^Z, kill -STOP) is then only the process that waits for it.  Who holds the
 * ledger goes on and lets go of it, so that no webhook waits until somebody types `fg`.  Stopped,
 * the command thus ends all the same; interrupted or killed, the child is so too.
 *
 * Not promised where both processes are stopped (pkill -STOP paymentctl), or none can be forked.
 */
void apart(void);

#endif
