/*
 * nothing N: N processes that answer every FastCGI request at descriptor 0 at once, without looking at it: what nginx and
 * libfcgi cost by themselves.
 */
#include <fcgiapp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void
serve(void)
{
	FCGX_Request peer;

	if (FCGX_Init() != 0 || FCGX_InitRequest(&peer, 0, 0) != 0)
		exit(1);
	while (FCGX_Accept_r(&peer) == 0) {
		FCGX_PutS("Status: 202 Accepted\r\nContent-Type: application/json\r\n\r\n{}", peer.out);
		FCGX_Finish_r(&peer);
	}
}

int
main(int argc, char **argv)
{
	int more = argc > 1 ? atoi(argv[1]) : 1;

	for (; more > 1; more--) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			break;
		}
	}
	serve();
	return 0;
}
