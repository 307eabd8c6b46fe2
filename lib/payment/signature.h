#ifndef PAYMENT_SIGNATURE_H
#define PAYMENT_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Is this webhook from the platform?
 *
 * Three schemes are understood.  The strongest one whose header is present decides alone, so that a
 * forger cannot fall back on a weaker one:
 *
 *   Standard Webhooks   webhook-id, webhook-timestamp and webhook-signature: base64 HMAC-SHA256 of
 *                       "id.timestamp.body", several signatures separated by spaces, the timestamp
 *                       within 300 s either way of now.  A secret "whsec_..." is base64.
 *                       (https://github.com/standard-webhooks/standard-webhooks, spec)
 *   X-Signature         64 hex digits of HMAC-SHA256 of the raw body, either case, optionally after
 *                       "sha256=".
 *   X-Webhook-Secret    (only with accept_legacy) the secret itself or the hex HMAC of the body.
 */
#define SIGNATURE_TOLERANCE_S 300

struct signature_keys {
	const char *secret;   /* Never NULL or empty. */
	const char *previous; /* NULL unless the key is being rotated; as good as the first. */
	bool accept_legacy;
};

/*
 * The headers as received; NULL when absent.  `repeated` says that any of them came more than once:
 * then nothing can be trusted to mean what the sender meant, and verification fails.  It fails as
 * well for a header that the web server has joined from two ("a, b").
 */
struct signature_headers {
	const char *x_signature;
	const char *webhook_id;
	const char *webhook_timestamp;
	const char *webhook_signature;
	const char *x_webhook_secret;
	bool repeated;
};

/*
 * True when the body is genuine.  Every comparison takes constant time; the reason of a refusal is
 * deliberately not told.  `now` is in Unix seconds.
 */
bool signature_verify(const struct signature_keys *keys, const struct signature_headers *headers,
    const void *body, size_t size, int64_t now) __attribute__((warn_unused_result));

/*
 * The id that a genuine webhook was signed with, borrowed; NULL where the scheme that decided has
 * none.
 */
const char *signature_webhook_id(const struct signature_headers *headers);

#endif
