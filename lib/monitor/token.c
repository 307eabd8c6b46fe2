/*
 * When amoCRM's token expires, read from the token itself: the API does not say, and an expired
 * token stops all deliveries.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "monitor/token.h"

/* A token longer than this is none of amoCRM's, whose are of about a kilobyte. */
#define PAYLOAD_MAX 8192

/*
 * base64url without padding, as JWTs have it, in the alphabet and with the padding of plain base64.
 */
static size_t
to_plain(const char *part, size_t length, char plain[static PAYLOAD_MAX + 4])
{
	size_t i;

	for (i = 0; i < length; i++)
		plain[i] = part[i] == '-' ? '+' : part[i] == '_' ? '/' : part[i];
	while (i % 4 != 0)
		plain[i++] = '=';
	return i;
}

int64_t
token_expiry(const char *token)
{
	const char *begin = token != NULL ? strchr(token, '.') : NULL;
	const char *end = begin != NULL ? strchr(begin + 1, '.') : NULL;
	char plain[PAYLOAD_MAX + 4];
	uint8_t text[PAYLOAD_MAX];
	json_int_t expires = 0;
	json_t *payload;
	size_t length, size;

	if (end == NULL || (size_t)(end - begin - 1) > PAYLOAD_MAX)
		return 0;
	length = to_plain(begin + 1, (size_t)(end - begin - 1), plain);
	if (!encoding_from_base64(plain, length, text, sizeof(text), &size))
		return 0;
	payload = json_loadb((const char *)text, size, 0, NULL);
	json_unpack(payload, "{s:I}", "exp", &expires);
	json_decref(payload);
	return expires > 0 ? expires : 0;
}
