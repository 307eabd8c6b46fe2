/*
 * Clocks, and the times that the platform writes.
 *
 * Times are parsed here and not by strptime(3) and mktime(3) alone, because those take what does
 * not exist (30 February, 25:00) for another day, and a payment dated wrongly lands in the wrong
 * day of a report for good.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"

/*
 * The chosen zone's label.  The zone itself is a global of the C library, so its label may be a
 * global too.
 */
static char zone_label[64] = "UTC";
static char zone_name[64];

static int64_t
read_clock_ms(clockid_t which)
{
	struct timespec now;

	if (clock_gettime(which, &now) != 0)
		abort();
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_wall_ms(void)
{
	return read_clock_ms(CLOCK_REALTIME);
}

int64_t
clock_mono_ms(void)
{
	return read_clock_ms(CLOCK_MONOTONIC);
}

int64_t
clock_age_ms(int64_t now_ms, int64_t then_ms)
{
	return now_ms > then_ms ? now_ms - then_ms : 0;
}

void
clock_sleep_until(int64_t mono_ms)
{
	struct timespec until = { .tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000 };

	if (mono_ms <= 0)
		return;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
}

/* Whether the system's time zone database has a compiled zone of that name. */
static bool
zone_exists(const char *name)
{
	const char *directory = getenv("TZDIR");
	char path[PATH_MAX], magic[4];
	bool found = false;
	FILE *file;

	/*
	 * tzset(3) would read any file for these, so that a setting could name one outside the
	 * database.
	 */
	if (name[0] == '/' || name[0] == ':' || strstr(name, "..") != NULL)
		return false;
	if (snprintf(path, sizeof(path), "%s/%s",
		directory != NULL ? directory : "/usr/share/zoneinfo", name) >= (int)sizeof(path))
		return false;
	if ((file = fopen(path, "re")) == NULL)
		return false;
	found =
	    fread(magic, sizeof(magic), 1, file) == 1 && memcmp(magic, "TZif", sizeof(magic)) == 0;
	fclose(file);
	return found;
}

bool
clock_set_zone(const char *name)
{
	const char *last = strrchr(name, '/'), *chosen = getenv("TZ");

	/*
	 * A zone that was read once is known, also to children, should its file be gone meanwhile.
	 */
	if (chosen != NULL && strcmp(name, chosen) == 0 && strcmp(name, zone_name) == 0)
		return true;
	/* UTC needs no database, and a minimal system may have none. */
	if (name[0] == '\0' || (strcmp(name, "UTC") != 0 && !zone_exists(name)))
		return false;
	if (setenv("TZ", name, 1) != 0)
		memory_exhausted();
	tzset();
	snprintf(zone_name, sizeof(zone_name), "%s", name);
	snprintf(zone_label, sizeof(zone_label), "%s", last != NULL ? last + 1 : name);
	for (char *at = zone_label; *at != '\0'; at++)
		if (*at == '_')
			*at = ' ';
	return true;
}

const char *
clock_zone_label(void)
{
	return zone_label;
}

/* Read exactly `count` digits, between least and most, and step over them. */
static bool
read_number(const char **text, int count, int least, int most, int *number)
{
	const char *begin = *text;
	int64_t value;

	if (!number_read(text, count, least, most, &value) || *text - begin != count)
		return false;
	*number = (int)value;
	return true;
}

/* Step over this character; false when another stands there. */
static bool
read_mark(const char **text, char mark)
{
	if (**text != mark)
		return false;
	(*text)++;
	return true;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/*
 * "2025-01-20 14:49:20", or with a T.  mktime() would quietly make 2 March of 30 February, so the
 * calendar is checked here.
 */
static bool
read_date_time(const char **text, struct tm *when)
{
	int year, month;

	memset(when, 0, sizeof(*when));
	if (!read_number(text, 4, 1, 9999, &year) || !read_mark(text, '-') ||
	    !read_number(text, 2, 1, 12, &month) || !read_mark(text, '-') ||
	    !read_number(text, 2, 1, days_in_month(year, month), &when->tm_mday) ||
	    (!read_mark(text, ' ') && !read_mark(text, 'T')) ||
	    !read_number(text, 2, 0, 23, &when->tm_hour) || !read_mark(text, ':') ||
	    !read_number(text, 2, 0, 59, &when->tm_min) || !read_mark(text, ':') ||
	    !read_number(text, 2, 0, 59, &when->tm_sec))
		return false;
	when->tm_year = year - 1900;
	when->tm_mon = month - 1;
	return true;
}

/*
 * Payments are dated to the second; a fraction is allowed, as some libraries always write one, and
 * dropped.
 */
static bool
skip_fraction(const char **text)
{
	if (!read_mark(text, '.') && !read_mark(text, ','))
		return true;
	if (**text < '0' || **text > '9')
		return false;
	*text += strspn(*text, "0123456789");
	return true;
}

/* Z, +HH:MM, +HHMM or +HH, in seconds east of Greenwich. */
static bool
read_offset(const char **text, int *east)
{
	int sign = **text == '-' ? -1 : 1, hours, minutes = 0;

	*east = 0;
	if (read_mark(text, 'Z'))
		return true;
	if (!read_mark(text, '+') && !read_mark(text, '-'))
		return false;
	if (!read_number(text, 2, 0, 23, &hours))
		return false;
	if ((read_mark(text, ':') || **text != '\0') && !read_number(text, 2, 0, 59, &minutes))
		return false;
	*east = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool
clock_parse(const char *text, int64_t *unix_seconds)
{
	struct tm when;
	int east;

	if (!read_date_time(&text, &when) || !skip_fraction(&text))
		return false;
	/*
	 * Without an offset the chosen zone decides, which is where the platform keeps its clock.
	 */
	if (*text == '\0') {
		when.tm_isdst = -1;
		*unix_seconds = mktime(&when);
		return true;
	}
	if (!read_offset(&text, &east) || *text != '\0')
		return false;
	*unix_seconds = timegm(&when) - east;
	return true;
}

/*
 * Unix seconds from 1973 on and milliseconds up to 5138 share no number.  What is less than either
 * is no time but a mistake, as 20250120 is.
 */
#define UNIX_LEAST   INT64_C(100000000)
#define UNIX_MS      INT64_C(100000000000)
#define UNIX_MS_MOST INT64_C(99999999999999)

/* A fraction, which such numbers get on their way, is dropped. */
static bool
read_unix(const char *text, int64_t *unix_seconds)
{
	int64_t number;

	if (!number_read(&text, 0, UNIX_LEAST, UNIX_MS_MOST, &number) || !skip_fraction(&text) ||
	    *text != '\0')
		return false;
	*unix_seconds = number < UNIX_MS ? number : number / 1000;
	return true;
}

bool
clock_read(const char *text, int64_t *unix_seconds)
{
	return clock_parse(text, unix_seconds) || read_unix(text, unix_seconds);
}

const char *
clock_local(char text[static CLOCK_TEXT], int64_t unix_seconds)
{
	struct tm when;

	/* A time that no calendar holds gives an empty text. */
	if (localtime_r(&unix_seconds, &when) == NULL ||
	    strftime(text, CLOCK_TEXT, "%Y-%m-%d %H:%M:%S", &when) == 0)
		text[0] = '\0';
	return text;
}

const char *
clock_utc(char text[static CLOCK_TEXT], int64_t unix_seconds)
{
	struct tm when;

	if (gmtime_r(&unix_seconds, &when) == NULL ||
	    strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &when) == 0)
		text[0] = '\0';
	return text;
}

int64_t
clock_day(int64_t unix_seconds)
{
	struct tm when;
	int64_t local = unix_seconds;

	if (localtime_r(&unix_seconds, &when) != NULL)
		local += when.tm_gmtoff;
	/* Division rounds towards zero, but days before 1970 begin at midnight too. */
	return local >= 0 ? local / 86400 : (local - 86399) / 86400;
}
