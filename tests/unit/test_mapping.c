#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "mapping.h"

/*
 * The built-in rules are tested by tests/cases; here stand the format's other possibilities and its mistakes.
 */
static const char file[] = "my.json";

/* Settings with nothing in them but variables for the rules. */
static struct settings *
some_settings(const char *rules)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	settings->payment_mapping = strdup(file);
	settings->rules = strdup(rules);
	settings->rules_size = strlen(rules);
	settings->variables = json_pack("{s:s, s:s, s:s, s:s}", "FIVE", "5", "SIX", "6", "LIST",
	    " advcake, Партнёр ,, x ", "TEXT", "five");
	return settings;
}

static struct mapping *
load(const char *rules)
{
	struct settings *settings = some_settings(rules);
	struct mapping *mapping = NULL;
	json_t *mistakes = NULL;
	struct fault why;

	if (mapping_load(settings, &mapping, &mistakes, &why) != DONE)
		fail_msg("%s: %s", why.text, json_dumps(mistakes, 0));
	settings_free(settings);
	return mapping;
}

static struct payment *
parse(const char *body)
{
	struct payment *paid = NULL;
	json_t *mistakes = NULL;

	if (payment_parse(body, strlen(body), &paid, &mistakes) != DONE)
		fail_msg("%s", json_dumps(mistakes, 0));
	return paid;
}

#define ORDER                                                                                                      \
	"{\"course_order\":{\"status\":\"CONFIRMED\",\"domain\":\"PL.example.com\",\"gift\":true,\"level\":"       \
	"11,"                                                                                                      \
	"\"share\":0.5,\"note\":null,\"created_at\":\"2025-01-20 14:49:20\",\"user\":{\"class\":\"11 "             \
	"А\",\"email\":"                                                                                          \
	"\"Anna@Test.Example.com\",\"is_parent\":false},\"utm\":{\"source\":\"ПАРТНЁР-7\"},\"course_order_" \
	"items\":["                                                                                                \
	"{\"cost\":100,\"number_lessons\":10,\"course\":{\"name\":\"Годовой курс "                      \
	"ЕГЭ\",\"subject\":{\"name\":\"Русский\","                                                       \
	"\"project\":\"ЕГЭ\"}}},"                                                                               \
	"{\"cost\":50.5,\"number_lessons\":20,\"package_id\":7,\"course\":{\"name\":\"Летний "               \
	"интенсив\",\"subject\":"                                                                          \
	"{\"name\":\" физика \",\"project\":\"ОГЭ\"}}}]}}"

/* Whether an exclusion with this condition applies to ORDER. */
static bool
holds(const char *condition)
{
	struct payment *paid = parse(ORDER);
	struct mapping *mapping;
	const char *reason;
	char *rules;

	assert_true(asprintf(&rules, "{\"version\":1,\"exclude\":[{\"when\":%s,\"reason\":\"because\"}]}",
			condition) > 0);
	mapping = load(rules);
	reason = mapping_exclusion(mapping, paid);
	assert_true(reason == NULL || strcmp(reason, "because") == 0);
	free(rules);
	payment_free(paid);
	mapping_free(mapping);
	return reason != NULL;
}

#define STATUS  "\"path\":\"course_order.status\""
#define NAMES   "\"path\":\"course_order.course_order_items[].course.subject.name\""
#define NOTHING "\"path\":\"course_order.nothing\""

static void
conditions(void **state)
{
	static const char *const good[] = {
		"{" STATUS ",\"equals\":\"confirmed\"}",
		"{" STATUS ",\"equals\":[\"x\",\"CONFIRMED\"]}",
		"{" STATUS ",\"not_equals\":\"x\"}",
		"{" STATUS ",\"contains\":\"Firm\"}",
		"{" STATUS ",\"begins_with\":[\"x\",\"con\"]}",
		"{" STATUS ",\"ends_with\":\"ED\"}",
		"{" STATUS ",\"exists\":true}",
		"{\"comment\":\"x\"," STATUS ",\"exists\":true}",
		"{" NOTHING ",\"exists\":false}",
		"{" NOTHING ",\"not_equals\":\"x\"}",
		"{\"path\":\"course_order.note\",\"exists\":false}",
		"{\"path\":\"course_order.user\",\"exists\":true}",
		"{\"path\":\"course_order.gift\",\"equals\":true}",
		"{\"path\":\"course_order.user.is_parent\",\"equals\":\"false\"}",
		"{\"path\":\"course_order.level\",\"equals\":11}",
		"{\"path\":\"course_order.level\",\"equals\":\"11\"}",
		"{\"path\":\"course_order.share\",\"equals\":0.5}",
		"{\"path\":\"course_order.domain\",\"equals\":[\"pl.EXAMPLE.com\"]}",
		"{\"path\":\"course_order.user.email\",\"ends_with\":\"@test.example.com\"}",
		"{\"path\":\"course_order.utm.source\",\"contains\":\"${LIST}\"}",
		"{\"path\":\"course_order.utm.source\",\"begins_with\":[\"zzz\",\"${LIST}\"]}",
		"{" NAMES ",\"equals\":\"ФИЗИКА\"}",
		"{" NAMES ",\"equals\":\"русский\"}",
		"{" NAMES ",\"every\":true,\"equals\":[\"русский\",\"физика\"]}",
		"{" NAMES ",\"not_equals\":\"Химия\"}",
		"{\"path\":\"course_order.course_order_items[].package_id\",\"exists\":true}",
		"{\"amount\":{\"equals\":150.5}}",
		"{\"amount\":{\"below\":151}}",
		"{\"amount\":{\"above\":150}}",
		"{\"all\":[{" STATUS ",\"exists\":true},{\"amount\":{\"above\":0}}]}",
		"{\"any\":[{" STATUS ",\"exists\":false},{\"amount\":{\"above\":0}}]}",
		"{\"not\":{" STATUS ",\"equals\":\"x\"}}",
		"{\"not\":{\"all\":[{\"any\":[{\"amount\":{\"equals\":0}}]}]},\"comment\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!holds(good[i]))
			fail_msg("does not hold: %s", good[i]);
}

static void
conditions_that_do_not_hold(void **state)
{
	static const char *const bad[] = {
		"{" STATUS ",\"equals\":\"CONFIRM\"}",
		"{" STATUS ",\"not_equals\":[\"x\",\"Confirmed\"]}",
		"{" STATUS ",\"contains\":\"x\"}",
		"{" STATUS ",\"begins_with\":\"onfirmed\"}",
		"{" STATUS ",\"ends_with\":\"xCONFIRMED\"}",
		"{" STATUS ",\"exists\":false}",
		"{" NOTHING ",\"equals\":\"\"}",
		"{" NOTHING ",\"exists\":true}",
		"{\"path\":\"nothing.at.all\",\"exists\":true}",
		"{\"path\":\"nothing[].at.all[]\",\"exists\":true}",
		"{\"path\":\"course_order.status.deeper\",\"exists\":true}",
		"{\"path\":\"course_order.user\",\"equals\":\"\"}",
		"{\"path\":\"course_order.nothing[]\",\"every\":true,\"exists\":true}",
		"{\"path\":\"course_order.course_order_items[].package_id\",\"every\":true,\"exists\":true}",
		"{" NAMES ",\"every\":true,\"equals\":\"русский\"}",
		"{" NAMES ",\"not_equals\":\"Физика\"}",
		"{\"path\":\"course_order.course_order_items.course.name\",\"exists\":true}",
		/* Against a setting that is not set nothing holds, or an exclusion would take all. */
		"{" STATUS ",\"equals\":\"${UNSET}\"}",
		"{" STATUS ",\"not_equals\":\"${UNSET}\"}",
		"{" STATUS ",\"contains\":\"${UNSET}\"}",
		"{\"amount\":{\"equals\":0}}",
		"{\"amount\":{\"below\":150.5}}",
		"{\"amount\":{\"above\":150.5}}",
		"{\"all\":[{" STATUS ",\"exists\":true},{\"amount\":{\"above\":1000}}]}",
		"{\"any\":[{" STATUS ",\"exists\":false},{\"amount\":{\"above\":1000}}]}",
		"{\"not\":{" STATUS ",\"equals\":\"CONFIRMED\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (holds(bad[i]))
			fail_msg("holds: %s", bad[i]);
}

static void
subjects(void **state)
{
	struct mapping *mapping = load(
	    "{\"version\":1,\"subjects\":{\" русский\":\"${FIVE}\",\"ФИЗИКА\":6,\"Химия\":\"${UNSET}\"}}");
	struct payment *paid = parse(ORDER);
	json_t *unmapped = json_array(), *ids = mapping_subjects(mapping, paid, unmapped),
	       *expected = json_pack("[i,i]", 5, 6);

	(void)state;
	assert_true(json_equal(ids, expected));
	assert_int_equal(json_array_size(unmapped), 0);
	json_decref(ids);
	json_decref(expected);
	mapping_free(mapping);

	mapping = load("{\"version\":1,\"subjects\":{\"Русский\":\"${UNSET}\",\"Физика и химия\":6}}");
	ids = mapping_subjects(mapping, paid, unmapped);
	assert_int_equal(json_array_size(ids), 0);
	json_decref(ids);
	/* Each name once, however often it is asked. */
	ids = mapping_subjects(mapping, paid, unmapped);
	json_decref(ids);
	assert_int_equal(json_array_size(unmapped), 2);
	assert_string_equal(json_string_value(json_array_get(unmapped, 0)), "Русский");
	assert_string_equal(json_string_value(json_array_get(unmapped, 1)), "физика");
	json_decref(unmapped);
	payment_free(paid);
	mapping_free(mapping);
}

static int64_t
direction(const char *rules)
{
	struct payment *paid = parse(ORDER);
	struct mapping *mapping;
	int64_t id;
	char *text;

	assert_true(asprintf(&text, "{\"version\":1,\"directions\":%s}", rules) > 0);
	mapping = load(text);
	id = mapping_direction(mapping, paid);
	free(text);
	payment_free(paid);
	mapping_free(mapping);
	return id;
}

static void
directions(void **state)
{
	(void)state;
	assert_int_equal(direction("[]"), 0);
	/* By words in the course's name, then by project: in order of priority. */
	assert_int_equal(
	    direction("[{\"when\":{\"path\":\"course.name\",\"contains\":\"годовой\"},\"enum\":1},"
		      "{\"when\":{\"path\":\"course.subject.project\",\"equals\":\"егэ\"},\"enum\":2}]"),
	    1);
	/* The first item for which any rule holds. */
	assert_int_equal(
	    direction("[{\"when\":{\"path\":\"course.subject.project\",\"equals\":\"ОГЭ\"},\"enum\":1},"
		      "{\"when\":{\"path\":\"course.subject.project\",\"equals\":\"ЕГЭ\"},\"enum\":2}]"),
	    2);
	assert_int_equal(
	    direction("[{\"when\":{\"path\":\"course.name\",\"contains\":\"интенсив\"},\"enum\":3}]"), 3);
	/* By the pupil's class. */
	assert_int_equal(
	    direction(
		"[{\"when\":{\"path\":\"course_order.user.class\",\"begins_with\":\"11\"},\"enum\":4}]"),
	    4);
	/* A rule without an id does not exist. */
	assert_int_equal(
	    direction("[{\"when\":{\"path\":\"course.name\",\"exists\":true},\"enum\":\"${UNSET}\"},"
		      "{\"when\":{\"path\":\"course.name\",\"exists\":true},\"enum\":\"${SIX}\"}]"),
	    6);
}

static struct stage
stage(const char *rules)
{
	struct payment *paid = parse(ORDER);
	struct mapping *mapping;
	struct stage stage;
	char *text;

	assert_true(asprintf(&text, "{\"version\":1,\"pipelines\":%s}", rules) > 0);
	mapping = load(text);
	stage = mapping_stage(mapping, paid);
	free(text);
	payment_free(paid);
	mapping_free(mapping);
	return stage;
}

static void
pipelines(void **state)
{
	struct stage found;

	(void)state;
	found = stage("[{\"when\":{\"path\":\"course_order.user.class\",\"equals\":\"11 "
		      "а\"},\"pipeline\":1,\"status\":2},"
		      "{\"pipeline\":3,\"status\":4}]");
	assert_int_equal(found.pipeline_id, 1);
	assert_int_equal(found.status_id, 2);
	/* The status of a rule that does not exist is not left to the next. */
	found = stage(
	    "[{\"name\":\"x\",\"when\":{\"amount\":{\"above\":1}},\"pipeline\":\"${UNSET}\",\"status\":2},"
	    "{\"pipeline\":\"${FIVE}\"}]");
	assert_int_equal(found.pipeline_id, 5);
	assert_int_equal(found.status_id, 0);
	found = stage("[{\"pipeline\":\"${FIVE}\",\"status\":\"${UNSET}\"}]");
	assert_int_equal(found.pipeline_id, 5);
	assert_int_equal(found.status_id, 0);
	found = stage("[{\"when\":{\"amount\":{\"equals\":1}},\"pipeline\":1,\"status\":2}]");
	assert_int_equal(found.pipeline_id, 0);
	assert_int_equal(found.status_id, 0);
}

static void
excluded_stages(void **state)
{
	struct mapping *mapping = load("{\"version\":1,\"excluded_stages\":[77,\"${FIVE}\",\"${UNSET}\"]}");

	(void)state;
	assert_true(mapping_stage_excluded(mapping, 77));
	assert_true(mapping_stage_excluded(mapping, 5));
	assert_true(mapping_stage_excluded(mapping, 142));
	assert_true(mapping_stage_excluded(mapping, 143));
	assert_false(mapping_stage_excluded(mapping, 6));
	assert_false(mapping_stage_excluded(mapping, 0));
	mapping_free(mapping);
}

static void
assert_fields(const char *rules, const char *expected)
{
	struct payment *paid = parse(ORDER);
	json_t *fields, *wanted = json_loads(expected, 0, NULL);
	struct mapping *mapping;
	char *text;

	assert_non_null(wanted);
	assert_true(asprintf(&text, "{\"version\":1,\"fields\":[%s]}", rules) > 0);
	mapping = load(text);
	fields = mapping_extra_fields(mapping, paid);
	if (!json_equal(fields, wanted))
		fail_msg("%s gives %s", rules, json_dumps(fields, JSON_ENCODE_ANY));
	free(text);
	json_decref(fields);
	json_decref(wanted);
	payment_free(paid);
	mapping_free(mapping);
}

static void
extra_fields(void **state)
{
	static const struct {
		const char *rule, *fields;
	} cases[] = {
		{ "", "[]" },
		/* A role out of a boolean. */
		{ "{\"field\":1,\"path\":\"course_order.user.is_parent\",\"type\":\"enum\",\"map\":{\"true\":"
		  "10,\"False\":11}}",
		    "[{\"field_id\":1,\"values\":[{\"enum_id\":11}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.user.is_parent\",\"type\":\"text\",\"map\":{\"true\":"
		  "\"Родитель\","
		  "\"false\":\"Ученик\"}}",
		    "[{\"field_id\":1,\"values\":[{\"value\":\"Ученик\"}]}]" },
		{ "{\"field\":\"${FIVE}\",\"path\":\"course_order.gift\",\"type\":\"checkbox\"}",
		    "[{\"field_id\":5,\"values\":[{\"value\":true}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.user.is_parent\",\"type\":\"checkbox\"}",
		    "[{\"field_id\":1,\"values\":[{\"value\":false}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.level\",\"type\":\"checkbox\"}", "[]" },
		{ "{\"field\":1,\"path\":\"course_order.domain\",\"type\":\"text\"}",
		    "[{\"field_id\":1,\"values\":[{\"value\":\"PL.example.com\"}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.course_order_items[].course.name\",\"type\":"
		  "\"text\"}",
		    "[{\"field_id\":1,\"values\":[{\"value\":\"Годовой курс ЕГЭ, Летний интенсив\"}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.course_order_items[].course.subject.project\","
		  "\"type\":\"enum\","
		  "\"map\":{\"егэ\":\"${FIVE}\",\"огэ\":\"${SIX}\"}}",
		    "[{\"field_id\":1,\"values\":[{\"enum_id\":5},{\"enum_id\":6}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.course_order_items[].course.subject.project\","
		  "\"type\":\"enum\","
		  "\"map\":{\"ЕГЭ\":5,\"ОГЭ\":5}}",
		    "[{\"field_id\":1,\"values\":[{\"enum_id\":5}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.course_order_items[].course.subject.project\","
		  "\"type\":\"enum\","
		  "\"map\":{\"ЕГЭ\":\"${UNSET}\"}}",
		    "[]" },
		{ "{\"field\":1,\"path\":\"course_order.course_order_items[].number_lessons\",\"type\":"
		  "\"number\"}",
		    "[{\"field_id\":1,\"values\":[{\"value\":\"10\"}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.share\",\"type\":\"number\"}",
		    "[{\"field_id\":1,\"values\":[{\"value\":\"0.5\"}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.user.class\",\"type\":\"number\"}", "[]" },
		{ "{\"field\":1,\"path\":\"course_order.created_at\",\"type\":\"date\"}",
		    "[{\"field_id\":1,\"values\":[{\"value\":1737373760}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.level\",\"type\":\"date\"}",
		    "[{\"field_id\":1,\"values\":[{\"value\":11}]}]" },
		{ "{\"field\":1,\"path\":\"course_order.domain\",\"type\":\"date\"}", "[]" },
		{ "{\"field\":1,\"path\":\"course_order.nothing\",\"type\":\"text\"}", "[]" },
		{ "{\"field\":1,\"path\":\"course_order.note\",\"type\":\"text\"}", "[]" },
		{ "{\"field\":1,\"path\":\"course_order.user\",\"type\":\"text\"}", "[]" },
		{ "{\"field\":\"${UNSET}\",\"path\":\"course_order.domain\",\"type\":\"text\"}", "[]" },
		{ "{\"field\":1,\"path\":\"course_order.domain\",\"type\":\"text\",\"when\":{\"amount\":{"
		  "\"equals\":0}}}",
		    "[]" },
		/* The first rule that finds something writes the field. */
		{ "{\"field\":1,\"path\":\"course_order.nothing\",\"type\":\"text\"},"
		  "{\"field\":1,\"path\":\"course_order.level\",\"type\":\"text\"},"
		  "{\"field\":1,\"path\":\"course_order.domain\",\"type\":\"text\"},"
		  "{\"field\":2,\"path\":\"course_order.level\",\"type\":\"number\"}",
		    "[{\"field_id\":1,\"values\":[{\"value\":\"11\"}]},{\"field_id\":2,\"values\":[{"
		    "\"value\":\"11\"}]}]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_fields(cases[i].rule, cases[i].fields);
}

/* Every mistake is told with its path: "path path ..." in the order of the file. */
static void
mistakes(void **state)
{
	static const struct {
		const char *rules, *paths;
	} cases[] = {
		{ "", "()" },
		{ "[]", "()" },
		{ "{}", "(version)" },
		{ "{\"version\":2}", "(version)" },
		{ "{\"version\":1,\"version\":1}", "()" },
		{ "{\"version\":1,\"subject\":{},\"comment\":1}", "(subject)" },
		{ "{\"version\":1,\"subjects\":[]}", "(subjects)" },
		{ "{\"version\":1,\"subjects\":{\"a\":0,\"b\":-1,\"c\":\"x\",\"d\":null,\"e\":1.5,\"f\":\"${"
		  "TEXT}\",\"g\":\"x${FIVE}\","
		  "\"h\":\"${}\",\"i\":\"${FIVE}${SIX}\"}}",
		    "(subjects.a)(subjects.b)(subjects.c)(subjects.d)(subjects.e)(subjects.f)(subjects.g)("
		    "subjects.h)(subjects.i)" },
		{ "{\"version\":1,\"subjects\":{\"Химия\":1,\"химия \":2}}", "(subjects.химия )" },
		{ "{\"version\":1,\"directions\":{},\"pipelines\":1,\"excluded_stages\":\"x\",\"exclude\":"
		  "true,\"fields\":null}",
		    "(directions)(pipelines)(excluded_stages)(exclude)(fields)" },
		{ "{\"version\":1,\"directions\":[1,{},{\"when\":{\"amount\":{\"equals\":0}},\"enum\":1,"
		  "\"enums\":1}]}",
		    "(directions[0])(directions[1].when)(directions[1].enum)(directions[2].enums)" },
		{ "{\"version\":1,\"pipelines\":[{\"pipeline\":1},{\"pipeline\":2}]}", "(pipelines[0])" },
		{ "{\"version\":1,\"pipelines\":[{\"when\":null,\"pipeline\":1,\"status\":0}]}",
		    "(pipelines[0].when)(pipelines[0].status)" },
		{ "{\"version\":1,\"excluded_stages\":[1,\"x\",0]}",
		    "(excluded_stages[1])(excluded_stages[2])" },
		{ "{\"version\":1,\"exclude\":[{\"when\":{\"amount\":{\"equals\":0}}},{\"reason\":\"\","
		  "\"when\":{}}]}",
		    "(exclude[0].reason)(exclude[1].when)(exclude[1].reason)" },
		{ "{\"version\":1,\"fields\":[{},{\"field\":1,\"path\":\"a..b\",\"type\":\"string\",\"x\":1},"
		  "{\"field\":1,\"path\":\"a\",\"type\":\"enum\"},{\"field\":1,\"path\":\"a\",\"type\":"
		  "\"text\",\"map\":{\"x\":1}},"
		  "{\"field\":1,\"path\":\"a\",\"type\":\"date\",\"map\":{}},{\"field\":1,\"path\":\"a\","
		  "\"type\":\"enum\",\"map\":1}]}",
		    "(fields[0].field)(fields[0].path)(fields[0].type)(fields[1].x)(fields[1].path)(fields[1]"
		    ".type)(fields[2].map)"
		    "(fields[3].map.x)(fields[4].map)(fields[5].map)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings *settings = some_settings(cases[i].rules);
		struct mapping *mapping = NULL;
		json_t *found = NULL, *mistake;
		struct fault why;
		size_t j, size;
		char *paths;
		FILE *stream = open_memstream(&paths, &size);

		assert_int_equal(mapping_load(settings, &mapping, &found, &why), NEVER);
		assert_null(mapping);
		assert_memory_equal(why.text, file, strlen(file));
		json_array_foreach(found, j, mistake) {
			assert_true(json_string_length(json_object_get(mistake, "message")) > 0);
			fprintf(stream, "(%s)", json_string_value(json_object_get(mistake, "path")));
		}
		fclose(stream);
		assert_string_equal(paths, cases[i].paths);
		free(paths);
		json_decref(found);
		settings_free(settings);
	}
}

/* The path, below exclude[0].when, of the one mistake in a condition. */
static void
condition_mistakes(void **state)
{
	static const char *const cases[][2] = {
		{ "1", "" },
		{ "[]", "" },
		{ "{}", "" },
		{ "{\"equals\":1}", "" },
		{ "{\"path\":\"a\"}", "" },
		{ "{\"path\":\"a\",\"equals\":1,\"contains\":\"b\"}", "" },
		{ "{\"path\":\"\",\"equals\":1}", ".path" },
		{ "{\"path\":1,\"equals\":1}", ".path" },
		{ "{\"path\":\"a.\",\"equals\":1}", ".path" },
		{ "{\"path\":\"a[0]\",\"equals\":1}", ".path" },
		{ "{\"path\":\"[]\",\"equals\":1}", ".path" },
		{ "{\"path\":\"a b\",\"equals\":1}", ".path" },
		{ "{\"path\":\"a\",\"equals\":null}", ".equals" },
		{ "{\"path\":\"a\",\"equals\":[1,{}]}", ".equals[1]" },
		{ "{\"path\":\"a\",\"contains\":\"\"}", ".contains" },
		{ "{\"path\":\"a\",\"begins_with\":[\"a\",\"\"]}", ".begins_with" },
		{ "{\"path\":\"a\",\"exists\":1}", ".exists" },
		{ "{\"path\":\"a\",\"equals\":1,\"every\":1}", ".every" },
		{ "{\"path\":\"a\",\"equals\":1,\"any\":[]}", ".any" },
		{ "{\"path\":\"a\",\"equal\":1,\"equals\":1}", ".equal" },
		{ "{\"path\":\"a\",\"equals\":\"a${B}\"}", ".equals" },
		{ "{\"all\":[]}", ".all" },
		{ "{\"any\":{}}", ".any" },
		{ "{\"all\":[1],\"any\":[1]}", "" },
		{ "{\"all\":[{\"path\":\"a\",\"exists\":true},{}]}", ".all[1]" },
		{ "{\"not\":1}", ".not" },
		{ "{\"not\":{\"any\":[{\"not\":{}}]}}", ".not.any[0].not" },
		{ "{\"amount\":0}", ".amount" },
		{ "{\"amount\":{}}", ".amount" },
		{ "{\"amount\":{\"equals\":\"0\"}}", ".amount" },
		{ "{\"amount\":{\"equals\":0,\"below\":1}}", ".amount" },
		{ "{\"amount\":{\"equals\":0.001}}", ".amount" },
		{ "{\"amount\":{\"equals\":0,\"equal\":1}}", ".amount.equal" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings *settings;
		struct mapping *mapping = NULL;
		json_t *found = NULL;
		struct fault why;
		char *rules, *path;

		assert_true(asprintf(&rules, "{\"version\":1,\"exclude\":[{\"when\":%s,\"reason\":\"x\"}]}",
				cases[i][0]) > 0);
		assert_true(asprintf(&path, "exclude[0].when%s", cases[i][1]) > 0);
		settings = some_settings(rules);
		if (mapping_load(settings, &mapping, &found, &why) != NEVER)
			fail_msg("accepted: %s", cases[i][0]);
		assert_int_equal(json_array_size(found), 1);
		assert_string_equal(
		    json_string_value(json_object_get(json_array_get(found, 0), "path")), path);
		json_decref(found);
		settings_free(settings);
		free(rules);
		free(path);
	}
}

/* The built-in rules must be valid whatever is set. */
static void
builtin_rules(void **state)
{
	struct settings *settings = some_settings("");
	struct mapping *mapping = NULL;
	json_t *found = NULL;
	struct fault why;

	(void)state;
	free(settings->rules);
	settings->rules = NULL;
	assert_int_equal(mapping_load(settings, &mapping, &found, &why), DONE);
	mapping_free(mapping);
	mapping_free(NULL);
	settings_free(settings);
}

static int
begin(void **state)
{
	(void)state;
	return clock_set_zone("Europe/Moscow") ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions),
		cmocka_unit_test(conditions_that_do_not_hold),
		cmocka_unit_test(subjects),
		cmocka_unit_test(directions),
		cmocka_unit_test(pipelines),
		cmocka_unit_test(excluded_stages),
		cmocka_unit_test(extra_fields),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(condition_mistakes),
		cmocka_unit_test(builtin_rules),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
