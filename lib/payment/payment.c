/*
 * From a webhook's body to a payment.
 *
 * One function for each object of the document, in its order, so that the mistakes come in that
 * order too.  The tree is kept and the payment's texts point into it: rules may look at any key of
 * the webhook later, also at those that mean nothing here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json_path.h"
#include "base/memory.h"
#include "base/money.h"
#include "base/text.h"
#include "base/validation.h"
#include "payment/json_reader.h"
#include "payment/payment.h"

/*
 * One course that was paid for, or a package, of which the platform names neither course nor
 * subject: money came for that too.  An item that is no object has none of its parts, of which each
 * would be reported again.
 */
static void
read_item(struct json_reader *reader, const char *path, json_t *json, struct payment_item *item)
{
	char course_path[VALIDATION_PATH], subject_path[VALIDATION_PATH];
	struct json_place here = { json, path }, course, subject;

	if (!json_is_object(json)) {
		validation_add(reader->errors, reader->errors_max, path, "This must be an object.");
		here.object = NULL;
	}
	item->json = json;
	item->cost = json_reader_money(reader, &here, "cost");

	course.object = json_reader_object(reader, &here, "course", JSON_OPTIONAL);
	course.path = validation_key(course_path, path, "course");
	item->course = json_reader_text(reader, &course, "name", JSON_NOT_EMPTY);

	subject.object = json_reader_object(reader, &course, "subject", JSON_OPTIONAL);
	subject.path = validation_key(subject_path, course.path, "subject");
	item->subject = json_reader_text(reader, &subject, "name", JSON_NOT_EMPTY);
	item->project = json_reader_text(reader, &subject, "project", JSON_OPTIONAL);
}

/*
 * The items, and the payment's amount, which is the sum of their costs: course_order.amount is the
 * platform's own arithmetic with discounts and is not used.  Ensures that amount is the sum of all
 * costs, each from 0 to MONEY_MAX.
 */
static void
read_items(struct json_reader *reader, const struct json_place *order, struct payment *paid)
{
	json_t *items =
	    json_reader_array(reader, order, "course_order_items", 1, PAYMENT_ITEMS_MAX);
	char list_path[VALIDATION_PATH], path[VALIDATION_PATH];

	validation_key(list_path, order->path, "course_order_items");
	paid->item_count = json_array_size(items);
	paid->items = memory_zeroed(paid->item_count, sizeof(paid->items[0]));
	/* Two hundred times MONEY_MAX is far below what int64_t holds. */
	for (size_t i = 0; i < paid->item_count; i++) {
		validation_index(path, list_path, i);
		read_item(reader, path, json_array_get(items, i), &paid->items[i]);
		paid->amount += paid->items[i].cost;
	}
	if (paid->amount > MONEY_MAX)
		validation_add(reader->errors, reader->errors_max, list_path,
		    "The sum of the costs is too large.");
}

char *
payment_item_title(const struct payment_item *item)
{
	char *package, *title;

	if (item->subject[0] != '\0')
		return text_copy(item->subject);
	if (item->course[0] != '\0')
		return text_copy(item->course);
	package = json_path_text(json_object_get(item->json, "package_id"));
	title = package != NULL ? text_format("Пакет %s", package) : text_copy("Без названия");
	free(package);
	return title;
}

/* A tag may come with its @; amoCRM's field and the note have it without. */
static const char *
without_at(const char *tag)
{
	return tag[0] == '@' ? tag + 1 : tag;
}

/*
 * Whether the text tells nothing apart: what programs and people write where there is no id.  One
 * payment under such a key would make conflicts or duplicates of all that follow.
 */
static bool
is_placeholder(const char *id)
{
	static const char *const words[] = { "null", "none", "nil", "undefined", "nan", "true",
		"false", "–", "—" };

	if (strspn(id, "0.-_") == strlen(id))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(id, words[i]) == 0)
			return true;
	return false;
}

static void
read_user(struct json_reader *reader, const struct json_place *order, struct payment *paid)
{
	char path[VALIDATION_PATH];
	struct json_place user = { json_reader_object(reader, order, "user", JSON_REQUIRED),
		validation_key(path, order->path, "user") };
	const char *first = json_reader_text(reader, &user, "first_name", JSON_OPTIONAL);
	const char *last = json_reader_text(reader, &user, "last_name", JSON_OPTIONAL);
	const char *phones = json_reader_text(reader, &user, "phone", JSON_OPTIONAL);
	const char *email = json_reader_text(reader, &user, "email", JSON_OPTIONAL);
	const char *tag;

	char *name =
	    text_format("%s%s%s", first, first[0] != '\0' && last[0] != '\0' ? " " : "", last);

	paid->name = text_one_line(name);
	free(name);
	/*
	 * A phone that is no number is no reason to refuse money: the payer may be known by
	 * something else.
	 */
	paid->phones = phones;
	if (!phone_normalize(phones, paid->phone))
		paid->phone[0] = '\0';
	paid->email = text_copy(identity_plausible(IDENTITY_EMAIL, email) ? email : "");
	paid->telegram_id = json_reader_text(reader, &user, "telegram_id", JSON_OPTIONAL);
	/* What stands for nothing is not written into amoCRM either, where it would keep out what
	 * is found out later. */
	if (!identity_plausible(IDENTITY_TELEGRAM, paid->telegram_id))
		paid->telegram_id = "";
	tag = without_at(json_reader_text(reader, &user, "telegram_tag", JSON_OPTIONAL));
	paid->telegram_tag = is_placeholder(tag) ? "" : tag;
}

static void
read_utm(struct json_reader *reader, const struct json_place *order, struct payment *paid)
{
	char path[VALIDATION_PATH];
	struct json_place utm = { json_reader_object(reader, order, "utm", JSON_OPTIONAL),
		validation_key(path, order->path, "utm") };
	const char *misspelt;

	paid->utm_source = json_reader_text(reader, &utm, "source", JSON_OPTIONAL);
	paid->utm_medium = json_reader_text(reader, &utm, "medium", JSON_OPTIONAL);
	paid->utm_campaign = json_reader_text(reader, &utm, "campaign", JSON_OPTIONAL);
	/* Both spellings may come; the right one wins. */
	misspelt = json_reader_text(reader, &utm, "compaign", JSON_OPTIONAL);
	if (paid->utm_campaign[0] == '\0')
		paid->utm_campaign = misspelt;
	paid->utm_term = json_reader_text(reader, &utm, "term", JSON_OPTIONAL);
	paid->utm_content = json_reader_text(reader, &utm, "content", JSON_OPTIONAL);
	paid->ym_uid = json_reader_text(reader, &utm, "ym", JSON_OPTIONAL);
}

/* An id of the platform's, or a code; "" where a placeholder stands. */
static const char *
read_id(struct json_reader *reader, const struct json_place *order, const char *key)
{
	const char *id = json_reader_text(reader, order, key, JSON_OPTIONAL);

	return is_placeholder(id) ? "" : id;
}

/*
 * The payment's id goes into a database key, a text field of amoCRM and a line of the note, so it
 * must fit all three.
 */
static void
check_payment_id(struct json_reader *reader, const struct json_place *order, const char *id)
{
	char path[VALIDATION_PATH];

	validation_key(path, order->path, "payment_id");
	if (text_characters(id) > PAYMENT_ID_MAX)
		validation_add(reader->errors, reader->errors_max, path,
		    "This must have at most %d characters.", PAYMENT_ID_MAX);
	if (text_has_controls(id))
		validation_add(reader->errors, reader->errors_max, path,
		    "This must not hold control characters.");
}

/* The order is the payment: what is paid, when, by whom, and where the payer came from. */
static void
read_order(struct json_reader *reader, const struct json_place *order, struct payment *paid)
{
	int64_t updated;

	paid->status = json_reader_text(reader, order, "status", JSON_FILLED);
	paid->created_at = json_reader_time(reader, order, "created_at");
	updated = json_reader_time(reader, order, "updated_at");
	/*
	 * The order is updated when the money arrives, and created when the payer begins to fill it
	 * in.
	 */
	paid->paid_at = updated != 0 ? updated : paid->created_at;
	paid->promo_code = json_reader_text(reader, order, "code", JSON_OPTIONAL);
	paid->payment_id = read_id(reader, order, "payment_id");
	check_payment_id(reader, order, paid->payment_id);
	paid->invoice_id = read_id(reader, order, "invoice_id");
	paid->method = json_reader_text(reader, order, "payment_method", JSON_OPTIONAL);
	paid->currency = money_currency(read_id(reader, order, "currency"));
	if (paid->currency[0] == '\0')
		paid->currency = "RUB";
	read_items(reader, order, paid);
	read_user(reader, order, paid);
	read_utm(reader, order, paid);
	paid->domain = json_reader_text(reader, order, "domain", JSON_OPTIONAL);
}

static void
read_payment(struct json_reader *reader, const void *body, size_t size, struct payment *paid)
{
	struct json_place root = { NULL, "" }, order = { NULL, "course_order" };

	paid->root = json_reader_document(reader, body, size, PAYMENT_DEPTH_MAX);
	if (paid->root == NULL)
		return;
	if (!json_is_object(paid->root)) {
		validation_add(reader->errors, reader->errors_max, "", "This must be an object.");
		return;
	}
	root.object = paid->root;
	order.object = paid->order =
	    json_reader_object(reader, &root, "course_order", JSON_REQUIRED);
	if (order.object != NULL)
		read_order(reader, &order, paid);
}

/*
 * Make a key of an id that is not the payment's own.  False, with the key left as it was, where
 * there is none or it does not fit what check_payment_id() asks of keys.
 */
static bool
take_key(struct payment *paid, const char *kind, const char *id)
{
	char *key;
	bool fits;

	if (is_placeholder(id))
		return false;
	key = text_format("%s:%s", kind, id);
	fits = text_characters(key) <= PAYMENT_ID_MAX && !text_has_controls(key);
	if (fits)
		snprintf(paid->key, sizeof(paid->key), "%s", key);
	free(key);
	return fits;
}

/*
 * What tells payments apart, for exactly once.  Where the platform gives no id the invoice is one,
 * or the body itself: the same body sent again is the same payment.
 */
static void
make_key(struct payment *paid, const void *body, size_t size)
{
	char digest[CRYPTO_SHA256_HEX];

	if (paid->payment_id[0] != '\0') {
		snprintf(paid->key, sizeof(paid->key), "%s", paid->payment_id);
	} else if (!take_key(paid, "invoice", paid->invoice_id)) {
		crypto_sha256_hex(body, size, digest);
		take_key(paid, "sha256", digest);
	}
}

/* A header may hold any bytes; ids that are signed are made of visible ASCII. */
static bool
is_visible(const char *id)
{
	for (; *id != '\0'; id++)
		if (*id <= ' ' || *id > '~')
			return false;
	return true;
}

static void
check_time(struct payment *paid, int64_t received)
{
	int64_t latest = received + PAYMENT_AHEAD_S;

	paid->ahead = paid->paid_at > latest;
	if (paid->ahead)
		paid->paid_at = paid->created_at != 0 && paid->created_at <= latest
		    ? paid->created_at
		    : received;
}

void
payment_received(struct payment *paid, const char *webhook_id, int64_t received)
{
	if (paid->payment_id[0] == '\0' && webhook_id != NULL && is_visible(webhook_id))
		take_key(paid, "webhook", webhook_id);
	check_time(paid, received);
}

void
payment_recorded(struct payment *paid, const char *key, int64_t received)
{
	snprintf(paid->key, sizeof(paid->key), "%s", key);
	check_time(paid, received);
}

enum outcome
payment_parse(const void *body, size_t size, struct payment **paid, json_t **errors)
{
	struct json_reader reader = { json_array(), PAYMENT_ERRORS_MAX };
	struct payment *new = memory_zeroed(1, sizeof(*new));

	/* read_payment() may stop before it comes to the id, which make_key() looks at. */
	new->payment_id = "";
	read_payment(&reader, body, size, new);
	if (json_array_size(reader.errors) > 0) {
		payment_free(new);
		*errors = reader.errors;
		return NEVER;
	}
	make_key(new, body, size);
	json_decref(reader.errors);
	*paid = new;
	return DONE;
}

size_t
payment_identities(const struct payment *paid, struct identity who[static IDENTITIES_MAX])
{
	return identity_list(paid->telegram_id, paid->phones, paid->email, who);
}

void
payment_free(struct payment *paid)
{
	if (paid == NULL)
		return;
	free(paid->items);
	free(paid->name);
	free(paid->email);
	json_decref(paid->root);
	free(paid);
}
