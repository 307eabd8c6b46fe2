/*
 * The note for the manager, and the lines by which it is found again.
 *
 * The note is written once for a payment.  Whether it was written is asked of amoCRM by looking for
 * the payment's key.  It stands in the last line of what is known, which nothing a payer typed can
 * break or imitate, and once more near the head, before anything that a payer typed, because a text
 * may come back cut, or with its lines joined.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/money.h"
#include "base/shown.h"
#include "base/text.h"
#include "payment/note.h"

#define KEY_LABEL "Payment ID: "
#define HEAD_OPEN "[" KEY_LABEL
#define HEAD_END  "]"

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

/* "Course (subject)"; of a package what is known. */
static void
write_courses(FILE *note, const struct payment *paid)
{
	fputs("Курсы:\n", note);
	for (size_t i = 0; i < paid->item_count; i++) {
		const struct payment_item *item = &paid->items[i];
		char *title = payment_item_title(item), *subject = text_one_line(title);
		char *after = text_format(" (%s)", subject);

		if (item->course[0] != '\0' && item->subject[0] != '\0')
			write_line(note, "  ", item->course, after);
		else
			write_line(note, "  ", title, "");
		free(title);
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

	fputs("Оплата проведена\n", note);
	write_line(note, HEAD_OPEN, paid->key, HEAD_END);
	fputc('\n', note);
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

/* Whether the text has the whole line: a key may begin with another payment's. */
static bool
has_line(const char *text, const char *key)
{
	size_t label = strlen(KEY_LABEL), length = strlen(key);
	bool found = false;

	/* amoCRM strips white space from the text's end. */
	while (length > 0 && key[length - 1] == ' ')
		length--;
	while (*text != '\0' && !found) {
		size_t line = strcspn(text, "\r\n");

		found = line >= label + length && strncmp(text, KEY_LABEL, label) == 0 &&
		    strncmp(text + label, key, length) == 0 &&
		    strspn(text + label + length, " ") >= line - label - length;
		text += line;
		text += strspn(text, "\r\n");
	}
	return found;
}

/* The last place of a mark in the text; NULL when it is not there. */
static const char *
find_last(const char *text, const char *mark)
{
	const char *last = NULL;

	for (; (text = strstr(text, mark)) != NULL; text++)
		last = text;
	return last;
}

/*
 * Whether the essence of a text names this key.  Of the head only the first counts: what stands
 * behind it may be what a payer typed.  A text without a head ends with the key.
 */
static bool
names(const char *text, const char *key)
{
	static const char open[] = "[payment id: ", label[] = "payment id: ";
	char *wanted = shown_essence(key), *end = text_format("%s" HEAD_END, wanted);
	const char *head = strstr(text, open), *tail = find_last(text, label);
	bool found = false;

	if (head != NULL && strncmp(head + strlen(open), end, strlen(end)) == 0)
		found = *wanted != '\0';
	else if (head == NULL || strstr(head, HEAD_END) == NULL)
		/* Cut off, maybe inside the key. */
		found = tail != NULL && shown_same_text(tail + strlen(label), key);
	free(wanted);
	free(end);
	return found;
}

bool
note_is_for(const char *text, const struct payment *paid)
{
	/* As write_line() wrote it. */
	char *key = text_one_line(paid->key), *plain = shown_essence(text);
	bool found = has_line(text, key) || names(plain, key);

	free(key);
	free(plain);
	return found;
}
