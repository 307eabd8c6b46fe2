/*
 * How each language writes numbers, amounts, spans and times.  Its texts are data,
 * lib/web/locale.json, so that somebody who knows the language and no C can mend them; here is only
 * what takes rules.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "web/locale.h"

#define NBSP "\xC2\xA0"

static int
plural_english(int64_t count)
{
	return count == 1 ? 0 : 1;
}

/* 1, 21, 31 платёж; 2-4, 22-24 платежа; 5-20, 25-30 платежей. */
static int
plural_russian(int64_t count)
{
	if (count % 10 == 1 && count % 100 != 11)
		return 0;
	return count % 10 >= 2 && count % 10 <= 4 && (count % 100 < 12 || count % 100 > 14) ? 1 : 2;
}

/* lib/web/locale.json */
extern const char locale_texts[];

static struct locale english = { .code = "en", .plural = plural_english };
static struct locale russian = { .code = "ru", .plural = plural_russian };

/*
 * How much a language is wanted, in thousandths: "ru-RU,ru;q=0.9,en;q=0.8"; 0 when it is not named.
 * A header that makes no sense names nothing: it is a stranger's, and no reason to refuse the page.
 */
static int
wanted(const char *header, const char *code)
{
	int most = 0;

	for (; *header != '\0'; header += strcspn(header, ","), header += *header == ',') {
		const char *name = header + strspn(header, " "), *end = name + strcspn(name, ",");
		const char *quality = memchr(name, ';', (size_t)(end - name));
		int much = 1000;

		/* "ru" and "ru-RU" are Russian, "run" is not. */
		if (strncasecmp(name, code, 2) != 0 || strchr("-;, ", name[2]) == NULL)
			continue;
		if (quality != NULL && (quality = strstr(quality, "q=")) != NULL && quality < end)
			much = (int)(strtod(quality + 2, NULL) * 1000);
		if (much > most)
			most = much;
	}
	return most;
}

const struct locale *
locale_choose(const char *accept_language)
{
	/* Read once in a process: the file is part of the program, and lives as long. */
	if (english.texts == NULL) {
		json_t *all = json_loads(locale_texts, 0, NULL);

		english.texts = json_incref(json_object_get(all, english.code));
		russian.texts = json_incref(json_object_get(all, russian.code));
		json_decref(all);
	}
	if (accept_language == NULL)
		return &english;
	return wanted(accept_language, russian.code) > wanted(accept_language, english.code)
	    ? &russian
	    : &english;
}

const char *
locale_part(const struct locale *locale, const char *name, const char *part)
{
	const char *text =
	    json_string_value(json_object_get(json_object_get(locale->texts, name), part));

	/* A page with the name in the place of a text is better than none. */
	return text != NULL ? text : part;
}

const char *
locale_text(const struct locale *locale, const char *name)
{
	const char *text = json_string_value(json_object_get(locale->texts, name));

	return text != NULL ? text : name;
}

json_t *
locale_fill(const char *text, const char *value)
{
	const char *place = strstr(text, "{}");
	json_t *filled;
	char *whole;

	/*
	 * A value need not be UTF-8: a reason may have been cut in the middle of a character, and
	 * must show all the same.
	 */
	if (place == NULL)
		return json_string_nocheck(text);
	whole = text_format("%.*s%s%s", (int)(place - text), text, value, place + 2);
	filled = json_string_nocheck(whole);
	free(whole);
	return filled;
}

static const char *
text_at(const struct locale *locale, const char *name, int64_t index)
{
	const char *text =
	    json_string_value(json_array_get(json_object_get(locale->texts, name), (size_t)index));

	return text != NULL ? text : name;
}

const char *
locale_count(const struct locale *locale, char text[static LOCALE_TEXT], int64_t count)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, count), i;
	char *end = text;

	for (i = 0; i < length; i++) {
		/* Groups of three, counted from the right; no mark behind the sign. */
		if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
			end = stpcpy(end, locale_text(locale, "thousands"));
		*end++ = digits[i];
	}
	*end = '\0';
	return text;
}

const char *
locale_payments(const struct locale *locale, char text[static LOCALE_TEXT], int64_t count)
{
	size_t length;

	locale_count(locale, text, count);
	length = strlen(text);
	snprintf(text + length, LOCALE_TEXT - length, NBSP "%s",
	    text_at(locale, "payments", locale->plural(count)));
	return text;
}

const char *
locale_amount(const struct locale *locale, char text[static LOCALE_TEXT], int64_t kopecks)
{
	size_t length;

	locale_count(locale, text, kopecks / 100);
	length = strlen(text);
	if (kopecks % 100 != 0)
		snprintf(text + length, LOCALE_TEXT - length, "%s%02d",
		    locale_text(locale, "point"), abs((int)(kopecks % 100)));
	return text;
}

const char *
locale_roubles(const struct locale *locale, char text[static LOCALE_TEXT], int64_t kopecks)
{
	locale_amount(locale, text, kopecks);
	return strcat(text, NBSP "₽");
}

const char *
locale_span(const struct locale *locale, char text[static LOCALE_TEXT], int64_t seconds)
{
	int64_t minutes = seconds > 0 ? seconds / 60 : 0;

	if (minutes == 0)
		snprintf(text, LOCALE_TEXT, "%s", locale_text(locale, "instant"));
	else if (minutes >= 48 * 60)
		snprintf(text, LOCALE_TEXT, "%" PRId64 NBSP "%s", minutes / (24 * 60),
		    locale_text(locale, "days"));
	else if (minutes >= 60)
		snprintf(text, LOCALE_TEXT, "%" PRId64 NBSP "%s %" PRId64 NBSP "%s", minutes / 60,
		    locale_text(locale, "hour"), minutes % 60, locale_text(locale, "minute"));
	else
		snprintf(text, LOCALE_TEXT, "%" PRId64 NBSP "%s", minutes,
		    locale_text(locale, "minute"));
	return text;
}

const char *
locale_day(const struct locale *locale, char text[static LOCALE_TEXT], int64_t day)
{
	char date[CLOCK_TEXT] = "";
	int64_t month = 1, day_of_month = 0;

	/* "2025-01-20T.." */
	clock_utc(date, day * 86400);
	if (!number_read(&(const char *){ date + 5 }, 2, 1, 12, &month) ||
	    !number_read(&(const char *){ date + 8 }, 2, 1, 31, &day_of_month))
		return strcpy(text, "");
	snprintf(text, LOCALE_TEXT, "%" PRId64 NBSP "%s", day_of_month,
	    text_at(locale, "months", month - 1));
	return text;
}

const char *
locale_time(const struct locale *locale, char text[static LOCALE_TEXT], int64_t at, int64_t now)
{
	char local[CLOCK_TEXT], day[LOCALE_TEXT];

	if (at == 0)
		return strcpy(text, locale_text(locale, "never"));
	/* "2025-01-20 14:49:20" */
	clock_local(local, at);
	if (clock_day(at) == clock_day(now))
		snprintf(text, LOCALE_TEXT, "%.5s", local + 11);
	else
		snprintf(text, LOCALE_TEXT, "%.40s, %.5s", locale_day(locale, day, clock_day(at)),
		    local + 11);
	return text;
}
