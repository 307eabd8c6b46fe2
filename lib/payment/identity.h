#ifndef PAYMENT_IDENTITY_H
#define PAYMENT_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/phone.h"

/*
 * Who paid, as identities in the order in which they are searched for: by kind, and several phones
 * in the order in which they were told.  The ledger's row keeps the first of each kind.
 */
enum identity_kind {
	IDENTITY_TELEGRAM,
	IDENTITY_PHONE,
	IDENTITY_EMAIL
};
#define IDENTITY_KINDS      3
#define IDENTITY_PHONES_MAX 3 /* What follows in one text is left out. */
#define IDENTITIES_MAX      (IDENTITY_KINDS - 1 + IDENTITY_PHONES_MAX)

struct identity {
	enum identity_kind kind;
	/* What is searched for: the id, the last ten digits, the e-mail as sent.  Borrowed. */
	const char *text;
	/*
	 * The same for every spelling that agrees; the kind is part of it; 62 bits, never negative,
	 * stored in the ledger.
	 */
	int64_t hash;
	struct phone phone; /* Of a phone: what is compared. */
};

/*
 * Fill `who` from what is told of a person ("" when it is not) and return how many there are, 0 to
 * IDENTITIES_MAX.  The texts are borrowed; an element's text may point into the element itself: do
 * not move.
 */
size_t identity_list(const char *telegram_id, const char *phones, const char *email,
    struct identity who[static IDENTITIES_MAX]);

/*
 * Whether this can be a person's, and is no placeholder: a Telegram id of five digits or more, a
 * phone number (base/phone.h), an e-mail address whose domain has a point and which is not a word
 * that stands for nothing on both sides of the @ (none@none.ru, test@test.com).
 */
bool identity_plausible(enum identity_kind kind, const char *text);

const char *identity_name(enum identity_kind kind); /* "telegram", "phone", "email" */

#endif
