#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* It belongs to the programs and is in no library. */
#include "../../../cgi/error_stream.c"

/* A write that waits never ends here: the alarm ends the test. */
#define PATIENCE_S 10
#define LINES      1500

static char line[2000];
static int kept, stream[2];

static int
begin(void **state)
{
	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	kept = dup(STDERR_FILENO);
	alarm(PATIENCE_S);
	return kept < 0;
}

static int
end(void **state)
{
	(void)state;
	alarm(0);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(stream[0]);
	close(stream[1]);
	return 0;
}

/* How many of LINES lines were taken. */
static int
write_lines(void)
{
	int i, taken = 0;

	for (i = 0; i < LINES; i++)
		taken += error_stream_write(line, sizeof(line));
	return taken;
}

/* All that stands in the stream is read. */
static size_t
drain(void)
{
	char text[1 << 16];
	size_t size = 0;
	ssize_t got;

	fcntl(stream[0], F_SETFL, O_NONBLOCK);
	while ((got = read(stream[0], text, sizeof(text))) > 0)
		size += (size_t)got;
	return size;
}

static void
full_stream_takes_whole_lines_or_none(void)
{
	int taken = write_lines();

	assert_in_range(taken, 1, LINES - 1);
	assert_false(error_stream_write(line, sizeof(line)));
	assert_int_equal(drain(), (size_t)taken * sizeof(line));
	assert_true(error_stream_write(line, sizeof(line)));
	assert_int_equal(drain(), sizeof(line));
	/* Nothing was changed for the others who write to it. */
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}

static void
pipe_is_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(pipe(stream), 0);
	dup2(stream[1], STDERR_FILENO);
	full_stream_takes_whole_lines_or_none();
}

static void
another_users_pipe_is_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(pipe(stream), 0);
	dup2(stream[1], STDERR_FILENO);
	assert_int_equal(fchmod(stream[1], 0), 0);
	assert_true(geteuid() != 0 || seteuid(65534) == 0);
	assert_true(open("/proc/self/fd/2", O_WRONLY | O_CLOEXEC) < 0);
	full_stream_takes_whole_lines_or_none();
	assert_true(getuid() != 0 || seteuid(0) == 0);
}

static void
journals_socket_is_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	dup2(stream[1], STDERR_FILENO);
	full_stream_takes_whole_lines_or_none();
}

/* Where another process fills the pipe between asking and writing, asking would not have helped. */
static void
many_writers_do_not_wait(void **state)
{
	int i, status;

	(void)state;
	assert_int_equal(pipe(stream), 0);
	dup2(stream[1], STDERR_FILENO);
	for (i = 0; i < 8; i++) {
		if (fork() == 0) {
			alarm(PATIENCE_S);
			write_lines();
			_exit(0);
		}
	}
	for (i = 0; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(drain() % sizeof(line), 0);
}

static void
file_is_written_behind_what_others_wrote(void **state)
{
	char name[] = "/tmp/error-stream-XXXXXX", text[64];
	int file = mkstemp(name);

	(void)state;
	assert_true(file >= 0);
	unlink(name);
	dup2(file, STDERR_FILENO);
	assert_int_equal(write(file, "others\n", 7), 7);
	assert_true(error_stream_write("ours\n", 5));
	assert_int_equal(pread(file, text, sizeof(text), 0), 12);
	assert_memory_equal(text, "others\nours\n", 12);
	close(file);
	assert_int_equal(pipe(stream), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pipe_is_not_waited_for, begin, end),
		cmocka_unit_test_setup_teardown(another_users_pipe_is_not_waited_for, begin, end),
		cmocka_unit_test_setup_teardown(journals_socket_is_not_waited_for, begin, end),
		cmocka_unit_test_setup_teardown(many_writers_do_not_wait, begin, end),
		cmocka_unit_test_setup_teardown(
		    file_is_written_behind_what_others_wrote, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
