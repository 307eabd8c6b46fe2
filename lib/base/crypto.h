#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * SHA-256, HMAC and random bits; the only file that knows OpenSSL.  None of these returns a
 * failure: what OpenSSL cannot do aborts the process, because a service that cannot compute a
 * digest must not go on answering.
 */

#define CRYPTO_SHA256_SIZE 32
#define CRYPTO_SHA256_HEX  (2 * CRYPTO_SHA256_SIZE + 1)

/* The digest of the bytes, and the same as small hexadecimal digits. */
void crypto_sha256(const void *data, size_t size, uint8_t out[static CRYPTO_SHA256_SIZE]);
void crypto_sha256_hex(const void *data, size_t size, char out[static CRYPTO_SHA256_HEX]);

/* One piece of a message that is signed as the concatenation of several. */
struct crypto_piece {
	const void *data;
	size_t size;
};

/*
 * HMAC-SHA-256 of all pieces, one behind the other.  The key may be empty; keys and pieces are
 * borrowed.
 */
void crypto_hmac_sha256(const void *key, size_t key_size, const struct crypto_piece *pieces,
    size_t count, uint8_t out[static CRYPTO_SHA256_SIZE]);

/* Compare in a time that depends on the size alone. */
bool crypto_same_bytes(const void *a, const void *b, size_t size);

/* Random bits for jitter, from the system. */
uint32_t crypto_random_bits(void);

#endif
