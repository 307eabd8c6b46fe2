/*
 * paymentctl: the process that waits for the one that does the work.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apart.h"

/* End as the child has ended. */
static void
end_like(int status)
{
	sigset_t all;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	signal(WTERMSIG(status), SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	raise(WTERMSIG(status));
	_exit(128 + WTERMSIG(status));
}

/* What is to end us ends the child; should somebody stop it, it goes on. */
static void
wait_for(pid_t child, const sigset_t *awaited)
{
	int number, status;
	pid_t changed;

	for (;;) {
		if (sigwait(awaited, &number) != 0)
			continue;
		if (number != SIGCHLD)
			kill(child, number);
		while ((changed = waitpid(child, &status, WNOHANG | WUNTRACED)) == child) {
			if (!WIFSTOPPED(status))
				end_like(status);
			kill(child, SIGCONT);
		}
		if (changed < 0)
			_exit(EXIT_FAILURE);
	}
}

void
apart(void)
{
	sigset_t awaited, before;
	pid_t parent = getpid(), child;

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	sigaddset(&awaited, SIGINT);
	sigaddset(&awaited, SIGQUIT);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGHUP);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &awaited, &before);
	if ((child = fork()) > 0)
		wait_for(child, &awaited);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAILURE);
		setsid();
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}
