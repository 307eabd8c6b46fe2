/*
 * Forms without cookies and without a session: the token says by itself what it is for and when it
 * was made, so any worker can check what another one made, also after a restart.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/text.h"
#include "web/form.h"

#define HOUR_S 3600

/*
 * The secret signs webhooks too.  A key of its own, made from it for this purpose, keeps a token
 * from ever being a valid signature of something else, and the other way round.
 */
static const char *
token_of_hour(char token[static FORM_TOKEN], const char *secret, const char *action, int64_t hour)
{
	static const char purpose[] = "platform-payment-sync: forms of the status page";
	const struct crypto_piece name = { purpose, sizeof(purpose) };
	const struct crypto_piece pieces[] = { { &hour, sizeof(hour) },
		{ action, strlen(action) } };
	uint8_t key[CRYPTO_SHA256_SIZE], digest[CRYPTO_SHA256_SIZE];

	crypto_hmac_sha256(secret, strlen(secret), &name, 1, key);
	crypto_hmac_sha256(key, sizeof(key), pieces, 2, digest);
	return encoding_to_hex(digest, sizeof(digest), token);
}

const char *
form_token(
    char token[static FORM_TOKEN], const char *secret, const char *action, int64_t unix_seconds)
{
	return token_of_hour(token, secret, action, unix_seconds / HOUR_S);
}

bool
form_token_holds(const char *token, const char *secret, const char *action, int64_t unix_seconds)
{
	char right[FORM_TOKEN];
	int64_t hour = unix_seconds / HOUR_S;
	bool holds = false;

	if (strlen(token) != FORM_TOKEN - 1)
		return false;
	/*
	 * Of this hour or the one before: a page that was opened a minute before the hour still
	 * works.
	 */
	for (int64_t age = 0; age <= 1; age++)
		holds |= crypto_same_bytes(
		    token, token_of_hour(right, secret, action, hour - age), FORM_TOKEN - 1);
	return holds;
}

/* Undo %XX and + in place; false for a broken escape and for a NUL. */
static bool
decode(char *text)
{
	const char *from = text;
	uint8_t byte;

	for (; *from != '\0'; text++) {
		if (*from == '%') {
			if (strlen(from) < 3 || !encoding_from_hex(from + 1, 2, &byte, 1) ||
			    byte == 0)
				return false;
			*text = (char)byte;
			from += 3;
		} else {
			*text = *from == '+' ? ' ' : *from;
			from++;
		}
	}
	*text = '\0';
	return true;
}

char *
form_value(const char *body, size_t size, const char *name)
{
	char *copy = text_part(body, size), *rest = copy, *field, *value = NULL;
	int found = 0;

	while ((field = strsep(&rest, "&")) != NULL) {
		size_t length = strcspn(field, "=");

		if (length != strlen(name) || strncmp(field, name, length) != 0 ||
		    field[length] != '=')
			continue;
		/*
		 * A name that is there twice is counted, not chosen from: nothing tells which one
		 * is meant.
		 */
		value = field + length + 1;
		found++;
	}
	value = found == 1 && decode(value) ? text_copy(value) : NULL;
	free(copy);
	return value;
}
