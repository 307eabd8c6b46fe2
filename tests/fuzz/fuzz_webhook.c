/* The webhook's body: read, recognised, mapped by the built-in rules, written as a note. */
#include "fuzz.h"

#include "rules/rules.h"
#include "base/money.h"
#include "payment/note.h"
#include "payment/payment.h"
#include "base/text.h"

static struct settings *settings;
static struct rules *mapping;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	json_t *errors = NULL;
	struct fault why;

	(void)argc, (void)argv;
	settings = fuzz_settings();
	REQUIRE(rules_load(settings, &mapping, &errors, &why) == DONE);
	return 0;
}

static void
check_mistakes(json_t *errors)
{
	const json_t *mistake;
	size_t i;

	REQUIRE(json_array_size(errors) >= 1 && json_array_size(errors) <= PAYMENT_ERRORS_MAX);
	json_array_foreach(errors, i, mistake) {
		REQUIRE(json_is_string(json_object_get(mistake, "path")));
		REQUIRE(json_string_length(json_object_get(mistake, "message")) > 0);
	}
	json_decref(errors);
}

/* How many lines of the text begin so. */
static int
lines_with(const char *text, const char *beginning)
{
	int count = 0;

	for (; text != NULL; text = strchr(text, '\n')) {
		text += *text == '\n';
		count += strncmp(text, beginning, strlen(beginning)) == 0;
	}
	return count;
}

static void
check_money(const struct payment *paid)
{
	int64_t sum = 0;
	char *title;
	size_t i;

	REQUIRE(paid->item_count >= 1 && paid->item_count <= PAYMENT_ITEMS_MAX);
	for (i = 0; i < paid->item_count; i++) {
		REQUIRE(paid->items[i].cost >= 0 && paid->items[i].cost <= MONEY_MAX);
		title = payment_item_title(&paid->items[i]);
		REQUIRE(title[0] != '\0');
		free(title);
		sum += paid->items[i].cost;
	}
	REQUIRE(paid->amount == sum);
}

static void
check_identities(const struct payment *paid)
{
	struct identity who[IDENTITIES_MAX], again[IDENTITIES_MAX];
	size_t count = payment_identities(paid, who), i;
	char phone[PHONE_TEXT];

	REQUIRE(count <= IDENTITIES_MAX && payment_identities(paid, again) == count);
	for (i = 0; i < count; i++) {
		REQUIRE(who[i].text[0] != '\0' && who[i].hash >= 0 && who[i].hash == again[i].hash);
		REQUIRE(i == 0 || who[i].kind >= who[i - 1].kind);
	}
	if (paid->phone[0] != '\0')
		REQUIRE(phone_normalize(paid->phone, phone) && strcmp(phone, paid->phone) == 0);
}

static void
check_mapping(const struct payment *paid, json_t *unmapped)
{
	json_t *subjects = rules_subjects(mapping, paid, unmapped),
	       *extra = rules_extra_fields(mapping, paid);
	size_t i, j;

	REQUIRE(json_array_size(subjects) + json_array_size(unmapped) <= paid->item_count);
	REQUIRE(json_array_size(subjects) + json_array_size(unmapped) >= 1);
	for (i = 0; i < json_array_size(subjects); i++)
		for (j = 0; j < i; j++)
			REQUIRE(!json_equal(json_array_get(subjects, i), json_array_get(subjects, j)));
	REQUIRE(rules_direction(mapping, paid).enum_id >= 0);
	REQUIRE(rules_stage(mapping, paid).pipeline_id > 0);
	if (paid->amount == 0)
		REQUIRE(rules_exclusion(mapping, paid) != NULL);
	json_decref(subjects);
	json_decref(extra);
}

/* What is written must be found again, also when amoCRM has given it back with other line ends, and no value may pose as
 * a line of its own. */
static void
check_note(const struct payment *paid, const json_t *unmapped)
{
	char *note = note_compose(paid, unmapped, unmapped), *at;

	REQUIRE(note_is_for(note, paid));
	REQUIRE(lines_with(note, "Payment ID: ") == 1 && lines_with(note, "Сумма: ") == 1);
	REQUIRE(lines_with(note, "Оплата проведена") == 1 && lines_with(note, "Invoice ID: ") <= 1);
	for (at = note; *at != '\0'; at++)
		REQUIRE((unsigned char)*at >= ' ' || *at == '\n');
	for (at = note; (at = strchr(at, '\n')) != NULL;)
		*at = '\r';
	REQUIRE(note_is_for(note, paid));
	free(note);
}

/* The ledger keeps the body and payment-syncd reads it again: it must mean the same. */
static void
check_again(const struct payment *paid, const void *body, size_t size)
{
	struct payment *again = NULL;
	json_t *errors = NULL;

	REQUIRE(payment_parse(body, size, &again, &errors) == DONE);
	REQUIRE(strcmp(paid->key, again->key) == 0 && paid->amount == again->amount &&
	    paid->paid_at == again->paid_at);
	payment_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = fuzz_text(data, size);
	struct payment *paid = NULL;
	json_t *errors = NULL, *unmapped;
	enum outcome out = payment_parse(body, size, &paid, &errors);

	REQUIRE(out == DONE || out == NEVER);
	if (out == NEVER) {
		REQUIRE(paid == NULL);
		check_mistakes(errors);
	} else {
		REQUIRE(paid->key[0] != '\0' && !text_has_controls(paid->key) &&
		    text_characters(paid->key) <= PAYMENT_ID_MAX);
		check_money(paid);
		check_identities(paid);
		unmapped = json_array();
		check_mapping(paid, unmapped);
		check_note(paid, unmapped);
		check_again(paid, body, size);
		json_decref(unmapped);
	}
	payment_free(paid);
	free(body);
	return 0;
}
