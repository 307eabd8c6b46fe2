#include <string.h>

#include "base/encoding.h"
#include "base/webhook_key.h"

bool
webhook_key(const char *secret, uint8_t key[static WEBHOOK_KEY_MAX], size_t *size)
{
	static const char prefix[] = "whsec_";
	size_t begin = sizeof(prefix) - 1;

	*size = strlen(secret);
	if (strncmp(secret, prefix, begin) == 0)
		return base64_decode(secret + begin, *size - begin, key, WEBHOOK_KEY_MAX, size) &&
		    *size > 0;
	if (*size > WEBHOOK_KEY_MAX)
		return false;
	memcpy(key, secret, *size);
	return *size > 0;
}
