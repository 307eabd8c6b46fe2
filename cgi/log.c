/*
 * The journal: one event, one line, one write(2).
 *
 * Each line is built whole in memory and escaped as a whole, so no caller can forget to escape, and
 * lines of several workers never mix.  There is no buffer: a worker that is killed has lost no
 * line.
 *
 * No payment waits for its line.  What nobody takes is lost and counted, in memory that all
 * processes of a service share: so whichever can write again tells of all.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error_stream.h"
#include "log.h"

/*
 * Longer lines are not read by people; one of this size still leaves in a single write to a pipe
 * (PIPE_BUF).
 */
#define LINE_MAX_BYTES 2048

/* A byte grows to four at most: \xNN. */
#define ESCAPED_BYTES 4

static enum log_level threshold = LOG_LEVEL_INFO;

/* Lines that were lost, and have neither been told of nor been added to the metrics. */
struct lost {
	_Atomic int64_t untold, uncounted;
};
static struct lost own_lost, *lost = &own_lost;
static struct metrics *metrics;

void
log_threshold(enum log_level level)
{
	threshold = level;
}

/* How many bytes form one printable character here; 0 when none do. */
static size_t
printable(const unsigned char *at)
{
	size_t more;

	if (*at < 0x80)
		return *at >= 0x20 && *at != 0x7F;

	/*
	 * C2 80 to C2 9F are the C1 controls, among them "next line"; C0, C1 and F5 up start
	 * nothing valid.
	 */
	if (*at == 0xC2)
		return at[1] >= 0xA0 && at[1] <= 0xBF ? 2 : 0;
	if (*at > 0xC2 && *at <= 0xDF)
		more = 1;
	else if (*at >= 0xE0 && *at <= 0xEF)
		more = 2;
	else if (*at >= 0xF0 && *at <= 0xF4)
		more = 3;
	else
		return 0;

	/* Overlong forms, surrogates and what lies beyond U+10FFFF are told by the second byte. */
	if ((*at == 0xE0 && at[1] < 0xA0) || (*at == 0xED && at[1] > 0x9F) ||
	    (*at == 0xF0 && at[1] < 0x90) || (*at == 0xF4 && at[1] > 0x8F))
		return 0;
	/* U+2028 and U+2029 end a line for some readers. */
	if (at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9))
		return 0;

	for (size_t i = 1; i <= more; i++)
		if ((at[i] & 0xC0) != 0x80)
			return 0;
	return more + 1;
}

/*
 * Copy text to out, escaped, as much as fits into size with the end; returns the length.  *cut
 * tells if it all fitted.
 */
static size_t
escape(char *out, size_t size, const char *text, const char *also, bool *cut)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t length = 0, width;

	while (*at != '\0' && length + ESCAPED_BYTES < size) {
		width = printable(at);
		if (width == 0) {
			length += (size_t)sprintf(out + length, "\\x%02x", *at++);
		} else if (width == 1 && strchr(also, *at) != NULL) {
			out[length++] = '\\';
			out[length++] = (char)*at++;
		} else {
			memcpy(out + length, at, width);
			length += width;
			at += width;
		}
	}
	out[length] = '\0';
	*cut = *at != '\0';
	return length;
}

const char *
log_text(char out[static LOG_TEXT], const char *outside)
{
	size_t length;
	bool cut;

	out[0] = '"';
	length = 1 +
	    escape(out + 1, LOG_TEXT - sizeof("\"...\""), outside != NULL ? outside : "", "\"\\",
		&cut);
	strcpy(out + length, cut ? "...\"" : "\"");
	return out;
}

/* What stands before a line: journald's priority, or a word for people. */
static const char *
prefix(enum log_level level)
{
	bool person = isatty(STDERR_FILENO) == 1;

	switch (level) {
	case LOG_LEVEL_DEBUG:
		return person ? "debug: " : "<7>";
	case LOG_LEVEL_INFO:
		return person ? "" : "<6>";
	case LOG_LEVEL_WARNING:
		return person ? "warning: " : "<4>";
	case LOG_LEVEL_ERROR:
		break;
	}
	return person ? "error: " : "<3>";
}

void
log_start_service(void)
{
	struct lost *shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	/* A log whose reader has gone must not end the service. */
	signal(SIGPIPE, SIG_IGN);
	if (shared != MAP_FAILED)
		lost = shared;
}

void
log_count_in(struct metrics *counted_in)
{
	metrics = counted_in;
}

void
log_tell_lost(void)
{
	int64_t lines = atomic_exchange(&lost->untold, 0);
	char line[100];

	if (lines == 0)
		return;
	snprintf(line, sizeof(line), "%s%" PRId64 " lines were lost: nobody read the log\n",
	    prefix(LOG_LEVEL_WARNING), lines);
	if (!error_stream_write(line, strlen(line)))
		atomic_fetch_add(&lost->untold, lines);
}

/* Write it, and account for what was lost: this line or earlier ones. */
static void
write_line(const char *line)
{
	log_tell_lost();
	if (!error_stream_write(line, strlen(line))) {
		atomic_fetch_add(&lost->untold, 1);
		atomic_fetch_add(&lost->uncounted, 1);
	}
	if (metrics != NULL && lost->uncounted != 0)
		metrics_log_lost(metrics, atomic_exchange(&lost->uncounted, 0));
}

void
log_event(enum log_level level, const char *format, ...)
{
	char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES + sizeof("warning: ...\n")];
	va_list arguments;
	size_t length;
	int wanted;
	bool cut;

	if (level < threshold)
		return;

	va_start(arguments, format);
	wanted = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (wanted < 0)
		return;

	strcpy(line, prefix(level));
	length = strlen(line);
	length += escape(line + length, LINE_MAX_BYTES, text, "", &cut);
	strcpy(line + length, cut || (size_t)wanted >= sizeof(text) ? "...\n" : "\n");
	write_line(line);
}
