#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/private_file.h"

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_end();
	return 0;
}

/* Open it; its owner, mode and kind. */
static struct stat
opened(const char *path, int flags)
{
	struct stat file = { 0 };
	int fd = private_file_open(path, flags);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &file), 0);
	close(fd);
	return file;
}

static void
test_made_and_found(void **state)
{
	struct stat made = opened(fixture_path("a"), 0), found = opened(fixture_path("a"), 0);

	(void)state;
	assert_int_equal(made.st_mode & 07777, 0600);
	assert_int_equal(made.st_ino, found.st_ino);
	assert_int_equal(private_file_open(fixture_path("a"), O_EXCL), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(private_file_open(fixture_path("none/a"), 0), -1);
	assert_int_equal(errno, ENOENT);
}

/* Neither to a file nor to nowhere. */
static void
test_no_link_is_followed(void **state)
{
	(void)state;
	opened(fixture_path("a"), 0);
	assert_int_equal(symlink("a", fixture_path("link")), 0);
	assert_int_equal(symlink("nowhere", fixture_path("dangling")), 0);
	assert_int_equal(private_file_open(fixture_path("link"), 0), -1);
	assert_int_equal(private_file_open(fixture_path("dangling"), 0), -1);
	assert_int_equal(access(fixture_path("nowhere"), F_OK), -1);
}

/* What root makes in another's directory belongs to that other; what is there stays whose it is. */
static void
test_owner_of_the_directory(void **state)
{
	struct stat file;

	(void)state;
	if (geteuid() != 0)
		return;
	file = opened(fixture_path("roots"), 0);
	assert_int_equal(file.st_uid, 0);
	assert_int_equal(chown(fixture_path("."), 65534, 65533), 0);
	file = opened(fixture_path("theirs"), O_EXCL);
	assert_int_equal(file.st_uid, 65534);
	assert_int_equal(file.st_gid, 65533);
	file = opened(fixture_path("roots"), 0);
	assert_int_equal(file.st_uid, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made_and_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_link_is_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_owner_of_the_directory, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
