/*
 * The note for the manager, and the line by which it is found again.
 *
 * The note is written once for a payment.  Whether it was written is asked of amoCRM by looking for
 * its line with the payment's key, so that line must come back as it was sent: nothing a payer
 * typed can break it or imitate it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/money.h"
#include "base/text.h"
#include "payment/note.h"

#define KEY_LABEL "Payment ID: "

/*
 * Write the parts on one line of their own; nothing when the value is empty.  No value can break
 * out of its line.
 */
static void
write_line(FILE *note, const char *label, const char *value, const char *after)
{
	char *line;

	if (value[0] == '\0')
		return;
	line = text_one_line(value);
	fprintf(note, "%s%s%s\n", label, line, after);
	free(line);
}

/* Local time for the eye, UTC to compare with other systems. */
static void
write_times(FILE *note, int64_t paid_at)
{
	char local[CLOCK_TEXT], utc[CLOCK_TEXT];

	if (paid_at == 0)
		return;
	fprintf(note, "Дата/время: %s (%s)\n", clock_local(local, paid_at), clock_zone_label());
	fprintf(note, "Дата/время UTC: %s\n", clock_utc(utc, paid_at));
}

static void
write_amount(FILE *note, const struct payment *paid)
{
	char amount[MONEY_TEXT], *currency = text_one_line(paid->currency);

	fprintf(note, "Сумма: %s %s\n", money_format(amount, paid->amount), currency);
	free(currency);
}

/* Unlike other lines a course always has its subject: the reader has refused items without one. */
static void
write_courses(FILE *note, const struct payment *paid)
{
	fputs("Курсы:\n", note);
	for (size_t i = 0; i < paid->item_count; i++) {
		char *subject = text_one_line(paid->items[i].subject);
		char *after = text_format(" (%s)", subject);

		write_line(note, "  ", paid->items[i].course, after);
		free(subject);
		free(after);
	}
}

/* TGID, username and phone share a line, each where it is known. */
static void
write_reach(FILE *note, const struct payment *paid)
{
	const struct {
		const char *label, *value;
	} parts[] = {
		{ "TGID: ", paid->telegram_id },
		{ "TG Username: @", paid->telegram_tag },
		{ "Телефон: ", paid->phone },
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *value;

		if (parts[i].value[0] == '\0')
			continue;
		value = text_one_line(parts[i].value);
		fprintf(note, "%s%s%s", between, parts[i].label, value);
		free(value);
		between = " | ";
	}
	if (between[0] != '\0')
		fputc('\n', note);
}

/* A list on one line; no line for an empty list. */
static void
write_names(FILE *note, const char *label, const json_t *names)
{
	const char *between = label;
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		char *line = text_one_line(json_string_value(name));

		fprintf(note, "%s%s", between, line);
		free(line);
		between = ", ";
	}
	if (json_array_size(names) > 0)
		fputc('\n', note);
}

char *
note_compose(const struct payment *paid, const json_t *unmapped, const json_t *dropped)
{
	char *text = NULL;
	size_t size;
	FILE *note = memory_stream(&text, &size);

	fputs("Оплата проведена\n\n", note);
	write_line(note, "Имя клиента: ", paid->name, "");
	write_times(note, paid->paid_at);
	write_line(note, "Статус: ", paid->status, "");
	write_amount(note, paid);
	write_line(note, "Метод оплаты: ", paid->method, "");
	write_courses(note, paid);
	write_line(note, "Промокод: ", paid->promo_code, "");
	write_reach(note, paid);
	write_line(note, "Источник: ", paid->utm_source, "");
	write_line(note, "Invoice ID: ", paid->invoice_id, "");
	write_line(note, KEY_LABEL, paid->key, "");
	write_names(note, "Предметы без соответствия в amoCRM: ", unmapped);
	write_names(note, "Не записаны поля: ", dropped);
	memory_stream_end(note);
	/*
	 * The last line needs no end: amoCRM would strip it, and then the text read back would not
	 * be the one sent.
	 */
	text[size - 1] = '\0';
	return text;
}

char *
note_key_line(const struct payment *paid)
{
	char *key = text_one_line(paid->key), *line = text_format(KEY_LABEL "%s", key);

	free(key);
	return line;
}

bool
note_is_for(const char *text, const struct payment *paid)
{
	/* As write_line() wrote it; amoCRM strips white space from the text's end. */
	char *key = text_one_line(paid->key);
	size_t label = strlen(KEY_LABEL), length = strlen(key);
	bool found = false;

	while (length > 0 && key[length - 1] == ' ')
		length--;
	/* The whole line must agree: a key may begin with another payment's. */
	while (*text != '\0' && !found) {
		size_t line = strcspn(text, "\r\n");

		found = line >= label + length && strncmp(text, KEY_LABEL, label) == 0 &&
		    strncmp(text + label, key, length) == 0 &&
		    strspn(text + label + length, " ") >= line - label - length;
		text += line;
		text += strspn(text, "\r\n");
	}
	free(key);
	return found;
}
