#ifndef CONFIG_ENV_FILE_H
#define CONFIG_ENV_FILE_H

#include <jansson.h>
#include <stddef.h>

#include "base/fault.h"

/*
 * A file of NAME=value lines, in the format of systemd's EnvironmentFile= (systemd.exec(5)): # and
 * ; begin a comment line; a value may stand in single quotes, where everything is literal, or in
 * double quotes, where \ protects " \ $ and `; outside quotes \ protects any character; \ at a
 * line's end joins the next line.  What comes last for a name holds.
 *
 * So that the .env files of Python programs can be read too, which systemd would take otherwise: a
 * line may begin with "export ", white space may stand around the =, and a value outside quotes
 * ends before white space and a #.
 *
 * A line that is no assignment is passed over, as systemd does.
 */

/* Set name -> value in the JSON object `into`.  NEVER: a quote is not closed, or a value is not
 * UTF-8; why names the line and never the value. */
enum outcome envfile_parse(const char *text, size_t size, json_t *into, struct fault *why) MUST_USE;

/* The same from a file.  BROKEN: it cannot be read; errno says why. */
enum outcome envfile_read(const char *path, json_t *into, struct fault *why) MUST_USE;

/* A file's content in a new string with a NUL behind it that *size does not count; NULL, with
 * errno, when it cannot be read or is larger than ENVFILE_MAX. */
#define ENVFILE_MAX (1024 * 1024)
char *envfile_content(const char *path, size_t *size);

#endif
