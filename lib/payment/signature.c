/*
 * Whether a webhook is genuine.
 *
 * The scheme is chosen by which headers are there, never by which of them matches.  Everything is
 * compared as digests of equal length in constant time, so that the time of an answer tells a
 * forger nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/number.h"
#include "payment/signature.h"

/* An empty header says as little as an absent one. */
static bool
present(const char *header)
{
	return header != NULL && header[0] != '\0';
}

/*
 * Whether one of the signatures in the header, "v1,<base64>" and separated by spaces, is this
 * digest.
 */
static bool
list_has(const char *list, const uint8_t digest[static CRYPTO_SHA256_SIZE])
{
	bool found = false;

	while (*list != '\0') {
		size_t length = strcspn(list, " "), size;
		uint8_t given[CRYPTO_SHA256_SIZE];

		if (strncmp(list, "v1,", 3) == 0 &&
		    encoding_from_base64(list + 3, length - 3, given, sizeof(given), &size) &&
		    size == CRYPTO_SHA256_SIZE)
			found |= crypto_same_bytes(given, digest, CRYPTO_SHA256_SIZE);
		list += length;
		list += strspn(list, " ");
	}
	return found;
}

/*
 * An old webhook that was recorded on its way must not be accepted again, nor one that is dated
 * into the future.  Twelve digits last for 30,000 years and keep a row of leading zeros out.
 */
static bool
timestamp_is_near(const char *text, int64_t now)
{
	int64_t when;

	return strlen(text) <= 12 && number_parse(text, 0, INT64_MAX, &when) &&
	    when >= now - SIGNATURE_TOLERANCE_S && when <= now + SIGNATURE_TOLERANCE_S;
}

static bool
standard_matches(
    const char *secret, const struct signature_headers *headers, const void *body, size_t size)
{
	const struct crypto_piece message[] = {
		{ headers->webhook_id, strlen(headers->webhook_id) },
		{ ".", 1 },
		{ headers->webhook_timestamp, strlen(headers->webhook_timestamp) },
		{ ".", 1 },
		{ body, size },
	};
	uint8_t key[ENCODING_WEBHOOK_KEY_MAX], digest[CRYPTO_SHA256_SIZE];
	size_t key_size;

	if (!encoding_webhook_key(secret, key, &key_size))
		return false;
	crypto_hmac_sha256(key, key_size, message, sizeof(message) / sizeof(message[0]), digest);
	return list_has(headers->webhook_signature, digest);
}

/* Whether the text is the hex HMAC of the body. */
static bool
hex_matches(const char *secret, const char *text, const void *body, size_t size)
{
	const struct crypto_piece message = { body, size };
	uint8_t given[CRYPTO_SHA256_SIZE], digest[CRYPTO_SHA256_SIZE];

	if (!encoding_from_hex(text, strlen(text), given, sizeof(given)))
		return false;
	crypto_hmac_sha256(secret, strlen(secret), &message, 1, digest);
	return crypto_same_bytes(given, digest, CRYPTO_SHA256_SIZE);
}

static bool
x_signature_matches(const char *secret, const char *header, const void *body, size_t size)
{
	static const char prefix[] = "sha256=";

	if (strncmp(header, prefix, sizeof(prefix) - 1) == 0)
		header += sizeof(prefix) - 1;
	return hex_matches(secret, header, body, size);
}

/*
 * Digests are compared in place of the secrets, so that not even the secret's length can be timed.
 */
static bool
secret_matches(const char *secret, const char *header)
{
	uint8_t given[CRYPTO_SHA256_SIZE], expected[CRYPTO_SHA256_SIZE];

	crypto_sha256(header, strlen(header), given);
	crypto_sha256(secret, strlen(secret), expected);
	return crypto_same_bytes(given, expected, CRYPTO_SHA256_SIZE);
}

/*
 * Standard Webhooks: one of its three headers makes all three necessary, else leaving one out would
 * choose a weaker scheme.
 */
static bool
is_standard(const struct signature_headers *headers)
{
	return present(headers->webhook_id) || present(headers->webhook_timestamp) ||
	    present(headers->webhook_signature);
}

static bool
matches(const char *secret, const struct signature_keys *keys,
    const struct signature_headers *headers, const void *body, size_t size, int64_t now)
{
	if (is_standard(headers)) {
		if (!present(headers->webhook_id) || !present(headers->webhook_timestamp) ||
		    !present(headers->webhook_signature))
			return false;
		return timestamp_is_near(headers->webhook_timestamp, now) &&
		    standard_matches(secret, headers, body, size);
	}
	if (present(headers->x_signature))
		return x_signature_matches(secret, headers->x_signature, body, size);
	if (present(headers->x_webhook_secret) && keys->accept_legacy)
		return secret_matches(secret, headers->x_webhook_secret) ||
		    hex_matches(secret, headers->x_webhook_secret, body, size);
	return false;
}

bool
signature_verify(const struct signature_keys *keys, const struct signature_headers *headers,
    const void *body, size_t size, int64_t now)
{
	bool genuine;

	/*
	 * nginx from 1.23 on joins a header that was sent twice with ", ", which no list of
	 * signatures has in it.  In the other headers the joined value matches nothing anyway.
	 */
	if (headers->repeated ||
	    (present(headers->webhook_signature) &&
		strstr(headers->webhook_signature, ", ") != NULL))
		return false;
	/*
	 * Both keys are always tried: that a rotation is under way must not show in the time
	 * either.
	 */
	genuine = matches(keys->secret, keys, headers, body, size, now);
	if (present(keys->previous))
		genuine |= matches(keys->previous, keys, headers, body, size, now);
	return genuine;
}

const char *
signature_webhook_id(const struct signature_headers *headers)
{
	return is_standard(headers) ? headers->webhook_id : NULL;
}
