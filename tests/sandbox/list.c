#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "text.h"

enum {
	LIMIT_DEFAULT = 50,
	LIMIT_MOST = 250
};

struct list {
	json_t **items;
	size_t count;
	size_t room;
};

struct list *
list_new(void)
{
	return must(calloc(1, sizeof(struct list)));
}

void
list_free(struct list *list)
{
	free(list->items);
	free(list);
}

void
list_add(struct list *list, json_t *entity)
{
	if (list->count == list->room) {
		list->room = list->room * 2 + 64;
		list->items = must(realloc(list->items, list->room * sizeof(*list->items)));
	}
	list->items[list->count++] = entity;
}

struct order {
	const char *key;
	bool descending;
};

static int
compare(const void *left, const void *right, void *context)
{
	const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;
	const struct order *order = context;
	int64_t first = entity_integer(a, order->key), second = entity_integer(b, order->key);
	int result;

	/* Equal times are told apart by id, so that pages never overlap. */
	if (first == second) {
		first = entity_id(a);
		second = entity_id(b);
	}
	result = (first > second) - (first < second);
	return order->descending ? -result : result;
}

void
list_order(struct list *list, const struct request *asked)
{
	static const char *const keys[] = { "id", "created_at", "updated_at", "complete_till" };
	struct order order = { .key = "id" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *name = text_format("order[%s]", keys[i]);
		const char *direction = request_parameter(asked, name);

		free(name);
		if (direction != NULL) {
			order.key = keys[i];
			order.descending = strcasecmp(direction, "desc") == 0;
			break;
		}
	}
	if (list->count > 1)
		qsort_r(list->items, list->count, sizeof(*list->items), compare, &order);
}

void
list_page(const struct request *asked, size_t *page, size_t *limit)
{
	int64_t number = request_number(asked, "page", 1),
		most = request_number(asked, "limit", LIMIT_DEFAULT);

	*page = number >= 1 && number < 1000000000 ? (size_t)number : 1;
	*limit = most >= 1 ? (size_t)most : LIMIT_DEFAULT;
	if (*limit > LIMIT_MOST)
		*limit = LIMIT_MOST;
}

static void
write_encoded(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;

		if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
		    (byte >= 'A' && byte <= 'Z') || strchr("-_.~", byte) != NULL)
			putc(byte, out);
		else
			fprintf(out, "%%%02X", byte);
	}
}

char *
list_href(const struct request *asked, size_t page, size_t limit)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = must(open_memstream(&text, &size));

	fprintf(out, "%s%s?", asked->base, asked->path);
	for (size_t i = 0; i < asked->parameter_count; i++) {
		const struct parameter *parameter = &asked->parameters[i];

		if (strcmp(parameter->name, "page") == 0 || strcmp(parameter->name, "limit") == 0)
			continue;
		write_encoded(out, parameter->name);
		putc('=', out);
		write_encoded(out, parameter->value);
		putc('&', out);
	}
	fprintf(out, "limit=%zu&page=%zu", limit, page);
	fclose(out);
	return text;
}

static void
add_link(json_t *links, const char *name, const struct request *asked, size_t page, size_t limit)
{
	char *href = list_href(asked, page, limit);

	json_object_set_new(links, name, json_pack("{s:s}", "href", href));
	free(href);
}

void
list_answer(const struct list *list, const struct call *call, const char *name, shower show,
    struct response *given)
{
	json_t *items = json_array(), *links = json_object();
	size_t page, limit, first, i;

	list_page(call->asked, &page, &limit);
	first = (page - 1) * limit;
	for (i = first; i < list->count && i < first + limit; i++)
		json_array_append_new(items, show(call, list->items[i]));

	if (json_array_size(items) == 0) {
		json_decref(items);
		json_decref(links);
		response_bytes(given, 204, NULL, NULL, 0);
		return;
	}

	add_link(links, "self", call->asked, page, limit);
	if (i < list->count)
		add_link(links, "next", call->asked, page + 1, limit);
	if (page > 1) {
		add_link(links, "first", call->asked, 1, limit);
		add_link(links, "prev", call->asked, page - 1, limit);
	}
	response_json(given, 200,
	    json_pack("{s:I, s:o, s:{s:o}}", "_page", (json_int_t)page, "_links", links,
		"_embedded", name, items));
}
