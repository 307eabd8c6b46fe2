/*
 * Small things about text and time that the rest of the sandbox needs.
 *
 * The sandbox is a test tool: when memory runs out it stops, so nothing here returns NULL for want of memory.
 */
#ifndef SANDBOX_TEXT_H
#define SANDBOX_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Give back the pointer, or stop the program if it is NULL. */
void *must(void *pointer) __attribute__((returns_nonnull));

/* New string by printf rules; the caller frees it. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* New string with Latin and Cyrillic letters in lower case; other characters are kept. */
char *text_fold(const char *text) __attribute__((returns_nonnull));

/* New string of the decimal digits of text, in order. */
char *text_digits(const char *text) __attribute__((returns_nonnull));

/* Characters (not bytes) of a UTF-8 string. */
size_t text_length(const char *text);

/* The whole text is one decimal integer: set *number and return true. */
bool text_integer(const char *text, int64_t *number);

/* An RFC 3339 date and time with zone ("2020-06-17T00:00:00+03:00"): set *seconds since 1970 and return true. */
bool text_timestamp(const char *text, int64_t *seconds);

/* Nanoseconds of the monotonic clock, milliseconds of the wall clock. */
int64_t clock_monotonic_ns(void);
int64_t clock_wall_ms(void);

/* Seconds since 1970 by the account's own clock, which may be set behind that of this machine. */
int64_t clock_account_s(void);
void clock_set_behind(int64_t seconds);

#endif
