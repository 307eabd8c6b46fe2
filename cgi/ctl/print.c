/*
 * What paymentctl prints: tables, lines, complaints, progress.
 *
 * All of it goes through one place that makes text printable, because names and payloads come from
 * outside.  A library for tables (libsmartcols) was weighed: it would replace thirty lines, and
 * write bytes that do not print as \xd0 and the like, where one question mark is meant here.
 */
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <wchar.h>

#include "base/memory.h"
#include "base/text.h"
#include "print.h"

#define GAP         2   /* Spaces between two columns. */
#define PROGRESS_MS 100 /* The line of progress changes at most that often. */

static const char *const looks[] = {
	[PRINT_PLAIN] = "",
	[PRINT_HEAD] = "\033[1m",
	[PRINT_GOOD] = "\033[32m",
	[PRINT_ODD] = "\033[33m",
	[PRINT_BAD] = "\033[31m",
	[PRINT_DIM] = "\033[2m",
};

enum print_look
print_look_of(const char *status)
{
	if (strcmp(status, "failed") == 0)
		return PRINT_BAD;
	if (strcmp(status, "success") == 0)
		return PRINT_GOOD;
	return strcmp(status, "skipped") == 0 ? PRINT_DIM : PRINT_ODD;
}

static void
put_text(enum print_look look, const char *text)
{
	const char *no_color = getenv("NO_COLOR");
	bool colour = looks[look][0] != '\0' && isatty(STDOUT_FILENO) &&
	    (no_color == NULL || no_color[0] == '\0');

	printf("%s%s%s", colour ? looks[look] : "", text, colour ? "\033[0m" : "");
}

/*
 * Make text printable in place and return how many columns it takes.  The ledger is UTF-8 whatever
 * the operator's locale says, so that is not asked.
 */
static int
tidy(char *text)
{
	mbstate_t state = { 0 };
	size_t length;
	wchar_t letter;
	int width = 0;
	char *to = text;

	setlocale(LC_CTYPE, "C.UTF-8");
	for (; *text != '\0'; text += length) {
		length = mbrtowc(&letter, text, strlen(text), &state);
		if (length >= (size_t)-2 || wcwidth(letter) < 0) {
			if (length >= (size_t)-2)
				length = 1;
			memset(&state, 0, sizeof(state));
			*to++ = '?';
			width++;
			continue;
		}
		memmove(to, text, length);
		to += length;
		width += wcwidth(letter);
	}
	*to = '\0';
	return width;
}

/*
 * Tables.
 */

struct cell {
	char *text;
	int width;
	enum print_look look;
};

/* The cell of a row, or the title without one. */
static struct cell
make_cell(const struct print_column *column, const json_t *row)
{
	const json_t *value = column->key != NULL ? json_object_get(row, column->key) : row;
	struct cell cell = { .look = PRINT_PLAIN };

	if (row == NULL && column->title != NULL)
		cell = (struct cell){ text_copy(column->title + (column->title[0] == '>')), 0,
			PRINT_HEAD };
	else
		cell.text = value != NULL ? column->text(value) : text_copy(" ");
	if (cell.text[0] == '\0') {
		free(cell.text);
		cell.text = text_copy("-");
	}
	cell.width = tidy(cell.text);
	if (column->look != NULL && value != NULL)
		cell.look = column->look(row);
	return cell;
}

/* The last column ends where its text ends: no line has spaces after it. */
static void
put_cell(const struct cell *cell, bool right, int width, bool last)
{
	int space = width - cell->width;

	if (right)
		printf("%*s", space, "");
	put_text(cell->look, cell->text);
	if (last)
		putchar('\n');
	else
		printf("%*s", GAP + (right ? 0 : space), "");
	free(cell->text);
}

void
print_rows(const struct print_column columns[], size_t count, const json_t *rows)
{
	size_t titles = columns[0].title != NULL, lines = titles + json_array_size(rows), i;
	struct cell *cells = memory_zeroed(lines * count, sizeof(*cells));
	int *widths = memory_zeroed(count, sizeof(*widths));

	for (i = 0; i < lines * count; i++) {
		const struct print_column *column = &columns[i % count];

		cells[i] = make_cell(
		    column, i / count < titles ? NULL : json_array_get(rows, i / count - titles));
		if (cells[i].width > widths[i % count])
			widths[i % count] = cells[i].width;
	}
	for (i = 0; i < lines * count; i++)
		put_cell(&cells[i], titles > 0 && columns[i % count].title[0] == '>',
		    widths[i % count], i % count == count - 1);
	free(cells);
	free(widths);
}

char *
print_as_text(const json_t *value)
{
	return text_copy(json_is_string(value) ? json_string_value(value) : "");
}

char *
print_as_number(const json_t *value)
{
	return text_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

char *
print_as_id(const json_t *value)
{
	return json_integer_value(value) != 0 ? print_as_number(value) : text_copy("");
}

char *
print_as_money(const json_t *kopecks)
{
	char text[PRINT_MONEY];

	return text_copy(print_money(text, json_integer_value(kopecks)));
}

char *
print_as_time(const json_t *wall_ms)
{
	char text[CLOCK_TEXT];

	return text_copy(print_time(text, json_integer_value(wall_ms)));
}

char *
print_as_utc(const json_t *utc)
{
	char text[CLOCK_TEXT];
	int64_t seconds;

	if (!json_is_string(utc) || !clock_parse(json_string_value(utc), &seconds))
		return text_copy("");
	return text_copy(clock_local(text, seconds));
}

enum print_look
print_look_given(const json_t *row)
{
	return (enum print_look)json_integer_value(json_object_get(row, "look"));
}

enum print_look
print_look_of_row(const json_t *row)
{
	return print_look_of(json_string_value(json_object_get(row, "status")));
}

void
print_fact(json_t *rows, const char *name, enum print_look look, const char *format, ...)
{
	va_list args;
	char *value;

	va_start(args, format);
	value = text_format_list(format, args);
	va_end(args);
	json_array_append_new(
	    rows, json_pack("{s:s, s:s, s:i}", "name", name, "value", value, "look", (int)look));
	free(value);
}

/*
 * Lines.
 */

/* A line of progress stands there without its end. */
static bool line_open;

void
print_line(enum print_look look, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = text_format_list(format, args);
	va_end(args);
	tidy(text);
	put_text(look, text);
	putchar('\n');
	free(text);
}

void
print_complaint(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = text_format_list(format, args);
	va_end(args);
	tidy(text);
	fprintf(stderr, "%spaymentctl: %s\n", line_open ? "\n" : "", text);
	line_open = false;
	free(text);
}

const char *
print_time(char text[static CLOCK_TEXT], int64_t wall_ms)
{
	if (wall_ms == 0)
		text[0] = '\0';
	else
		clock_local(text, wall_ms / 1000);
	return text;
}

/* "5000.00 RUB" */
static char *
amount_text(int64_t kopecks, const char *currency)
{
	uint64_t size = kopecks < 0 ? -(uint64_t)kopecks : (uint64_t)kopecks;

	return text_format("%s%" PRIu64 ".%02" PRIu64 " %s", kopecks < 0 ? "-" : "", size / 100,
	    size % 100, currency);
}

const char *
print_money(char text[static PRINT_MONEY], int64_t kopecks)
{
	char *amount = amount_text(kopecks, "RUB");

	snprintf(text, PRINT_MONEY, "%s", amount);
	free(amount);
	return text;
}

char *
print_as_amount(const json_t *row)
{
	const char *foreign = json_string_value(json_object_get(row, "foreign_currency"));

	return amount_text(
	    json_integer_value(json_object_get(row, "kopecks")), foreign != NULL ? foreign : "RUB");
}

const char *
print_plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

void
print_progress(const char *what, int64_t done, int64_t total)
{
	static int64_t next_ms;
	int64_t now_ms = clock_mono_ms();

	if (!isatty(STDERR_FILENO) || (done != total && now_ms < next_ms))
		return;
	next_ms = now_ms + PROGRESS_MS;
	fprintf(stderr, "\r%s: %" PRId64, what, done);
	if (total > 0)
		fprintf(stderr, " of %" PRId64, total);
	fputs("\033[K", stderr);
	line_open = done != total;
	if (!line_open)
		fputc('\n', stderr);
}

int
print_fault(const struct fault *why)
{
	print_complaint("%s", why->text);
	return EX_TEMPFAIL;
}

void
print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
}
