#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"

static void
hex_is_strict(void **state)
{
	static const char *const bad[] = { "", "0", "000", "00000", "0g00", "00 0", "0x00",
		"-100" };
	uint8_t out[2];

	(void)state;
	assert_true(encoding_from_hex("00fF", 4, out, 2));
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 255);
	assert_true(encoding_from_hex("", 0, out, 0));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(encoding_from_hex(bad[i], strlen(bad[i]), out, 2));
}

static void
base64_known(void **state)
{
	static const struct {
		const char *text, *decoded;
	} good[] = { { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" }, { "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" },
		{ "+/+/", "\xfb\xff\xbf" } };
	uint8_t out[8];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(encoding_from_base64(
		    good[i].text, strlen(good[i].text), out, sizeof(out), &size));
		assert_int_equal(size, strlen(good[i].decoded));
		assert_memory_equal(out, good[i].decoded, size);
	}
}

static void
base64_is_strict(void **state)
{
	/* Lacking or superfluous padding, a foreign alphabet, white space, bits that belong to no byte. */
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zm9", "Zg===", "====", "=",
		"A===", "Zg==Zg==", "Zm=v", "Zm9v\n", "Zm 9", "-_-_", "Zh==", "Zm9=", "Zm8=====" };
	uint8_t out[8];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(encoding_from_base64(bad[i], strlen(bad[i]), out, sizeof(out), &size));
	assert_false(encoding_from_base64("Zm9v", 4, out, 2, &size));
	assert_true(encoding_from_base64("Zm8=", 4, out, 2, &size));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_is_strict),
		cmocka_unit_test(base64_known),
		cmocka_unit_test(base64_is_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
