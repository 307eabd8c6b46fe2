#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto.h"

static void
digests_of_known_texts(void **state)
{
	char hex[SHA256_HEX];

	(void)state;
	sha256_hex("", 0, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_hex("abc", 3, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
assert_hmac(const void *key, size_t key_size, const struct piece *pieces, size_t count, const char *expected)
{
	uint8_t digest[SHA256_SIZE], wanted[SHA256_SIZE];

	assert_true(hex_decode(expected, strlen(expected), wanted, sizeof(wanted)));
	hmac_sha256(key, key_size, pieces, count, digest);
	assert_memory_equal(digest, wanted, sizeof(wanted));
}

/* RFC 4231, test cases 2 and 6 (a key longer than the block), and empty ones. */
static void
hmacs_of_known_texts(void **state)
{
	static const char text[] = "what do ya want for nothing?";
	static const char large[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	const struct piece whole[] = { { text, sizeof(text) - 1 } };
	const struct piece parts[] = { { text, 4 }, { text + 4, 0 }, { text + 4, sizeof(text) - 5 } };
	const struct piece long_text[] = { { large, sizeof(large) - 1 } };
	char key[131];

	(void)state;
	memset(key, 0xaa, sizeof(key));
	assert_hmac("Jefe", 4, whole, 1, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_hmac("Jefe", 4, parts, 3, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_hmac(key, sizeof(key), long_text, 1,
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	assert_hmac("", 0, NULL, 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	assert_hmac(NULL, 0, NULL, 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void
comparison(void **state)
{
	(void)state;
	assert_true(same_bytes("abc", "abc", 3));
	assert_false(same_bytes("abc", "abd", 3));
	assert_true(same_bytes("abc", "abd", 2));
	assert_true(same_bytes("a", "b", 0));
}

static void
hex_is_strict(void **state)
{
	static const char *const bad[] = { "", "0", "000", "00000", "0g00", "00 0", "0x00", "-100" };
	uint8_t out[2];

	(void)state;
	assert_true(hex_decode("00fF", 4, out, 2));
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 255);
	assert_true(hex_decode("", 0, out, 0));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(hex_decode(bad[i], strlen(bad[i]), out, 2));
}

static void
base64_known(void **state)
{
	static const struct {
		const char *text, *decoded;
	} good[] = { { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" }, { "+/+/", "\xfb\xff\xbf" } };
	uint8_t out[8];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(base64_decode(good[i].text, strlen(good[i].text), out, sizeof(out), &size));
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
		assert_false(base64_decode(bad[i], strlen(bad[i]), out, sizeof(out), &size));
	assert_false(base64_decode("Zm9v", 4, out, 2, &size));
	assert_true(base64_decode("Zm8=", 4, out, 2, &size));
}

static void
random_bits_differ(void **state)
{
	uint32_t seen = 0;

	(void)state;
	for (int i = 0; i < 64; i++)
		seen |= random_bits();
	assert_true(seen == UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_of_known_texts),
		cmocka_unit_test(hmacs_of_known_texts),
		cmocka_unit_test(comparison),
		cmocka_unit_test(hex_is_strict),
		cmocka_unit_test(base64_known),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(random_bits_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
