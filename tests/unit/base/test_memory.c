#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/memory.h"
#include "base/text.h"

/* More than any address space has, so that the C library refuses it at once. */
#define TOO_MUCH ((size_t)PTRDIFF_MAX)

/* The sanitizer's allocator refuses as the C library's does, instead of ending the process its own way. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void *volatile kept; /* Else the compiler may leave an allocation out that nothing uses. */

static void
allocate(void)
{
	kept = memory_allocate(TOO_MUCH);
}

static void
zero(void)
{
	kept = memory_zeroed(TOO_MUCH / 8, 16);
}

static void
resize(void)
{
	kept = memory_resize(memory_allocate(1), TOO_MUCH);
}

static void
resize_array(void)
{
	kept = memory_resize_array(NULL, SIZE_MAX / 2, 4);
}

static void
copy_text(void)
{
	kept = text_part("", TOO_MUCH - 1);
}

/* Jansson would answer NULL. */
static void
make_json(void)
{
	kept = json_stringn_nocheck("", TOO_MUCH - 1);
}

static void
succeed(void)
{
	kept = memory_allocate(1);
	free(kept);
}

/* What a process of its own ends with when it does that: a signal, or 0 when it returns. */
static int
end_of(void (*act)(void))
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		/* No core file, and no handler of the sanitizer's or cmocka's. */
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		signal(SIGABRT, SIG_DFL);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return 0;
}

static void
exhaustion_aborts(void **state)
{
	(void)state;
	assert_int_equal(end_of(succeed), 0);
	assert_int_equal(end_of(allocate), SIGABRT);
	assert_int_equal(end_of(zero), SIGABRT);
	assert_int_equal(end_of(resize), SIGABRT);
	assert_int_equal(end_of(resize_array), SIGABRT);
	assert_int_equal(end_of(copy_text), SIGABRT);
}

static void
exhaustion_aborts_inside_jansson(void **state)
{
	(void)state;
	assert_int_equal(end_of(make_json), SIGABRT);
}

static void
nothing_is_something(void **state)
{
	void *memory = memory_allocate(0);

	(void)state;
	memory = memory_resize(memory, 0);
	memory = memory_resize_array(memory, 0, 0);
	free(memory);
	free(memory_zeroed(0, 0));
}

static void
zeroed_is_zero(void **state)
{
	static const char zeros[48];
	char *memory = memory_zeroed(3, 16);

	(void)state;
	assert_memory_equal(memory, zeros, sizeof(zeros));
	memory[0] = 'a';
	memory = memory_resize_array(memory, 1000, 16);
	assert_int_equal(memory[0], 'a');
	free(memory);
}

static void
streams_write_texts(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = memory_stream(&text, &size);

	(void)state;
	fprintf(stream, "%d payments", 3);
	memory_stream_end(stream);
	assert_string_equal(text, "3 payments");
	assert_int_equal(size, strlen(text));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exhaustion_aborts),
		cmocka_unit_test(exhaustion_aborts_inside_jansson),
		cmocka_unit_test(nothing_is_something),
		cmocka_unit_test(zeroed_is_zero),
		cmocka_unit_test(streams_write_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
