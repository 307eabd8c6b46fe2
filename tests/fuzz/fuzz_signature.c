/*
 * Signature headers.  The input's lines are the five headers, then the body; "%X", "%B", "%P" and "%S" in a header stand
 * for the right hex digest, the right Standard Webhooks signature (under the secret, under the previous one) and the
 * secret, so that the fuzzer also walks among valid ones.
 */
#include <strings.h>

#include "fuzz.h"

#include "base/crypto.h"
#include "payment/signature.h"

#include <openssl/evp.h>

#define NOW 1737373760

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static void
hex(const uint8_t digest[static CRYPTO_SHA256_SIZE], char text[static CRYPTO_SHA256_HEX])
{
	int i;

	for (i = 0; i < CRYPTO_SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static void
hex_hmac(const char *secret, const void *body, size_t size, char text[static CRYPTO_SHA256_HEX])
{
	struct crypto_piece piece = { body, size };
	uint8_t digest[CRYPTO_SHA256_SIZE];

	crypto_hmac_sha256(secret, strlen(secret), &piece, 1, digest);
	hex(digest, text);
}

static void
standard(const void *key, size_t key_size, const char *id, const char *when, const void *body,
    size_t size, char text[64])
{
	struct crypto_piece pieces[] = { { id, strlen(id) }, { ".", 1 }, { when, strlen(when) },
		{ ".", 1 }, { body, size } };
	uint8_t digest[CRYPTO_SHA256_SIZE];

	crypto_hmac_sha256(key, key_size, pieces, 5, digest);
	memcpy(text, "v1,", 3);
	EVP_EncodeBlock((unsigned char *)text + 3, digest, CRYPTO_SHA256_SIZE);
}

/* The header with its placeholders filled in; NULL when it begins with "-", which stands for an absent one. */
static char *
filled(const char *header, const char *digest, const char *current, const char *previous)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	if (*header == '-')
		return NULL;
	out = open_memstream(&text, &size);
	for (; *header != '\0'; header++) {
		const char *value = NULL;

		if (header[0] == '%')
			value = header[1] == 'X' ? digest
			    : header[1] == 'B'   ? current
			    : header[1] == 'P'   ? previous
			    : header[1] == 'S'   ? FUZZ_SECRET
						 : NULL;
		if (value != NULL)
			fputs(value, out), header++;
		else
			fputc(*header, out);
	}
	fclose(out);
	return text;
}

static bool
said(const char *header)
{
	return header != NULL && *header != '\0';
}

static bool
same_but_case(const char *header, const char *digest)
{
	return strncmp(header, "sha256=", 7) == 0 ? strcasecmp(header + 7, digest) == 0
						  : strcasecmp(header, digest) == 0;
}

/* What the header says should come out, written anew and as simply as can be. */
static bool
expected(const struct signature_headers *h, bool legacy, const char *digest,
    const char *digest_previous, const char *current, const char *previous)
{
	if (h->repeated)
		return false;
	if (said(h->webhook_id) || said(h->webhook_timestamp) || said(h->webhook_signature)) {
		char *copy, *word, *rest, *end;
		bool found = false;
		long long when;

		if (!said(h->webhook_id) || !said(h->webhook_timestamp) ||
		    !said(h->webhook_signature))
			return false;
		when = strtoll(h->webhook_timestamp, &end, 10);
		if (*end != '\0' ||
		    h->webhook_timestamp[strspn(h->webhook_timestamp, "0123456789")] != '\0' ||
		    strlen(h->webhook_timestamp) > 12 || llabs(when - NOW) > 300)
			return false;
		copy = rest = strdup(h->webhook_signature);
		while ((word = strsep(&rest, " ")) != NULL)
			found |= strcmp(word, current) == 0 || strcmp(word, previous) == 0;
		free(copy);
		return found;
	}
	if (said(h->x_signature))
		return same_but_case(h->x_signature, digest) ||
		    same_but_case(h->x_signature, digest_previous);
	if (said(h->x_webhook_secret) && legacy)
		return strcmp(h->x_webhook_secret, FUZZ_SECRET) == 0 ||
		    strcmp(h->x_webhook_secret, FUZZ_PREVIOUS) == 0 ||
		    strcasecmp(h->x_webhook_secret, digest) == 0 ||
		    strcasecmp(h->x_webhook_secret, digest_previous) == 0;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char previous_key[] = "0123456789abcdef0123456789abcdef";
	char *input = fuzz_text(data, size), *rest = input, *line[6], *value[5];
	char digest[CRYPTO_SHA256_HEX], digest_previous[CRYPTO_SHA256_HEX], current[64],
	    previous[64];
	struct signature_keys keys = { FUZZ_SECRET, FUZZ_PREVIOUS, size % 2 == 0 };
	struct signature_headers headers = { .repeated = size % 7 == 6 };
	const char *id, *when;
	size_t body_size;
	bool genuine;
	int i;

	for (i = 0; i < 5; i++)
		line[i] = rest != NULL ? strsep(&rest, "\n") : input + size;
	line[5] = rest != NULL ? rest : input + size;
	body_size = (size_t)(input + size - line[5]);
	hex_hmac(FUZZ_SECRET, line[5], body_size, digest);
	hex_hmac(FUZZ_PREVIOUS, line[5], body_size, digest_previous);
	value[0] = filled(line[0], digest, "", "");
	value[1] = filled(line[1], digest, "", "");
	value[2] = filled(line[2], digest, "", "");
	id = value[1] != NULL ? value[1] : "";
	when = value[2] != NULL ? value[2] : "";
	standard(FUZZ_SECRET, strlen(FUZZ_SECRET), id, when, line[5], body_size, current);
	standard(previous_key, strlen(previous_key), id, when, line[5], body_size, previous);
	value[3] = filled(line[3], digest, current, previous);
	value[4] = filled(line[4], digest, "", "");

	headers.x_signature = value[0];
	headers.webhook_id = value[1];
	headers.webhook_timestamp = value[2];
	headers.webhook_signature = value[3];
	headers.x_webhook_secret = value[4];
	genuine = signature_verify(&keys, &headers, line[5], body_size, NOW);
	REQUIRE(genuine ==
	    expected(&headers, keys.accept_legacy, digest, digest_previous, current, previous));

	/* A genuine one holds for this body only, unless it is the bare secret. */
	if (genuine && body_size > 0 && (said(id) || said(value[0]))) {
		line[5][body_size / 2] ^= 1;
		REQUIRE(!signature_verify(&keys, &headers, line[5], body_size, NOW));
	}
	headers.repeated = true;
	REQUIRE(!signature_verify(&keys, &headers, line[5], body_size, NOW));
	for (i = 0; i < 5; i++)
		free(value[i]);
	free(input);
	return 0;
}
