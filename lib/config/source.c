/*
 * Lays the environment over the file of settings.  Both end in one JSON object, so that the rest of
 * the program does not care where a value came from; secrets may stand in files of their own, which
 * systemd can keep from everyone else.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/env_file.h"
#include "config/source.h"

void
source_warn(const struct source *source, const char *format, ...)
{
	va_list args;
	json_t *warning;

	va_start(args, format);
	warning = json_vsprintf(format, args);
	va_end(args);
	/* Only a path can be no UTF-8, and the variable's name stands before it. */
	if (warning == NULL)
		warning = json_string("A path in the settings is not UTF-8.");
	json_array_append_new(source->warnings, warning);
}

static void
read_file(struct source *source)
{
	const char *named = getenv("PAYMENT_SYNC_CONFIG");
	const char *path = named != NULL && named[0] != '\0' ? named : SOURCE_DEFAULT_FILE;
	struct fault why;

	switch (envfile_read(path, source->values, &why)) {
	case DONE:
		return;
	case BROKEN:
		/* Without a file all settings may well come from the environment. */
		if (errno == ENOENT) {
			source->absent = path == named ? named : NULL;
			return;
		}
		source_warn(source, "PAYMENT_SYNC_CONFIG: %s cannot be read: %s", path, why.text);
		return;
	default:
		source_warn(source, "PAYMENT_SYNC_CONFIG: %s, %s", path, why.text);
	}
}

/* Lay the environment over the file.  What is no UTF-8 can be no setting, only some other program's
 * variable. */
static void
read_environment(struct source *source)
{
	for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
		size_t name = strcspn(*entry, "=");
		json_t *value;

		if ((*entry)[name] == '\0')
			continue;
		/* An empty one hides nothing of the file's. */
		if ((*entry)[name + 1] == '\0' && json_object_getn(source->values, *entry, name))
			continue;
		value = json_string(*entry + name + 1);
		if (value == NULL)
			continue;
		json_object_setn_new(source->values, *entry, name, value);
	}
}

void
source_open(struct source *source, json_t *warnings)
{
	source->warnings = warnings;
	source->absent = NULL;
	source->values = json_object();
	read_file(source);
	read_environment(source);
}

void
source_close(struct source *source)
{
	json_decref(source->values);
}

const char *
source_value(const struct source *source, const char *name)
{
	const char *value = json_string_value(json_object_get(source->values, name));

	return value != NULL && value[0] != '\0' ? value : NULL;
}

bool
source_is_empty(const struct source *source, const char *name)
{
	const json_t *value = json_object_get(source->values, name);

	return json_is_string(value) && json_string_length(value) == 0;
}

/* The content of a secret's file; NULL, with errno, when it cannot be read, and NULL with errno 0
 * when it is empty. */
static char *
read_secret(const char *path)
{
	size_t size;
	char *content = envfile_content(path, &size);

	if (content == NULL)
		return NULL;
	while (size > 0 && strchr(" \t\r\n", content[size - 1]) != NULL)
		content[--size] = '\0';
	if (content[0] != '\0')
		return content;
	free(content);
	errno = 0;
	return NULL;
}

char *
source_secret(const struct source *source, const char *name, const char *credential)
{
	const char *value = source_value(source, name),
		   *directory = getenv("CREDENTIALS_DIRECTORY"), *path;
	char file_name[128], *secret, *file;

	if (value != NULL)
		return text_copy(value);
	snprintf(file_name, sizeof(file_name), "%s_FILE", name);
	if ((path = source_value(source, file_name)) != NULL) {
		secret = read_secret(path);
		if (secret == NULL && errno != 0)
			source_warn(
			    source, "%s: %s cannot be read: %s", file_name, path, strerror(errno));
		return secret;
	}
	if (directory == NULL || credential == NULL)
		return NULL;
	file = text_format("%s/%s", directory, credential);
	secret = read_secret(file);
	if (secret == NULL && errno != 0 && errno != ENOENT)
		source_warn(source, "%s: %s cannot be read: %s", name, file, strerror(errno));
	free(file);
	return secret;
}
