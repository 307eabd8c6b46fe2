#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/encoding.h"

static void
digests_of_known_texts(void **state)
{
	char hex[CRYPTO_SHA256_HEX];

	(void)state;
	crypto_sha256_hex("", 0, hex);
	assert_string_equal(
	    hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	crypto_sha256_hex("abc", 3, hex);
	assert_string_equal(
	    hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
assert_hmac(const void *key, size_t key_size, const struct crypto_piece *pieces, size_t count,
    const char *expected)
{
	uint8_t digest[CRYPTO_SHA256_SIZE], wanted[CRYPTO_SHA256_SIZE];

	assert_true(encoding_from_hex(expected, strlen(expected), wanted, sizeof(wanted)));
	crypto_hmac_sha256(key, key_size, pieces, count, digest);
	assert_memory_equal(digest, wanted, sizeof(wanted));
}

/* RFC 4231, test cases 2 and 6 (a key longer than the block), and empty ones. */
static void
hmacs_of_known_texts(void **state)
{
	static const char text[] = "what do ya want for nothing?";
	static const char large[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	const struct crypto_piece whole[] = { { text, sizeof(text) - 1 } };
	const struct crypto_piece parts[] = { { text, 4 }, { text + 4, 0 },
		{ text + 4, sizeof(text) - 5 } };
	const struct crypto_piece long_text[] = { { large, sizeof(large) - 1 } };
	char key[131];

	(void)state;
	memset(key, 0xaa, sizeof(key));
	assert_hmac("Jefe", 4, whole, 1,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_hmac("Jefe", 4, parts, 3,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_hmac(key, sizeof(key), long_text, 1,
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	assert_hmac(
	    "", 0, NULL, 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	assert_hmac(
	    NULL, 0, NULL, 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void
comparison(void **state)
{
	(void)state;
	assert_true(crypto_same_bytes("abc", "abc", 3));
	assert_false(crypto_same_bytes("abc", "abd", 3));
	assert_true(crypto_same_bytes("abc", "abd", 2));
	assert_true(crypto_same_bytes("a", "b", 0));
}

static void
random_bits_differ(void **state)
{
	uint32_t seen = 0;

	(void)state;
	for (int i = 0; i < 64; i++)
		seen |= crypto_random_bits();
	assert_true(seen == UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_of_known_texts),
		cmocka_unit_test(hmacs_of_known_texts),
		cmocka_unit_test(comparison),
		cmocka_unit_test(random_bits_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
