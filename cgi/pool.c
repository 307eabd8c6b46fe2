/*
 * The pool: one parent, a fixed number of workers that are children of it, nothing else.
 *
 * The parent is a state machine without threads and without handlers.  All its signals are blocked
 * and waited for in one place, so none can come in the middle of a change of state; after each, and
 * once a second, supervise() looks at every worker and takes the next step.  It opens no ledger and
 * no connection, so nothing that a worker meets can harm it.
 *
 * A worker tells its parent two facts, that it is ready and since when it has been busy, through
 * memory they share.  A pipe would have to be read and could be full; a word in memory is neither,
 * and what a worker that was killed wrote last is still there.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log.h"
#include "notify.h"
#include "pool.h"

/* The parent looks at its workers at least this often. */
#define LOOK_EVERY_MS 1000

/* A worker that ends sooner is taken to have failed to start, and the next one is made to wait. */
#define EARLY_MS 10000

#define BACK_OFF_MAX_S 30

/*
 * The state of a slot, which has room for one worker:
 *
 *   EMPTY --spawn()--> STARTING --pool_idle(), check_workers()--> READY --stop_worker()--> STOPPING
 *
 * and from each of them back to EMPTY by worker_ended().  There is one slot more than workers, for
 * the new one that must be ready before an old one is stopped.
 */
enum slot_state {
	EMPTY,
	STARTING,
	READY,
	STOPPING
};

/* Shared with one worker.  A cache line each, so that workers do not slow each other down. */
struct pool_activity {
	_Alignas(64) _Atomic int64_t busy_since_ms; /* 0: idle. */
	_Atomic bool ready;
	pid_t parent;
};

struct worker_slot {
	enum slot_state state;
	pid_t pid;
	int generation;
	int64_t started_ms;
	bool killed; /* SIGKILL was sent, and its end has not been seen yet. */
	struct pool_activity *activity;
};

struct pool {
	struct pool_config *config;
	struct worker_slot *slots;
	int size; /* Slots. */
	struct pool_activity *activities;
	sigset_t signals;

	/* Grows with each reload; workers of an older one are to be replaced. */
	int generation;
	/* No worker of this generation has been ready yet; those of the one before still run. */
	bool on_trial;
	bool reload_wanted;
	bool reloading;  /* Until all workers are of this generation, or it was given up. */
	bool ready_sent; /* READY=1, for the first time. */
	bool unusable;   /* A first worker ended with EX_CONFIG: no other would fare better. */
	bool stopping;
	int64_t kill_at_ms; /* While stopping. */

	unsigned early_ends; /* In a row; see back_off(). */
	int64_t spawn_at_ms; /* No worker is started sooner. */
	int64_t watchdog_ms, watchdog_at_ms;
};

void
pool_busy(struct pool_activity *activity)
{
	atomic_store(&activity->busy_since_ms, clock_mono_ms());
}

void
pool_idle(struct pool_activity *activity)
{
	atomic_store(&activity->busy_since_ms, 0);

	/*
	 * USR2 ends the parent's wait.  An orphan must not send it to the process that adopted it.
	 */
	if (!atomic_exchange(&activity->ready, true) && getppid() == activity->parent)
		kill(activity->parent, SIGUSR2);
}

static int
count(const struct pool *pool, enum slot_state state)
{
	int n = 0;

	for (int i = 0; i < pool->size; i++)
		n += pool->slots[i].state == state;
	return n;
}

/* A slot in that state whose worker is of the oldest generation; NULL when there is none. */
static struct worker_slot *
oldest(struct pool *pool, enum slot_state state)
{
	struct worker_slot *found = NULL;

	for (int i = 0; i < pool->size; i++) {
		struct worker_slot *slot = &pool->slots[i];
		if (slot->state == state && (found == NULL || slot->generation < found->generation))
			found = slot;
	}
	return found;
}

/* Assumes: the slot has a worker.  Ensures: it has been told to finish, and is not counted on. */
static void
stop_worker(struct worker_slot *slot)
{
	kill(slot->pid, SIGTERM);
	slot->state = STOPPING;
}

/*
 * In the child.  A worker must not outlive its parent, or it would go on with no process to watch
 * it; the kernel sends it TERM then.  A parent that died before that was asked for is noticed by
 * its pid, which is no longer ours.
 */
static int
run_worker(struct pool *pool, struct worker_slot *slot)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != slot->activity->parent)
		return EX_OK;
	return pool->config->run_worker(pool->config->cookie, slot->activity);
}

/*
 * Assumes: the slot is EMPTY.  Ensures: it is STARTING with a worker of this generation; or, when
 * the host has no room for a process, it is EMPTY still and no start is tried for a second.
 */
static void
spawn(struct pool *pool, struct worker_slot *slot)
{
	/* Starting counts as busy: a start that hangs is ended as a request that hangs is. */
	slot->activity->parent = getpid();
	atomic_store(&slot->activity->ready, false);
	pool_busy(slot->activity);

	slot->pid = fork();
	if (slot->pid == 0)
		exit(run_worker(pool, slot));
	if (slot->pid < 0) {
		log_event(
		    LOG_LEVEL_ERROR, "no worker can be started reason=\"%s\"", strerror(errno));
		pool->spawn_at_ms = clock_mono_ms() + LOOK_EVERY_MS;
		return;
	}
	slot->state = STARTING;
	slot->generation = pool->generation;
	slot->started_ms = clock_mono_ms();
	slot->killed = false;
}

/*
 * A worker that ended early makes the next start wait: 1, 2, 4 .. 30 seconds, so that a cause that
 * lasts does not keep the host busy with starts.  Workers that end of one cause at one moment count
 * once: an end before the wait is over adds nothing.
 *
 * Ensures: early_ends is the number of waits in a row, 0 after a worker that had lived a while.
 */
static void
back_off(struct pool *pool, int64_t lived_ms, int64_t now)
{
	int wait_s;

	if (lived_ms >= EARLY_MS) {
		pool->early_ends = 0;
		return;
	}
	if (now < pool->spawn_at_ms)
		return;
	wait_s = pool->early_ends < 5 ? 1 << pool->early_ends : BACK_OFF_MAX_S;
	pool->early_ends++;
	pool->spawn_at_ms = now + (int64_t)wait_s * 1000;
	log_event(LOG_LEVEL_WARNING, "workers die young, the next one is started later wait_s=%d",
	    wait_s);
}

/*
 * The first worker of a new generation is ready (keep), or ended before it was: then the new
 * settings do not work here, although they were valid, and the old workers go on.
 *
 * Assumes: on_trial.  Ensures: `generation` is that of the settings in use, so a reload that was
 * given up leaves no worker outdated.
 */
static void
end_trial(struct pool *pool, bool keep)
{
	pool->on_trial = false;
	pool->config->reloaded(pool->config->cookie, keep);
	if (keep)
		return;
	log_event(LOG_LEVEL_ERROR,
	    "reload given up: a worker with the new settings did not start; the old ones stay");
	pool->generation--;
}

static void
log_end(const struct worker_slot *slot, int status, int64_t lived_ms)
{
	enum log_level level = status != 0 ? LOG_LEVEL_ERROR
	    : slot->state == STOPPING      ? LOG_LEVEL_DEBUG
					   : LOG_LEVEL_INFO;

	if (WIFSIGNALED(status))
		log_event(LOG_LEVEL_ERROR,
		    "worker killed worker=%d signal=%d name=SIG%s lived_ms=%lld", (int)slot->pid,
		    WTERMSIG(status), sigabbrev_np(WTERMSIG(status)), (long long)lived_ms);
	else
		log_event(level, "worker ended worker=%d status=%d lived_ms=%lld", (int)slot->pid,
		    WEXITSTATUS(status), (long long)lived_ms);
}

/*
 * The slot's worker has ended, and waitpid(2) gave its status.
 *
 * Ensures: the slot is EMPTY.  An end that was not asked for either decides the trial or counts for
 * back_off(), never both.
 */
static void
worker_ended(struct pool *pool, struct worker_slot *slot, int status)
{
	int64_t now = clock_mono_ms(), lived_ms = now - slot->started_ms;
	bool wanted = slot->state != STOPPING, was_starting = slot->state == STARTING;
	bool on_trial = pool->on_trial && was_starting && slot->generation == pool->generation;

	log_end(slot, status, lived_ms);
	slot->state = EMPTY;
	if (!wanted || pool->stopping)
		return;

	/* Before the pool was ever complete, wrong settings are the operator's to correct. */
	if (!pool->ready_sent && WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG)
		pool->unusable = true;
	if (on_trial)
		end_trial(pool, false);
	else
		back_off(pool, lived_ms, now);
}

/* Take in the ends of all workers that have ended; several share one SIGCHLD. */
static void
reap(struct pool *pool)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < pool->size; i++)
			if (pool->slots[i].state != EMPTY && pool->slots[i].pid == pid)
				worker_ended(pool, &pool->slots[i], status);
}

/*
 * Which worker has become ready, and which is stuck?  Ensures: READY are those whose pool_idle()
 * was seen; a stuck one has been killed once.  Its slot is empty only when its end has been seen.
 */
static void
check_workers(struct pool *pool)
{
	int64_t now = clock_mono_ms(), since;

	for (int i = 0; i < pool->size; i++) {
		struct worker_slot *slot = &pool->slots[i];
		if (slot->state == EMPTY)
			continue;

		if (slot->state == STARTING && atomic_load(&slot->activity->ready)) {
			slot->state = READY;
			if (pool->on_trial && slot->generation == pool->generation)
				end_trial(pool, true);
		}

		since = atomic_load(&slot->activity->busy_since_ms);
		if (since != 0 && now - since > pool->config->busy_limit_ms && !slot->killed) {
			log_event(LOG_LEVEL_ERROR,
			    "worker is stuck and is killed worker=%d busy_ms=%lld", (int)slot->pid,
			    (long long)(now - since));
			kill(slot->pid, SIGKILL);
			slot->killed = true;
		}
	}
}

/* Tell all workers to finish.  Asked for a second time, it changes nothing: the limit stays. */
static void
begin_stop(struct pool *pool)
{
	if (pool->stopping)
		return;
	pool->stopping = true;
	pool->kill_at_ms = clock_mono_ms() + pool->config->busy_limit_ms;
	notify_state("STOPPING=1\nSTATUS=finishing the requests in hand");
	for (int i = 0; i < pool->size; i++)
		if (pool->slots[i].state != EMPTY)
			stop_worker(&pool->slots[i]);
}

/* A stop ends in time: what has not finished by kill_at_ms is killed, once. */
static void
kill_late_workers(struct pool *pool)
{
	if (clock_mono_ms() < pool->kill_at_ms)
		return;
	for (int i = 0; i < pool->size; i++) {
		struct worker_slot *slot = &pool->slots[i];
		if (slot->state != EMPTY && !slot->killed) {
			log_event(LOG_LEVEL_ERROR,
			    "worker did not finish in time and is killed worker=%d",
			    (int)slot->pid);
			kill(slot->pid, SIGKILL);
			slot->killed = true;
		}
	}
}

/*
 * Settings that are refused leave the generation as it is; then nothing is outdated, and READY=1 is
 * sent again at once.
 */
static void
begin_reload(struct pool *pool)
{
	pool->reload_wanted = false;
	log_event(LOG_LEVEL_INFO, "reloading");
	notify_reloading();
	pool->reloading = true;
	if (!pool->config->reload(pool->config->cookie))
		return;
	pool->generation++;
	pool->on_trial = true;
}

/*
 * Bring the pool one step closer to what it should be: as many workers as asked for, all of this
 * generation.
 *
 * Ensures: never fewer ready workers by a reload, because an old one is stopped only when its
 * successor is ready; and never more than one worker too many, because the next successor is
 * started only when the last old one has ended.
 */
static void
adjust(struct pool *pool)
{
	int starting = count(pool, STARTING), alive = starting + count(pool, READY);
	struct worker_slot *old = oldest(pool, READY);
	bool outdated;

	if (pool->reload_wanted && pool->ready_sent && !pool->reloading)
		begin_reload(pool);

	/* "alive" counts those that will go on; one that is stopping has its slot, and no more. */
	outdated = old != NULL && old->generation < pool->generation;
	if (alive > pool->config->workers && starting == 0)
		stop_worker(old);
	else if (outdated && starting == 0 && alive == pool->config->workers &&
	    count(pool, STOPPING) == 0)
		spawn(pool, oldest(pool, EMPTY));
	else
		while (alive++ < pool->config->workers && clock_mono_ms() >= pool->spawn_at_ms &&
		    oldest(pool, EMPTY) != NULL)
			spawn(pool, oldest(pool, EMPTY));
}

/*
 * All workers are ready and of this generation: tell the service manager, once a start or reload.
 */
static void
report_ready(struct pool *pool)
{
	struct worker_slot *old = oldest(pool, READY);
	bool complete = count(pool, READY) == pool->config->workers &&
	    count(pool, STARTING) + count(pool, STOPPING) == 0 &&
	    old->generation == pool->generation;

	if (!complete || (pool->ready_sent && !pool->reloading))
		return;
	log_event(LOG_LEVEL_INFO, "ready workers=%d", pool->config->workers);
	notify_state("READY=1\nSTATUS=%d workers", pool->config->workers);
	pool->ready_sent = true;
	pool->reloading = false;
}

static void
handle_signal(struct pool *pool, int number)
{
	if (number == SIGHUP)
		pool->reload_wanted = true;
	else if (number == SIGTERM || number == SIGINT || number == SIGUSR1)
		begin_stop(pool);
}

/* Sleep until a signal comes or something is due: the watchdog, the next start, the next look. */
static void
wait_for_signal(struct pool *pool)
{
	int64_t now = clock_mono_ms(), wait_ms = LOOK_EVERY_MS;
	struct timespec limit;

	if (pool->watchdog_ms > 0) {
		if (now >= pool->watchdog_at_ms) {
			notify_state("WATCHDOG=1");
			pool->watchdog_at_ms = now + pool->watchdog_ms;
		}
		if (pool->watchdog_at_ms - now < wait_ms)
			wait_ms = pool->watchdog_at_ms - now;
	}
	if (pool->spawn_at_ms > now && pool->spawn_at_ms - now < wait_ms)
		wait_ms = pool->spawn_at_ms - now;

	limit = (struct timespec){ .tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000 };
	handle_signal(pool, sigtimedwait(&pool->signals, NULL, &limit));
}

/* The parent's life: see what has changed, take a step, wait. */
static enum outcome
supervise(struct pool *pool, struct fault *why)
{
	for (;;) {
		log_tell_lost();
		reap(pool);
		check_workers(pool);
		if (pool->unusable)
			begin_stop(pool);
		if (pool->stopping) {
			if (count(pool, EMPTY) == pool->size)
				break;
			kill_late_workers(pool);
		} else {
			adjust(pool);
			report_ready(pool);
		}
		wait_for_signal(pool);
	}
	return pool->unusable ? fault_set(why, NEVER, "no worker can start with these settings")
			      : DONE;
}

/*
 * All signals of the pool are waited for, never delivered; an inherited "ignore" would discard them
 * unseen.
 */
static void
prepare_signals(sigset_t *signals)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGCHLD, SIGUSR2 };

	sigemptyset(signals);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(signals, numbers[i]);
	sigprocmask(SIG_BLOCK, signals, NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		signal(numbers[i], SIG_DFL);
}

enum outcome
pool_run(struct pool_config *config, struct fault *why)
{
	struct pool pool = {
		.config = config, .size = config->workers + 1, .watchdog_ms = notify_watchdog_ms()
	};
	size_t activities_size = (size_t)pool.size * sizeof(struct pool_activity);
	enum outcome outcome;

	pool.activities =
	    mmap(NULL, activities_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pool.activities == MAP_FAILED)
		return fault_set(why, BROKEN, "no shared memory for the pool: %s", strerror(errno));
	pool.slots = memory_zeroed((size_t)pool.size, sizeof(struct worker_slot));
	for (int i = 0; i < pool.size; i++)
		pool.slots[i].activity = &pool.activities[i];

	prepare_signals(&pool.signals);
	outcome = supervise(&pool, why);

	free(pool.slots);
	munmap(pool.activities, activities_size);
	return outcome;
}
