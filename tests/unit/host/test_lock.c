#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/lock.h"

#define LONG_MS 60000

static char directory[] = "/tmp/test_lock.XXXXXX";
static char path[64];

static struct locks *
open_locks(void)
{
	struct locks *locks = NULL;
	struct fault why;

	assert_int_equal(lock_open(path, &locks, &why), DONE);
	return locks;
}

static enum outcome
try_one(struct locks *locks, enum lock_range range, int64_t number)
{
	struct fault why;

	return lock_take(locks, range, &number, 1, 0, &why);
}

static void
test_excludes(void **state)
{
	struct locks *a = open_locks(), *b = open_locks();
	int64_t number = 7;
	struct fault why = { "untouched" };

	(void)state;
	assert_int_equal(lock_take(a, LOCK_LEAD, &number, 1, 0, &why), DONE);
	assert_string_equal(why.text, "untouched");
	assert_int_equal(lock_take(b, LOCK_LEAD, &number, 1, 0, &why), LATER);
	assert_non_null(strstr(why.text, "lead"));
	assert_int_equal(try_one(b, LOCK_LEAD, 8), DONE);
	assert_int_equal(try_one(b, LOCK_LEAD, 6), DONE);
	assert_int_equal(try_one(b, LOCK_CONTACT, 7), DONE);
	assert_int_equal(try_one(a, LOCK_LEAD, 8), LATER);
	lock_drop(a, LOCK_LEAD);
	assert_int_equal(try_one(b, LOCK_LEAD, 7), DONE);
	lock_close(b);
	assert_int_equal(try_one(a, LOCK_LEAD, 8), DONE);
	lock_close(a);
	lock_close(NULL);
}

/* Whoever is refused is told of what, in every range. */
static void
test_refusals_have_names(void **state)
{
	static const struct {
		enum lock_range range;
		const char *name;
	} ranges[] = {
		{ LOCK_CUSTOMER, "customer" },
		{ LOCK_CONTACT, "contact" },
		{ LOCK_LEAD, "lead" },
		{ LOCK_SLOT, "slot" },
		{ LOCK_ALARM_LEADER, "alarm watch" },
	};
	struct locks *a = open_locks(), *b = open_locks();
	int64_t number = 7;
	struct fault why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		assert_int_equal(try_one(a, ranges[i].range, number), DONE);
		assert_int_equal(lock_take(b, ranges[i].range, &number, 1, 0, &why), LATER);
		assert_non_null(strstr(why.text, ranges[i].name));
	}
	lock_close(a);
	lock_close(b);
}

/* Every 64-bit number has a lock in every range, and only its low 60 bits count. */
static void
test_numbers(void **state)
{
	static const int64_t numbers[] = { 0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 59,
		(INT64_C(1) << 60) - 2 };
	struct locks *a = open_locks(), *b = open_locks();
	int range;
	size_t i;

	(void)state;
	for (range = LOCK_CUSTOMER; range <= LOCK_ALARM_LEADER; range++) {
		for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
			assert_int_equal(try_one(a, (enum lock_range)range, numbers[i]), DONE);
			assert_int_equal(try_one(b, (enum lock_range)range, numbers[i]), LATER);
			lock_drop(a, (enum lock_range)range);
			assert_int_equal(try_one(b, (enum lock_range)range, numbers[i]), DONE);
			assert_int_equal(
			    try_one(a, (enum lock_range)((range + 1) % (LOCK_ALARM_LEADER + 1)),
				numbers[i]),
			    DONE);
			lock_drop(a, (enum lock_range)((range + 1) % (LOCK_ALARM_LEADER + 1)));
			lock_drop(b, (enum lock_range)range);
		}
	}
	lock_close(a);
	lock_close(b);
}

static void
test_all_or_nothing(void **state)
{
	static const int64_t wanted[] = { 30, 10, 20, 10, 30 };
	struct locks *a = open_locks(), *b = open_locks();
	struct fault why;

	(void)state;
	assert_int_equal(try_one(b, LOCK_CUSTOMER, 20), DONE);
	assert_int_equal(lock_take(a, LOCK_CUSTOMER, wanted, 5, clock_mono_ms() + 30, &why), LATER);
	assert_int_equal(try_one(b, LOCK_CUSTOMER, 10), DONE);
	assert_int_equal(try_one(b, LOCK_CUSTOMER, 30), DONE);
	lock_drop(b, LOCK_CUSTOMER);
	assert_int_equal(lock_take(a, LOCK_CUSTOMER, wanted, 5, 0, &why), DONE);
	assert_int_equal(try_one(b, LOCK_CUSTOMER, 10), LATER);
	lock_drop(a, LOCK_CUSTOMER);
	assert_int_equal(lock_take(b, LOCK_CUSTOMER, wanted, 5, 0, &why), DONE);
	assert_int_equal(lock_take(b, LOCK_CUSTOMER, wanted, 0, 0, &why), DONE);
	assert_int_equal(lock_take(b, LOCK_CUSTOMER, (int64_t[LOCK_SET_MAX + 1]){ 0 },
			     LOCK_SET_MAX + 1, 0, &why),
	    BROKEN);
	lock_close(a);
	lock_close(b);
}

static void
test_slots(void **state)
{
	struct locks *a = open_locks(), *b = open_locks(), *c = open_locks();

	(void)state;
	assert_int_equal(lock_take_any(a, LOCK_SLOT, 0), -1);
	assert_int_equal(lock_take_any(a, LOCK_SLOT, 2), 0);
	assert_int_equal(lock_take_any(b, LOCK_SLOT, 2), 1);
	assert_int_equal(lock_take_any(c, LOCK_SLOT, 2), -1);
	lock_close(a);
	assert_int_equal(lock_take_any(c, LOCK_SLOT, 2), 0);
	lock_close(b);
	lock_close(c);
}

static void
test_file(void **state)
{
	struct locks *locks = NULL;
	struct stat st;
	struct fault why;

	(void)state;
	lock_close(open_locks());
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(lock_open("/nonexistent/locks", &locks, &why), BROKEN);
	assert_non_null(strstr(why.text, "/nonexistent/locks"));
	assert_null(locks);
}

/* A child that holds a lock and never lets go is killed while the parent waits. */
static void
test_death_frees(void **state)
{
	struct locks *locks = open_locks();
	int64_t number = 5;
	struct fault why;
	int ready[2];
	char byte;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	if ((child = fork()) == 0) {
		struct locks *own;

		lock_close(locks);
		if (lock_open(path, &own, &why) != DONE ||
		    lock_take(own, LOCK_CONTACT, &number, 1, 0, &why) != DONE)
			_exit(1);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(try_one(locks, LOCK_CONTACT, number), LATER);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(
	    lock_take(locks, LOCK_CONTACT, &number, 1, clock_mono_ms() + LONG_MS, &why), DONE);
	assert_int_equal(waitpid(child, NULL, 0), child);
	lock_close(locks);
	close(ready[0]);
	close(ready[1]);
}

/* Add to counters that only the locks protect.  The sets overlap, so that a wrong order would come to a standstill. */
static void
count_up(volatile int64_t *counters, unsigned seed)
{
	struct locks *locks;
	struct fault why;
	int64_t set[3], seen;
	int i, j;

	if (lock_open(path, &locks, &why) != DONE)
		_exit(1);
	for (i = 0; i < 100; i++) {
		for (j = 0; j < 3; j++)
			set[j] = rand_r(&seed) % 6;
		if (lock_take(locks, LOCK_CUSTOMER, set, 3, clock_mono_ms() + LONG_MS, &why) !=
		    DONE)
			_exit(2);
		seen = counters[set[0]];
		usleep(100);
		counters[set[0]] = seen + 1;
		lock_drop(locks, LOCK_CUSTOMER);
	}
	_exit(0);
}

static void
test_many_processes(void **state)
{
	volatile int64_t *counters =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t sum = 0;
	pid_t children[6];
	int i, status;

	(void)state;
	for (i = 0; i < 6; i++) {
		if ((children[i] = fork()) == 0)
			count_up(counters, (unsigned)i);
	}
	for (i = 0; i < 6; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	for (i = 0; i < 6; i++)
		sum += counters[i];
	assert_int_equal(sum, 600);
	munmap((void *)counters, 4096);
}

/* Two handles of one process exclude each other like two processes. */
static void
test_opened_again(void **state)
{
	struct locks *locks = open_locks(), *again = lock_open_again(locks);

	(void)state;
	assert_int_equal(try_one(locks, LOCK_LEAD, 5), DONE);
	assert_int_equal(try_one(again, LOCK_LEAD, 5), LATER);
	assert_int_equal(try_one(again, LOCK_CONTACT, 5), DONE);
	/* Closing one frees what was taken through it, and nothing else. */
	lock_close(again);
	assert_int_equal(try_one(locks, LOCK_CONTACT, 5), DONE);
	again = lock_open_again(locks);
	assert_int_equal(try_one(again, LOCK_LEAD, 5), LATER);
	lock_close(again);
	lock_close(locks);
}

/*
 * The file is removed while somebody holds a lead: until that is let go, nobody takes any in
 * another file, whether he opened the old one or not.
 */
static void
test_emptied(void **state)
{
	struct locks *a = open_locks(), *b = open_locks(), *fresh, *again = lock_open_again(b);
	int64_t number = 6;
	struct fault why;

	(void)state;
	assert_int_equal(try_one(a, LOCK_LEAD, 5), DONE);
	unlink(path);
	fresh = open_locks();
	assert_int_equal(lock_take(b, LOCK_LEAD, &number, 1, 0, &why), LATER);
	assert_non_null(strstr(why.text, "the run directory was emptied"));
	assert_int_equal(try_one(fresh, LOCK_CUSTOMER, 7), LATER);
	assert_int_equal(lock_take_any(fresh, LOCK_SLOT, 3), -1);
	/* What the holder needs besides, it is still given. */
	assert_int_equal(try_one(a, LOCK_CONTACT, 5), DONE);
	lock_drop(a, LOCK_LEAD);
	assert_int_equal(try_one(fresh, LOCK_LEAD, 5), LATER);
	lock_drop(a, LOCK_CONTACT);

	assert_int_equal(try_one(fresh, LOCK_LEAD, 5), DONE);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(try_one(a, LOCK_LEAD, 5), LATER);
	assert_int_equal(try_one(b, LOCK_LEAD, 5), LATER);
	assert_int_equal(try_one(again, LOCK_LEAD, 5), LATER);
	assert_int_equal(try_one(a, LOCK_LEAD, 6), DONE);

	/* Our own other handle counts like another process. */
	assert_int_equal(try_one(b, LOCK_LEAD, 8), DONE);
	lock_close(fresh);
	lock_close(a);
	unlink(path);
	assert_int_equal(try_one(again, LOCK_LEAD, 9), LATER);
	lock_drop(b, LOCK_LEAD);
	assert_int_equal(try_one(again, LOCK_LEAD, 9), DONE);
	lock_close(again);
	lock_close(b);
}

/* What only divides work is held for long, so it does not keep a new file back. */
static void
test_emptied_under_a_leader(void **state)
{
	struct locks *a = open_locks(), *b = open_locks();

	(void)state;
	assert_int_equal(try_one(a, LOCK_ALARM_LEADER, 0), DONE);
	assert_int_equal(lock_take_any(a, LOCK_SLOT, 1), 0);
	unlink(path);
	assert_int_equal(try_one(b, LOCK_ALARM_LEADER, 0), DONE);
	assert_int_equal(try_one(a, LOCK_ALARM_LEADER, 0), LATER);
	assert_int_equal(lock_take_any(b, LOCK_SLOT, 1), 0);
	assert_int_equal(try_one(a, LOCK_LEAD, 5), DONE);
	assert_int_equal(try_one(b, LOCK_LEAD, 5), LATER);
	lock_close(a);
	lock_close(b);
}

static void
test_directory_replaced(void **state)
{
	struct locks *a = open_locks(), *b;

	(void)state;
	unlink(path);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(try_one(a, LOCK_LEAD, 5), BROKEN);
	assert_int_equal(mkdir(directory, 0700), 0);
	b = open_locks();
	assert_int_equal(try_one(b, LOCK_LEAD, 5), DONE);
	assert_int_equal(try_one(a, LOCK_LEAD, 5), LATER);
	lock_close(a);
	lock_close(b);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/locks", mkdtemp(directory) ? directory : "");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_excludes),
		cmocka_unit_test(test_refusals_have_names),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_death_frees),
		cmocka_unit_test(test_many_processes),
		cmocka_unit_test(test_opened_again),
		cmocka_unit_test(test_emptied),
		cmocka_unit_test(test_emptied_under_a_leader),
		cmocka_unit_test(test_directory_replaced),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
