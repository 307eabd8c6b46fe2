/*
 * Parses NAME=value lines character by character, as systemd does: quotes, escapes and joined lines
 * make a line-wise parser wrong.  Errors name the line and never the value, which may be a secret.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/env_file.h"

#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* Where we are in the file, and the value as far as it is read. */
struct cursor {
	const char *at, *end;
	int line;
	FILE *value;
};

static int
peek(const struct cursor *cursor)
{
	return cursor->at < cursor->end ? (unsigned char)*cursor->at : EOF;
}

static int
next(struct cursor *cursor)
{
	int c = peek(cursor);

	if (c != EOF)
		cursor->at++;
	if (c == '\n')
		cursor->line++;
	return c;
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_blanks(struct cursor *cursor)
{
	while (is_blank(peek(cursor)))
		next(cursor);
}

static void
skip_line(struct cursor *cursor)
{
	int c;

	do
		c = next(cursor);
	while (c != EOF && c != '\n');
}

/* Behind a backslash: a line's end vanishes with it, whether or not a carriage return stands before
 * it. */
static bool
joins_lines(struct cursor *cursor)
{
	if (peek(cursor) == '\r' && cursor->at + 1 < cursor->end && cursor->at[1] == '\n')
		next(cursor);
	if (peek(cursor) != '\n')
		return false;
	next(cursor);
	return true;
}

/* The rest of a quoted part; false when it does not end. */
static bool
read_quoted(struct cursor *cursor, int quote)
{
	int c;

	while ((c = next(cursor)) != quote) {
		if (c == EOF)
			return false;
		if (c == '\\' && quote == '"') {
			if (joins_lines(cursor))
				continue;
			if (peek(cursor) != EOF && strchr("\"\\`$", peek(cursor)) != NULL)
				c = next(cursor);
		}
		fputc(c, cursor->value);
	}
	return true;
}

/* The part outside quotes, where a quote is a letter like others.  White space is held back until
 * something follows it. */
static void
read_bare(struct cursor *cursor)
{
	const char *blanks = NULL;
	int c;

	while ((c = peek(cursor)) != EOF && c != '\n') {
		if (is_blank(c)) {
			blanks = blanks != NULL ? blanks : cursor->at;
			next(cursor);
			continue;
		}
		if (c == '#' && is_blank((unsigned char)cursor->at[-1]))
			break;
		if (blanks != NULL)
			fwrite(blanks, 1, (size_t)(cursor->at - blanks), cursor->value);
		blanks = NULL;
		next(cursor);
		if (c == '\\' && joins_lines(cursor))
			continue;
		fputc(c == '\\' && peek(cursor) != EOF ? next(cursor) : c, cursor->value);
	}
}

/*
 * Any number of quoted parts, then perhaps one without quotes.  False when a quote is not closed.
 */
static bool
read_value(struct cursor *cursor)
{
	skip_blanks(cursor);
	while (peek(cursor) == '"' || peek(cursor) == '\'') {
		if (!read_quoted(cursor, next(cursor)))
			return false;
		skip_blanks(cursor);
	}
	read_bare(cursor);
	skip_line(cursor);
	return true;
}

/* A name and its =; NULL, and the line passed over, when this is no assignment. */
static char *
read_name(struct cursor *cursor)
{
	static const char export[] = "export";
	char *name;

	for (;;) {
		const char *begin = cursor->at;
		size_t length;

		while (peek(cursor) != EOF && strchr(NAME_LETTERS, peek(cursor)) != NULL &&
		    peek(cursor) != '\0')
			next(cursor);
		length = (size_t)(cursor->at - begin);
		name = text_part(begin, length);
		skip_blanks(cursor);
		if (peek(cursor) == '=' && length > 0 && (*begin < '0' || *begin > '9')) {
			next(cursor);
			return name;
		}
		/* "export" is a word of the shell only when a name follows it. */
		if (strcmp(name, export) != 0 || cursor->at == begin + length) {
			free(name);
			skip_line(cursor);
			return NULL;
		}
		free(name);
	}
}

/* Read one assignment's value and set it. */
static enum outcome
assign(struct cursor *cursor, const char *name, json_t *into, struct fault *why)
{
	int line = cursor->line;
	enum outcome out = DONE;
	json_t *json;
	char *value;
	size_t size;
	bool closed;

	cursor->value = memory_stream(&value, &size);
	closed = read_value(cursor);
	memory_stream_end(cursor->value);
	json = memchr(value, '\0', size) == NULL ? json_stringn(value, size) : NULL;
	if (!closed)
		out = fault_set(why, NEVER, "line %d: a quote is not closed", line);
	else if (json == NULL)
		out = fault_set(why, NEVER, "line %d: the value is not UTF-8 text", line);
	else
		json_object_set(into, name, json);
	json_decref(json);
	free(value);
	return out;
}

enum outcome
envfile_parse(const char *text, size_t size, json_t *into, struct fault *why)
{
	struct cursor cursor = { .at = text, .end = text + size, .line = 1 };
	enum outcome out = DONE;

	/* Some editors put a byte order mark at the beginning. */
	if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		cursor.at += 3;
	while (out == DONE && peek(&cursor) != EOF) {
		char *name;

		skip_blanks(&cursor);
		if (peek(&cursor) == '#' || peek(&cursor) == ';') {
			skip_line(&cursor);
			continue;
		}
		if ((name = read_name(&cursor)) == NULL)
			continue;
		out = assign(&cursor, name, into, why);
		free(name);
	}
	return out;
}

char *
envfile_content(const char *path, size_t *size)
{
	FILE *file = fopen(path, "re");
	char *content;
	bool failed;
	int error;

	if (file == NULL)
		return NULL;
	content = memory_allocate(ENVFILE_MAX + 1);
	errno = 0;
	*size = fread(content, 1, ENVFILE_MAX, file);
	failed = ferror(file) != 0 || (*size == ENVFILE_MAX && fgetc(file) != EOF);
	error = ferror(file) ? errno : EFBIG;
	fclose(file);
	content[*size] = '\0';
	if (!failed)
		return content;
	free(content);
	errno = error;
	return NULL;
}

enum outcome
envfile_read(const char *path, json_t *into, struct fault *why)
{
	size_t size;
	char *content = envfile_content(path, &size);
	enum outcome out;

	if (content == NULL)
		return fault_set(why, BROKEN, "%s", strerror(errno));
	out = envfile_parse(content, size, into, why);
	free(content);
	return out;
}
