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

/*
 * A worker that died younger than this is taken to have died of its start, and the next one is made to
 * wait.
 */
#define YOUNG_MS 10000

#define BACK_OFF_MAX_S 30

/*
 * EMPTY -spawn-> STARTING -pool_idle()-> UP -TERM-> LEAVING -exit-> EMPTY; a death always leads to EMPTY.
 * There is one place more than workers, for the new one that must be up before an old one leaves.
 */
enum stage {
	EMPTY,
	STARTING,
	UP,
	LEAVING
};

/* One cache line each, so that workers do not slow each other down. */
struct pool_beat {
	_Alignas(64) _Atomic int64_t busy_since_ms; /* 0: idle. */
	_Atomic bool up;
	pid_t parent;
};

struct place {
	enum stage stage;
	pid_t pid;
	int generation;
	int64_t born_ms;
	bool killed; /* It was stuck, and the kernel has been told. */
	struct pool_beat *beat;
};

struct pool {
	struct pool_job *job;
	struct place *places;
	int size;
	struct pool_beat *beats;
	sigset_t signals;

	int generation; /* Grows with each reload; workers of an older one are to be replaced. */
	bool
	    on_trial; /* No worker of this generation has come up yet, and one of the previous still runs. */
	bool reload_wanted;
	bool rolling;
	bool announced; /* READY=1 was sent. */
	bool hopeless;
	bool stopping;
	int64_t kill_at_ms; /* While stopping. */

	unsigned young_deaths;
	int64_t spawn_at_ms;
	int64_t watchdog_ms, watchdog_at_ms;
};

void
pool_busy(struct pool_beat *beat)
{
	atomic_store(&beat->busy_since_ms, clock_mono_ms());
}

void
pool_idle(struct pool_beat *beat)
{
	atomic_store(&beat->busy_since_ms, 0);

	/* USR2 ends the parent's wait.  An orphan must not send it to whoever has adopted it. */
	if (!atomic_exchange(&beat->up, true) && getppid() == beat->parent)
		kill(beat->parent, SIGUSR2);
}

static int
count(const struct pool *pool, enum stage stage)
{
	int n = 0;

	for (int i = 0; i < pool->size; i++)
		n += pool->places[i].stage == stage;
	return n;
}

/* Some place in that stage, of the oldest generation there is; NULL when there is none. */
static struct place *
oldest(struct pool *pool, enum stage stage)
{
	struct place *found = NULL;

	for (int i = 0; i < pool->size; i++) {
		struct place *place = &pool->places[i];
		if (place->stage == stage &&
		    (found == NULL || place->generation < found->generation))
			found = place;
	}
	return found;
}

static void
dismiss(struct place *place)
{
	kill(place->pid, SIGTERM);
	place->stage = LEAVING;
}

/* In the child: a worker that outlives its parent would serve with nobody to watch it. */
static int
be_worker(struct pool *pool, struct place *place)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != place->beat->parent)
		return EX_OK;
	return pool->job->serve(pool->job->context, place->beat);
}

static void
spawn(struct pool *pool, struct place *place)
{
	/*
	 * Starting counts as being busy: a start that hangs is ended by the same rule as a request that
	 * hangs.
	 */
	place->beat->parent = getpid();
	atomic_store(&place->beat->up, false);
	pool_busy(place->beat);

	place->pid = fork();
	if (place->pid == 0)
		exit(be_worker(pool, place));
	if (place->pid < 0) {
		log_event(
		    LOG_LEVEL_ERROR, "no worker can be started reason=\"%s\"", strerror(errno));
		pool->spawn_at_ms = clock_mono_ms() + LOOK_EVERY_MS;
		return;
	}
	place->stage = STARTING;
	place->generation = pool->generation;
	place->born_ms = clock_mono_ms();
	place->killed = false;
}

/*
 * Deaths soon after birth make the next birth wait, longer each time.  Workers that die of the same cause
 * at the same moment count once: a second death before the wait is over adds nothing.
 */
static void
back_off(struct pool *pool, int64_t lived_ms, int64_t now)
{
	int wait_s;

	if (lived_ms >= YOUNG_MS) {
		pool->young_deaths = 0;
		return;
	}
	if (now < pool->spawn_at_ms)
		return;
	wait_s = pool->young_deaths < 5 ? 1 << pool->young_deaths : BACK_OFF_MAX_S;
	pool->young_deaths++;
	pool->spawn_at_ms = now + (int64_t)wait_s * 1000;
	log_event(LOG_LEVEL_WARNING, "workers die young, the next one is started later wait_s=%d",
	    wait_s);
}

/* The trial worker of a new generation died at its start: whatever was reloaded is not fit for work. */
static void
end_trial(struct pool *pool, bool keep)
{
	pool->on_trial = false;
	pool->job->reloaded(pool->job->context, keep);
	if (keep)
		return;
	log_event(LOG_LEVEL_ERROR,
	    "reload given up: a worker with the new settings did not start; the old ones stay");
	pool->generation--;
}

static void
say_death(const struct place *place, int status, int64_t lived_ms)
{
	enum log_level level = status != 0 ? LOG_LEVEL_ERROR
	    : place->stage == LEAVING      ? LOG_LEVEL_DEBUG
					   : LOG_LEVEL_INFO;

	if (WIFSIGNALED(status))
		log_event(LOG_LEVEL_ERROR,
		    "worker killed worker=%d signal=%d name=SIG%s lived_ms=%lld", (int)place->pid,
		    WTERMSIG(status), sigabbrev_np(WTERMSIG(status)), (long long)lived_ms);
	else
		log_event(level, "worker ended worker=%d status=%d lived_ms=%lld", (int)place->pid,
		    WEXITSTATUS(status), (long long)lived_ms);
}

static void
bury(struct pool *pool, struct place *place, int status)
{
	int64_t now = clock_mono_ms(), lived_ms = now - place->born_ms;
	bool wanted = place->stage != LEAVING, was_starting = place->stage == STARTING;
	bool on_trial = pool->on_trial && was_starting && place->generation == pool->generation;

	say_death(place, status, lived_ms);
	place->stage = EMPTY;
	if (!wanted || pool->stopping)
		return;

	if (!pool->announced && WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG)
		pool->hopeless = true;
	if (on_trial)
		end_trial(pool, false);
	else
		back_off(pool, lived_ms, now);
}

static void
reap(struct pool *pool)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < pool->size; i++)
			if (pool->places[i].stage != EMPTY && pool->places[i].pid == pid)
				bury(pool, &pool->places[i], status);
}

/* Who has come up, who is stuck? */
static void
look(struct pool *pool)
{
	int64_t now = clock_mono_ms(), since;

	for (int i = 0; i < pool->size; i++) {
		struct place *place = &pool->places[i];
		if (place->stage == EMPTY)
			continue;

		if (place->stage == STARTING && atomic_load(&place->beat->up)) {
			place->stage = UP;
			if (pool->on_trial && place->generation == pool->generation)
				end_trial(pool, true);
		}

		since = atomic_load(&place->beat->busy_since_ms);
		if (since != 0 && now - since > pool->job->busy_limit_ms && !place->killed) {
			log_event(LOG_LEVEL_ERROR,
			    "worker is stuck and is killed worker=%d busy_ms=%lld", (int)place->pid,
			    (long long)(now - since));
			kill(place->pid, SIGKILL);
			place->killed = true;
		}
	}
}

static void
begin_stop(struct pool *pool)
{
	if (pool->stopping)
		return;
	pool->stopping = true;
	pool->kill_at_ms = clock_mono_ms() + pool->job->busy_limit_ms;
	notify_state("STOPPING=1\nSTATUS=finishing the requests in hand");
	for (int i = 0; i < pool->size; i++)
		if (pool->places[i].stage != EMPTY)
			dismiss(&pool->places[i]);
}

static void
drain(struct pool *pool)
{
	if (clock_mono_ms() < pool->kill_at_ms)
		return;
	for (int i = 0; i < pool->size; i++) {
		struct place *place = &pool->places[i];
		if (place->stage != EMPTY && !place->killed) {
			log_event(LOG_LEVEL_ERROR,
			    "worker did not finish in time and is killed worker=%d",
			    (int)place->pid);
			kill(place->pid, SIGKILL);
			place->killed = true;
		}
	}
}

static void
begin_reload(struct pool *pool)
{
	pool->reload_wanted = false;
	log_event(LOG_LEVEL_INFO, "reloading");
	notify_reloading();
	pool->rolling = true;
	if (!pool->job->reload(pool->job->context))
		return;
	pool->generation++;
	pool->on_trial = true;
}

/*
 * Bring the pool one step closer to what it should be: as many workers as asked for, all of this
 * generation.  A surplus worker exists only while it takes over from an older one.
 */
static void
arrange(struct pool *pool)
{
	int starting = count(pool, STARTING), alive = starting + count(pool, UP);
	struct place *old = oldest(pool, UP);
	bool outdated;

	if (pool->reload_wanted && pool->announced && !pool->rolling)
		begin_reload(pool);

	outdated = old != NULL && old->generation < pool->generation;
	if (alive > pool->job->workers && starting == 0)
		dismiss(old);
	else if (outdated && starting == 0 && alive == pool->job->workers &&
	    count(pool, LEAVING) == 0)
		spawn(pool, oldest(pool, EMPTY));
	else
		while (alive++ < pool->job->workers && clock_mono_ms() >= pool->spawn_at_ms &&
		    oldest(pool, EMPTY) != NULL)
			spawn(pool, oldest(pool, EMPTY));
}

/* Tell the service manager what has been reached. */
static void
announce(struct pool *pool)
{
	struct place *old = oldest(pool, UP);
	bool complete = count(pool, UP) == pool->job->workers &&
	    count(pool, STARTING) + count(pool, LEAVING) == 0 &&
	    old->generation == pool->generation;

	if (!complete || (pool->announced && !pool->rolling))
		return;
	log_event(LOG_LEVEL_INFO, "ready workers=%d", pool->job->workers);
	notify_state("READY=1\nSTATUS=%d workers", pool->job->workers);
	pool->announced = true;
	pool->rolling = false;
}

static void
heed(struct pool *pool, int number)
{
	if (number == SIGHUP)
		pool->reload_wanted = true;
	else if (number == SIGTERM || number == SIGINT || number == SIGUSR1)
		begin_stop(pool);
}

/* Sleep until a signal comes or something is due. */
static void
wait_a_while(struct pool *pool)
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
	heed(pool, sigtimedwait(&pool->signals, NULL, &limit));
}

static enum outcome
supervise(struct pool *pool, struct fault *why)
{
	for (;;) {
		reap(pool);
		look(pool);
		if (pool->hopeless)
			begin_stop(pool);
		if (pool->stopping) {
			if (count(pool, EMPTY) == pool->size)
				break;
			drain(pool);
		} else {
			arrange(pool);
			announce(pool);
		}
		wait_a_while(pool);
	}
	return pool->hopeless ? fault_set(why, NEVER, "no worker can start with these settings")
			      : DONE;
}

/*
 * All signals of the pool are waited for, never delivered; an inherited "ignore" would discard them unseen.
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
pool_run(struct pool_job *job, struct fault *why)
{
	struct pool pool = {
		.job = job, .size = job->workers + 1, .watchdog_ms = notify_watchdog_ms()
	};
	size_t beats_size = (size_t)pool.size * sizeof(struct pool_beat);
	enum outcome outcome;

	pool.beats =
	    mmap(NULL, beats_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pool.beats == MAP_FAILED)
		return fault_set(why, BROKEN, "no shared memory for the pool: %s", strerror(errno));
	pool.places = memory_zeroed((size_t)pool.size, sizeof(struct place));
	for (int i = 0; i < pool.size; i++)
		pool.places[i].beat = &pool.beats[i];

	prepare_signals(&pool.signals);
	outcome = supervise(&pool, why);

	free(pool.places);
	munmap(pool.beats, beats_size);
	return outcome;
}
