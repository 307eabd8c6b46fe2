#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/retry.h"

static void
doubles_up_to_most(void **state)
{
	static const int64_t expected[] = { 2000, 4000, 8000, 10000, 10000, 10000 };

	(void)state;
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(retry_wait(i + 1, 2000, 10000, 0, UINT32_MAX), expected[i]);
		assert_int_equal(retry_wait(i + 1, 2000, 10000, 0, 0), expected[i] / 2);
	}
	assert_int_equal(retry_wait(0, 2000, 10000, 0, UINT32_MAX), 2000);
	assert_int_equal(retry_wait(UINT_MAX, 2000, 10000, 0, UINT32_MAX), 10000);
}

static void
chance_halves_at_most(void **state)
{
	int64_t before = 0;

	(void)state;
	for (uint64_t chance = 0; chance <= UINT32_MAX; chance += UINT32_MAX / 100) {
		int64_t wait = retry_wait(3, 1000, 60000, 0, (uint32_t)chance);

		assert_in_range(wait, 2000, 4000);
		assert_true(wait >= before);
		before = wait;
	}
	assert_int_equal(retry_wait(1, 1, 1, 0, 0), 0);
	assert_int_equal(retry_wait(1, 1, 1, 0, UINT32_MAX), 1);
}

static void
advice_lengthens_only(void **state)
{
	(void)state;
	assert_int_equal(retry_wait(1, 2000, 10000, 60000, 0), 60000);
	assert_int_equal(retry_wait(1, 2000, 10000, 1500, 0), 1500);
	assert_int_equal(retry_wait(1, 2000, 10000, 1500, UINT32_MAX), 2000);
	assert_int_equal(retry_wait(1, 2000, 10000, -5, 0), 1000);
}

static void
extremes_do_not_overflow(void **state)
{
	(void)state;
	assert_int_equal(retry_wait(5, 0, 0, 0, UINT32_MAX), 0);
	assert_int_equal(retry_wait(500, 0, 10000, 0, UINT32_MAX), 0);
	assert_int_equal(retry_wait(5, -10, -5, 0, UINT32_MAX), 0);
	assert_int_equal(retry_wait(2, 5000, 1000, 0, UINT32_MAX), 1000);
	assert_true(retry_wait(UINT_MAX, 1, INT64_MAX, 0, UINT32_MAX) == INT64_MAX);
	assert_true(retry_wait(UINT_MAX, 1, INT64_MAX, 0, 0) == INT64_MAX / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_most),
		cmocka_unit_test(chance_halves_at_most),
		cmocka_unit_test(advice_lengthens_only),
		cmocka_unit_test(extremes_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
