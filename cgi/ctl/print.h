#ifndef CGI_CTL_PRINT_H
#define CGI_CTL_PRINT_H

#include <jansson.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/fault.h"

/*
 * What paymentctl prints: tables and lines on stdout, complaints and progress on stderr.
 *
 * Colours are used only on a terminal, and not where NO_COLOR is set; otherwise what is printed is
 * the same in a pipe. Text from outside may be given to everything here: what does not print
 * (control characters, broken UTF-8) comes out as a question mark, so that no text from
 * outside moves the operator's cursor.
 */
enum print_look {
	PRINT_PLAIN,
	PRINT_HEAD,
	PRINT_GOOD,
	PRINT_ODD,
	PRINT_BAD,
	PRINT_DIM
};

/* How a payment's status looks. */
enum print_look print_look_of(const char *status);

/*
 * A column of a table.  A table shows JSON objects, a row each; as columns are as wide as their
 * widest cell, it is printed when all rows are there.  A member that a row does not have is left
 * blank.
 */
struct print_column {
	const char *title; /* '>' first: aligned right.  NULL in all columns: no line of titles. */
	const char *key;   /* Which member of the row is shown.  NULL: the row as a whole. */
	char *(*text)(const json_t *value);         /* A new text of it; "" is shown as "-". */
	enum print_look (*look)(const json_t *row); /* NULL: plain. */
};
#define PRINT_COLUMNS(columns) (sizeof(columns) / sizeof((columns)[0]))

void print_rows(const struct print_column columns[], size_t count, const json_t *rows);

/* Texts of values, for columns; "" of null, and of an id or time that is 0. */
char *print_as_text(const json_t *value);
char *print_as_number(const json_t *value);
char *print_as_id(const json_t *value);
char *print_as_money(const json_t *kopecks);
char *print_as_time(const json_t *wall_ms);
char *print_as_utc(const json_t *utc);

/* The amount of a payment's row, in the currency in which it was paid. */
char *print_as_amount(const json_t *row);

/* How a row looks whose member "look" says it, and one with a payment's "status". */
enum print_look print_look_given(const json_t *row);
enum print_look print_look_of_row(const json_t *row);

/* Append a row of {"name", "value", "look"}. */
void print_fact(json_t *rows, const char *name, enum print_look look, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* One line on stdout. */
void print_line(enum print_look look, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line on stderr: "paymentctl: " and what is wrong. */
void print_complaint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "2025-01-20 14:49:20" in PAYMENT_TIMEZONE, and "" for 0: it never happened.  Returns text. */
const char *print_time(char text[static CLOCK_TEXT], int64_t wall_ms);

/* "5000.00 RUB".  Returns text. */
#define PRINT_MONEY 40
const char *print_money(char text[static PRINT_MONEY], int64_t kopecks);

/* The end of a noun behind a number: "" for 1, else "s". */
const char *print_plural(int64_t count);

/*
 * How far long work is, on stderr and only if that is a terminal: "purging: 1200 of 10000".
 * `total` is 0 while it is not known.  Cheap enough to be called for every item; the call with done
 * == total ends the line.
 */
void print_progress(const char *what, int64_t done, int64_t total);

/* Say what went wrong.  Returns EX_TEMPFAIL. */
int print_fault(const struct fault *why);

/* Print a document and a line's end, and free the document. */
void print_json(json_t *json);

#endif
