/*
 * paymentctl: tables, colours, complaints, progress.
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

static bool
coloured(void)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

static void
put_text(enum print_look look, const char *text)
{
	bool colour = looks[look][0] != '\0' && coloured();

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

struct print_table {
	int columns;
	bool *right;
	int *widths;
	struct cell *cells;
	size_t count, capacity;
};

static void
add_cell(struct print_table *table, enum print_look look, char *text)
{
	struct cell cell = { .text = text, .width = tidy(text), .look = look };
	int *width = &table->widths[table->count % (size_t)table->columns];

	if (table->count == table->capacity) {
		table->capacity = table->capacity > 0 ? 2 * table->capacity : 64;
		table->cells = memory_resize_array(table->cells, table->capacity, sizeof(cell));
	}
	table->cells[table->count++] = cell;
	if (cell.width > *width)
		*width = cell.width;
}

struct print_table *
print_table(int columns, const char *const heads[])
{
	struct print_table *table = memory_resize_array(NULL, 1, sizeof(*table));
	int i;

	*table = (struct print_table){ .columns = columns };
	table->right = memory_resize_array(NULL, (size_t)columns, sizeof(*table->right));
	table->widths = memory_resize_array(NULL, (size_t)columns, sizeof(*table->widths));
	for (i = 0; i < columns; i++) {
		table->right[i] = heads != NULL && heads[i][0] == '>';
		table->widths[i] = 0;
	}
	for (i = 0; i < columns && heads != NULL; i++)
		print_cell(table, PRINT_HEAD, "%s", heads[i] + table->right[i]);
	return table;
}

void
print_cell(struct print_table *table, enum print_look look, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = text_format_list(format, args);
	va_end(args);
	if (text[0] == '\0') {
		free(text);
		text = text_copy("-");
	}
	add_cell(table, look, text);
}

/* The last column ends where its text ends: no line has spaces after it. */
static void
put_cell(const struct print_table *table, size_t number)
{
	const struct cell *cell = &table->cells[number];
	int column = (int)(number % (size_t)table->columns);
	bool last = column == table->columns - 1;
	int space = table->widths[column] - cell->width;

	if (table->right[column])
		printf("%*s", space, "");
	put_text(cell->look, cell->text);
	if (last)
		putchar('\n');
	else
		printf("%*s", GAP + (table->right[column] ? 0 : space), "");
}

void
print_end(struct print_table *table)
{
	size_t i;

	for (i = 0; i < table->count; i++) {
		put_cell(table, i);
		free(table->cells[i].text);
	}
	free(table->cells);
	free(table->widths);
	free(table->right);
	free(table);
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

const char *
print_utc(char text[static CLOCK_TEXT], const char *utc)
{
	int64_t seconds;

	text[0] = '\0';
	return utc != NULL && clock_parse(utc, &seconds) ? clock_local(text, seconds) : text;
}

const char *
print_money(char text[static PRINT_MONEY], int64_t kopecks)
{
	uint64_t size = kopecks < 0 ? -(uint64_t)kopecks : (uint64_t)kopecks;

	snprintf(text, PRINT_MONEY, "%s%" PRIu64 ".%02" PRIu64 " RUB", kopecks < 0 ? "-" : "",
	    size / 100, size % 100);
	return text;
}

const char *
print_plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

void
ctl_progress(const char *what, int64_t done, int64_t total)
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
ctl_complain(const struct fault *why)
{
	print_complaint("%s", why->text);
	return EX_TEMPFAIL;
}

void
ctl_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}
