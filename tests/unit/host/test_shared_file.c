#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "host/byte_lock.h"
#include "host/shared_file.h"

#define SIZE 10000

static struct fault why;
static int prepared, prepared_empty;

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	prepared = prepared_empty = 0;
	why.text[0] = '\0';
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_end();
	return 0;
}

/* Only under the lock may the content be put in order. */
static void
prepare(void *content, bool was_empty)
{
	int other = open(fixture_path("shared"), O_RDWR | O_CLOEXEC);

	(void)content;
	assert_true(other >= 0);
	assert_false(byte_lock_try(other, 0, 1));
	close(other);
	prepared++;
	prepared_empty += was_empty;
}

static struct shared_file
opened(void)
{
	struct shared_file file;

	assert_int_equal(
	    shared_file_open("thing", fixture_path("shared"), SIZE, prepare, &file, &why), DONE);
	return file;
}

static void
test_shared(void **state)
{
	static const char zeros[SIZE];
	struct shared_file one = opened(), other, reader;
	struct stat file;

	(void)state;
	assert_int_equal(prepared_empty, 1);
	assert_memory_equal(one.content, zeros, SIZE);
	assert_int_equal(fstat(one.fd, &file), 0);
	assert_int_equal(file.st_mode & 07777, 0600);
	assert_int_equal(file.st_size, SIZE);
	assert_true(file.st_blocks * 512 >= SIZE);
	other = opened();
	assert_int_equal(prepared, 2);
	assert_int_equal(prepared_empty, 1);
	strcpy(one.content, "said by one");
	assert_string_equal(other.content, "said by one");
	assert_int_equal(
	    shared_file_open_to_read("thing", fixture_path("shared"), SIZE, &reader, &why), DONE);
	assert_string_equal(reader.content, "said by one");
	shared_file_close(&one);
	shared_file_close(&other);
	shared_file_close(&reader);
}

static void
test_lock_is_one(void **state)
{
	struct shared_file one = opened(), other = opened();

	(void)state;
	assert_true(shared_file_lock(&one));
	assert_false(byte_lock_try(other.fd, 0, 1));
	shared_file_unlock(&one);
	assert_true(byte_lock_try(other.fd, 0, 1));
	shared_file_close(&other);
	/* Gone with the file, which nothing maps any more. */
	assert_true(byte_lock_try(one.fd, 0, 1));
	shared_file_close(&one);
}

static void
test_refused(void **state)
{
	struct shared_file file;
	struct rlimit usual, small;

	(void)state;
	assert_int_equal(
	    shared_file_open("thing", fixture_path("no/shared"), SIZE, prepare, &file, &why),
	    BROKEN);
	assert_non_null(strstr(why.text, "thing "));
	assert_non_null(strstr(why.text, "no/shared: No such file or directory"));
	assert_int_equal(file.fd, -1);
	assert_int_equal(
	    shared_file_open_to_read("thing", fixture_path("shared"), SIZE, &file, &why), BROKEN);
	assert_int_equal(access(fixture_path("shared"), F_OK), -1);
	/* No room for its blocks. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
	small = (struct rlimit){ .rlim_cur = SIZE / 2, .rlim_max = usual.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(
	    shared_file_open("thing", fixture_path("shared"), SIZE, prepare, &file, &why), BROKEN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
	assert_non_null(strstr(why.text, "File too large"));
	assert_null(file.content);
	assert_int_equal(prepared, 0);
	assert_int_equal(
	    shared_file_open_to_read("thing", fixture_path("shared"), SIZE, &file, &why), BROKEN);
	assert_non_null(strstr(why.text, "the file is of another version"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lock_is_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
