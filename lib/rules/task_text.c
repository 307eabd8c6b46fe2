/*
 * Fills in a task's template.  The note's line with the payment's key ends every task, so that one
 * that was created by a request whose response was lost is found and not created again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/money.h"
#include "base/text.h"
#include "payment/note.h"
#include "rules/task_text.h"

/* Values stay on their line, so that none can pose as the line by which the task is found. */
static void
write_value(FILE *out, const char *value)
{
	char *line = text_one_line(value);

	fputs(line, out);
	free(line);
}

static void
write_name(FILE *out, const struct payment *paid)
{
	write_value(out, paid->name);
}

static void
write_amount(FILE *out, const struct payment *paid)
{
	char amount[MONEY_TEXT];

	fprintf(out, "%s ", money_format(amount, paid->amount));
	write_value(out, paid->currency);
}

static void
write_courses(FILE *out, const struct payment *paid)
{
	for (size_t i = 0; i < paid->item_count; i++) {
		const char *course = paid->items[i].course;
		char *title = payment_item_title(&paid->items[i]);

		fputs(i > 0 ? ", " : "", out);
		write_value(out, course[0] != '\0' ? course : title);
		free(title);
	}
}

static const struct {
	const char *word;
	void (*write)(FILE *out, const struct payment *paid);
} places[] = {
	{ "{name}", write_name },
	{ "{amount}", write_amount },
	{ "{courses}", write_courses },
};
#define PLACES (sizeof(places) / sizeof(places[0]))

/* Which place begins here; PLACES when none does. */
static size_t
place_at(const char *text)
{
	size_t i = 0;

	while (i < PLACES && strncmp(text, places[i].word, strlen(places[i].word)) != 0)
		i++;
	return i;
}

bool
task_template_valid(const char *template)
{
	while (*(template += strcspn(template, "{}")) != '\0') {
		size_t place = place_at(template);

		if (place == PLACES)
			return false;
		template += strlen(places[place].word);
	}
	return true;
}

char *
task_compose(const char *template, const struct payment *paid)
{
	char *text = NULL, *key_line = note_key_line(paid);
	size_t size;
	FILE *out = memory_stream(&text, &size);

	while (*template != '\0') {
		size_t plain = strcspn(template, "{"), place;

		fwrite(template, 1, plain, out);
		template += plain;
		if ((place = place_at(template)) < PLACES) {
			places[place].write(out, paid);
			template += strlen(places[place].word);
		}
	}
	fprintf(out, "\n%s", key_line);
	memory_stream_end(out);
	free(key_line);
	return text;
}
