#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "crypto.h"

/*
 * OpenSSL looks an algorithm up by its name whenever it is not told where it is, which takes longer than hashing a short
 * text: 15,000 of the 433,000 instructions of a received payment.  So each is looked up once and kept.
 */
static const EVP_MD *
digest(void)
{
	static const EVP_MD *fetched;

	if (fetched == NULL && (fetched = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
		abort();
	return fetched;
}

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
	if (context == NULL || EVP_MAC_CTX_set_params(context, params) != 1)
		abort();
	return context;
}

void
sha256(const void *data, size_t size, uint8_t out[static SHA256_SIZE])
{
	if (EVP_Digest(data, size, out, NULL, digest(), NULL) != 1)
		abort();
}

void
sha256_hex(const void *data, size_t size, char out[static SHA256_HEX])
{
	uint8_t digest[SHA256_SIZE];

	sha256(data, size, digest);
	hex_encode(digest, sizeof(digest), out);
}

void
hmac_sha256(const void *key, size_t key_size, const struct piece *pieces, size_t count,
    uint8_t out[static SHA256_SIZE])
{
	EVP_MAC_CTX *context = mac();
	size_t size;

	/* OpenSSL takes a null key for "the same as before", which would not be an empty one. */
	if (EVP_MAC_init(context, key_size > 0 ? key : "", key_size, NULL) != 1)
		abort();
	for (size_t i = 0; i < count; i++)
		if (EVP_MAC_update(context, pieces[i].data, pieces[i].size) != 1)
			abort();
	if (EVP_MAC_final(context, out, &size, SHA256_SIZE) != 1 || size != SHA256_SIZE)
		abort();
}

bool
same_bytes(const void *a, const void *b, size_t size)
{
	return CRYPTO_memcmp(a, b, size) == 0;
}

const char *
hex_encode(const void *data, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * size] = '\0';
	return text;
}

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

bool
hex_decode(const char *text, size_t length, uint8_t *out, size_t size)
{
	if (length / 2 != size || length % 2 != 0)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int
base64_value(char digit)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = memchr(alphabet, digit, sizeof(alphabet) - 1);

	return found == NULL ? -1 : (int)(found - alphabet);
}

/*
 * OpenSSL's decoder skips white space and counts padding as zeros, so one key or signature would have many spellings;
 * this one takes each in exactly one.
 */
bool
base64_decode(const char *text, size_t length, uint8_t *out, size_t room, size_t *size)
{
	size_t padding = 0, digits, written = 0;
	uint32_t bits = 0;

	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	digits = length - padding;
	if (length % 4 != 0 || digits / 4 * 3 + digits % 4 * 3 / 4 > room)
		return false;
	for (size_t i = 0; i < digits; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4 != 0)
			out[written++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	/* The bits of the last digit that belong to no byte must be zero. */
	if ((padding == 1 && (bits & 3) != 0) || (padding == 2 && (bits & 15) != 0))
		return false;
	*size = written;
	return true;
}

uint32_t
random_bits(void)
{
	uint32_t bits;

	/* So few bytes are never cut short, and before the pool is ready at boot this waits rather than fail. */
	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		abort();
	return bits;
}
