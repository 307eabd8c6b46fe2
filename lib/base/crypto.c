/*
 * Digests and random bits, by OpenSSL and the kernel.
 *
 * A call of OpenSSL's that fails aborts the process: it means that memory is exhausted or the
 * library is broken, and a service that cannot compute a digest can neither tell a genuine webhook
 * nor name a payment.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/crypto.h"
#include "base/encoding.h"

static void
must(bool succeeded)
{
	if (!succeeded)
		abort();
}

/*
 * OpenSSL looks an algorithm up by its name whenever it is not told where it is, which takes longer
 * than hashing a short text: 15,000 of the 433,000 instructions of a received payment.  So each is
 * looked up once and kept.
 */
static const EVP_MD *
digest(void)
{
	static const EVP_MD *fetched;

	if (fetched == NULL)
		must((fetched = EVP_MD_fetch(NULL, "SHA256", NULL)) != NULL);
	return fetched;
}

/* One context for all messages: it is begun anew with each key. */
static EVP_MAC_CTX *
mac(void)
{
	static EVP_MAC_CTX *context;
	char name[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *fetched;

	if (context != NULL)
		return context;
	fetched = EVP_MAC_fetch(NULL, "HMAC", NULL);
	context = EVP_MAC_CTX_new(fetched);
	EVP_MAC_free(fetched);
	must(context != NULL && EVP_MAC_CTX_set_params(context, params) == 1);
	return context;
}

void
crypto_sha256(const void *data, size_t size, uint8_t out[static CRYPTO_SHA256_SIZE])
{
	must(EVP_Digest(data, size, out, NULL, digest(), NULL) == 1);
}

void
crypto_sha256_hex(const void *data, size_t size, char out[static CRYPTO_SHA256_HEX])
{
	uint8_t digest[CRYPTO_SHA256_SIZE];

	crypto_sha256(data, size, digest);
	encoding_to_hex(digest, sizeof(digest), out);
}

void
crypto_hmac_sha256(const void *key, size_t key_size, const struct crypto_piece *pieces,
    size_t count, uint8_t out[static CRYPTO_SHA256_SIZE])
{
	EVP_MAC_CTX *context = mac();
	size_t size;

	/* OpenSSL takes a null key for "the same as before", which would not be an empty one. */
	must(EVP_MAC_init(context, key_size > 0 ? key : "", key_size, NULL) == 1);
	for (size_t i = 0; i < count; i++)
		must(EVP_MAC_update(context, pieces[i].data, pieces[i].size) == 1);
	must(EVP_MAC_final(context, out, &size, CRYPTO_SHA256_SIZE) == 1 &&
	    size == CRYPTO_SHA256_SIZE);
}

/*
 * memcmp(3) stops at the first difference, and so tells a patient forger how much of a guess was
 * right.
 */
bool
crypto_same_bytes(const void *a, const void *b, size_t size)
{
	return CRYPTO_memcmp(a, b, size) == 0;
}

uint32_t
crypto_random_bits(void)
{
	uint32_t bits;

	/*
	 * So few bytes are never cut short, and before the pool is ready at boot this waits rather
	 * than fail.
	 */
	must(getrandom(&bits, sizeof(bits), 0) == (ssize_t)sizeof(bits));
	return bits;
}
