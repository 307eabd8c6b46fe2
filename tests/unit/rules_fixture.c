#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "rules_fixture.h"

static const char order[] =
    "{'course_order':{'status':'CONFIRMED','domain':'PL.example.com','gift':true,'level':11,'share'"
    ":0.5,"
    "'note':null,'payment_id':'pay_1','amo_payment_id':'10000007','created_at':'2025-01-20 "
    "14:49:20',"
    "'user':{'first_name':'Анна','class':'11 А','email':'Anna@Test.Example.com','is_parent':false},"
    "'utm':{'source':'ПАРТНЁР-7'},'course_order_items':["
    "{'cost':100,'number_lessons':10,'course':{'name':'Годовой курс "
    "ЕГЭ','subject':{'name':'Русский',"
    "'project':'ЕГЭ'}}},"
    "{'cost':50.5,'number_lessons':20,'package_id':7,'course':{'name':'Летний интенсив','subject':"
    "{'name':' физика ','project':'ОГЭ'}}}]}}";

struct settings *
rules_settings(void)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	settings->variables = json_pack("{s:s, s:s, s:s, s:s}", "FIVE", "5", "SIX", "6", "LIST",
	    " advcake, Партнёр ,, x ", "TEXT", "five");
	return settings;
}

struct rule_reader
rulefile_new(void)
{
	return (struct rule_reader){
		.settings = rules_settings(), .errors = json_array(), .warnings = json_array()
	};
}

void
rulefile_clear(struct rule_reader *file)
{
	settings_free((struct settings *)file->settings);
	json_decref(file->errors);
	json_decref(file->warnings);
}

char *
rules_text(const char *text)
{
	char *copy = strdup(text);

	for (char *at = copy; (at = strchr(at, '\'')) != NULL;)
		*at = '"';
	return copy;
}

json_t *
rules_json(const char *text)
{
	json_error_t error;
	char *copy = rules_text(text);
	json_t *json = json_loads(copy, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);

	if (json == NULL)
		fail_msg("%s: %s", text, error.text);
	free(copy);
	return json;
}

const char *
rules_paths(const json_t *list)
{
	static char *paths;
	const json_t *one;
	size_t i, size;
	FILE *stream;

	free(paths);
	stream = open_memstream(&paths, &size);
	json_array_foreach(list, i, one)
		fprintf(stream, "(%s)", json_string_value(json_object_get(one, "path")));
	fclose(stream);
	return paths;
}

const char *
rules_message(const json_t *list)
{
	assert_int_equal(json_array_size(list), 1);
	return json_string_value(json_object_get(json_array_get(list, 0), "message"));
}

struct payment *
rules_payment(void)
{
	struct payment *paid = NULL;
	json_t *errors = NULL;
	char *body = rules_text(order);

	assert_true(clock_set_zone("Europe/Moscow"));
	if (payment_parse(body, strlen(body), &paid, &errors) != DONE)
		fail_msg("%s", json_dumps(errors, 0));
	free(body);
	return paid;
}
