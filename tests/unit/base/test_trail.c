#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/trail.h"

static void
test_events(void **state)
{
	json_t *events = json_array(), *expected;

	(void)state;
	trail_add(events, 1700000000123, "lead 22 chosen");
	trail_add_call(events, 1700000000456, "change lead", 200, 31, "abc");
	trail_add_call(events, 1700000000789, "write note", 0, 10000, "");
	expected = json_pack("[{s:I, s:s}, {s:I, s:s, s:i, s:i, s:s}, {s:I, s:s, s:i, s:i, s:s}]",
	    "at_ms", (json_int_t)1700000000123, "what", "lead 22 chosen", "at_ms",
	    (json_int_t)1700000000456, "what", "change lead", "status", 200, "took_ms", 31,
	    "request_id", "abc", "at_ms", (json_int_t)1700000000789, "what", "write note", "status",
	    0, "took_ms", 10000, "request_id", "");
	assert_true(json_equal(events, expected));
	json_decref(expected);
	json_decref(events);
}

/* What is no text leaves the trail as it was. */
static void
test_no_text(void **state)
{
	json_t *events = json_array();

	(void)state;
	trail_add(events, 1, "cut in the middle: \xd0");
	trail_add_call(events, 2, "read lead", 200, 1, "\xff");
	assert_int_equal(json_array_size(events), 0);
	json_decref(events);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
