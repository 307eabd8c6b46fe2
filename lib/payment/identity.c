/*
 * Who paid, as hashes.
 *
 * A payer is recognised by any of three kinds of things the platform tells.  They are hashed, because the
 * hashes outlive the payment's own data in the ledger when that is purged; a hash tells that the
 * same person came again, and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/text.h"
#include "payment/identity.h"

const char *
identity_name(enum identity_kind kind)
{
	static const char *const names[] = { "telegram", "phone", "email" };

	return names[kind];
}

/*
 * 62 bits of SHA-256 over the kind and the normal form, so that it is never negative; two payers
 * share one by chance only where there are thousands of millions of them.  These numbers are stored
 * for ever: whatever changes one of them (this function, phone_tail(), the folding of e-mails)
 * needs a migration of the ledger.  As a lock's number only the low bits count (host/lock.h); two
 * payers who agree in those wait for each other, which is harmless.
 */
static int64_t
hash(enum identity_kind kind, const char *normal)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	uint64_t number = 0;
	char *text = text_format("%s:%s", identity_name(kind), normal);

	crypto_sha256(text, strlen(text), digest);
	free(text);
	for (size_t i = 0; i < sizeof(number); i++)
		number = number << 8 | digest[i];
	return (int64_t)(number & ((UINT64_C(1) << 62) - 1));
}

/*
 * Servers tell no case apart in practice.  Only ASCII is folded: other letters are rare there and
 * differ by locale.
 */
static int64_t
hash_email(const char *email)
{
	char *lower = text_copy(email);
	int64_t number;

	for (char *at = lower; *at != '\0'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at + ('a' - 'A'));
	number = hash(IDENTITY_EMAIL, lower);
	free(lower);
	return number;
}

/*
 * Placeholders.  A form filled with "none" or "-", or a 1 that a program wrote for "yes", would make
 * one person of all who have it.
 */

/*
 * Telegram has numbered its accounts upwards since 2013; the first thousands are its own people's,
 * and a payer's has more digits.  Shorter ones are switches, counters and what people type to get on.
 * Groups have numbers below zero.  What is more than a number, like a name, needs a digit at least.
 */
#define TELEGRAM_DIGITS_MIN 5

static bool
is_telegram_id(const char *text)
{
	if (strspn(text, "-0123456789") < strlen(text))
		return strpbrk(text, "123456789") != NULL;
	return text[0] != '-' && strlen(text + strspn(text, "0")) >= TELEGRAM_DIGITS_MIN;
}

/* Whether both sides of the @ are one and the same of the words that stand for nothing. */
static bool
says_nothing(const char *local, size_t local_length, const char *domain)
{
	static const char *const words[] = { "none", "null", "no", "test", "mail", "email" };
	size_t length = strcspn(domain, "."), i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == length && local_length == length &&
		    strncasecmp(words[i], local, length) == 0 &&
		    strncasecmp(words[i], domain, length) == 0)
			return true;
	return false;
}

/* There is something before the @, and a domain with a point in it behind. */
static bool
is_email(const char *text)
{
	const char *at = strrchr(text, '@'), *point;

	if (at == NULL || at == text)
		return false;
	point = strrchr(at, '.');
	return point != NULL && point > at + 1 && point[1] != '\0' &&
	    !says_nothing(text, (size_t)(at - text), at + 1);
}

bool
identity_plausible(enum identity_kind kind, const char *text)
{
	struct phone number;

	switch (kind) {
	case IDENTITY_TELEGRAM:
		return is_telegram_id(text);
	case IDENTITY_PHONE:
		return phone_next(&text, &number);
	case IDENTITY_EMAIL:
		return is_email(text);
	}
	return false;
}

/* Each number of the text, once.  Returns how many there are. */
static size_t
add_phones(const char *text, struct identity who[static IDENTITY_PHONES_MAX])
{
	struct phone number;
	size_t count = 0, i;

	while (count < IDENTITY_PHONES_MAX && phone_next(&text, &number)) {
		struct identity *new = &who[count];

		for (i = 0; i < count && !phone_same(&who[i].phone, &number); i++)
			;
		if (i < count)
			continue;
		new->kind = IDENTITY_PHONE;
		new->phone = number;
		/* The tail is both what is searched for and what is hashed: the country code is
		 * often left out. */
		new->text = phone_tail(&new->phone);
		new->hash = hash(IDENTITY_PHONE, new->text);
		count++;
	}
	return count;
}

size_t
identity_list(const char *telegram_id, const char *phones, const char *email,
    struct identity who[static IDENTITIES_MAX])
{
	size_t count = 0;

	/*
	 * The order is that of the search: a Telegram id cannot be mistyped, a phone seldom
	 * changes, an e-mail often does.
	 */
	memset(who, 0, IDENTITIES_MAX * sizeof(who[0]));
	if (is_telegram_id(telegram_id)) {
		who[count].kind = IDENTITY_TELEGRAM;
		who[count].text = telegram_id;
		who[count++].hash = hash(IDENTITY_TELEGRAM, telegram_id);
	}
	count += add_phones(phones, &who[count]);
	if (is_email(email)) {
		who[count].kind = IDENTITY_EMAIL;
		who[count].text = email;
		who[count++].hash = hash_email(email);
	}
	return count;
}
