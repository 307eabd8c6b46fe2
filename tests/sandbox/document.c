#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "fields.h"
#include "text.h"

/* A query of at least this many digits and phone punctuation only is also compared as digits. */
enum {
	PHONE_QUERY_DIGITS = 5
};

static void
write_value(FILE *out, const char *code, const json_t *value)
{
	const json_t *inner = json_object_get(value, "value");
	const char *text = json_string_value(inner);

	if (json_is_integer(inner))
		fprintf(out, "%" JSON_INTEGER_FORMAT "\n", json_integer_value(inner));
	if (text == NULL)
		return;

	fprintf(out, "%s\n", text);
	if (code != NULL && strcmp(code, "PHONE") == 0) {
		char *digits = text_digits(text);

		fprintf(out, "%s\n", digits);
		free(digits);
	}
}

static void
write_field(FILE *out, const json_t *shown)
{
	const char *code = json_string_value(json_object_get(shown, "field_code"));
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(shown, "values"), i, value)
		write_value(out, code, value);
}

void
document_write(struct account *account, enum kind kind, const json_t *entity, int64_t due_ns)
{
	char *text = NULL, *folded;
	size_t size = 0, i;
	json_t *shown, *field;
	FILE *out;

	if (kind != CONTACTS && kind != LEADS)
		return;

	out = must(open_memstream(&text, &size));
	fprintf(out, "%s\n", json_string_value(json_object_get(entity, "name")));
	shown = fields_show(account, kind, entity);
	json_array_foreach(shown, i, field)
		write_field(out, field);
	json_decref(shown);
	fclose(out);

	folded = text_fold(text);
	index_put(account_index(account), kind_name(kind), entity_id(entity), folded, due_ns);
	free(folded);
	free(text);
}

/* The digits of a query that can only be a phone number; NULL for any other query. */
static char *
phone_query(const char *query)
{
	char *digits;

	if (query[strspn(query, "+0123456789 ()-")] != '\0')
		return NULL;

	digits = text_digits(query);
	if (strlen(digits) >= PHONE_QUERY_DIGITS)
		return digits;

	free(digits);
	return NULL;
}

bool
document_matches(
    const struct account *account, enum kind kind, int64_t id, const char *query, int64_t now_ns)
{
	const char *document = index_visible(account_index(account), kind_name(kind), id, now_ns);
	char *folded, *digits;
	int64_t number;
	bool found;

	if (document == NULL)
		return false;

	folded = text_fold(query);
	digits = phone_query(query);
	found = strstr(document, folded) != NULL ||
	    (digits != NULL && strstr(document, digits) != NULL) ||
	    (text_integer(query, &number) && number == id);
	free(folded);
	free(digits);

	return found;
}
