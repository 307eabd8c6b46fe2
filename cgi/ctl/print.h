#ifndef CGI_CTL_PRINT_H
#define CGI_CTL_PRINT_H

#include <jansson.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/fault.h"

/*
 * How paymentctl speaks: tables and lines on stdout, complaints and progress on stderr.
 *
 * Colours are used only on a terminal, and not where NO_COLOR is set; otherwise what is printed is
 * the same in a pipe. Text from outside may be given to everything here: what does not print
 * (control characters, broken UTF-8) comes out as a question mark, so that nobody moves an
 * operator's cursor.
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
 * A table is filled cell by cell, row by row, and printed as a whole, because its columns are as
 * wide as the widest cell. `heads` names the columns; one that begins with '>' is aligned right.
 * NULL for a table without headings. An empty cell is shown as "-".
 */
struct print_table;
struct print_table *print_table(int columns, const char *const heads[]);
void print_cell(struct print_table *table, enum print_look look, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void print_end(struct print_table *table); /* Prints and frees it. */

/* One line on stdout. */
void print_line(enum print_look look, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line on stderr: "paymentctl: " and what is wrong. */
void print_complaint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "2025-01-20 14:49:20" in PAYMENT_TIMEZONE, and "" for 0: it never happened.  Returns text. */
const char *print_time(char text[static CLOCK_TEXT], int64_t wall_ms);

/* The same of "2025-01-20T11:49:20Z", as the ledger's rows tell it; "" for NULL. */
const char *print_utc(char text[static CLOCK_TEXT], const char *utc);

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
void ctl_progress(const char *what, int64_t done, int64_t total);

/* Say what went wrong.  Returns EX_TEMPFAIL. */
int ctl_complain(const struct fault *why);

/* Print a document, and a line's end. */
void ctl_json(const json_t *json);

#endif
