#ifndef PAYMENT_PAYMENT_H
#define PAYMENT_PAYMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/fault.h"
#include "payment/identity.h"

/*
 * A payment as the platform tells it, checked and made uniform.
 *
 * Strings are UTF-8, trimmed of spaces at both ends, never NULL ("" when absent) and live as long
 * as the payment.
 */
struct payment_item {
	const char *course; /* Of a package neither course nor subject may be known. */
	const char *subject;
	const char *project; /* "ЕГЭ", "ОГЭ", ... */
	int64_t cost;        /* Kopecks, not negative. */
	const json_t *json;  /* The item itself, borrowed, for rules that look at other keys. */
};

#define PAYMENT_ITEMS_MAX 200
#define PAYMENT_ID_MAX    200 /* Characters; amoCRM's text fields hold 256. */
#define PAYMENT_DEPTH_MAX 16
#define PAYMENT_KEY_SIZE  (PAYMENT_ID_MAX * 4 + 1)

struct payment {
	/*
	 * What tells two payments apart: payment_id, else "webhook:" and the id of a webhook that
	 * was signed with it, else "invoice:" and invoice_id, else "sha256:" and the hex SHA-256 of
	 * the body.
	 */
	char key[PAYMENT_KEY_SIZE];
	const char *payment_id; /* "" also where a placeholder stands: 0, null, - */
	const char *invoice_id; /* The same. */
	const char *status;
	const char *promo_code; /* `code` */
	const char *method;     /* `payment_method` */
	const char *currency;   /* "RUB" also when the webhook is silent: see money_currency() */
	const char *domain;
	int64_t paid_at;    /* Unix seconds: updated_at, else created_at, else 0. */
	int64_t created_at; /* 0 when it is not told. */
	bool ahead;         /* paid_at is not what was told: see payment_received(). */
	int64_t amount;     /* Kopecks: the sum of the items' costs, never course_order.amount. */

	struct payment_item *items;
	size_t item_count;

	/*
	 * The payer.  name is first and last name, whichever exist, with one space between, on one
	 * line.
	 */
	char *name;
	const char *telegram_id;  /* "" also for a placeholder, see identity_plausible(). */
	const char *telegram_tag; /* Without a leading @; "" for a placeholder, too. */
	/* As phone_normalize() writes it; "" when there is none or it is no number. */
	char phone[PHONE_TEXT];
	const char *phones; /* As sent: there may be several numbers in it. */
	char *email;        /* As sent, but trimmed; "" when there is none, or a placeholder. */

	/* compaign and campaign are both read; campaign wins where both are filled. */
	const char *utm_source, *utm_medium, *utm_campaign, *utm_content, *utm_term, *ym_uid;

	json_t *order; /* course_order, borrowed from root: for rules that look at other keys. */
	json_t *root;  /* The whole webhook, owned. */
};

/*
 * Read a webhook's body.
 *
 * DONE: *paid is new; free it with payment_free().
 * NEVER: the body is not a payment.  *errors is a new JSON array with one {"path", "message"} for
 *   every mistake, in the order of the document, at most PAYMENT_ERRORS_MAX; path is like
 *   course_order.course_order_items[0].cost ("" for the body as a whole) and the message is an
 *   English sentence that never repeats the value.
 *
 * Unknown keys are ignored; null is the same as absent.  A number or a boolean where a text may be
 * is the text it shows; any other wrong type is a mistake.  Duplicate keys, nesting deeper than PAYMENT_DEPTH_MAX, invalid UTF-8 and more
 * than PAYMENT_ITEMS_MAX items are errors.  Times are read in the zone that clock_set_zone() chose.
 */
#define PAYMENT_ERRORS_MAX 50
enum outcome payment_parse(
    const void *body, size_t size, struct payment **paid, json_t **errors) MUST_USE;

void payment_free(struct payment *paid);

/*
 * Complete a payment by what its body does not tell.
 *
 * webhook_id is the id that the webhook was signed with, NULL or "" when it has none; it becomes
 * the key of a payment without payment_id, where it is an id at all and short enough.  received is
 * when it came, in Unix seconds.  A time more than PAYMENT_AHEAD_S later cannot be one at which
 * something was paid, and would be the lead's last payment for ever: it counts as not told, so that
 * paid_at becomes created_at, or received.
 */
#define PAYMENT_AHEAD_S (24 * 60 * 60)
void payment_received(struct payment *paid, const char *webhook_id, int64_t received);

/* The same for a payment that is read again from a row which was recorded under `key`. */
void payment_recorded(struct payment *paid, const char *key, int64_t received);

/*
 * What an item is called where its subject is asked for, as a new text: the subject, else the
 * course, else the package by its number ("Пакет 12"), else "Без названия".
 */
char *payment_item_title(const struct payment_item *item);

/* Who paid: see identity_list(). */
size_t payment_identities(const struct payment *paid, struct identity who[static IDENTITIES_MAX]);

#endif
