/*
 * Recognising a text of ours in what a CRM shows.
 *
 * Both sides are brought to one form, from which everything is taken that is known to get lost.
 * That makes some different texts equal ("a" and "A"); whoever asks must have another reason to
 * look there.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "base/shown.h"
#include "base/text.h"

/*
 * Entities.
 */

/* Writes a character of up to U+FFFF as UTF-8; the number of bytes. */
static size_t
put_character(char *at, int64_t character)
{
	if (character < 0x80) {
		at[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		at[0] = (char)(0xC0 | character >> 6);
		at[1] = (char)(0x80 | (character & 0x3F));
		return 2;
	}
	at[0] = (char)(0xE0 | character >> 12);
	at[1] = (char)(0x80 | (character >> 6 & 0x3F));
	at[2] = (char)(0x80 | (character & 0x3F));
	return 3;
}

/* The character of the entity at the beginning, and the entity's length; 0 when there is none. */
static size_t
read_entity(const char *at, int64_t *character)
{
	static const struct {
		const char *name;
		int64_t character;
	} names[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' },
		{ "&apos;", '\'' }, { "&nbsp;", ' ' } };
	const char *end = at + 2;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(at, names[i].name, strlen(names[i].name)) == 0) {
			*character = names[i].character;
			return strlen(names[i].name);
		}
	}
	if (strncmp(at, "&#", 2) == 0 && number_read(&end, 0, 1, 0xFFFF, character) && *end == ';')
		return (size_t)(end + 1 - at);
	return 0;
}

/* In place; whether there was one. */
static bool
decode_once(char *text)
{
	int64_t character;
	char *from = text, *to = text;
	bool decoded = false;
	size_t length;

	while (*from != '\0') {
		if ((length = read_entity(from, &character)) > 0) {
			/* An entity is longer than its character. */
			to += put_character(to, character);
			from += length;
			decoded = true;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return decoded;
}

/* So often may a text have been encoded. */
#define ROUNDS 3

static void
decode_entities(char *text)
{
	int round = 0;

	while (round < ROUNDS && decode_once(text))
		round++;
}

/*
 * Characters.
 */

static size_t
character_length(const char *at)
{
	size_t length = 1;

	while ((at[length] & 0xC0) == 0x80)
		length++;
	return length;
}

/* An emoji, or what only joins and colours emoji. */
static bool
may_be_lost(const char *at)
{
	return (unsigned char)*at >= 0xF0 || strncmp(at, "\xE2\x80\x8D", 3) == 0 ||
	    strncmp(at, "\xEF\xB8\x8F", 3) == 0;
}

/* U+0300 to U+036F, which another Unicode form joins with the letter before. */
static bool
is_accent(const char *at)
{
	return *at == '\xCC' || (*at == '\xCD' && (unsigned char)at[1] <= 0xAF);
}

static bool
is_blank(const char *at)
{
	return (unsigned char)*at <= ' ' || *at == '\x7F' || strncmp(at, "\xC2\xA0", 2) == 0 ||
	    strncmp(at, "\xC2\x85", 2) == 0 || strncmp(at, "\xE2\x80\xA8", 3) == 0 ||
	    strncmp(at, "\xE2\x80\xA9", 3) == 0;
}

/* A small letter without its accent, of those that have one in Russian, Ukrainian and Latin-1. */
static const char *
plain_letter(const char *at)
{
	static const char *const letters[][2] = { { "й", "и" }, { "ё", "е" }, { "ї", "і" },
		{ "ў", "у" }, { "ѓ", "г" }, { "ќ", "к" } };
	/* U+00C0 to U+00FF; a dot where the letter is none with an accent. */
	static const char latin[] =
	    "aaaaaa.ceeeeiiii.nooooo..uuuuy..aaaaaa.ceeeeiiii.nooooo..uuuuy.y";
	static const char alphabet[] = "a\0c\0e\0i\0n\0o\0u\0y";
	size_t i;

	for (i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (strncmp(at, letters[i][0], 2) == 0)
			return letters[i][1];
	if (*at == '\xC3' && (at[1] & 0xC0) == 0x80 && latin[at[1] & 0x3F] != '.')
		for (i = 0; i < sizeof(alphabet); i += 2)
			if (alphabet[i] == latin[at[1] & 0x3F])
				return &alphabet[i];
	return NULL;
}

char *
shown_essence(const char *text)
{
	char *whole = text_copy(text), *folded, *out = NULL;
	const char *at, *plain;
	bool blank = false;
	size_t size;
	FILE *kept = memory_stream(&out, &size);

	decode_entities(whole);
	folded = text_fold(whole);
	for (at = folded; *at != '\0'; at += character_length(at)) {
		if (is_blank(at)) {
			blank = true;
			continue;
		}
		if (may_be_lost(at) || is_accent(at))
			continue;
		if (blank && ftell(kept) > 0)
			fputc(' ', kept);
		blank = false;
		if ((plain = plain_letter(at)) != NULL)
			fputs(plain, kept);
		else
			fwrite(at, 1, character_length(at), kept);
	}
	memory_stream_end(kept);
	free(folded);
	free(whole);
	return out;
}

/*
 * Comparing.
 */

/* What stands before the first character that may be lost: its essence, new; NULL when none may. */
static char *
safe_essence(const char *text)
{
	const char *at = text;
	char *part, *essence;

	while (*at != '\0' && !may_be_lost(at))
		at += character_length(at);
	if (*at == '\0')
		return NULL;
	part = text_part(text, (size_t)(at - text));
	essence = shown_essence(part);
	free(part);
	return essence;
}

/* A numeric field drops leading zeros, adds decimals, and rounds what has more than 15 digits, or
 * 14, if it shows an exponent. */
static bool
same_number(const char *shown, const char *written)
{
	char *end;
	double number = strtod(shown, &end), ours = strtod(written, NULL),
	       margin = strchr(shown, 'e') != NULL ? ours * 1e-13 : 0;

	return *written != '\0' && written[strspn(written, "0123456789")] == '\0' &&
	    strpbrk(shown, "0123456789") != NULL && shown[strspn(shown, "0123456789.e+")] == '\0' &&
	    *end == '\0' && fabs(number - ours) <= margin;
}

/* In place: what may stand for a lost character, "?" or U+FFFD. */
static char *
drop_marks(char *text)
{
	char *from = text, *to = text;

	while (*from != '\0') {
		if (*from == '?')
			from++;
		else if (strncmp(from, "\xEF\xBF\xBD", 3) == 0)
			from += 3;
		else
			*to++ = *from++;
	}
	*to = '\0';
	return text;
}

bool
shown_same_text(const char *shown, const char *written)
{
	char *found = shown_essence(shown), *ours = shown_essence(written),
	     *safe = safe_essence(written);
	bool same = *found != '\0' &&
	    (strcmp(found, ours) == 0 ||
		(safe != NULL &&
		    (strcmp(found, safe) == 0 ||
			strcmp(drop_marks(found), drop_marks(ours)) == 0)));

	free(found);
	free(ours);
	free(safe);
	return same;
}

bool
shown_same_id(const char *shown, const char *written)
{
	char *found = shown_essence(shown), *ours = shown_essence(written);
	bool same = shown_same_text(shown, written) || same_number(found, ours);

	free(found);
	free(ours);
	return same;
}

bool
shown_same_name(const char *shown, const char *written)
{
	char *found = shown_essence(shown), *ours = shown_essence(written),
	     *safe = safe_essence(written);
	bool same =
	    strcmp(found, ours) == 0 || (safe != NULL && strncmp(found, safe, strlen(safe)) == 0);

	free(found);
	free(ours);
	free(safe);
	return same;
}
