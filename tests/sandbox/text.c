#define _GNU_SOURCE 1
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"

void *
must(void *pointer)
{
	if (pointer == NULL) {
		fputs("amocrm-sandbox: out of memory\n", stderr);
		abort();
	}
	return pointer;
}

char *
text_format(const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);

	return must(length < 0 ? NULL : text);
}

/* The second byte of a two-byte Cyrillic letter, folded; *lead may change with it. */
static unsigned char
fold_cyrillic(unsigned char *lead, unsigned char trail)
{
	if (*lead != 0xD0)
		return trail;

	if (trail >= 0x90 && trail <= 0x9F) /* А to П */
		return (unsigned char)(trail + 0x20);

	if (trail >= 0xA0 && trail <= 0xAF) { /* Р to Я */
		*lead = 0xD1;
		return (unsigned char)(trail - 0x20);
	}
	if (trail >= 0x80 && trail <= 0x8F) { /* Ѐ to Џ, with Ё among them */
		*lead = 0xD1;
		return (unsigned char)(trail + 0x10);
	}
	return trail;
}

char *
text_fold(const char *text)
{
	char *folded = must(strdup(text));
	unsigned char *at = (unsigned char *)folded;

	for (; *at != '\0'; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at = (unsigned char)(*at - 'A' + 'a');
		else if (*at == 0xD0 && at[1] != '\0') {
			at[1] = fold_cyrillic(&at[0], at[1]);
			at++;
		}
	}
	return folded;
}

char *
text_digits(const char *text)
{
	char *digits = must(malloc(strlen(text) + 1));
	size_t length = 0;

	for (; *text != '\0'; text++) {
		if (*text >= '0' && *text <= '9')
			digits[length++] = *text;
	}
	digits[length] = '\0';

	return digits;
}

size_t
text_length(const char *text)
{
	size_t characters = 0;

	for (; *text != '\0'; text++)
		characters += ((unsigned char)*text & 0xC0) != 0x80;

	return characters;
}

bool
text_integer(const char *text, int64_t *number)
{
	char *end;
	long long value;

	if (text == NULL || *text == '\0' || *text == ' ')
		return false;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;

	*number = value;
	return true;
}

bool
text_timestamp(const char *text, int64_t *seconds)
{
	struct tm when = { 0 };
	const char *rest;
	int hours, minutes, used = 0;

	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &when);
	if (rest == NULL)
		return false;

	/* A fraction of a second is allowed and dropped. */
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");

	*seconds = timegm(&when);
	if (strcmp(rest, "Z") == 0)
		return true;

	if ((*rest != '+' && *rest != '-') ||
	    sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || rest[1 + used] != '\0')
		return false;

	*seconds -= (*rest == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

int64_t
clock_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t
clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t behind_s;

void
clock_set_behind(int64_t seconds)
{
	behind_s = seconds;
}

int64_t
clock_account_s(void)
{
	return clock_wall_ms() / 1000 - behind_s;
}
