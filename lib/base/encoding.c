/*
 * Bytes as text.
 *
 * The decoders take each value in one spelling only (hexadecimal: two).  A lenient one would let a
 * forger vary a signature or a secret without changing what it means, and let a mistyped secret
 * pass for another.
 */
#include <string.h>

#include "base/encoding.h"

const char *
encoding_to_hex(const void *data, size_t size, char *text)
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
encoding_from_hex(const char *text, size_t length, uint8_t *out, size_t size)
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
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = memchr(alphabet, digit, sizeof(alphabet) - 1);

	return found == NULL ? -1 : (int)(found - alphabet);
}

/*
 * Not by OpenSSL: its decoder skips white space and counts padding as zeros, so one key or
 * signature would have many spellings; this one takes each in exactly one.
 */
bool
encoding_from_base64(const char *text, size_t length, uint8_t *out, size_t room, size_t *size)
{
	size_t padding = 0, digits, written = 0;
	uint32_t bits = 0;

	/*
	 * Padding is the last one or two characters; what stands before it must be digits
	 * throughout.
	 */
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	digits = length - padding;
	if (length % 4 != 0 || digits / 4 * 3 + digits % 4 * 3 / 4 > room)
		return false;
	/*
	 * Four digits of six bits make three bytes: each digit but the first of four completes one.
	 */
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

bool
encoding_webhook_key(const char *secret, uint8_t key[static ENCODING_WEBHOOK_KEY_MAX], size_t *size)
{
	static const char prefix[] = "whsec_";
	size_t begin = sizeof(prefix) - 1;

	*size = strlen(secret);
	if (strncmp(secret, prefix, begin) == 0)
		return encoding_from_base64(
			   secret + begin, *size - begin, key, ENCODING_WEBHOOK_KEY_MAX, size) &&
		    *size > 0;
	/* Any other text is a secret of our older schemes, and its own key. */
	if (*size > ENCODING_WEBHOOK_KEY_MAX)
		return false;
	memcpy(key, secret, *size);
	return *size > 0;
}
