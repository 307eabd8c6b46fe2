/* The mapping file: any bytes give rules that can be followed, or errors that can be shown. */
#include "fuzz.h"

#include "rules/rules.h"
#include "payment/note.h"
#include "payment/payment.h"
#include "rules/rule_set.h"

static struct settings *settings;
static struct payment *paid;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	json_t *errors = NULL;

	(void)argc, (void)argv;
	settings = fuzz_settings();
	REQUIRE(payment_parse(FUZZ_BODY, strlen(FUZZ_BODY), &paid, &errors) == DONE);
	return 0;
}

/* Everything that rules are asked. */
static json_t *
follow(const struct rules *mapping)
{
	json_t *unmapped = json_array(), *subjects = rules_subjects(mapping, paid, unmapped);
	json_t *extra = rules_extra_fields(mapping, paid), *field;
	struct stage stage = rules_stage(mapping, paid);
	struct ruling direction = rules_direction(mapping, paid).by;
	const char *reason = rules_exclusion(mapping, paid);
	struct task task = { .text = NULL };
	int64_t lead_id = rules_lead_id(mapping, paid);
	size_t i;

	REQUIRE(json_array_size(subjects) + json_array_size(unmapped) <= paid->item_count);
	REQUIRE(rules_stage_excluded(mapping, 142) && rules_stage_excluded(mapping, 143));
	REQUIRE((direction.rule >= 0) == (rules_direction(mapping, paid).enum_id > 0));
	REQUIRE((stage.by.rule >= 0) == (stage.pipeline_id > 0));
	REQUIRE(lead_id >= 0);
	if (rules_task(mapping, paid, 1000, &task))
		REQUIRE(note_is_for(task.text, paid) && task.type > 0 && task.due > 1000);
	free(task.text);
	REQUIRE(reason == NULL || reason[0] != '\0');
	json_array_foreach(extra, i, field) {
		REQUIRE(json_integer_value(json_object_get(field, "field_id")) > 0);
		REQUIRE(json_array_size(json_object_get(field, "values")) > 0);
	}
	return json_pack("[o, o, o, I, I, I, b, s?]", subjects, unmapped, extra,
	    (json_int_t)rules_direction(mapping, paid).enum_id, (json_int_t)stage.pipeline_id,
	    (json_int_t)stage.status_id, rules_stage_excluded(mapping, 411), reason);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL), *first, *second,
	       *mistake;
	struct rule_reader file = { .settings = settings, .errors = json_array(), .warnings = json_array() };
	struct rules *mapping;
	size_t i;

	if (root == NULL) {
		json_decref(file.errors);
		json_decref(file.warnings);
		return 0;
	}
	mapping = rule_set_read(&file, root);
	/* The rules must not live on the file they were read from. */
	json_decref(root);
	REQUIRE(json_array_size(file.errors) <= RULE_READER_ERRORS_MAX);
	json_array_foreach(file.errors, i, mistake)
		REQUIRE(json_is_string(json_object_get(mistake, "path")) &&
		    json_string_length(json_object_get(mistake, "message")) > 0);
	if (json_array_size(file.errors) == 0) {
		REQUIRE(mapping != NULL);
		first = follow(mapping);
		second = follow(mapping);
		REQUIRE(first != NULL && json_equal(first, second));
		json_decref(first);
		json_decref(second);
	}
	json_decref(file.errors);
	json_decref(file.warnings);
	rule_set_free(mapping);
	return 0;
}
