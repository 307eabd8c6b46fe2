/*
 * A worker's loop over the connections of the shared socket.
 *
 * Three things are done here because libfcgi's own loop does not: a stop loses no accepted request,
 * whatever the moment of the signal (accept_loop); one connection wakes one worker
 * (next_connection); and requests that wait already are answered together, so that one sync of the
 * disk serves them all (answer).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "exchange.h"
#include "fastcgi.h"
#include "log.h"

/* How often an idle worker looks at the queue without having been woken; see next_connection(). */
#define LOOK_ANYWAY_MS 1000

static volatile sig_atomic_t stop_signal;

/* Several may come at once; one that asks for an end weighs more than HUP. */
static void
remember_signal(int number)
{
	if (number != SIGHUP || stop_signal == 0)
		stop_signal = number;
}

/*
 * Signals are let in at one place only.  libfcgi's own handlers would cut a body short, and a
 * handler that runs between the test of a flag and the wait would be forgotten; see also
 * accept_loop().
 */
static void
prepare_signals(sigset_t *blocked, sigset_t *open)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };
	struct sigaction action = { .sa_handler = remember_signal };

	stop_signal = 0;
	sigemptyset(blocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(blocked, numbers[i]);
	sigprocmask(SIG_BLOCK, blocked, open);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigdelset(open, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}

	/*
	 * A web server that is gone, or a file that may not grow, is an error of write(2), not the
	 * end of the worker.
	 */
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
}

/* Said once a minute, as it is tried ten times a second. */
static void
tell_shortage(int error)
{
	static int64_t again_ms;
	int64_t now_ms = clock_mono_ms();

	if (now_ms < again_ms)
		return;
	again_ms = now_ms + 60000;
	log_event(LOG_LEVEL_ERROR, "no connection can be accepted reason=\"%s\"", strerror(error));
}

/*
 * accept(2) failed: is it only that another worker was faster or the peer has left?  What is short
 * now may come back.
 */
static bool
accept_recovers(int error)
{
	static const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };

	switch (error) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
	case EPERM:
	case EPROTO:
		return true;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		/*
		 * The queue stays readable, so without a pause this would be a loop at full speed.
		 */
		tell_shortage(error);
		nanosleep(&pause, NULL);
		return true;
	default:
		return false;
	}
}

static int
accept_connection(int listener)
{
	int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (connection < 0 && accept_recovers(errno))
		errno = 0;
	return connection;
}

/*
 * Wait for a connection; -1 with errno 0 when there is none yet.
 *
 * EPOLLEXCLUSIVE wakes one idle worker per connection instead of all.  Should that one be stopped
 * by a signal in the same instant, the others were not woken; hence each looks at the queue by
 * itself once in a while.
 */
static int
next_connection(int watch, int listener, const sigset_t *open)
{
	struct epoll_event event;

	if (epoll_pwait(watch, &event, 1, LOOK_ANYWAY_MS, open) < 0 && errno != EINTR)
		return -1;
	return accept_connection(listener);
}

/*
 * Answer the request of this connection, and together with it those that wait already.
 *
 * Ensures: each connection accepted here is closed.  A connection without a readable request counts
 * for `together`, so a flood of them cannot keep those that were read from their answers.
 */
static void
answer(const struct fastcgi_config *config, int connection, struct exchange *const *exchanges)
{
	struct http_request requests[WEBHOOK_TOGETHER_MAX];
	struct http_response responses[WEBHOOK_TOGETHER_MAX];
	size_t count = 0, taken, i;

	for (taken = 1; connection >= 0; taken++) {
		config->busy(config->cookie);
		count += exchange_take(exchanges[count], connection, &requests[count]);
		connection = taken < config->together ? accept_connection(config->listener) : -1;
	}
	if (count > 0)
		config->handle(config->cookie, requests, responses, count);
	for (i = 0; i < count; i++)
		exchange_end(exchanges[i], &responses[i]);
}

/*
 * The order of the three steps is what makes a stop lossless.  epoll_pwait(2) delivers no signal
 * while connections are waiting, so under load a worker would never stop: pending signals are let
 * in by themselves first.  And after the flag is seen nothing more is accepted.
 */
static enum outcome
accept_loop(const struct fastcgi_config *config, int watch, struct exchange *const *exchanges,
    const sigset_t *blocked, const sigset_t *open, struct fault *why)
{
	int connection;

	for (;;) {
		config->idle(config->cookie);

		sigprocmask(SIG_SETMASK, open, NULL);
		sigprocmask(SIG_BLOCK, blocked, NULL);
		if (stop_signal != 0)
			return DONE;

		connection = next_connection(watch, config->listener, open);
		if (connection >= 0)
			answer(config, connection, exchanges);
		else if (errno != 0)
			return fault_set(why, BROKEN, "accept: %s", strerror(errno));
	}
}

/* An epoll instance of this worker's own that watches the shared listener; -1 with errno. */
static int
watch_listener(int listener)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int flags = fcntl(listener, F_GETFL), watch, error;

	/*
	 * Two workers may be woken for one connection; the slower one must not block in accept(2),
	 * deaf to signals.
	 */
	if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0)
		return -1;
	watch = epoll_create1(EPOLL_CLOEXEC);
	if (watch >= 0 && epoll_ctl(watch, EPOLL_CTL_ADD, listener, &event) < 0) {
		error = errno;
		close(watch);
		errno = error;
		return -1;
	}
	return watch;
}

static void
free_exchanges(struct exchange **exchanges, size_t count)
{
	while (count > 0)
		exchange_free(exchanges[--count]);
}

static enum outcome
make_exchanges(struct exchange **exchanges, size_t count, struct fault *why)
{
	enum outcome outcome;
	size_t made;

	for (made = 0; made < count; made++) {
		if ((outcome = exchange_new(&exchanges[made], why)) == DONE)
			continue;
		free_exchanges(exchanges, made);
		return outcome;
	}
	return DONE;
}

enum outcome
fastcgi_run(const struct fastcgi_config *config, int *stopped_by, struct fault *why)
{
	struct exchange *exchanges[WEBHOOK_TOGETHER_MAX] = { NULL };
	sigset_t blocked, open;
	enum outcome outcome;
	int watch;

	if ((outcome = make_exchanges(exchanges, config->together, why)) != DONE)
		return outcome;

	/* Only now, since libfcgi puts handlers of its own. */
	prepare_signals(&blocked, &open);

	if ((watch = watch_listener(config->listener)) >= 0) {
		outcome = accept_loop(config, watch, exchanges, &blocked, &open, why);
		close(watch);
	} else {
		outcome = fault_set(
		    why, BROKEN, "the listening socket cannot be watched: %s", strerror(errno));
	}
	if (outcome == DONE)
		*stopped_by = stop_signal;
	free_exchanges(exchanges, config->together);
	return outcome;
}
