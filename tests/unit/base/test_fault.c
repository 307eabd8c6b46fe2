#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/fault.h"

/* Setting a reason and returning are one statement. */
static void
test_hands_the_outcome_through(void **state)
{
	static const enum outcome outcomes[] = { DONE, LATER, UNSURE, NEVER, BROKEN };
	struct fault why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		assert_int_equal(
		    fault_set(&why, outcomes[i], "line %zu of %s", i, "many"), outcomes[i]);
		assert_true(strncmp(why.text, "line ", 5) == 0 && why.text[5] == (char)('0' + i));
	}
	assert_string_equal(why.text, "line 4 of many");
}

static void
test_cuts(void **state)
{
	struct {
		struct fault why;
		char behind;
	} it = { .behind = 'x' };
	char longer[600];

	(void)state;
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(fault_set(&it.why, LATER, "%s", longer), LATER);
	assert_int_equal(strlen(it.why.text), sizeof(it.why.text) - 1);
	assert_int_equal(it.behind, 'x');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hands_the_outcome_through),
		cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
