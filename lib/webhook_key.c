#include <string.h>

#include "encoding.h"
#include "webhook_key.h"

bool
webhook_key(const char *secret, uint8_t key[static WEBHOOK_KEY_MAX], size_t *size)
{
	static const char prefix[] = "whsec_";
	size_t length = strlen(secret), begin = sizeof(prefix) - 1;

	if (strncmp(secret, prefix, begin) == 0)
		return base64_decode(secret + begin, length - begin, key, WEBHOOK_KEY_MAX, size) && *size > 0;
	if (length > WEBHOOK_KEY_MAX)
		return false;
	memcpy(key, secret, length);
	*size = length;
	return length > 0;
}
