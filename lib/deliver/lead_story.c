/*
 * A request as the trail tells it.  Only values that we compute, or know to be no one's private
 * data, are told; of the other fields the names are.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amocrm/field.h"
#include "base/memory.h"
#include "base/number.h"
#include "config/crm_field.h"
#include "deliver/lead_story.h"

static const char prefix[] = "AMO_LEAD_FIELD_";

/* The setting that names this field; NULL when none does. */
static const char *
setting_of(const struct settings *settings, int64_t field_id)
{
	const char *name;
	json_t *value;
	int64_t id;

	json_object_foreach(settings->variables, name, value)
		if (strncmp(name, prefix, strlen(prefix)) == 0 &&
		    number_parse(json_string_value(value), 1, INT64_MAX, &id) && id == field_id)
			return name;
	return NULL;
}

static void
tell_lower(FILE *out, const char *name)
{
	for (; *name != '\0'; name++)
		fputc(tolower((unsigned char)*name), out);
}

/* What is asked to be written: a value, or the id of a choice. */
static void
tell_wanted(FILE *out, const json_t *value)
{
	const json_t *choice = json_object_get(value, "enum_id"),
		     *plain = json_object_get(value, "value");

	if (choice != NULL)
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(choice));
	else if (json_is_string(plain))
		fputs(json_string_value(plain), out);
	else
		json_dumpf(plain, out, JSON_ENCODE_ANY);
}

static void
tell_all_wanted(FILE *out, const json_t *field)
{
	const json_t *values = json_object_get(field, "values"), *value;
	size_t i;

	json_array_foreach(values, i, value) {
		fputs(i > 0 ? "+" : "", out);
		tell_wanted(out, value);
	}
}

/* What stands there, choices by their ids as they are asked for. */
static void
tell_standing(FILE *out, const json_t *item)
{
	char room[FIELD_ROOM];
	const char *value;
	size_t i;

	for (i = 0; (value = field_value(item, i, room)) != NULL; i++) {
		fputs(i > 0 ? "+" : "", out);
		if (field_enum(item, i) != 0)
			fprintf(out, "%" PRId64, field_enum(item, i));
		else
			fputs(value, out);
	}
	if (i == 0)
		fputs("nothing", out);
}

static void
tell_field(FILE *out, const struct settings *settings, const json_t *lead, const json_t *field)
{
	const json_t *code = json_object_get(field, "field_code");
	int64_t id = json_integer_value(json_object_get(field, "field_id"));
	const char *setting = code == NULL ? setting_of(settings, id) : NULL;
	const struct crm_field *known;

	if (code != NULL) {
		fputs(json_string_value(code), out);
	} else if (setting == NULL) {
		fprintf(out, "field %" PRId64, id);
	} else {
		tell_lower(out, setting + strlen(prefix));
		known = crm_field_of_setting(setting);
		if (known == NULL || !known->is_public)
			return;
		fputc(' ', out);
		if (lead != NULL) {
			tell_standing(out, field_by_id(lead, id));
			fputs(" -> ", out);
		}
		tell_all_wanted(out, field);
	}
}

char *
lead_story(const struct settings *settings, const json_t *lead, const json_t *request)
{
	const json_t *fields = json_object_get(request, "custom_fields_values"), *field;
	char *text = NULL;
	size_t size = 0, i;
	FILE *out = memory_stream(&text, &size);

	json_array_foreach(fields, i, field) {
		fputs(i > 0 ? ", " : "", out);
		tell_field(out, settings, lead, field);
	}
	memory_stream_end(out);
	return text;
}
