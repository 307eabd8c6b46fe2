#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/limiter.h"

#define LONG_MS 60000

static char directory[] = "/tmp/test_limiter.XXXXXX";
static char path[64];

static struct limiter *
open_limiter(int64_t rate)
{
	struct limiter *limiter = NULL;
	struct fault why;

	assert_int_equal(limiter_open(path, rate, &limiter, &why), DONE);
	return limiter;
}

static enum outcome
wait_for(struct limiter *limiter, int64_t within_ms)
{
	struct fault why;

	return limiter_wait(limiter, clock_mono_ms() + within_ms, &why);
}

static struct limiter_state
look(struct limiter *limiter)
{
	struct limiter_state seen;

	limiter_look(limiter, &seen);
	return seen;
}

/* A burst goes out at once, and what is beyond it is refused at once or waits. */
static void
test_burst(void **state)
{
	struct limiter *limiter = open_limiter(7);
	struct fault why = { "untouched" };
	int64_t start = clock_mono_ms();
	int i;

	(void)state;
	for (i = 0; i < 7; i++)
		assert_int_equal(limiter_wait(limiter, start + LONG_MS, &why), DONE);
	assert_string_equal(why.text, "untouched");
	assert_int_equal(limiter_wait(limiter, start + 900, &why), LATER);
	assert_non_null(strstr(why.text, "deadline"));
	assert_int_equal(limiter_wait(limiter, start + LONG_MS, &why), DONE);
	assert_true(clock_mono_ms() - start >= 1000 + LIMITER_GUARD_MS);
	limiter_close(limiter);
	limiter_close(NULL);
}

/* What is refused used nothing up. */
static void
test_refusal_is_free(void **state)
{
	struct limiter *limiter = open_limiter(2);
	struct limiter_state seen;
	int64_t start = clock_mono_ms();
	int i;

	(void)state;
	assert_int_equal(wait_for(limiter, -1), LATER);
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	for (i = 0; i < 100; i++)
		assert_int_equal(limiter_wait(limiter, start, &(struct fault){ "" }), LATER);
	limiter_look(limiter, &seen);
	assert_in_range(seen.used, 0, 2);
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	limiter_close(limiter);
}

/* The second is counted from when the request left, not from when it got its turn. */
static void
test_sent_late(void **state)
{
	struct limiter *limiter = open_limiter(1);
	int64_t sent;

	(void)state;
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	sent = clock_mono_ms() + 300;
	clock_sleep_until(sent);
	limiter_sent(limiter, sent - 100);
	limiter_sent(limiter, sent - 200); /* Never earlier again. */
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	assert_true(clock_mono_ms() >= sent - 100 + 1000 + LIMITER_GUARD_MS);
	/* A time that has not come yet is not believed. */
	limiter_sent(limiter, clock_mono_ms() + 10 * LONG_MS);
	assert_int_equal(wait_for(limiter, LONG_MS / 2), DONE);
	limiter_close(limiter);
}

/*
 * When the next turn would be, without taking it: a refusal tells how far away it is.  The turn was computed between two
 * readings of the clock, so it is known as a range.
 */
struct range {
	int64_t from_ms, to_ms;
};

static struct range
next_turn(struct limiter *limiter)
{
	int64_t before = clock_mono_ms(), away = -1;
	struct fault why;

	assert_int_equal(limiter_wait(limiter, before - 1, &why), LATER);
	assert_int_equal(
	    sscanf(why.text, "no turn within the deadline: the next is in %" SCNd64, &away), 1);
	return (struct range){ before + away, clock_mono_ms() + away };
}

/* With a rate of one, the next turn stands a window behind the time from which the last request is counted. */
static void
assert_counted(struct limiter *limiter, int64_t from_ms, int64_t to_ms)
{
	struct range next = next_turn(limiter);

	assert_true(next.to_ms >= from_ms + 1000 + LIMITER_GUARD_MS);
	/* Unless this machine was so slow that it has come already. */
	assert_true(
	    next.from_ms <= to_ms + 1000 + LIMITER_GUARD_MS || next.from_ms <= clock_mono_ms());
}

/* How late it may have arrived counts, as far as the guard does not cover it already. */
static void
test_on_way(void **state)
{
	struct limiter *limiter = open_limiter(1), *another = open_limiter(1);
	const int64_t covered = LIMITER_GUARD_MS - LIMITER_READING_MS;
	int64_t sent;

	(void)state;
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	sent = clock_mono_ms();
	limiter_sent(limiter, sent);
	clock_sleep_until(sent + 200);
	limiter_on_way(limiter, sent + covered);
	assert_counted(another, sent, sent);
	limiter_on_way(limiter, sent + 150);
	assert_counted(another, sent + 150 - covered, sent + 150 - covered);
	limiter_on_way(limiter, sent + 200);
	assert_counted(another, sent + 200 - covered, sent + 200 - covered);
	limiter_on_way(limiter, sent + 100); /* Never earlier again. */
	assert_counted(another, sent + 200 - covered, sent + 200 - covered);
	limiter_close(limiter);
	limiter_close(another);
}

static void
test_hold(void **state)
{
	struct limiter *a = open_limiter(7), *b = open_limiter(7);
	int64_t start = clock_mono_ms();
	struct limiter_state seen;

	(void)state;
	limiter_hold(a, 400);
	limiter_hold(a, 100); /* Does not shorten the first. */
	seen = look(b);
	assert_false(seen.open);
	assert_true(seen.ready_ms >= start + 400);
	assert_int_equal(limiter_wait(b, start + 300, &(struct fault){ "" }), LATER);
	assert_int_equal(wait_for(b, LONG_MS), DONE);
	assert_true(clock_mono_ms() >= start + 400);
	limiter_hold(a, -5);
	assert_int_equal(wait_for(b, LONG_MS), DONE);
	limiter_hold(a, INT64_MAX);
	seen = look(b);
	assert_true(seen.ready_ms <= clock_mono_ms() + LIMITER_HOLD_MAX_MS);
	assert_int_equal(wait_for(b, LONG_MS), LATER);
	limiter_close(a);
	limiter_close(b);
}

/* Run in a child; the parent gets the outcome as the exit status. */
static pid_t
wait_in_child(int64_t within_ms)
{
	struct limiter *limiter;
	struct fault why;
	pid_t child = fork();

	if (child != 0)
		return child;
	if (limiter_open(path, 1, &limiter, &why) != DONE)
		_exit(99);
	_exit((int)limiter_wait(limiter, clock_mono_ms() + within_ms, &why));
}

static int
exit_status(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A 429 that comes while somebody waits for his turn holds him too. */
static void
test_hold_reaches_waiters(void **state)
{
	struct limiter *limiter = open_limiter(1);
	int64_t start;
	pid_t patient, hurried;

	(void)state;
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	patient = wait_in_child(LONG_MS);
	hurried = wait_in_child(2500);
	start = clock_mono_ms();
	limiter_hold(limiter, 3000);
	assert_int_equal(exit_status(hurried), LATER);
	assert_int_equal(exit_status(patient), DONE);
	assert_true(clock_mono_ms() >= start + 3000);
	limiter_close(limiter);
}

static void
test_breaker(void **state)
{
	struct limiter *a = open_limiter(50), *b = open_limiter(50);
	struct limiter_state seen;
	struct fault why;
	int64_t now = clock_mono_ms();

	(void)state;
	limiter_succeeded(a);
	limiter_break(a, 401);
	seen = look(b);
	assert_true(seen.open);
	assert_int_equal(seen.status, 401);
	assert_true(seen.since_ms > 0);
	assert_true(seen.ready_ms > now && seen.ready_ms <= clock_mono_ms() + LIMITER_PROBE_MS);
	assert_int_equal(limiter_wait(b, now + 10 * LONG_MS, &why), LATER);
	assert_non_null(strstr(why.text, "401"));
	limiter_break(b, 404);
	assert_int_equal(limiter_wait(a, now + 10 * LONG_MS, &why), LATER);
	assert_non_null(strstr(why.text, "AMO_BASE_URL leads to no account: HTTP 404;"));
	limiter_break(b, 403);
	assert_int_equal(look(a).status, 403);
	assert_int_equal(look(a).since_ms, seen.since_ms);
	limiter_succeeded(b);
	assert_false(look(a).open);
	assert_int_equal(look(a).since_ms, 0);
	assert_int_equal(wait_for(a, LONG_MS), DONE);
	limiter_break(a, 402);
	limiter_close_breaker(b);
	assert_int_equal(wait_for(a, LONG_MS), DONE);
	limiter_close(a);
	limiter_close(b);
}

/* An operator's token that is refused stops the operator only; the breaker of the others is heeded, and not changed. */
static void
test_breaks_alone(void **state)
{
	struct limiter *service = open_limiter(7), *operator= open_limiter(7);

	(void)state;
	limiter_break_alone(operator);
	assert_int_equal(wait_for(operator, 0), DONE);
	limiter_break(operator, 401);
	assert_false(look(service).open);
	assert_false(look(service).alone);
	assert_int_equal(wait_for(service, 0), DONE);
	assert_true(look(operator).open && look(operator).alone);
	assert_int_equal(look(operator).status, 401);
	assert_int_equal(wait_for(operator, LONG_MS), LATER);
	limiter_succeeded(operator);
	assert_int_equal(wait_for(operator, 0), DONE);

	limiter_break(service, 403);
	assert_true(look(operator).open);
	assert_false(look(operator).alone);
	assert_int_equal(wait_for(operator, LONG_MS), LATER);
	limiter_break(operator, 401);
	assert_int_equal(look(service).status, 403);
	limiter_close(service);
	limiter_close(operator);
}

static void
test_breaker_reaches_waiters(void **state)
{
	struct limiter *limiter = open_limiter(1);
	pid_t child;

	(void)state;
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	child = wait_in_child(LONG_MS);
	limiter_break(limiter, 403);
	assert_int_equal(exit_status(child), LATER);
	limiter_close(limiter);
}

/* Overwrite every eight-byte word of the file that holds a monotonic time near that one. */
static void
shift_times(int64_t near_ms, int64_t to_ms)
{
	int64_t words[8192];
	ssize_t size;
	int fd = open(path, O_RDWR);
	size_t i, count;

	assert_true(fd >= 0);
	size = pread(fd, words, sizeof(words), 0);
	assert_in_range(size, 1, sizeof(words));
	count = (size_t)size / sizeof(*words);
	for (i = 0; i < count; i++) {
		if (words[i] > near_ms - 1000 && words[i] < near_ms + 1000)
			words[i] = to_ms;
	}
	assert_int_equal(pwrite(fd, words, (size_t)size, 0), size);
	close(fd);
}

/* When the time comes, one of the callers is the probe and the others are refused. */
static void
test_probe(void **state)
{
	struct limiter *a = open_limiter(50), *b = open_limiter(50);

	(void)state;
	limiter_break(a, 401);
	shift_times(clock_mono_ms() + LIMITER_PROBE_MS, clock_mono_ms());
	assert_int_equal(look(a).ready_ms, 0);
	assert_int_equal(wait_for(a, -1), LATER); /* One without time does not use the probe up. */
	assert_int_equal(wait_for(a, LONG_MS), DONE);
	assert_int_equal(wait_for(b, LONG_MS), LATER);
	assert_int_equal(wait_for(a, LONG_MS), LATER);
	assert_true(look(b).open);
	limiter_succeeded(a);
	assert_int_equal(wait_for(b, LONG_MS), DONE);
	limiter_close(a);
	limiter_close(b);
}

static void
write_file(const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* Whatever stands in the file, the payments go on. */
static void
test_damage(void **state)
{
	static const unsigned char fillings[] = { 0x00, 0x7f, 0x80, 0xff };
	static unsigned char bytes[65536];
	struct limiter *limiter;
	size_t i, size;

	(void)state;
	for (i = 0; i < sizeof(fillings); i++) {
		memset(bytes, fillings[i], sizeof(bytes));
		for (size = 3; size <= sizeof(bytes); size = size * 100 + 5) {
			write_file(bytes, size);
			limiter = open_limiter(7);
			assert_true(look(limiter).ready_ms <= clock_mono_ms() + 2000);
			assert_false(look(limiter).open);
			limiter_close(limiter);
		}
		limiter = open_limiter(7);
		assert_int_equal(wait_for(limiter, LONG_MS), DONE);
		limiter_close(limiter);
	}
}

/* The header is right, but all behind it is nonsense. */
static void
test_damage_behind_the_header(void **state)
{
	static unsigned char bytes[65536];
	struct limiter *limiter = open_limiter(7);
	ssize_t size;
	int fd;

	(void)state;
	limiter_close(limiter);
	assert_true((fd = open(path, O_RDONLY)) >= 0);
	assert_true((size = read(fd, bytes, sizeof(bytes))) > 64);
	close(fd);
	memset(bytes + 64, 0x7f, (size_t)size - 64);
	write_file(bytes, (size_t)size);
	limiter = open_limiter(7);
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	limiter_close(limiter);
}

static size_t
read_file(unsigned char bytes[static 65536])
{
	int fd = open(path, O_RDONLY);
	ssize_t size;

	assert_true(fd >= 0);
	assert_true((size = read(fd, bytes, 65536)) > 64);
	close(fd);
	return (size_t)size;
}

/*
 * The monotonic clock has not yet come to where it was when the file was last written: its times
 * are another boot's, its breaker and its hold are forgotten.
 */
static void
test_reboot(void **state)
{
	static unsigned char bytes[65536];
	struct limiter *limiter = open_limiter(7);
	int64_t seen_ms;
	struct fault why;
	size_t size;

	(void)state;
	limiter_break(limiter, 401);
	limiter_hold(limiter, LIMITER_HOLD_MAX_MS);
	limiter_close(limiter);
	size = read_file(bytes);
	memcpy(&seen_ms, bytes + size - sizeof(seen_ms), sizeof(seen_ms));
	assert_in_range(clock_mono_ms() - seen_ms, 0, 10000);
	seen_ms += 60000;
	memcpy(bytes + size - sizeof(seen_ms), &seen_ms, sizeof(seen_ms));
	write_file(bytes, size);
	assert_int_equal(limiter_open_to_look(path, &limiter, &why), BROKEN);
	limiter = open_limiter(7);
	assert_false(look(limiter).open);
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	limiter_close(limiter);
}

/* Looking changes no byte, whoever looks; it makes no file, and takes none that is damaged. */
static void
test_looking(void **state)
{
	static unsigned char before[65536], after[65536];
	struct limiter *limiter = open_limiter(7);
	struct limiter_state seen;
	struct fault why;
	size_t size;

	(void)state;
	limiter_break(limiter, 401);
	limiter_hold(limiter, LONG_MS);
	size = read_file(before);
	limiter_close(limiter);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(limiter_open_to_look(path, &limiter, &why), DONE);
	seen = look(limiter);
	limiter_close(limiter);
	assert_true(seen.open && seen.status == 401);
	assert_in_range(seen.ready_ms - clock_mono_ms(), LONG_MS - 10000, LONG_MS);
	assert_int_equal(read_file(after), size);
	assert_memory_equal(before, after, size);

	assert_int_equal(chmod(path, 0600), 0);
	before[0] ^= 1;
	write_file(before, size);
	assert_int_equal(limiter_open_to_look(path, &limiter, &why), BROKEN);
	assert_int_equal(read_file(after), size);
	assert_memory_equal(before, after, size);
	unlink(path);
	assert_int_equal(limiter_open_to_look(path, &limiter, &why), BROKEN);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* The run directory is emptied: all go on with one new file, which knows what the old one knew. */
static void
test_emptied(void **state)
{
	struct limiter *a = open_limiter(7), *b = open_limiter(7), *late;
	int64_t start_ms;
	int i;

	(void)state;
	limiter_break(a, 401);
	limiter_hold(a, 1500);
	unlink(path);
	assert_true(look(b).open);
	assert_in_range(look(a).ready_ms - clock_mono_ms(), 500, LIMITER_PROBE_MS);
	late = open_limiter(7);
	assert_true(look(late).open);
	limiter_succeeded(a);
	assert_false(look(b).open);
	assert_in_range(look(late).ready_ms - clock_mono_ms(), 500, 1500);

	/* Nor is what was just sent unsent: no more than seven in a second. */
	for (i = 0; i < 7; i++)
		assert_int_equal(wait_for(a, LONG_MS), DONE);
	start_ms = clock_mono_ms();
	unlink(path);
	for (i = 0; i < 4; i++) {
		assert_int_equal(wait_for(b, LONG_MS), DONE);
		assert_int_equal(wait_for(late, LONG_MS), DONE);
	}
	assert_in_range(clock_mono_ms() - start_ms, 2000, 5000);
	limiter_close(a);
	limiter_close(b);
	limiter_close(late);
}

/* Where no new file can be made, nothing is sent that nobody else would know of. */
static void
test_run_directory_gone(void **state)
{
	struct limiter *limiter = open_limiter(7);
	struct fault why;

	(void)state;
	unlink(path);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(limiter_wait(limiter, clock_mono_ms() + LONG_MS, &why), BROKEN);
	assert_non_null(strstr(why.text, "No such file"));
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(wait_for(limiter, LONG_MS), DONE);
	limiter_close(limiter);
}

static void
test_open(void **state)
{
	struct limiter *limiter = NULL;
	struct stat st;
	struct fault why;

	(void)state;
	assert_int_equal(limiter_open(path, 0, &limiter, &why), NEVER);
	assert_int_equal(limiter_open(path, LIMITER_RATE_MAX + 1, &limiter, &why), NEVER);
	assert_int_equal(limiter_open("/nonexistent/limiter", 7, &limiter, &why), BROKEN);
	assert_non_null(strstr(why.text, "/nonexistent/limiter"));
	assert_null(limiter);
	limiter_close(open_limiter(LIMITER_RATE_MAX));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* Another rate does not make what was just sent unsent. */
static void
test_other_rate(void **state)
{
	struct limiter *fast = open_limiter(10), *slow;
	int64_t start = clock_mono_ms();
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_int_equal(limiter_wait(fast, start + LONG_MS, &(struct fault){ "" }), DONE);
	slow = open_limiter(5);
	assert_int_equal(limiter_wait(slow, start + 900, &(struct fault){ "" }), LATER);
	assert_true(look(slow).used <= 10);
	limiter_close(fast);
	limiter_close(slow);
}

/* The record of all the processes' requests. */
#define PROCESSES   8
#define RECORDS_MAX 20000

struct record {
	_Atomic int64_t count;
	int64_t sent_ms[RECORDS_MAX];
};

static void
hammer(struct record *record, int64_t rate, int64_t until_ms)
{
	struct limiter *limiter;
	struct fault why;
	int64_t now, place;

	if (limiter_open(path, rate, &limiter, &why) != DONE)
		_exit(1);
	while (limiter_wait(limiter, until_ms, &why) == DONE) {
		now = clock_mono_ms();
		limiter_sent(limiter, now);
		if ((place = record->count++) < RECORDS_MAX)
			record->sent_ms[place] = now;
	}
	_exit(0);
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int64_t
most_in_a_second(struct record *record)
{
	int64_t count = record->count, first = 0, i, most = 0;

	assert_in_range(count, 0, RECORDS_MAX);
	qsort(record->sent_ms, (size_t)count, sizeof(*record->sent_ms), compare);
	for (i = 0; i < count; i++) {
		while (record->sent_ms[i] - record->sent_ms[first] >= 1000)
			first++;
		if (i - first + 1 > most)
			most = i - first + 1;
	}
	return most;
}

static struct record *
new_record(void)
{
	struct record *record =
	    mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(record != MAP_FAILED);
	return record;
}

static pid_t
start_hammer(struct record *record, int64_t rate, int64_t until_ms)
{
	pid_t child = fork();

	if (child == 0)
		hammer(record, rate, until_ms);
	assert_true(child > 0);
	return child;
}

static void
test_many_processes(void **state)
{
	struct record *record = new_record();
	int64_t until = clock_mono_ms() + 2500;
	pid_t children[PROCESSES];
	int i;

	(void)state;
	for (i = 0; i < PROCESSES; i++)
		children[i] = start_hammer(record, 50, until);
	for (i = 0; i < PROCESSES; i++)
		assert_int_equal(exit_status(children[i]), 0);
	assert_true(most_in_a_second(record) <= 50);
	/* Two full windows fit even on a machine that is busy otherwise. */
	assert_true(record->count >= 60);
	munmap(record, sizeof(*record));
}

#define KILLS 1000

/* Processes are killed wherever they are, again and again; the rest neither stands still nor goes too fast. */
static void
test_kill(void **state)
{
	struct record *record = new_record();
	int64_t until = clock_mono_ms() + LONG_MS, before;
	pid_t children[4], survivor;
	unsigned seed = 1;
	int i = 0, j, kills = 0;

	(void)state;
	survivor = start_hammer(record, LIMITER_RATE_MAX, until);
	for (j = 0; j < 4; j++)
		children[j] = start_hammer(record, LIMITER_RATE_MAX, until);
	for (; kills < KILLS; i = (i + 1) % 4, kills++) {
		usleep((useconds_t)(rand_r(&seed) % 3000));
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
		children[i] = start_hammer(record, LIMITER_RATE_MAX, until);
	}
	for (j = 0; j < 4; j++) {
		kill(children[j], SIGKILL);
		waitpid(children[j], NULL, 0);
	}
	/* The survivor alone goes on. */
	before = record->count;
	while (record->count < before + 10 && clock_mono_ms() < until)
		clock_sleep_until(clock_mono_ms() + 5);
	assert_true(record->count >= before + 10);
	kill(survivor, SIGKILL);
	waitpid(survivor, NULL, 0);
	assert_true(most_in_a_second(record) <= LIMITER_RATE_MAX);
	munmap(record, sizeof(*record));
}

static int
set_up(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static int
set_up_all(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/limiter", mkdtemp(directory) ? directory : "");
	return 0;
}

static int
tear_down_all(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_burst),
		TEST(test_refusal_is_free),
		TEST(test_sent_late),
		TEST(test_on_way),
		TEST(test_hold),
		TEST(test_hold_reaches_waiters),
		TEST(test_breaker),
		TEST(test_breaks_alone),
		TEST(test_breaker_reaches_waiters),
		TEST(test_probe),
		TEST(test_damage),
		TEST(test_damage_behind_the_header),
		TEST(test_reboot),
		TEST(test_looking),
		TEST(test_emptied),
		TEST(test_run_directory_gone),
		TEST(test_open),
		TEST(test_other_rate),
		TEST(test_many_processes),
		TEST(test_kill),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
