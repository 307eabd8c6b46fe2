/*
 * UTF-8 texts.
 *
 * No function asks the locale: a webhook means the same on every host.  Case is folded for ASCII
 * and Russian only, and by bytes, which is possible because both cases of those letters take the
 * same number of bytes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/*
 * The length in bytes of one character of white space at the beginning; 0 when there is none.  C2
 * A0 is the no-break space.
 */
static size_t
space_length(const char *at)
{
	if (*at == ' ' || (*at >= '\t' && *at <= '\r'))
		return 1;
	return strncmp(at, "\xC2\xA0", 2) == 0 ? 2 : 0;
}

/* The same at the end. */
static size_t
space_length_before(const char *begin, const char *end)
{
	if (end > begin && space_length(end - 1) == 1)
		return 1;
	return end - begin >= 2 && memcmp(end - 2, "\xC2\xA0", 2) == 0 ? 2 : 0;
}

const char *
text_trim(const char *text, size_t *length)
{
	const char *end = text + strlen(text);
	size_t step;

	while ((step = space_length(text)) > 0)
		text += step;
	while ((step = space_length_before(text, end)) > 0)
		end -= step;
	*length = (size_t)(end - text);
	return text;
}

char *
text_copy(const char *text)
{
	return text_part(text, strlen(text));
}

char *
text_part(const char *text, size_t length)
{
	char *copy = memory_allocate(length + 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

/*
 * In UTF-8 the capitals U+0410..U+041F are D0 90..9F and their small letters D0 B0..BF;
 * U+0420..U+042F are D0 A0..AF and become D1 80..8F; U+0400..U+040F (the letter Io among them) are
 * D0 80..8F and become D1 90..9F.
 */
static void
fold_cyrillic(unsigned char letter[static 2])
{
	if (letter[1] >= 0x90 && letter[1] <= 0x9F) {
		letter[1] = (unsigned char)(letter[1] + 0x20);
	} else if (letter[1] >= 0xA0 && letter[1] <= 0xAF) {
		letter[0] = 0xD1;
		letter[1] = (unsigned char)(letter[1] - 0x20);
	} else if (letter[1] >= 0x80 && letter[1] <= 0x8F) {
		letter[0] = 0xD1;
		letter[1] = (unsigned char)(letter[1] + 0x10);
	}
}

char *
text_fold(const char *text)
{
	char *folded = text_copy(text);

	for (char *at = folded; *at != '\0'; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at + ('a' - 'A'));
		else if (*at == '\xD0' && at[1] != '\0')
			fold_cyrillic((unsigned char *)at++);
	}
	return folded;
}

/* Each character has one byte that is not a continuation (10xxxxxx). */
size_t
text_characters(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		if (((unsigned char)*text & 0xC0) != 0x80)
			count++;
	return count;
}

static bool
is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7F;
}

bool
text_has_controls(const char *text)
{
	for (; *text != '\0'; text++)
		if (is_control(*text))
			return true;
	return false;
}

/* The line is at most as long as the text, so it is made in the copy's own place. */
char *
text_one_line(const char *text)
{
	char *line = text_copy(text), *to = line;

	for (const char *from = line; *from != '\0';) {
		size_t length = 0;

		if (is_control(*from))
			length = 1;
		else if (strncmp(from, "\xC2\x85", 2) == 0) /* U+0085, next line */
			length = 2;
		else if (strncmp(from, "\xE2\x80\xA8", 3) == 0 ||
		    strncmp(from, "\xE2\x80\xA9", 3) == 0)
			length = 3; /* U+2028 and U+2029, line and paragraph separator */
		*to++ = length > 0 ? ' ' : *from;
		from += length > 0 ? length : 1;
	}
	*to = '\0';
	return line;
}

char *
text_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = text_format_list(format, args);
	va_end(args);
	return text;
}

char *
text_format_list(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		memory_exhausted();
	return text;
}
