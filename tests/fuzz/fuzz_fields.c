/* An entity and a refusal as amoCRM may send them: {"entity": ..., "answer": ...}. */
#include "fuzz.h"

#include "amocrm/field.h"
#include "amocrm/refusal.h"
#include "base/money.h"
#include "deliver/contact.h"
#include "deliver/lead_fields.h"
#include "rules/rules.h"

static struct service service;
static struct payment *paid;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rules *mapping = NULL;
	json_t *errors = NULL;
	struct fault why;

	(void)argc, (void)argv;
	service.settings = fuzz_settings();
	REQUIRE(rules_load(service.settings, &mapping, &errors, &why) == DONE);
	service.rules = mapping;
	REQUIRE(payment_parse(FUZZ_BODY, strlen(FUZZ_BODY), &paid, &errors) == DONE);
	return 0;
}

/* How many values there are in all its fields; each field counts as well. */
static size_t
weight(const json_t *entity)
{
	const json_t *field;
	size_t i, sum = 0;

	json_array_foreach(json_object_get(entity, "custom_fields_values"), i, field)
		sum += 1 + json_array_size(json_object_get(field, "values"));
	return sum;
}

/* A refusal that is cured is cured by sending less; else the same would be refused again, and sent again. */
static void
check_refusal(const json_t *answer, const json_t *sent)
{
	json_t *entity = json_deep_copy(sent), *dropped = json_array();
	size_t before = weight(entity), room;
	char text[300];

	for (room = 1; room <= sizeof(text); room = room * 2 + 1) {
		memset(text, 'x', sizeof(text));
		refusal_describe(answer, text, room);
		REQUIRE(memchr(text, '\0', room) != NULL);
	}
	if (refusal_drop_fields(answer, entity, dropped))
		REQUIRE(weight(entity) < before);
	json_decref(entity);
	json_decref(dropped);
}

static void
check_lead(json_t *lead)
{
	struct known known;
	struct lead_shown shown;
	const json_t *field;
	json_t *change;
	struct fault why;
	int64_t total = 0;
	size_t i;

	known_init(&known, &service, paid);
	if (lead_fields_read(&known, lead, &shown, &why) == DONE) {
		REQUIRE(llabs(shown.total) <= MONEY_MAX && llabs(shown.count) <= MONEY_MAX / 100);
		known.at.total_after = shown.total + paid->amount;
		known.at.count_after = lead_fields_next_count(service.settings, shown.count);
		REQUIRE(known.at.count_after == shown.count + 1);
		change = lead_fields_change(&known, lead);
		REQUIRE(change != NULL);
		/* What we write is what we shall read. */
		if (llabs(known.at.total_after) <= MONEY_MAX)
			REQUIRE(field_money(change, FUZZ_TOTAL, &total) &&
			    total == known.at.total_after);
		REQUIRE(lead_fields_read(&known, change, &shown, &why) ==
			(llabs(known.at.total_after) <= MONEY_MAX ? DONE : NEVER) ||
		    llabs(known.at.count_after) > MONEY_MAX / 100);
		json_array_foreach(json_object_get(change, "custom_fields_values"), i, field)
			REQUIRE(json_array_size(json_object_get(field, "values")) > 0);
		json_decref(change);
	}
	known_clear(&known);
}

static void
check_contact(const json_t *contact)
{
	struct identity who[IDENTITIES_MAX];
	size_t count = payment_identities(paid, who), i;

	for (i = 0; i < count; i++)
		if (contact_bears(contact, &who[i], service.settings))
			REQUIRE(
			    json_array_size(json_object_get(contact, "custom_fields_values")) > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *root = json_loadb((const char *)data, size, 0, NULL);
	json_t *entity = json_object_get(root, "entity"), *cut;
	char room[FIELD_ROOM], *text = fuzz_text(data, size), *title;
	const json_t *field;
	const char *value;
	size_t i, j;

	json_array_foreach(json_object_get(entity, "custom_fields_values"), i, field) {
		for (j = 0; (value = field_value(field, j, room)) != NULL; j++) {
			if ((cut = field_cut(value, 3)) != NULL)
				REQUIRE(json_string_length(cut) <= strlen(value) &&
				    json_string_length(cut) <= 12);
			json_decref(cut);
		}
		title = lead_form_title(service.settings, json_object_get(field, "field_id"));
		REQUIRE(title != NULL && title[0] != '\0');
		free(title);
	}
	check_contact(entity);
	check_lead(entity);
	check_refusal(json_object_get(root, "answer"), entity);
	json_decref(root);
	free(text);
	return 0;
}
