#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "config/env_file.h"
#include "payment/signature.h"

/* The expected values were computed with Python's hmac. */
#define BODY     "{\"course_order\":{\"status\":\"CONFIRMED\"}}"
#define SECRET   "made-up-secret-of-the-tests-01"
#define PREVIOUS "made-up-secret-of-the-tests-00"
#define WHSEC    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define HEX      "043cae0b29e6555573e765dad78c3234db166df7fe88593e949f08881a4e445f"
#define HEX_PREV "8ce6a82984ca457330bb371dec0a020fde7cfb004893b09bf825124195ac2d2a"
#define HEX_WH   "2d18e2b4172bd3d8eb106dae5ddce3392a3d5b0207a52d1bce130784f41c44ff"
#define STD      "v1,VZfB5UchUNS51qvlmDyCNQRe7299t9w82B96v+4hDn4="
#define STD_PREV "v1,SQ9+zVkQvV/ZmBkxT5TF0/TPTf7vjxGryvuRpUwcCa8="
#define STD_WH   "v1,jPJrrevRTnu6dDpN5c6OiCa4kZKw+r51gJnCF9jRyYg="
#define NOW      1700000000

static bool
verify(const char *secret, const char *previous, bool legacy,
    const struct signature_headers *headers, const char *body, int64_t now)
{
	const struct signature_keys keys = { secret, previous, legacy };

	return signature_verify(&keys, headers, body, strlen(body), now);
}

static bool
x_signature(const char *value, const char *previous)
{
	const struct signature_headers headers = { .x_signature = value };

	return verify(SECRET, previous, true, &headers, BODY, NOW);
}

static void
hex_of_the_body(void **state)
{
	static const char *const good[] = { HEX, ("sha256=" HEX),
		"043CAE0B29E6555573E765DAD78C3234DB166DF7FE88593E949F08881A4E445F" };
	static const char *const bad[] = { "", "sha256=", "sha256=sha256=" HEX, "SHA256=" HEX,
		"sha1=" HEX, HEX "0", HEX HEX, " " HEX, HEX " ",
		"043cae0b29e6555573e765dad78c3234db166df7fe88593e949f08881a4e445",
		"143cae0b29e6555573e765dad78c3234db166df7fe88593e949f08881a4e445f",
		"043cae0b29e6555573e765dad78c3234db166df7fe88593e949f08881a4e445e", SECRET,
		HEX_PREV };
	const struct signature_headers headers = { .x_signature = HEX };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(x_signature(good[i], NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(x_signature(bad[i], NULL));
	assert_false(verify(SECRET, NULL, true, &headers, BODY " ", NOW));
	assert_false(verify(SECRET, NULL, true, &headers, "", NOW));
	assert_true(verify(SECRET, NULL, false, &headers, BODY, NOW));
}

static void
previous_key(void **state)
{
	(void)state;
	assert_true(x_signature(HEX, PREVIOUS));
	assert_true(x_signature(HEX_PREV, PREVIOUS));
	assert_false(x_signature(HEX_WH, PREVIOUS));
	assert_false(x_signature(HEX_PREV, ""));
}

static bool
standard(const char *id, const char *timestamp, const char *signature, int64_t now)
{
	const struct signature_headers headers = {
		.webhook_id = id, .webhook_timestamp = timestamp, .webhook_signature = signature
	};

	return verify(SECRET, PREVIOUS, true, &headers, BODY, now);
}

static void
standard_webhooks(void **state)
{
	static const char *const good[] = { STD, STD_PREV, "v1,AAAA " STD, STD " " STD_PREV,
		"v2,x v1a,y " STD, "  " STD "  " };
	static const char *const bad[] = { "v1", "v1,", "v1, ",
		"v2,VZfB5UchUNS51qvlmDyCNQRe7299t9w82B96v+4hDn4=",
		"VZfB5UchUNS51qvlmDyCNQRe7299t9w82B96v+4hDn4=",
		"v1,VZfB5UchUNS51qvlmDyCNQRe7299t9w82B96v+4hDn4",
		"V1,VZfB5UchUNS51qvlmDyCNQRe7299t9w82B96v+4hDn4=",
		"v1,VZfB5UchUNS51qvlmDyCNQRe7299t9w82B96v+4hDn5=", STD_WH, "v1," HEX, STD "," STD,
		"v1,AAAA, " STD, STD ", v1,AAAA" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(standard("msg_1", "1700000000", good[i], NOW));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(standard("msg_1", "1700000000", bad[i], NOW));
	assert_false(standard("msg_2", "1700000000", STD, NOW));
	assert_false(standard("msg_1", "1700000001", STD, NOW));
}

static void
standard_tolerance(void **state)
{
	static const char *const malformed[] = { "01700000000x", "-1700000000", " 1700000000",
		"1700000000 ", "1.7e9", "17000000000000000000", "now" };

	(void)state;
	assert_true(standard("msg_1", "1700000000", STD, NOW + SIGNATURE_TOLERANCE_S));
	assert_true(standard("msg_1", "1700000000", STD, NOW - SIGNATURE_TOLERANCE_S));
	assert_false(standard("msg_1", "1700000000", STD, NOW + SIGNATURE_TOLERANCE_S + 1));
	assert_false(standard("msg_1", "1700000000", STD, NOW - SIGNATURE_TOLERANCE_S - 1));
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		assert_false(standard("msg_1", malformed[i], STD, NOW));
}

static void
standard_key_in_base64(void **state)
{
	const struct signature_headers headers = { .webhook_id = "msg_1",
		.webhook_timestamp = "1700000000",
		.webhook_signature = STD_WH };
	const struct signature_headers plain = { .x_signature = HEX_WH };

	(void)state;
	assert_true(verify(WHSEC, NULL, true, &headers, BODY, NOW));
	assert_true(verify(SECRET, WHSEC, true, &headers, BODY, NOW));
	assert_false(verify("whsec_not base64", NULL, true, &headers, BODY, NOW));
	assert_false(verify("whsec_", NULL, true, &headers, BODY, NOW));
	/* The other schemes take the secret's text as it is. */
	assert_true(verify(WHSEC, NULL, true, &plain, BODY, NOW));
}

static bool
legacy(const char *value, bool accepted)
{
	const struct signature_headers headers = { .x_webhook_secret = value };

	return verify(SECRET, PREVIOUS, accepted, &headers, BODY, NOW);
}

static void
legacy_header(void **state)
{
	static const char *const good[] = { SECRET, PREVIOUS, HEX, HEX_PREV };
	static const char *const bad[] = { "", "x", SECRET "x", "made-up-secret-of-the-tests-0",
		"sha256=" HEX, HEX_WH, " " SECRET };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(legacy(good[i], true));
		assert_false(legacy(good[i], false));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(legacy(bad[i], true));
}

/* Whoever sends a strong header is judged by it alone. */
static void
strongest_decides(void **state)
{
	struct signature_headers headers = { .x_signature = HEX,
		.webhook_id = "msg_1",
		.webhook_timestamp = "1700000000",
		.webhook_signature = STD_WH,
		.x_webhook_secret = SECRET };

	(void)state;
	assert_false(verify(SECRET, NULL, true, &headers, BODY, NOW));
	headers.webhook_signature = STD;
	assert_true(verify(SECRET, NULL, true, &headers, BODY, NOW));
	headers.x_signature = HEX_WH;
	assert_true(verify(SECRET, NULL, true, &headers, BODY, NOW));
	headers.webhook_id = NULL;
	assert_false(verify(SECRET, NULL, true, &headers, BODY, NOW));
	headers.webhook_timestamp = headers.webhook_signature = NULL;
	assert_false(verify(SECRET, NULL, true, &headers, BODY, NOW));
	headers.x_signature = HEX;
	headers.x_webhook_secret = "wrong";
	assert_true(verify(SECRET, NULL, true, &headers, BODY, NOW));
	/* An empty header is what a web server passes for an absent one. */
	headers.webhook_id = headers.webhook_timestamp = headers.webhook_signature = "";
	assert_true(verify(SECRET, NULL, true, &headers, BODY, NOW));
	headers.repeated = true;
	assert_false(verify(SECRET, NULL, true, &headers, BODY, NOW));
}

static void
nothing_given(void **state)
{
	const struct signature_headers none = { 0 };

	(void)state;
	assert_false(verify(SECRET, PREVIOUS, true, &none, BODY, NOW));
	assert_false(verify(SECRET, NULL, true, &none, "", NOW));
}

/* What the platform's programmers are given to check themselves by. */
#define SENDERS "tests/senders/"

static void
check_vector(const json_t *vector)
{
	const char *secret, *encoded, *file, *hex, *legacy_hex;
	struct signature_headers standard = { 0 };
	char path[256], *body;
	uint8_t decoded[4096];
	size_t size, decoded_size;
	int64_t when;

	assert_int_equal(
	    json_unpack((json_t *)vector, "{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}}", "secret",
		&secret, "base64", &encoded, "file", &file, "headers", "X-Signature", &hex,
		"X-Webhook-Secret", &legacy_hex, "webhook-id", &standard.webhook_id,
		"webhook-timestamp", &standard.webhook_timestamp, "webhook-signature",
		&standard.webhook_signature),
	    0);
	snprintf(path, sizeof(path), SENDERS "%s", file);
	assert_non_null(body = envfile_content(path, &size));
	assert_true(encoding_from_base64(
	    encoded, strlen(encoded), decoded, sizeof(decoded), &decoded_size));
	assert_int_equal(decoded_size, size);
	assert_memory_equal(decoded, body, size);

	const struct signature_keys keys = { secret, NULL, true };
	const struct signature_headers ways[] = { { .x_signature = hex },
		{ .x_webhook_secret = legacy_hex }, standard };

	when = atoll(standard.webhook_timestamp);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_true(signature_verify(&keys, &ways[i], body, size, when));
		body[size / 2] ^= 1;
		assert_false(signature_verify(&keys, &ways[i], body, size, when));
		body[size / 2] ^= 1;
	}
	free(body);
}

static void
published_vectors(void **state)
{
	json_t *vectors = json_load_file(SENDERS "vectors.json", JSON_REJECT_DUPLICATES, NULL),
	       *vector;
	size_t i;

	(void)state;
	assert_true(json_array_size(vectors) > 0);
	json_array_foreach(vectors, i, vector)
		check_vector(vector);
	json_decref(vectors);
}

/* Only what the deciding signature covers is an id. */
static void
id_that_is_signed(void **state)
{
	const struct signature_headers standard = { .webhook_id = "msg_1",
		.webhook_timestamp = "1",
		.webhook_signature = "v1,a" },
				       none = { .x_signature = "a" }, empty = { .webhook_id = "" };

	(void)state;
	assert_string_equal(signature_webhook_id(&standard), "msg_1");
	assert_null(signature_webhook_id(&none));
	assert_null(signature_webhook_id(&empty));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_of_the_body),
		cmocka_unit_test(previous_key),
		cmocka_unit_test(standard_webhooks),
		cmocka_unit_test(standard_tolerance),
		cmocka_unit_test(standard_key_in_base64),
		cmocka_unit_test(legacy_header),
		cmocka_unit_test(strongest_decides),
		cmocka_unit_test(nothing_given),
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(id_that_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
